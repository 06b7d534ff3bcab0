//! What a fault is done to: nodes, or directions between them.

use std::collections::BTreeMap;

use fracas_checker::event::NodeId;
use fracas_checker::fault::Cut;

/// The nodes or links that a fault acts on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum On {
    /// These nodes.
    Nodes(Vec<NodeId>),
    /// These directions, and nothing passes any more.
    Cut(Vec<Cut>),
    /// These directions, and something happens to what passes.
    Pairs(Vec<Cut>),
}

impl On {
    /// The nodes that the fault acts on; none where it acts on the links between nodes.
    #[must_use]
    pub fn nodes(&self) -> &[NodeId] {
        match self {
            Self::Nodes(nodes) => nodes,
            Self::Cut(_) | Self::Pairs(_) => &[],
        }
    }

    /// The directions that it is done to.
    #[must_use]
    pub fn pairs(&self) -> &[Cut] {
        match self {
            Self::Nodes(_) => &[],
            Self::Cut(pairs) | Self::Pairs(pairs) => pairs,
        }
    }

    /// All that is named, each once.
    pub(crate) fn named(&self) -> impl Iterator<Item = NodeId> {
        let ends = self.pairs().iter().flat_map(|(from, to)| [*from, *to]);
        self.nodes().iter().copied().chain(ends)
    }

    /// The nodes that the fault hits hardest: the nodes that it acts on, else the nodes with most
    /// of the touched links, such as the node that a partition isolates.
    #[must_use]
    pub fn hardest_hit(&self) -> Vec<NodeId> {
        let mut links: BTreeMap<NodeId, usize> = BTreeMap::new();
        for node in self.pairs().iter().flat_map(|(from, to)| [*from, *to]) {
            *links.entry(node).or_default() += 1;
        }
        let most = links.values().max().copied();
        let hit = links.into_iter().filter(|(_, count)| Some(*count) == most).map(|(node, _)| node);
        self.nodes().iter().copied().chain(hit).collect()
    }
}
