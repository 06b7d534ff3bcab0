//! When was a node provably without a quorum?
//!
//! Only faults that were proven count, and only while they were certainly in effect. A node counts
//! as connected to all that it can reach and be reached by, through whomever: a ring of one-way
//! links still lets requests and answers pass. If those are no majority of all nodes, it can have
//! had no quorum, whatever its protocol.
//!
//! While a node itself was stopped or down, proven or not, its time did not run: that part ends
//! one span and the next begins anew. So it is where one process of a node was: it may be the one
//! that had to notice.

use std::collections::{BTreeMap, BTreeSet};

use crate::event::{Nanos, NodeId};
use crate::fault::Fault;
use crate::history::FaultSpan;

/// From when to when a node was cut off.
pub(super) type Spans = BTreeMap<NodeId, Vec<(Nanos, Nanos)>>;

/// The spans of every node, in order of time; none touches the next. A fault that never ended lasts
/// to `end`.
pub(super) fn spans(nodes: &[NodeId], faults: &[FaultSpan], end: Nanos) -> Spans {
    let mut changes = changes(faults, end);
    changes.sort_by_key(|(time, ..)| *time);
    let mut now = Now::default();
    let (mut spans, mut open): (Spans, BTreeMap<NodeId, Nanos>) = Default::default();
    for together in changes.chunk_by(|change, next| change.0 == next.0) {
        let time = together[0].0;
        together.iter().for_each(|(_, change)| now.take(change));
        let cut = now.cut_off(nodes);
        for node in nodes {
            match (open.contains_key(node), cut.contains(node)) {
                (false, true) => drop(open.insert(*node, time)),
                (true, false) => {
                    let from = open.remove(node).unwrap_or(time);
                    spans.entry(*node).or_default().push((from, time));
                }
                _ => {}
            }
        }
    }
    spans
}

/// Something that begins or ends.
enum Change<'a> {
    /// A proven fault comes into effect, or may be over.
    Effect(&'a FaultSpan, bool),
    /// Nodes are about to be stopped or removed, or go on as members.
    Stopped(Vec<NodeId>, bool),
}

fn changes(faults: &[FaultSpan], end: Nanos) -> Vec<(Nanos, Change<'_>)> {
    let mut changes = Vec::new();
    for span in faults {
        let (begin, healed) = span.window(end);
        // While it is proven that a node is no member it has no quorum, though it runs.
        let proven = span.effective.filter(|_| span.is_effective());
        let removed = span.fault.removed();
        let (mut still, mut leaves) =
            ([span.fault.down(), span.fault.down_in_part()].concat(), Vec::new());
        if proven.is_some() {
            (leaves, still) = still.into_iter().partition(|node| removed.contains(node));
        }
        let stopped = |nodes: &Vec<NodeId>, begins| Change::Stopped(nodes.clone(), begins);
        changes.push((begin, stopped(&still, true)));
        changes.push((healed.max(begin), stopped(&still, false)));
        if let Some((from, to)) = proven {
            // What it is before the first measurement and after the last is not known.
            changes.extend([(begin, stopped(&leaves, true)), (from, stopped(&leaves, false))]);
            changes
                .extend([(to, stopped(&leaves, true)), (healed.max(to), stopped(&leaves, false))]);
        }
        if let Some((from, to)) = span.effective.filter(|_| span.is_effective()) {
            changes.push((from, Change::Effect(span, true)));
            changes.push((to, Change::Effect(span, false)));
        }
    }
    changes
}

/// What is in effect at the moment.
#[derive(Default)]
struct Now<'a> {
    faults: BTreeMap<u32, &'a Fault>,
    /// How many faults stop each node.
    stopped: BTreeMap<NodeId, i32>,
}

impl<'a> Now<'a> {
    fn take(&mut self, change: &Change<'a>) {
        match change {
            Change::Effect(span, true) => drop(self.faults.insert(span.id, &span.fault)),
            Change::Effect(span, false) => drop(self.faults.remove(&span.id)),
            Change::Stopped(nodes, begins) => {
                for node in nodes {
                    *self.stopped.entry(*node).or_default() += if *begins { 1 } else { -1 };
                }
            }
        }
    }

    /// The nodes that run, and have no majority to talk to.
    fn cut_off(&self, nodes: &[NodeId]) -> BTreeSet<NodeId> {
        let down: BTreeSet<NodeId> = self.faults.values().flat_map(|fault| fault.down()).collect();
        let removed = self.faults.values().flat_map(|fault| fault.removed());
        let alone = removed.filter(|node| self.runs(node));
        let cut: BTreeSet<(NodeId, NodeId)> =
            self.faults.values().flat_map(|fault| fault.cut()).collect();
        let up: Vec<NodeId> = nodes.iter().filter(|node| !down.contains(node)).copied().collect();
        let meets = |node: NodeId| {
            let there = reached(&up, node, |from, to| !cut.contains(&(from, to)));
            let back = reached(&up, node, |from, to| !cut.contains(&(to, from)));
            there.intersection(&back).count()
        };
        let lonely = |node: &NodeId| self.runs(node) && 2 * meets(*node) <= nodes.len();
        up.iter().filter(|node| lonely(node)).copied().chain(alone).collect()
    }

