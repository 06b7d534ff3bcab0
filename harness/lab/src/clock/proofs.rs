//! Measures whether a node's wall clock is wrong as it was asked to be, or right again.

use fracas_checker::fault::{Measurement, Stage};
use std::time::Duration;

use super::super::NodeProcess;
use super::super::error::LabError;
use super::page::ClockPage;
use super::probe::{Compared, Reading, Sampling, by_kernel};
use super::setting::{Clock, Setting, seconds};

/// What a reading may be off beside the time it took, in nanoseconds.
const SLACK: i64 = 1_000;

/// A rate, or a step, is as asked if it is off by at most a tenth.
const TENTH: i64 = 10;

/// How a clock without a rate is sampled.
const FEW: Sampling = Sampling { count: 5, every: Duration::from_millis(1) };

/// How a rate is sampled: the longer, the smaller the rates that can be told from noise.
const RATE: Sampling = Sampling { count: 11, every: Duration::from_millis(10) };

/// A strobe is sampled so often, and so often per interval.
const STROBE_SAMPLES: u32 = 16;
const PER_FLIP: u32 = 5;

/// How well an offset against the harness's clock must be known, in nanoseconds: the readings are
/// made in two processes, one of which is started for it.
const SHIFT_WITHIN: i64 = 10_000_000_000;

/// How often a node is read again whose processes do not all have the clock: one may be just
/// about to get it.
const TRIES: u32 = 5;

/// Measures the clocks of these nodes.
///
/// Injected and held: the wall clock, read inside the node, is wrong as its page was asked to make
/// it. Healed: it is right. At every stage the monotonic clock is right, and every process of the
/// node has the page in its memory: all processes read the same time as the probe.
pub fn prove<'a>(
    nodes: impl IntoIterator<Item = &'a mut NodeProcess>,
    stage: Stage,
) -> Result<Vec<Measurement>, LabError> {
    let mut measurements = Vec::new();
    for node in nodes {
        measurements.extend(measure(node, stage)?);
    }
    Ok(measurements)
}

/// Measures the constant offset of a node's monotonic clock against that of this process, in
/// nanoseconds.
pub fn prove_shift(node: &mut NodeProcess, asked: i64) -> Result<Measurement, LabError> {
    let before = by_kernel(libc::CLOCK_MONOTONIC);
    let reading = node.read_clock(FEW)?;
    let after = by_kernel(libc::CLOCK_MONOTONIC);
    let told: Vec<i64> = reading.samples.iter().map(|sample| sample.monotonic.at).collect();
    let (Some(first), Some(last)) = (told.first(), told.last()) else {
        return Err(LabError::answer("read a node's clock", "no sample"));
    };
    let (least, most) = (last - after, first - before);
    Ok(Measurement {
        what: format!("monotonic clock of {} against the harness's", node.node()),
        result: format!(
            "{} s to {} s ahead (asked {} s)",
            seconds(least),
            seconds(most),
            seconds(asked)
        ),
        holds: (least..=most).contains(&asked) && most - least < SHIFT_WITHIN,
    })
}

/// Measures a step that is not brought about by a page, or the absence of one.
pub(super) fn step_by_library(
    node: &mut NodeProcess,
    stage: Stage,
    asked: Option<i64>,
) -> Result<Measurement, LabError> {
    let reading = node.read_clock(FEW)?;
    let walls: Vec<Compared> = reading.samples.iter().map(|sample| sample.wall).collect();
    let (result, holds) = match (stage, asked) {
        (Stage::Healed, _) => right(&walls),
        (_, nanos) => stepped(&walls, nanos.unwrap_or_default()),
    };
    let asked = seconds(asked.unwrap_or_default());
    let clock = format!("clock of {}", node.node());
    Ok(Measurement { what: clock, result: format!("{result} (asked {asked} s)"), holds })
}

/// Measures one node.
fn measure(node: &mut NodeProcess, stage: Stage) -> Result<[Measurement; 3], LabError> {
    let name = node.node();
    let Some(page) = node.clock_page().cloned() else {
        return Err(LabError::Asked(format!(
            "measure the clock of {name}: it has none of its own"
        )));
    };
    let (asked, setting) = (page.asked(), page.setting());
    let sampling = sampling(asked);
    let mut reading = node.read_clock(sampling)?;
    for _ in 1..TRIES {
        if reading.processes == reading.clocked {
            break;
        }
        reading = node.read_clock(sampling)?;
    }
    let walls: Vec<Compared> = reading.samples.iter().map(|sample| sample.wall).collect();
    let (result, holds) = match (stage, asked) {
        (Stage::Healed, Some(clock)) => (format!("still asked {clock}"), false),
        (Stage::Healed, None) => right(&walls),
        (_, Some(clock)) => wrong(&walls, &clock, &setting),
        (_, None) => (format!("{}, and nothing was asked", right(&walls).0), false),
    };
    let wall = Measurement { what: format!("clock of {name}"), result, holds };
    Ok([wall, monotonic(&reading, node), programs(&reading, node, &page)?])
}

