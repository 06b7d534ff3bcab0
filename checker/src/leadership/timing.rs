//! Leaders in numbers: which faults hit one, how long until the next, how long without a write.
//!
//! Numbers only; whether a budget was kept is judged in `liveness`. The time to a new leader ends
//! when one was *seen*, so it is an upper bound, as fine as polls and log lines are.

use std::collections::BTreeMap;

use super::evidence::{Evidence, changed};
use super::reigns::first_led;
use crate::event::{EventKind, Nanos, NodeId, Phase};
use crate::fault::Fault;
use crate::history::{FaultSpan, History};
use crate::observation::Source;
use crate::reach;

const MINUTE: f64 = 60e9;
const MILLI: f64 = 1e6;

/// Numbers by name.
pub(crate) type Metrics = BTreeMap<String, f64>;

/// Adds the numbers of elections, of leaders that were hit, and of times without writes.
pub(super) fn judge(history: &History, evidence: &[Evidence], metrics: &mut Metrics) {
    let led = first_led(evidence);
    let (from, to) = load(history);
    let minutes = to.saturating_sub(from) as f64 / MINUTE;
    let polls = history.others().iter().filter(
        |event| matches!(&event.kind, EventKind::Observe(seen) if seen.source == Source::Poll),
    );
    metrics.insert("elections".to_owned(), led.len() as f64);
    metrics.insert("polls".to_owned(), polls.count() as f64);
    if minutes > 0.0 {
        metrics.insert("elections-per-minute".to_owned(), led.len() as f64 / minutes);
        metrics.insert("elections-per-hour".to_owned(), led.len() as f64 / minutes * 60.0);
    }
    let faults = history.faults();
    let hits = hits(&history.header().nodes, &faults, evidence);
    metrics.insert("leader-hits".to_owned(), hits.len() as f64);
    distribution(metrics, "time-to-new-leader", waits(&hits, &led));
    distribution(metrics, "time-without-writes", outages(history, &faults));
}

/// The time in which clients asked: from the load to the stop.
pub(crate) fn load(history: &History) -> (Nanos, Nanos) {
    let from = history.phase(Phase::Load).unwrap_or(0);
    (from, history.phase(Phase::Stop).unwrap_or_else(|| history.end()))
}

/// Adds the least, the median, the 90th percentile and the greatest of some times.
pub(crate) fn distribution(metrics: &mut Metrics, name: &str, mut times: Vec<Nanos>) {
    times.sort_unstable();
    let Some(last) = times.len().checked_sub(1) else { return };
    // Nearest rank: the smallest time that at least this share of all does not exceed.
    let rank = |percent: usize| (times.len() * percent).div_ceil(100).saturating_sub(1);
    for (rank, place) in [("min", 0), ("median", rank(50)), ("p90", rank(90)), ("max", last)] {
        metrics.insert(format!("{name}-{rank}-ms"), times[place] as f64 / MILLI);
    }
}

/// A fault that stopped the leader, or cut it from the majority.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hit<'a> {
    pub(crate) span: &'a FaultSpan,
    pub(crate) leader: NodeId,
    pub(crate) generation: u64,
    /// The event that showed it to lead.
    pub(crate) index: u64,
}

/// The faults that hit the leader of the highest generation known when they began.
pub(crate) fn hits<'a>(
    nodes: &[NodeId],
    faults: &'a [FaultSpan],
    evidence: &[Evidence],
) -> Vec<Hit<'a>> {
    let mut leading: Vec<(Nanos, u64, NodeId, u64)> = evidence
        .iter()
        .filter_map(|seen| Some((seen.time, seen.proves_leading()?, seen.node, seen.index)))
        .collect();
    leading.sort_unstable();
    let mut leading = leading.into_iter().peekable();
    let (mut highest, mut hits) = (None, Vec::new());
    for span in faults {
        while let Some((_, generation, leader, index)) =
            leading.next_if(|led| led.0 <= span.begin.1)
        {
            highest = highest.max(Some((generation, leader, index)));
        }
        if let Some((generation, leader, index)) = highest
            && deposes(nodes, &span.fault, leader)
        {
            hits.push(Hit { span, leader, generation, index });
        }
    }
    hits
}

