//! What probes of a direction prove: whether it is as it was asked to be, or as ever. Also how many
//! probes that takes. Nothing is sent here.
//!
//! A share, such as of lost packets, is proven if the share that was found is one that comes up by
//! chance in all but one of ten thousand cases, and enough packets were sent that none at all would
//! not.

use std::collections::BTreeMap;
use std::time::Duration;

use fracas_checker::fault::{Cut, Measurement};

use super::flow::{QUEUE_MAX, transmission};
use super::meter::{Plan, Sample, Way};
use super::shaping::Shaping;

/// The logarithm of ten thousand: how unlikely a share may be before it is taken for a wrong one.
const DOUBT: f64 = 9.21;

/// The number of probes: what a delay needs at least, and what is sent for a small share at most.
const COUNT: (u32, u32) = (200, 2000);

/// The time between two probes: at least, and at most for one that jitter has to be seen in.
const EVERY: (Duration, Duration) = (Duration::from_micros(500), Duration::from_millis(10));

/// How much more that is for every direction that is probed at the same time.
const EVERY_EACH: Duration = Duration::from_micros(100);

/// The longest time that probes are sent for.
const SENDING_MAX: Duration = Duration::from_secs(4);

/// How long missing probes are waited for, besides the delay.
const PATIENCE: Duration = Duration::from_millis(100);

/// A direction that nothing shapes takes less than this.
const PROMPT: Duration = Duration::from_millis(2);

/// How much longer than asked half of the probes may take, and how much more for every second.
const TOLERANCE: (Duration, f64) = (Duration::from_millis(1), 0.05);

/// The part of the asked jitter that must be seen. Less than all of it is: packets keep their
/// order, so one that was to be quick waits for the slow one before it.
const SPREAD: f64 = 1.0 / 8.0;

/// The share of an asked bandwidth that must, and that may, be measured.
const RATE: (f64, f64) = (0.7, 1.15);

/// How many probes, how densely: as many as the smallest share needs to be told from none, no
/// faster than the narrowest link takes them, and seldom enough to see the jitter.
pub(super) fn plan(expected: &BTreeMap<Cut, Option<Shaping>>) -> Plan {
    let (mut count, mut every, mut longest) = (COUNT.0, EVERY.0, Duration::ZERO);
    for shaping in expected.values().flatten() {
        for share in [shaping.loss, shaping.duplicate, shaping.reorder] {
            if share > 0.0 && share < 1.0 {
                count = count.max(enough_for(share));
            }
        }
        every = every.max((shaping.jitter / 4).min(EVERY.1)).max(slowness(shaping) * 2);
        longest = longest.max(shaping.delay + shaping.jitter + slowness(shaping));
    }
    let directions = u32::try_from(expected.len()).unwrap_or(u32::MAX);
    let every = every.max(EVERY_EACH * directions).min(SENDING_MAX / count);
    // There and back, if both directions are shaped.
    Plan { count, every, patience: longest * 2 + PATIENCE }
}

/// How many packets must be sent so that none at all would be taken for a wrong share.
fn enough_for(share: f64) -> u32 {
    let needed = (1.1 * DOUBT / -(1.0 - share).ln()).ceil();
    (needed as u32).clamp(COUNT.0, COUNT.1)
}

/// How long a narrow link needs for one probe.
fn slowness(shaping: &Shaping) -> Duration {
    shaping.bandwidth.map_or(Duration::ZERO, |rate| transmission(Plan::FRAME, rate))
}

/// A direction that nothing shapes.
pub(super) fn as_ever((from, to): Cut, sample: &Sample) -> Measurement {
    let way = &sample.forth;
    let prompt = way.p50().is_some_and(|p50| p50 < PROMPT);
    Measurement {
        what: format!("probes {from}→{to}, as ever"),
        result: format!("{}; {}", timing(way), losses(sample)),
        holds: prompt && way.arrived == sample.sent && way.copies == 0,
    }
}

/// A shaped direction: one measurement for each thing that was asked.
pub(super) fn as_asked(
    (from, to): Cut,
    shaping: &Shaping,
    (sample, noise): (&Sample, Duration),
) -> Vec<Measurement> {
    let (way, steady) = (&sample.forth, without_early(shaping, &sample.forth));
    let say = |expected: String, result: String, holds| Measurement {
        what: format!("probes {from}→{to}, {expected}"),
        result,
        holds,
    };
    let percent = |share: f64| format!("{:.2} %", share * 100.0);
    let mut all = vec![say(
        format!("{:?} late", shaping.delay),
        format!(
            "{}; {}; there and back {}",
            timing(&steady),
            losses(sample),
            timing(&sample.round)
        ),
        on_time(shaping, &steady, noise),
    )];
    if !shaping.jitter.is_zero() {
        let spread = steady.quantile(0.95).zip(steady.quantile(0.05)).map(|(a, b)| a - b);
        let spread = spread.unwrap_or_default();
        let holds = spread >= shaping.jitter.mul_f64(SPREAD);
        all.push(say(format!("± {:?}", shaping.jitter), format!("p5 to p95 {spread:.1?}"), holds));
    }
    let early = way.arrived - steady.arrived;
    let shares = [
        ("lost", shaping.loss, sample.sent - way.arrived, sample.sent),
        ("doubled", shaping.duplicate, way.copies, way.arrived),
        ("reordered", shaping.reorder, early, way.arrived),
    ];
    for (name, asked, found, of) in shares.into_iter().filter(|(_, asked, ..)| *asked > 0.0) {
        let share = f64::from(found) / f64::from(of.max(1));
        let result = format!("{found} of {of}, {}", percent(share));
        all.push(say(format!("{} {name}", percent(asked)), result, likely(found, of, asked)));
    }
    all
}

