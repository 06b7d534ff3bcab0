//! A node's generation never decreases: not between two polls, and not through a restart. A node that
//! was removed and joins with an empty disk is another one.
//!
//! Two observations are ordered only if the first had ended before the second began. A log line
//! may be read long after it was written, so the time of its reading bounds it from above only:
//! lines are ordered among themselves, by their place in the log, and before later answers.

use std::collections::BTreeMap;

use super::evidence::{Evidence, Joins};
use super::findings::{Findings, fact};
use crate::catalogue::GENERATION_WENT_BACK;
use crate::cause;
use crate::event::{Nanos, NodeId};
use crate::history::History;
use crate::observation::{Role, Source};
use crate::story::Shown;
use crate::verdict::Anomaly;
use crate::words;

/// Adds the first step back of each node.
pub(super) fn judge(history: &History, evidence: &[Evidence], findings: &mut Findings) {
    let joins = Joins::of(history);
    let mut nodes: BTreeMap<(NodeId, usize), Steps> = BTreeMap::new();
    let mut back: BTreeMap<NodeId, (Evidence, Evidence)> = BTreeMap::new();
    for seen in evidence {
        if let Some(pair) = nodes.entry((seen.node, joins.before(seen))).or_default().add(seen) {
            back.entry(seen.node).or_insert(pair);
        }
    }
    let anomalies = back.values().map(|(high, low)| anomaly(history, high, low)).collect();
    findings.add("a generation that went back", anomalies, Vec::new());
}

/// The steps of one node, told in the order of events.
#[derive(Debug, Default)]
pub(crate) struct Steps {
    all: Highest,
    /// Of the lines of its log only.
    log: Highest,
}

impl Steps {
    /// Adds what was told next: a higher generation that it contradicts, and itself.
    pub(crate) fn add(&mut self, low: &Evidence) -> Option<(Evidence, Evidence)> {
        if !low.grade.proves() || low.generation.is_none() {
            return None;
        }
        let high = if low.source == Source::Log {
            let high = self.log.above(low, Nanos::MAX);
            self.log.add(low);
            high
        } else {
            // What had ended before the question was sent was told earlier than the answer.
            self.all.above(low, low.since)
        };
        self.all.add(low);
        high.map(|high| (high, *low))
    }

    /// How much memory it takes beyond its own size.
    pub(crate) fn bytes(&self) -> usize {
        self.all.bytes() + self.log.bytes()
    }
}

/// Every rise of the highest generation that a later, lower one would contradict.
///
/// A line about following or standing may be written before the generation is on disk: a node that
/// is killed right then may come back below it and has broken no promise, for nobody else ever
/// heard of that generation. To have led one, or given a vote in it, it must have kept it. So what
/// other lines tell counts within one life of the node only.
#[derive(Debug, Default)]
struct Highest {
    kept: Vec<Evidence>,
    in_life: BTreeMap<u32, Vec<Evidence>>,
}

impl Highest {
    fn add(&mut self, evidence: &Evidence) {
        let outlives = evidence.source != Source::Log
            || evidence.role == Some(Role::Leader)
            || evidence.voted.is_some();
        let kept = outlives.then_some(&mut self.kept);
        let in_life = evidence.incarnation.map(|life| self.in_life.entry(life).or_default());
        for rises in kept.into_iter().chain(in_life) {
            if rises.last().is_none_or(|known| known.generation < evidence.generation) {
                rises.push(*evidence);
            }
        }
    }

    /// What had ended before `time`, is higher than `low` and must not be.
    fn above(&self, low: &Evidence, time: Nanos) -> Option<Evidence> {
        let in_life = low.incarnation.and_then(|life| self.in_life.get(&life));
        [Some(&self.kept), in_life].into_iter().flatten().find_map(|rises| {
            let ended = rises.partition_point(|rise| rise.time < time);
            rises[..ended].last().filter(|high| high.generation > low.generation).copied()
        })
    }

    fn bytes(&self) -> usize {
        let lives = self.in_life.values().map(Vec::capacity);
        (self.kept.capacity() + lives.sum::<usize>()) * size_of::<Evidence>()
    }
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
        likely_cause: cause::forgot(history, high, low),
        witness: vec![high.index, low.index],
        key: None,
        nodes: vec![node],
        generation: Some(old),
        window,
        moment: low.time,
    }
    .anomaly(history)
}
