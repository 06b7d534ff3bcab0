//! Who can still talk to whom while faults are in effect.
//!
//! Two nodes count as connected if packets pass in both directions: a request needs its answer.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use petgraph::unionfind::UnionFind;

use crate::event::{EventKind, Nanos, NodeChange, NodeId};
use crate::fault::Fault;
use crate::history::{FaultSpan, History};

/// The largest set of nodes that are up and connected, directly or through others, if it is a
/// majority of `nodes`.
pub(crate) fn majority(nodes: &[NodeId], faults: &[&Fault]) -> Option<BTreeSet<NodeId>> {
    majority_without(&BTreeSet::new(), nodes, faults)
}

/// The same where the servers of `ended` are down as well, as those that [`ended`] tells of.
pub(crate) fn majority_without(
    ended: &BTreeSet<NodeId>,
    nodes: &[NodeId],
    faults: &[&Fault],
) -> Option<BTreeSet<NodeId>> {
    let mut down = ended.clone();
    down.extend(faults.iter().flat_map(|fault| fault.down()));
    let cut: BTreeSet<_> = faults.iter().flat_map(|fault| fault.cut()).collect();
    let up: Vec<NodeId> = nodes.iter().filter(|node| !down.contains(node)).copied().collect();
    let mut groups = UnionFind::new(up.len());
    for (a, node) in up.iter().enumerate() {
        for (b, other) in up.iter().enumerate().skip(a + 1) {
            if !cut.contains(&(*node, *other)) && !cut.contains(&(*other, *node)) {
                groups.union(a, b);
            }
        }
    }
    let mut members: BTreeMap<usize, BTreeSet<NodeId>> = BTreeMap::new();
    for (place, node) in up.iter().enumerate() {
        members.entry(groups.find(place)).or_default().insert(*node);
    }
    members.into_values().find(|group| 2 * group.len() > nodes.len())
}

/// A proven cut that, with what else was in effect all the time, separated `node` from a majority,
/// and that majority.
pub(crate) fn cut_off<'a>(
    nodes: &[NodeId],
    faults: &'a [FaultSpan],
    node: NodeId,
    all_the_time: &RangeInclusive<Nanos>,
) -> Option<(&'a FaultSpan, BTreeSet<NodeId>)> {
    let (from, to) = (*all_the_time.start(), *all_the_time.end());
    let covers =
        |span: &&FaultSpan| span.effective.is_some_and(|(begin, end)| begin <= from && to <= end);
    let all: Vec<&FaultSpan> = faults.iter().filter(covers).collect();
    let cut = all.iter().find(|span| !span.fault.cut().is_empty())?;
    let together: Vec<&Fault> = all.iter().map(|span| &span.fault).collect();
    let majority = majority(nodes, &together)?;
    (!majority.contains(&node)).then_some((*cut, majority))
}

/// The nodes whose server had ended by itself, and was not up all the time from `from` to `to`.
pub(crate) fn ended(history: &History, (from, to): (Nanos, Nanos)) -> BTreeSet<NodeId> {
    let mut ended = BTreeSet::new();
    for event in history.others().iter().take_while(|event| event.time <= to) {
        let EventKind::Node { node, change, .. } = &event.kind else { continue };
        match change {
            NodeChange::Exited { .. } => {
                ended.insert(*node);
            }
            NodeChange::Started if event.time < from => {
                ended.remove(node);
            }
            _ => {}
        }
    }
    ended
}

/// The faults that touch the span from `from` to `to`; a fault that never ended lasts to `end`.
pub(crate) fn touching(
    faults: &[FaultSpan],
    (from, to): (Nanos, Nanos),
    end: Nanos,
) -> Vec<&FaultSpan> {
    let touches = |span: &&FaultSpan| {
        let (begin, healed) = span.effective.unwrap_or_else(|| span.window(end));
        begin <= to && from <= healed
    };
    faults.iter().filter(touches).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::{Effect, FaultKind, RestartAs};

    #[track_caller]
    fn check(cut: &[(u16, u16)], down: &[u16], expect: &[u16]) {
        let nodes: Vec<NodeId> = (1..=5).map(NodeId).collect();
        let cut = cut.iter().map(|(a, b)| (NodeId(*a), NodeId(*b))).collect();
        let nodes_down = down.iter().copied().map(NodeId).collect();
        let down = Effect::NodeDown { nodes: nodes_down, returns: RestartAs::Same, loses: None };
        let fault = |effect| {
            let kind = FaultKind::new("any").unwrap();
            Fault { kind, manner: String::new(), effects: vec![effect] }
        };
        let (partition, kill) = (fault(Effect::LinkCut { pairs: cut }), fault(down));
        let got = majority(&nodes, &[&partition, &kill]).unwrap_or_default();
        assert_eq!(got, expect.iter().copied().map(NodeId).collect());
    }

    #[test]
    fn a_majority_talks_both_ways_and_is_up() {
        check(&[], &[], &[1, 2, 3, 4, 5]);
        check(&[], &[1, 2], &[3, 4, 5]);
        check(&[], &[1, 2, 3], &[]);
        let one_way: Vec<_> = (2..=5).map(|other| (other, 1)).collect();
        check(&one_way, &[], &[2, 3, 4, 5]);
        check(&one_way, &[2, 3], &[]);
        let halves: Vec<_> = [1, 2].iter().flat_map(|a| [3, 4, 5].map(|b| (*a, b))).collect();
        check(&halves, &[], &[3, 4, 5]);
    }

    #[test]
    fn a_bridge_connects() {
        let around_three: Vec<_> = [1, 2].iter().flat_map(|a| [4, 5].map(|b| (*a, b))).collect();
        check(&around_three, &[], &[1, 2, 3, 4, 5]);
        check(&around_three, &[3], &[]);
    }
}