    fn runs(&self, node: &NodeId) -> bool {
        self.stopped.get(node).is_none_or(|stopped| *stopped == 0)
    }
}

/// All of `up` to which steps that `passes` allows lead from `start`, itself included.
fn reached(
    up: &[NodeId],
    start: NodeId,
    passes: impl Fn(NodeId, NodeId) -> bool,
) -> BTreeSet<NodeId> {
    let (mut reached, mut next) = (BTreeSet::from([start]), vec![start]);
    while let Some(from) = next.pop() {
        for to in up {
            if passes(from, *to) && reached.insert(*to) {
                next.push(*to);
            }
        }
    }
    reached
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::{Effect, FaultKind, RestartAs};

    fn fault(effect: Effect) -> Fault {
        let kind = FaultKind::new("any").unwrap();
        Fault { kind, manner: String::new(), effects: vec![effect] }
    }

    fn span(id: u32, fault: Fault, (from, to): (Nanos, Nanos), proven: bool) -> FaultSpan {
        FaultSpan {
            id,
            fault,
            mechanism: String::new(),
            begin: (0, from),
            end: Some((0, to)),
            proofs: Vec::new(),
            effective: proven.then_some((from, to)),
            problems: Vec::new(),
        }
    }

    fn cut(pairs: &[(u16, u16)]) -> Fault {
        let cut = pairs.iter().map(|(a, b)| (NodeId(*a), NodeId(*b))).collect();
        fault(Effect::LinkCut { pairs: cut })
    }

    /// The spans of n1 in a cluster of three.
    #[track_caller]
    fn check(faults: &[FaultSpan], expect: &[(Nanos, Nanos)]) {
        let nodes: Vec<NodeId> = (1..=3).map(NodeId).collect();
        let spans = spans(&nodes, faults, 1_000);
        assert_eq!(spans.get(&NodeId(1)).map_or(&[][..], Vec::as_slice), expect);
    }

    const ALONE: &[(u16, u16)] = &[(1, 2), (2, 1), (1, 3), (3, 1)];

    #[test]
    fn only_proven_faults_cut_a_node_off() {
        check(&[span(1, cut(ALONE), (10, 20), true)], &[(10, 20)]);
        check(&[span(1, cut(ALONE), (10, 20), false)], &[]);
        check(&[span(1, cut(&[(1, 2), (2, 1)]), (10, 20), true)], &[]);
        let nodes = vec![NodeId(2), NodeId(3)];
        let kill = fault(Effect::NodeDown { nodes, returns: RestartAs::Same, loses: None });
        check(&[span(1, kill, (10, 20), true)], &[(10, 20)]);
        // Heard by none, or hearing none.
        check(&[span(1, cut(&[(1, 2), (1, 3)]), (10, 20), true)], &[(10, 20)]);
        check(&[span(1, cut(&[(2, 1), (3, 1)]), (10, 20), true)], &[(10, 20)]);
        // A ring of one-way links still goes round.
        check(&[span(1, cut(&[(2, 1), (3, 2), (1, 3)]), (10, 20), true)], &[]);
    }

    #[test]
    fn faults_that_follow_each_other_make_one_span() {
        let (first, second) =
            (span(1, cut(ALONE), (10, 20), true), span(2, cut(ALONE), (20, 30), true));
        check(&[first.clone(), second], &[(10, 30)]);
        check(&[first, span(2, cut(ALONE), (21, 30), true)], &[(10, 20), (21, 30)]);
    }

    #[test]
    fn a_node_that_is_no_member_has_no_quorum_and_runs() {
        let removed = || fault(Effect::NodeRemoved { nodes: vec![NodeId(1)], forget: true });
        check(&[span(1, removed(), (10, 20), true)], &[(10, 20)]);
        check(&[span(1, removed(), (10, 20), false)], &[]);
        let nodes = vec![NodeId(1)];
        let kill = fault(Effect::NodeDown { nodes, returns: RestartAs::Same, loses: None });
        let (gone, removed) = (span(2, kill, (14, 16), true), span(1, removed(), (10, 20), true));
        check(&[removed, gone], &[(10, 14), (16, 20)]);
    }

    #[test]
    fn a_node_that_stands_still_is_not_judged() {
        let stopped = || fault(Effect::NodeStopped { nodes: vec![NodeId(1)] });
        let pause = |proven| span(2, stopped(), (14, 16), proven);
        let alone = span(1, cut(ALONE), (10, 20), true);
        check(&[alone.clone(), pause(true)], &[(10, 14), (16, 20)]);
        check(&[alone.clone(), pause(false)], &[(10, 14), (16, 20)]);
        let in_part = |node| {
            let nodes = vec![NodeId(node)];
            span(
                2,
                fault(Effect::ProcessStopped { nodes, process: "agent".into() }),
                (14, 16),
                true,
            )
        };
        check(&[alone.clone(), in_part(1)], &[(10, 14), (16, 20)]);
        // The others are there all the same: nobody is without a quorum for that.
        check(&[alone, in_part(2)], &[(10, 20)]);
        check(&[in_part(2), span(1, cut(&[(1, 3), (3, 1)]), (10, 20), true)], &[]);
    }
}
