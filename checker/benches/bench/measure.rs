//! Measures one row: the time of several runs, or the most memory that one run took on top.

use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use fracas_checker::formats::jsonl;
use fracas_checker::guarantees::{Standing, broken_register};
use fracas_checker::linearizability::call::Call;
use fracas_checker::objects::Kind;
use fracas_checker::online::Watch;
use fracas_checker::{Algorithm, Budget, History, Status, judge_by};
use serde::{Deserialize, Serialize};

use super::rows::{How, Row};

/// How many runs are timed, if they do not take too long.
const RUNS: usize = 7;

/// After this no further run is begun.
const ENOUGH: Duration = Duration::from_millis(1_500);

/// How often a tiny row is judged within one run, so that a clock can see it.
const TINY_ROUNDS: u32 = 1_000;

/// The variable that shortens the time limit of every row: milliseconds.
pub(crate) const LIMIT: &str = "FRACAS_BENCH_LIMIT_MS";

/// The memory that a search may use.
const BYTES: usize = 1 << 30;

/// What is measured in one process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Time,
    Memory,
}

impl Phase {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Time => "time",
            Self::Memory => "memory",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        [Self::Time, Self::Memory].into_iter().find(|phase| phase.name() == name)
    }
}

/// What was measured of a row.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Measured {
    /// `pass`, `anomaly` or `inconclusive`, or why it was not judged at all. The worst of all seeds.
    pub(crate) verdict: String,
    /// Why it is inconclusive: how far it came.
    pub(crate) reason: Option<String>,
    /// How many seeds were decided, of how many.
    pub(crate) decided: (usize, usize),
    /// Whether a wrong answer was planted, where one was asked for.
    pub(crate) planted: bool,
    /// The time of each run, in seconds, the fastest first.
    pub(crate) seconds: Vec<f64>,
    /// The most memory that a run took on top of the history.
    pub(crate) bytes: Option<u64>,
}

impl Measured {
    pub(crate) fn is_decided(&self) -> bool {
        matches!(self.verdict.as_str(), "pass" | "anomaly")
    }

    /// Whether the verdict is not what was drawn.
    pub(crate) fn is_wrong(&self, row: &Row) -> bool {
        let expected = if row.shape.planted && self.planted { "anomaly" } else { "pass" };
        self.is_decided() && self.verdict != expected
    }

    pub(crate) fn fastest(&self) -> Option<f64> {
        self.seconds.first().copied()
    }

    pub(crate) fn median(&self) -> Option<f64> {
        self.seconds.get(self.seconds.len() / 2).copied()
    }
}

/// The least of this row that tells what it is for: `phase`, over all its seeds.
pub(crate) fn measure(row: &Row, phase: Phase) -> Measured {
    let Some(check) = row.check() else {
        let verdict = "not judged by this version".to_owned();
        return Measured { verdict, ..Measured::default() };
    };
    let mut all = Measured::default();
    for seed in 1..=row.seeds {
        let mut row = *row;
        row.shape.seed = seed;
        let measured = match row.how {
            How::File => from_file(&row, check, phase),
            _ => from_memory(&row, check, phase),
        };
        all.take(measured);
    }
    all.seconds.sort_by(f64::total_cmp);
    all
}

impl Measured {
    /// Adds what was found with another seed.
    fn take(&mut self, other: Self) {
        self.decided.0 += usize::from(other.is_decided());
        self.decided.1 += 1;
        if self.verdict.is_empty() || !other.is_decided() {
            (self.verdict, self.reason) = (other.verdict, other.reason);
        }
        self.planted |= other.planted;
        self.seconds.extend(other.seconds);
        self.bytes = self.bytes.max(other.bytes);
    }
}

fn from_memory(row: &Row, check: &'static Kind, phase: Phase) -> Measured {
    let drawn = row.shape.draw();
    let planted = drawn.planted.is_some();
    let history = row.shape.history_of(drawn, &[check.id]);
    if row.how == How::Watch {
        // Made when they are asked for; a watch is handed them as they happen.
        let _ = history.events().len();
    }
    let judge = || match row.how {
        How::Decide => (decided(&history, check, row), None),
        How::Guarantees => (guarantees(&history), None),
        How::Watch => watched(&history, check),
        How::By(algorithm) => judged(&history, check, row, algorithm),
        How::Check | How::File => judged(&history, check, row, Algorithm::Auto),
    };
    Measured { planted, ..run(row, phase, judge) }
}

fn judged(
    history: &History,
    kind: &Kind,
    row: &Row,
    algorithm: Algorithm,
) -> (Status, Option<String>) {
    let end = Instant::now() + limit(row);
    let expired = || Instant::now() > end;
    let verdict = judge_by(history, &[kind.id], algorithm, Budget::new(BYTES, &expired));
    let reason = verdict.checks.iter().flat_map(|check| check.reasons.first()).next();
    (verdict.status, reason.cloned())
}

