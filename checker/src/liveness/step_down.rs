//! Does a leader that is cut from its quorum stop claiming to lead?
//!
//! It is an anomaly only if the plan sets a bound, and only by a node's own atomic answer: asked
//! after the bound had passed and answered while the cut was certainly in effect, with no moment
//! since the cut began in which the node may have had a quorum, or stood still. A claim in a log is
//! no claim of now, and an acknowledgement may have been on its way.

use super::bound::MILLI;
use super::isolation::{Spans, spans};
use crate::catalogue::DEPOSED_LEADER_LINGERS;
use crate::event::{Nanos, NodeId};
use crate::history::{FaultSpan, History};
use crate::leadership::evidence::Evidence;
use crate::leadership::{fact, timing};
use crate::observation::{Role, Source};
use crate::story::Shown;
use crate::verdict::{Anomaly, CheckResult};
use crate::words;

/// The most anomalies of this kind that are told.
const TOLD: usize = 10;

/// Adds leaders that went on too long, and how long the others took.
pub(super) fn judge(
    history: &History,
    faults: &[FaultSpan],
    evidence: &[Evidence],
    result: &mut CheckResult,
) {
    let cluster = Cluster { nodes: &history.header().nodes, faults, end: history.end() };
    let spans = spans(cluster.nodes, faults, cluster.end);
    let claims: Vec<Claim<'_>> =
        evidence.iter().filter_map(|seen| Claim::of(seen, &spans)).collect();
    let longest = claims.iter().map(|claim| claim.seen.since - claim.cut.0).max();
    if let Some(longest) = longest {
        let longest = longest as f64 / MILLI as f64;
        result.metrics.insert("claims-without-quorum-max-ms".to_owned(), longest);
    }
    timing::distribution(&mut result.metrics, "step-down", taken(evidence, &spans));
    let Some(bound) = history.header().plan.step_down_ms else { return };
    for claim in late(&cluster, evidence, bound).iter().take(TOLD) {
        result.anomaly(claim.anomaly(history, faults, bound.saturating_mul(MILLI)));
    }
}

/// The nodes, and what happened to them by some time.
pub(crate) struct Cluster<'a> {
    pub(crate) nodes: &'a [NodeId],
    pub(crate) faults: &'a [FaultSpan],
    pub(crate) end: Nanos,
}

/// The time from each cut to a claim that came too late, by a bound in milliseconds.
pub(crate) fn lingering(
    cluster: &Cluster<'_>,
    evidence: &[Evidence],
    bound: u64,
) -> Vec<(Nanos, Nanos)> {
    late(cluster, evidence, bound).iter().map(|claim| (claim.cut.0, claim.seen.time)).collect()
}

/// The first claim of each node and cut that came too late.
fn late<'a>(cluster: &Cluster<'_>, evidence: &'a [Evidence], bound: u64) -> Vec<Claim<'a>> {
    let spans = spans(cluster.nodes, cluster.faults, cluster.end);
    let claims = evidence.iter().filter_map(|seen| Claim::of(seen, &spans));
    let bound = bound.saturating_mul(MILLI);
    let mut late: Vec<Claim<'_>> =
        claims.filter(|claim| claim.seen.since - claim.cut.0 > bound).collect();
    // Of each node and cut the first is enough.
    late.sort_by_key(|claim| (claim.seen.node, claim.cut, claim.seen.index));
    late.dedup_by_key(|claim| (claim.seen.node, claim.cut));
    late
}

/// A claim to lead, made while the node was cut off.
struct Claim<'a> {
    seen: &'a Evidence,
    generation: u64,
    /// From when to when the node was cut off.
    cut: (Nanos, Nanos),
}

impl<'a> Claim<'a> {
    fn of(seen: &'a Evidence, spans: &Spans) -> Option<Self> {
        let generation = seen.proves_leading().filter(|_| seen.source == Source::Poll)?;
        let cut = covering(spans, seen.node, (seen.since, seen.time))?;
        Some(Self { seen, generation, cut })
    }

    fn anomaly(&self, history: &History, faults: &[FaultSpan], bound: Nanos) -> Anomaly {
        let Self { seen, generation, cut } = self;
        let node = seen.node;
        let lasted = words::lasting(seen.since - cut.0);
        Shown {
            class: DEPOSED_LEADER_LINGERS,
            headline: format!(
                "Deposed leader lingers: {node} claimed to lead generation {generation} at {}, \
                 {lasted} after it had been cut from its quorum",
                words::at(seen.since),
            ),
            facts: vec![fact(seen)],
            because: format!(
                "From {} on {node} could reach no majority; within {} it must have stopped \
                 claiming to lead.",
                words::at(cut.0),
                words::lasting(bound)
            ),
            likely_cause: None,
            witness: self.faults(history, faults).into_iter().chain([seen.index]).collect(),
            key: None,
            nodes: vec![node],
            generation: Some(*generation),
            window: (cut.0, seen.time),
            moment: seen.time,
        }
        .anomaly(history)
    }

    /// The begins of the faults that cut the node off: one that did so alone, or all that were in
    /// effect.
    fn faults(&self, history: &History, faults: &[FaultSpan]) -> Vec<u64> {
        let (from, to) = (self.cut.0, self.seen.time);
        let within = |span: &&FaultSpan| {
            span.is_effective()
                && span.effective.is_some_and(|(begin, end)| begin <= to && from <= end)
        };
        let alone = |span: &FaultSpan| {
            let alone = spans(&history.header().nodes, std::slice::from_ref(span), history.end());
            covering(&alone, self.seen.node, (from, to)).is_some()
        };
        let all: Vec<&FaultSpan> = faults.iter().filter(within).collect();
        match all.iter().find(|span| alone(span)) {
            Some(span) => vec![span.begin.0],
            None => all.iter().map(|span| span.begin.0).collect(),
        }
    }
}

/// The span of `node` that covers all from `since` to `time`.
fn covering(spans: &Spans, node: NodeId, (since, time): (Nanos, Nanos)) -> Option<(Nanos, Nanos)> {
    let spans = spans.get(&node)?;
    let begun = spans.partition_point(|(from, _)| *from <= since);
    let span = spans.get(begun.checked_sub(1)?)?;
    (time <= span.1).then_some(*span)
}

/// How long leaders took from the cut to the first word that they lead no more.
fn taken(evidence: &[Evidence], spans: &Spans) -> Vec<Nanos> {
    let own =
        |seen: &&Evidence| seen.grade.proves() && seen.role.is_some() && seen.source != Source::Ack;
    let mut taken = Vec::new();
    for (node, spans) in spans {
        let words = evidence.iter().filter(own).filter(|seen| seen.node == *node);
        let words: Vec<&Evidence> = words.collect();
        for (from, to) in spans {
            let before = words.partition_point(|seen| seen.time <= *from);
            let led =
                before.checked_sub(1).is_some_and(|last| words[last].role == Some(Role::Leader));
            let after = words[before..].iter().take_while(|seen| seen.time <= *to);
            let mut after = after.filter(|seen| seen.since >= *from);
            let gave_up = after.find(|seen| seen.role != Some(Role::Leader));
            taken.extend(gave_up.filter(|_| led).map(|seen| seen.time - from));
        }
    }
    taken
}