/// Those that did not skip the delay. What took less than its least has skipped it, however late a
/// busy machine made it; how many did is judged as a share.
fn without_early(shaping: &Shaping, way: &Way) -> Way {
    let mut steady = way.clone();
    if shaping.reorder > 0.0 {
        steady.took.retain(|took| *took >= shaping.delay.saturating_sub(shaping.jitter));
        steady.arrived = u32::try_from(steady.took.len()).unwrap_or(u32::MAX);
    }
    steady
}

/// Whether none was too quick, and half of them no slower than they should be: on a narrow link
/// they queue behind what the nodes themselves send. A direction that loses or overtakes everything
/// has nothing to time.
fn on_time(shaping: &Shaping, way: &Way, noise: Duration) -> bool {
    let (Some(quickest), Some(p50)) = (way.quantile(0.0), way.p50()) else {
        return shaping.loss >= 1.0 || shaping.reorder >= 1.0;
    };
    let longest = shaping.delay + shaping.jitter + slowness(shaping);
    let queue = if shaping.bandwidth.is_some() { QUEUE_MAX } else { Duration::ZERO };
    let most = longest.mul_f64(1.0 + TOLERANCE.1) + TOLERANCE.0 + noise + queue;
    quickest >= shaping.delay.saturating_sub(shaping.jitter) && p50 <= most
}

/// The rate of a narrow direction.
pub(super) fn narrow((from, to): Cut, asked: u64, found: Option<f64>) -> Measurement {
    let share = found.map_or(0.0, |found| found / asked as f64);
    Measurement {
        what: format!("burst {from}→{to}, {asked} bit/s"),
        result: found.map_or("too little arrived".to_owned(), |found| format!("{found:.0} bit/s")),
        holds: (RATE.0..=RATE.1).contains(&share),
    }
}

/// Whether `found` of `of` come up by chance where each does with probability `asked`.
///
/// Chernoff's bound: the probability to find a share at least this far off, on this side, is at
/// most e to the power of −n·D, where D is the divergence of what was found from what was asked.
fn likely(found: u32, of: u32, asked: f64) -> bool {
    let share = f64::from(found) / f64::from(of.max(1));
    let part = |p: f64, q: f64| if p == 0.0 { 0.0 } else { p * (p / q).ln() };
    let divergence = part(share, asked) + part(1.0 - share, 1.0 - asked);
    of > 0 && f64::from(of) * divergence <= DOUBT
}

/// How long probes took.
fn timing(way: &Way) -> String {
    let quantile = |share| way.quantile(share).unwrap_or_default().as_secs_f64() * 1000.0;
    format!("p50 {:.3} ms, p99 {:.3} ms of {}", quantile(0.5), quantile(0.99), way.arrived)
}

/// What else happened to them.
fn losses(sample: &Sample) -> String {
    let way = &sample.forth;
    let lost = sample.sent - way.arrived;
    format!("{lost} of {} lost, {} copies, {} overtaken", sample.sent, way.copies, way.overtaken)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{COUNT, Shaping, Way, enough_for, likely, on_time, without_early};

    #[test]
    fn what_skips_a_delay_may_be_late_on_a_busy_machine() {
        let ms = Duration::from_millis;
        let shaping = Shaping { delay: ms(20), reorder: 0.25, ..Shaping::default() };
        let took = vec![ms(0), ms(11), ms(20), ms(21), ms(22)];
        let way = Way { arrived: 5, took, ..Way::default() };
        let steady = without_early(&shaping, &way);
        assert_eq!((steady.arrived, steady.quantile(0.0)), (3, Some(ms(20))));
        assert!(on_time(&shaping, &steady, Duration::ZERO));
        let none = Shaping { reorder: 0.0, ..shaping };
        assert!(
            !on_time(&none, &without_early(&none, &way), Duration::ZERO),
            "nothing may skip it"
        );
    }

    #[test]
    fn a_share_is_told_from_none_and_from_another() {
        for (found, expect) in [(0, false), (1, true), (10, true), (20, true), (30, false)] {
            assert_eq!(likely(found, 200, 0.05), expect, "{found} of 200");
        }
        assert!(!likely(0, 0, 0.5), "no packets prove nothing");
        assert!(likely(200, 200, 1.0) && !likely(199, 200, 1.0));
        for share in [0.01, 0.05, 0.3] {
            assert!(!likely(0, enough_for(share), share), "{share}");
        }
        assert_eq!(enough_for(0.5), COUNT.0);
        assert_eq!(enough_for(0.000_001), COUNT.1);
    }
}