/// Decides and says no more.
fn decided(history: &History, kind: &Kind, row: &Row) -> Status {
    let end = Instant::now() + limit(row);
    let expired = || Instant::now() > end;
    let budget = Budget::new(BYTES, &expired);
    let decide = |calls: &Vec<Call<'_>>| match kind.is_linearizable(calls, Algorithm::Auto, &budget)
    {
        Some(true) => Status::Pass,
        Some(false) => Status::Anomaly,
        None => Status::Inconclusive,
    };
    let operations = history.operations();
    let objects = history.objects().iter().map(|object| {
        let mut calls = Vec::with_capacity(object.places.len());
        let all = object.places.iter().filter_map(|at| Call::of(&operations[*at as usize]));
        calls.extend(all.filter(|call| kind.serves.contains(&call.op.kind())));
        calls
    });
    objects.map(|calls| decide(&calls)).max().unwrap_or_default()
}

/// Feeds a watch with all events.
fn watched(history: &History, kind: &Kind) -> (Status, Option<String>) {
    let mut watch = Watch::new(&[kind.id]);
    for event in history.events() {
        watch.feed(event);
    }
    let alarm = watch.settle().is_some();
    match watch.blind().into_iter().next() {
        _ if alarm => (Status::Anomaly, None),
        Some(blind) => (Status::Inconclusive, Some(format!("{blind:?}"))),
        None => (Status::Pass, None),
    }
}

/// Finds out what is broken besides, as if the history were not linearizable.
fn guarantees(history: &History) -> Status {
    let key = history.operations().first().and_then(|operation| operation.op.key());
    let told = broken_register(history, key, history.end());
    // The first is linearizability, which is taken for broken.
    let broken = told[1..].iter().any(|guarantee| guarantee.standing == Standing::Broken);
    if broken { Status::Anomaly } else { Status::Pass }
}

fn limit(row: &Row) -> Duration {
    let shorter = std::env::var(LIMIT).ok().and_then(|limit| limit.parse().ok());
    shorter.map_or(row.limit, |limit| row.limit.min(Duration::from_millis(limit)))
}

/// Writes the history to a file, and measures from opening it to the verdict.
fn from_file(row: &Row, check: &'static Kind, phase: Phase) -> Measured {
    let path = std::env::temp_dir().join(format!("fracas-bench-{}.jsonl", std::process::id()));
    let file = Temporary(path);
    let written = File::create(&file.0).map(BufWriter::new).and_then(|mut out| {
        row.shape.write(&[check.id], &mut out)?;
        out.flush()
    });
    if let Err(error) = written {
        let verdict = format!("no file: {error}");
        return Measured { verdict, ..Measured::default() };
    }
    let judge = || match File::open(&file.0).map(|file| jsonl::read(BufReader::new(file))) {
        Ok(Ok((history, _))) => judged(&history, check, row, Algorithm::Auto),
        Ok(Err(_)) | Err(_) => (Status::Inconclusive, Some("the file cannot be read".to_owned())),
    };
    Measured { planted: row.shape.planted, ..run(row, phase, judge) }
}

/// A file that is gone when this is.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        // A file that is left behind is the system's to clear away.
        let _ = std::fs::remove_file(&self.0);
    }
}

fn run(row: &Row, phase: Phase, judge: impl Fn() -> (Status, Option<String>)) -> Measured {
    let mut measured = Measured::default();
    if phase == Phase::Memory {
        let before = memory::resident();
        memory::forget_peak();
        measured.verdict = judge().0.to_string();
        measured.bytes =
            memory::peak().zip(before).map(|(peak, before)| peak.saturating_sub(before));
        return measured;
    }
    let began = Instant::now();
    for _ in 0..if row.seeds > 1 { 1 } else { RUNS } {
        let rounds = if row.is_tiny() { TINY_ROUNDS } else { 1 };
        let now = Instant::now();
        for _ in 0..rounds {
            let (status, reason) = judge();
            (measured.verdict, measured.reason) = (status.to_string(), reason);
        }
        measured.seconds.push(now.elapsed().as_secs_f64() / f64::from(rounds));
        if began.elapsed() > ENOUGH || !measured.is_decided() {
            break;
        }
    }
    measured.seconds.sort_by(f64::total_cmp);
    measured
}

/// What the kernel tells of the memory of this process.
mod memory {
    /// How much is resident now, in bytes.
    pub(super) fn resident() -> Option<u64> {
        field("VmRSS:")
    }

    /// The most that was resident since [`forget_peak`], in bytes.
    pub(super) fn peak() -> Option<u64> {
        field("VmHWM:")
    }

    /// Begins to look for the peak anew.
    pub(super) fn forget_peak() {
        // Where this is not allowed the peak is that of the whole process: too much, never too little.
        let _ = std::fs::write("/proc/self/clear_refs", "5");
    }

    fn field(name: &str) -> Option<u64> {
        let status = std::fs::read_to_string("/proc/self/status").ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().trim_end_matches(" kB").parse::<u64>().ok().map(|kib| kib * 1024)
    }
}
