//! Elections in numbers: how many, how often, and how long a cluster was without a leader.
//!
//! Numbers only; no promise is judged here.

use std::collections::BTreeMap;

use super::evidence::Evidence;
use super::reigns::first_led;
use crate::event::{EventKind, Nanos, Phase};
use crate::fault::Fault;
use crate::history::{FaultSpan, History};
use crate::observation::Source;
use crate::reach;

const MINUTE: f64 = 60e9;
const MILLI: f64 = 1e6;

/// The numbers of the leadership check, by name.
pub(super) fn metrics(history: &History, evidence: &[Evidence]) -> BTreeMap<String, f64> {
    let led = first_led(evidence);
    let generations: Vec<u64> = led.keys().copied().collect();
    let jumped: u64 = generations.windows(2).map(|pair| pair[1] - pair[0] - 1).sum();
    let from = history.phase(Phase::Load).unwrap_or(0);
    let to = history.phase(Phase::Stop).unwrap_or_else(|| history.end());
    let minutes = to.saturating_sub(from) as f64 / MINUTE;
    let polls = history.events().iter().filter(
        |event| matches!(&event.kind, EventKind::Observe(seen) if seen.source == Source::Poll),
    );
    let mut metrics = BTreeMap::from([
        ("elections".to_owned(), led.len() as f64),
        ("generations-jumped".to_owned(), jumped as f64),
        ("polls".to_owned(), polls.count() as f64),
    ]);
    if minutes > 0.0 {
        metrics.insert("elections-per-minute".to_owned(), led.len() as f64 / minutes);
    }
    waits(history, evidence, &led, &mut metrics);
    metrics
}

/// How long it took to see a new leader after a fault had hit the old one.
fn waits(
    history: &History,
    evidence: &[Evidence],
    led: &BTreeMap<u64, Nanos>,
    metrics: &mut BTreeMap<String, f64>,
) {
    let mut waits = Vec::new();
    let mut hits = 0_u32;
    for span in history.faults() {
        let Some(old) = deposed(history, &span, evidence) else { continue };
        hits += 1;
        let begin = span.begin.1;
        let above = led.range(old + 1..).map(|(_, first)| *first);
        waits.extend(above.filter(|first| *first > begin).map(|first| first - begin).min());
    }
    waits.sort_unstable();
    metrics.insert("leader-hits".to_owned(), f64::from(hits));
    if let (Some(longest), Some(median)) = (waits.last(), waits.get(waits.len() / 2)) {
        metrics.insert("time-to-new-leader-max-ms".to_owned(), *longest as f64 / MILLI);
        metrics.insert("time-to-new-leader-median-ms".to_owned(), *median as f64 / MILLI);
    }
}

/// The generation whose leader `span` stopped or cut from the majority, if it did.
fn deposed(history: &History, span: &FaultSpan, evidence: &[Evidence]) -> Option<u64> {
    let before = evidence.iter().filter(|seen| seen.time <= span.begin.1);
    let leading = before.filter_map(|seen| Some((seen.proves_leading()?, seen.node)));
    let (generation, leader) = leading.max_by_key(|(generation, _)| *generation)?;
    let hit = match &span.fault {
        Fault::Pause { nodes } | Fault::Kill { nodes } => nodes.contains(&leader),
        fault @ Fault::Partition { .. } => {
            let majority = reach::majority(&history.header().nodes, &[fault]);
            majority.is_some_and(|majority| !majority.contains(&leader))
        }
    };
    hit.then_some(generation)
}
