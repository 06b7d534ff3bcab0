//! What is known of the cluster when an act's time comes.

use std::collections::{BTreeMap, BTreeSet};

use fracas_checker::event::NodeId;
use fracas_checker::fault::{Cut, Fault};

use super::act::Act;

/// What is known of the cluster when an act's time comes.
#[derive(Debug, Clone, Default)]
pub struct State {
    /// All nodes.
    pub nodes: Vec<NodeId>,
    /// The node last seen leading.
    pub leader: Option<NodeId>,
    /// The node that led before it.
    pub last_leader: Option<NodeId>,
    /// The directions that are cut already.
    pub cut: BTreeSet<Cut>,
    /// The nodes that are paused or killed already.
    pub down: BTreeSet<NodeId>,
    /// The faults in effect.
    pub faults: Vec<Fault>,
    /// The nodes that earlier acts hit, by the number of the act.
    pub hit: BTreeMap<u32, Vec<NodeId>>,
}

impl State {
    /// Of these nodes those that no fault of the same kind is in effect on: two wrongs of one kind
    /// could not be told apart.
    pub(super) fn untroubled(
        &self,
        act: &Act,
        mut nodes: Vec<NodeId>,
    ) -> Result<Vec<NodeId>, String> {
        let same = self.faults.iter().filter(|fault| fault.kind() == act.kind());
        let troubled: BTreeSet<NodeId> = same.flat_map(Fault::nodes).copied().collect();
        nodes.retain(|node| !troubled.contains(node));
        if nodes.is_empty() {
            return Err("such a fault is in effect on all nodes that it means".to_owned());
        }
        Ok(nodes)
    }
}

/// The nodes that a fault hits hardest: those that it is done to, or those of which it touches most
/// links, as the one that a partition isolates.
#[must_use]
pub fn hardest_hit(fault: &Fault) -> Vec<NodeId> {
    let mut links: BTreeMap<NodeId, usize> = BTreeMap::new();
    for node in fault.pairs().iter().flat_map(|(from, to)| [*from, *to]) {
        *links.entry(node).or_default() += 1;
    }
    let most = links.values().max().copied();
    let hit = links.into_iter().filter(|(_, count)| Some(*count) == most).map(|(node, _)| node);
    fault.nodes().iter().copied().chain(hit).collect()
}

/// How many directions from or to `node` are cut.
pub(super) fn cuts_of(cut: &BTreeSet<Cut>, node: NodeId) -> usize {
    cut.iter().filter(|(from, to)| *from == node || *to == node).count()
}
