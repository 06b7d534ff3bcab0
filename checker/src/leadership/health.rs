//! Is the leadership calm? Numbers, and suspicions where they pass a threshold.
//!
//! Nothing here proves anything: a cluster that elects all day may be correct, and a harness that
//! strikes every second may be to blame. Thresholds are rates that healthy clusters stay far below.

use std::collections::BTreeMap;

use super::acks::late;
use super::evidence::Evidence;
use super::reigns::first_led;
use super::timing::{Metrics, load};
use crate::event::{Nanos, NodeId, Phase};
use crate::history::{History, Operation};

const SECOND: Nanos = 1_000_000_000;
const MINUTE: Nanos = 60 * SECOND;
const HOUR: Nanos = 60 * MINUTE;

/// More new generations than this within a minute are suspicious.
const GENERATIONS_PER_MINUTE: usize = 10;

/// A larger share of answers than this under a generation that was over is suspicious …
const STALE_PERCENT: usize = 1;

/// … if there were this many: of fewer, one is more than such a share.
const ENOUGH: usize = 100;

/// How long after a fault its elections are put down to it.
const SETTLE: Nanos = 10 * SECOND;

/// Adds what is odd about how often leaders change, and the numbers.
pub(super) fn judge(
    history: &History,
    evidence: &[Evidence],
    metrics: &mut Metrics,
) -> Vec<String> {
    let led = first_led(evidence);
    inflation(&led, metrics);
    metrics.insert("flaps".to_owned(), flaps(&led) as f64);
    let suspicions = [
        rush(history, evidence, &led, metrics),
        unprovoked(history, &led, metrics),
        stale(history, metrics),
    ];
    suspicions.into_iter().flatten().collect()
}

/// How many generations were passed over between two that were led.
fn inflation(led: &BTreeMap<u64, Evidence>, metrics: &mut Metrics) {
    let generations: Vec<u64> = led.keys().copied().collect();
    let jumps = generations.windows(2).map(|pair| pair[1] - pair[0] - 1);
    let (sum, longest) = (jumps.clone().fold(0, u64::saturating_add), jumps.max().unwrap_or(0));
    metrics.insert("generations-jumped".to_owned(), sum as f64);
    metrics.insert("generations-jumped-at-once".to_owned(), longest as f64);
}

/// How many times a leader was back within a minute, after another had led in between.
fn flaps(led: &BTreeMap<u64, Evidence>) -> usize {
    let reigns: Vec<(NodeId, Nanos)> = led.values().map(|seen| (seen.node, seen.time)).collect();
    let back = |reigns: &&[(NodeId, Nanos)]| {
        let [(first, from), (second, _), (third, to)] = reigns else { return false };
        first == third && first != second && to.saturating_sub(*from) <= MINUTE
    };
    reigns.windows(3).filter(back).count()
}

/// Too many new generations within a minute.
fn rush(
    history: &History,
    evidence: &[Evidence],
    led: &BTreeMap<u64, Evidence>,
    metrics: &mut Metrics,
) -> Option<String> {
    let mut first: BTreeMap<u64, Nanos> = BTreeMap::new();
    for seen in evidence.iter().filter(|seen| seen.grade.proves()) {
        if let Some(generation) = seen.generation {
            let known = first.entry(generation).or_insert(seen.time);
            *known = (*known).min(seen.time);
        }
    }
    metrics.insert("generations-seen".to_owned(), first.len() as f64);
    let never_led = first.keys().filter(|generation| !led.contains_key(generation)).count();
    metrics.insert("generations-never-led".to_owned(), never_led as f64);
    let (from, to) = load(history);
    let mut times: Vec<Nanos> =
        first.into_values().filter(|time| (from..=to).contains(time)).collect();
    times.sort_unstable();
    let most = within_a_minute(&times);
    metrics.insert("generations-per-minute-max".to_owned(), most as f64);
    (most > GENERATIONS_PER_MINUTE).then(|| {
        format!(
            "{most} new generations within one minute, more than {GENERATIONS_PER_MINUTE}: \
             a typical cause: elections that depose each other"
        )
    })
}

/// The most of these times, in order, within one minute.
fn within_a_minute(times: &[Nanos]) -> usize {
    let (mut first, mut most) = (0, 0);
    for (last, time) in times.iter().enumerate() {
        while time - times[first] >= MINUTE {
            first += 1;
        }
        most = most.max(last + 1 - first);
    }
    most
}

/// Elections that no fault explains. Without a load it is not known when the cluster was whole.
fn unprovoked(
    history: &History,
    led: &BTreeMap<u64, Evidence>,
    metrics: &mut Metrics,
) -> Option<String> {
    history.phase(Phase::Load)?;
    let (from, to) = load(history);
    let troubled = troubled(history, (from, to));
    let trouble: Nanos = troubled.iter().map(|(begin, end)| end - begin).sum();
    let hours = to.saturating_sub(from).saturating_sub(trouble) as f64 / HOUR as f64;
    let quiet = |seen: &&Evidence| {
        let next = troubled.partition_point(|(_, end)| *end < seen.since);
        seen.since >= from
            && seen.time <= to
            && troubled.get(next).is_none_or(|(begin, _)| *begin > seen.time)
    };
    let elections = led.values().filter(quiet).count();
    metrics.insert("elections-without-fault".to_owned(), elections as f64);
    (elections as f64 > hours.max(1.0)).then(|| {
        format!(
            "{elections} elections in {:.0} s without any fault, more than one per hour: a typical \
             cause: leaders that lose their followers without a fault",
            hours * 3_600.0
        )
    })
}

/// The times in which a fault may have caused an election, in order, none touching another.
fn troubled(history: &History, (from, to): (Nanos, Nanos)) -> Vec<(Nanos, Nanos)> {
    let mut all: Vec<(Nanos, Nanos)> = Vec::new();
    for span in history.faults() {
        let (begin, end) = span.window(history.end());
        let (begin, end) = (begin.max(from), end.saturating_add(SETTLE).min(to));
        match all.last_mut() {
            _ if begin > end => {}
            Some(last) if begin <= last.1 => last.1 = last.1.max(end),
            _ => all.push((begin, end)),
        }
    }
    all
}

/// Answers under a generation that was over when they were asked for.
fn stale(history: &History, metrics: &mut Metrics) -> Option<String> {
    let stamped = |operation: &&Operation| {
        operation.ok().is_some_and(|(_, _, stamp)| stamp.generation().is_some())
    };
    let all = history.operations().iter().filter(stamped).count();
    let stale = late(history.operations()).len();
    if all > 0 {
        metrics.insert("stale-answers-percent".to_owned(), stale as f64 * 100.0 / all as f64);
    }
    (all >= ENOUGH && stale * 100 > all * STALE_PERCENT).then(|| {
        format!(
            "{stale} of {all} answers came from a generation that was over, more than \
             {STALE_PERCENT} %: a typical cause: clients or leaders that learn late of a change"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(seconds: &[u64], expect: usize) {
        let times: Vec<Nanos> = seconds.iter().map(|second| second * SECOND).collect();
        assert_eq!(within_a_minute(&times), expect);
    }

    #[test]
    fn a_minute_is_counted_wherever_it_begins() {
        check(&[], 0);
        check(&[5], 1);
        check(&[0, 60, 120], 1);
        check(&[0, 59, 100, 110, 118, 119], 4);
        check(&[0, 59, 100, 110, 117, 118], 5);
    }
}