/// How often a clock must be read to be known.
fn sampling(asked: Option<Clock>) -> Sampling {
    match asked {
        Some(Clock::Strobe { flip, .. }) => {
            Sampling { count: STROBE_SAMPLES, every: flip / PER_FLIP }
        }
        Some(Clock::Drift { .. } | Clock::Freeze) => RATE,
        Some(Clock::Step { .. }) | None => FEW,
    }
}

/// Whether a reading agrees with an expectation.
fn near(read: &Compared, expected: i64) -> bool {
    (read.ahead - expected).abs() <= read.width + SLACK
}

/// The sharpest of the readings, which stands for all in words.
fn sharpest(walls: &[Compared]) -> i64 {
    walls.iter().min_by_key(|read| read.width).map_or(0, |read| read.ahead)
}

/// A clock that must be right.
fn right(walls: &[Compared]) -> (String, bool) {
    let holds = !walls.is_empty() && walls.iter().all(|read| near(read, 0));
    (format!("{} s ahead", seconds(sharpest(walls))), holds)
}

/// A clock that must be wrong.
fn wrong(walls: &[Compared], clock: &Clock, setting: &Setting) -> (String, bool) {
    let (result, holds) = match *clock {
        Clock::Step { nanos } => stepped(walls, nanos),
        Clock::Drift { ppm } => drifted(walls, (ppm.into(), setting)),
        Clock::Freeze => drifted(walls, (-1_000_000, setting)),
        Clock::Strobe { nanos, .. } => strobed(walls, nanos),
    };
    (format!("{result} (asked {clock})"), holds)
}

/// Every reading is ahead by the step, and none took so long that it could say anything else.
fn stepped(walls: &[Compared], nanos: i64) -> (String, bool) {
    let sharp = |read: &Compared| read.width.saturating_mul(TENTH) <= nanos.abs();
    let holds = walls.iter().all(|read| near(read, nanos) && sharp(read));
    (format!("{} s ahead", seconds(sharpest(walls))), holds && !walls.is_empty())
}

/// The readings lie where the rate must have taken them since it began, and the rate between the
/// first and the last is as asked: where nothing has gathered yet, only the latter tells.
fn drifted(walls: &[Compared], (ppm, setting): (i64, &Setting)) -> (String, bool) {
    let (Some(first), Some(last)) = (walls.first(), walls.last()) else {
        return ("not read".into(), false);
    };
    let (ahead, span) = (last.ahead - first.ahead, (last.at - first.at).max(1));
    let rate = i128::from(ahead) * 1_000_000 / i128::from(span);
    let rate = i64::try_from(rate).unwrap_or(i64::MAX);
    let on_line = walls.iter().all(|read| near(read, setting.ahead(read.at)));
    let as_asked = (rate - ppm).abs().saturating_mul(TENTH) <= ppm.abs();
    (format!("{rate:+} ppm, {} s ahead", seconds(last.ahead)), on_line && as_asked)
}

/// Every reading is one of the two, and both were seen.
fn strobed(walls: &[Compared], nanos: i64) -> (String, bool) {
    let on = walls.iter().filter(|read| near(read, nanos)).count();
    let off = walls.iter().filter(|read| near(read, 0)).count();
    let flips = walls.windows(2).filter(|pair| near(&pair[0], nanos) != near(&pair[1], nanos));
    let result = format!("ahead in {on} readings, right in {off}, {} flips seen", flips.count());
    (result, on > 0 && off > 0 && on + off == walls.len())
}

/// The monotonic clock is never changed while a node runs: its waits rest on it.
fn monotonic(reading: &Reading, node: &NodeProcess) -> Measurement {
    let all: Vec<Compared> = reading.samples.iter().map(|sample| sample.monotonic).collect();
    let (result, holds) = right(&all);
    Measurement { what: format!("monotonic clock of {}", node.node()), result, holds }
}

/// All processes of the node have the page. A node without any is none.
fn programs(
    reading: &Reading,
    node: &NodeProcess,
    page: &ClockPage,
) -> Result<Measurement, LabError> {
    let (processes, clocked) = (reading.processes, reading.clocked);
    let tally = page.tally()?;
    let missed = match tally.missed {
        0 => String::new(),
        missed => format!(", {missed} programs missed: {}", tally.reason),
    };
    Ok(Measurement {
        what: format!("processes of {} with this clock", node.node()),
        result: format!("{clocked} of {processes}{missed}"),
        holds: processes > 0 && processes == clocked,
    })
}
