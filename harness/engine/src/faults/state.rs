//! What is known of the cluster when an act's time comes.

use std::collections::{BTreeMap, BTreeSet};

use fracas_checker::event::NodeId;
use fracas_checker::fault::Cut;

use super::on::On;

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
    /// The nodes that are paused or killed already, or of which one process is.
    pub down: BTreeSet<NodeId>,
    /// The faults in effect: the word of their kind, and what they are done to.
    pub faults: Vec<(&'static str, On)>,
    /// The nodes that earlier acts hit, by the number of the act.
    pub hit: BTreeMap<u32, Vec<NodeId>>,
}

impl State {
    /// The number of the last act that hit this node; none if none did.
    pub(super) fn last_hit(&self, node: NodeId) -> Option<u32> {
        self.hit.iter().rev().find(|(_, nodes)| nodes.contains(&node)).map(|(act, _)| *act)
    }

    /// Of these nodes those that no fault of the same kind is in effect on: two wrongs of one kind
    /// could not be told apart.
    pub(super) fn untroubled(
        &self,
        kind: &str,
        mut nodes: Vec<NodeId>,
    ) -> Result<Vec<NodeId>, String> {
        let same = self.faults.iter().filter(|(other, _)| *other == kind);
        let troubled: BTreeSet<NodeId> = same.flat_map(|(_, on)| on.nodes()).copied().collect();
        nodes.retain(|node| !troubled.contains(node));
        if nodes.is_empty() {
            return Err("such a fault is in effect on all nodes that it means".to_owned());
        }
        Ok(nodes)
    }
}

/// How many directions from or to `node` are cut.
pub(super) fn cuts_of(cut: &BTreeSet<Cut>, node: NodeId) -> usize {
    cut.iter().filter(|(from, to)| *from == node || *to == node).count()
}