fn deposes(nodes: &[NodeId], fault: &Fault, leader: NodeId) -> bool {
    let majority = reach::majority(nodes, &[fault]);
    majority.is_some_and(|majority| !majority.contains(&leader)) || fault.down().contains(&leader)
}

/// How long after each hit a leader of a higher generation was seen.
fn waits(hits: &[Hit<'_>], led: &BTreeMap<u64, Evidence>) -> Vec<Nanos> {
    // No higher generation was led before the fault began, so the earliest of all higher counts.
    let mut earliest: BTreeMap<u64, Nanos> = BTreeMap::new();
    let mut least = Nanos::MAX;
    for (generation, first) in led.iter().rev() {
        least = least.min(first.time);
        earliest.insert(*generation, least);
    }
    let next = |hit: &Hit<'_>| {
        let (_, seen) = earliest.range(hit.generation.checked_add(1)?..).next()?;
        seen.checked_sub(hit.span.begin.1)
    };
    hits.iter().filter_map(next).collect()
}

/// For each fault the longest time without an acknowledged write that touched it.
fn outages(history: &History, faults: &[FaultSpan]) -> Vec<Nanos> {
    let (from, to) = load(history);
    let acknowledged = history.operations().iter().filter_map(changed).map(|(time, _)| time);
    let mut times: Vec<Nanos> = acknowledged.filter(|time| (from..=to).contains(time)).collect();
    if times.is_empty() {
        return Vec::new();
    }
    times.extend([from, to.max(from)]);
    times.sort_unstable();
    let gaps = Largest::of(times.windows(2).map(|pair| pair[1] - pair[0]).collect());
    let longest = |span: &FaultSpan| {
        let (begin, end) = span.window(to);
        // The gap that the fault began in, to the one that it ended in.
        let first = times.partition_point(|time| *time <= begin).saturating_sub(1);
        let last = times.partition_point(|time| *time < end);
        gaps.within(first, last)
    };
    faults.iter().filter_map(longest).collect()
}

/// Answers in O(log n) which number of a part of a list is the largest.
struct Largest {
    len: usize,
    /// A complete binary tree: the largest of `2n` and `2n + 1` is at `n`, the list at the end.
    tree: Vec<u64>,
}

impl Largest {
    fn of(list: Vec<u64>) -> Self {
        let len = list.len();
        let mut tree = vec![0; len];
        tree.extend(list);
        for place in (1..len).rev() {
            tree[place] = tree[2 * place].max(tree[2 * place + 1]);
        }
        Self { len, tree }
    }

    /// The largest from `first` to before `last`; none if there is nothing in between.
    fn within(&self, first: usize, last: usize) -> Option<u64> {
        let (mut low, mut high) = (first.min(self.len) + self.len, last.min(self.len) + self.len);
        let mut largest = None;
        while low < high {
            if low % 2 == 1 {
                largest = largest.max(Some(self.tree[low]));
                low += 1;
            }
            if high % 2 == 1 {
                high -= 1;
                largest = largest.max(Some(self.tree[high]));
            }
            (low, high) = (low / 2, high / 2);
        }
        largest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_of_every_part_is_found() {
        let list: Vec<u64> = vec![3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5];
        let all = Largest::of(list.clone());
        for first in 0..=list.len() {
            for last in first..=list.len() {
                assert_eq!(all.within(first, last), list[first..last].iter().max().copied());
            }
        }
        assert_eq!(Largest::of(Vec::new()).within(0, 3), None);
    }

    #[test]
    fn distributions_name_their_ranks() {
        let mut metrics = Metrics::new();
        distribution(&mut metrics, "none", Vec::new());
        assert!(metrics.is_empty());
        distribution(&mut metrics, "x", (1..=10).rev().map(|ms| ms * 1_000_000).collect());
        let values: Vec<(&str, f64)> = metrics.iter().map(|(k, v)| (k.as_str(), *v)).collect();
        let expect =
            [("x-max-ms", 10.0), ("x-median-ms", 5.0), ("x-min-ms", 1.0), ("x-p90-ms", 9.0)];
        assert_eq!(values, expect);
    }
}
