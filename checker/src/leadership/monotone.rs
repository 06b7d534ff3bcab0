//! A node's generation never decreases: not between two polls, and not through a restart.
//!
//! Two observations are ordered only if the first had ended before the second began. A log line
//! may be read long after it was written, so the time of its reading bounds it from above only:
//! lines are ordered among themselves, by their place in the log, and before later answers.

use std::collections::BTreeMap;

use super::evidence::Evidence;
use super::{Found, fact};
use crate::catalogue::GENERATION_WENT_BACK;
use crate::cause;
use crate::event::NodeId;
use crate::history::History;
use crate::observation::{Role, Source};
use crate::story::Shown;
use crate::verdict::Anomaly;
use crate::words;

/// Adds the first step back of each node.
pub(super) fn judge(history: &History, evidence: &[Evidence], found: &mut Found) {
    let mut nodes: BTreeMap<NodeId, Vec<Evidence>> = BTreeMap::new();
    for seen in evidence.iter().filter(|seen| seen.grade.proves() && seen.generation.is_some()) {
        nodes.entry(seen.node).or_default().push(*seen);
    }
    let anomalies = nodes
        .values()
        .filter_map(|seen| {
            let steps = [step_back(seen), step_back_in_log(seen)];
            steps.into_iter().flatten().min_by_key(|(_, low)| low.index)
        })
        .map(|(high, low)| anomaly(history, &high, &low))
        .collect();
    found.add("a generation that went back", anomalies, Vec::new());
}

/// The highest generation seen so far that a later, lower one would contradict.
///
/// A line about following or standing may be written before the generation is on disk: a node that
/// is killed right then may come back below it and has broken no promise, for nobody else ever
/// heard of that generation. To have led one it must have kept it. So what such a line tells
/// counts within one life of the node only.
#[derive(Default)]
struct Highest {
    kept: Option<Evidence>,
    in_life: BTreeMap<u32, Evidence>,
}

impl Highest {
    fn add(&mut self, one: Evidence) {
        let higher = |known: &Evidence| known.generation < one.generation;
        let outlives = one.source != Source::Log || one.role == Some(Role::Leader);
        if outlives && self.kept.as_ref().is_none_or(higher) {
            self.kept = Some(one);
        }
        if let Some(life) = one.incarnation
            && self.in_life.get(&life).is_none_or(higher)
        {
            self.in_life.insert(life, one);
        }
    }

    /// What is higher than `low` and must not be.
    fn above(&self, low: &Evidence) -> Option<Evidence> {
        let in_life = low.incarnation.and_then(|life| self.in_life.get(&life));
        let known = self.kept.iter().chain(in_life);
        known.copied().find(|high| high.generation > low.generation)
    }
}

/// A high generation, then an answer that began later with a lower one.
fn step_back(seen: &[Evidence]) -> Option<(Evidence, Evidence)> {
    let mut ended = seen.to_vec();
    ended.sort_by_key(|one| (one.time, one.index));
    let mut began: Vec<Evidence> =
        seen.iter().filter(|one| one.source != Source::Log).copied().collect();
    began.sort_by_key(|one| (one.since, one.index));
    let mut before = ended.into_iter().peekable();
    let mut highest = Highest::default();
    for low in began {
        while let Some(one) = before.next_if(|one| one.time < low.since) {
            highest.add(one);
        }
        if let Some(high) = highest.above(&low) {
            return Some((high, low));
        }
    }
    None
}

/// A high generation, then a later line of the same log with a lower one.
fn step_back_in_log(seen: &[Evidence]) -> Option<(Evidence, Evidence)> {
    let mut highest = Highest::default();
    for one in seen.iter().filter(|one| one.source == Source::Log) {
        if let Some(high) = highest.above(one) {
            return Some((high, *one));
        }
        highest.add(*one);
    }
    None
}

fn anomaly(history: &History, high: &Evidence, low: &Evidence) -> Anomaly {
    let (node, old, new) = (high.node, high.generation, low.generation);
    let (old, new) = (old.unwrap_or_default(), new.unwrap_or_default());
    let window = (high.since.min(low.since), high.time.max(low.time));
    Shown {
        class: GENERATION_WENT_BACK,
        headline: format!(
            "Generation went back: {node} was in generation {old} at {} and in generation {new} at {}",
            words::at(high.time),
            words::at(low.time)
        ),
        facts: vec![fact(high), fact(low)],
        because: format!(
            "A node must never forget a generation: {node} had been in {old} and must not be in \
             {new} again."
        ),
        likely_cause: cause::forgot(history, node, (high.since, low.time)),
        witness: vec![high.index, low.index],
        key: None,
        nodes: vec![node],
        generation: Some(old),
        window,
    }
    .anomaly(history)
}
