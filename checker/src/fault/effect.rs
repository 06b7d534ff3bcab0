//! What faults do to nodes and to the links between them, whatever brought it about: all that a
//! verdict and its explanation need to know of a fault.

use serde::{Deserialize, Serialize};

use super::directions::Cut;
use super::figures::{Clock, Link, Loss, RestartAs};
use crate::identity::NodeId;
use crate::text::Text;

/// One thing that a fault does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "effect", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Effect {
    /// All processes of these nodes are gone; they are started again when the fault is healed.
    NodeDown {
        /// Which nodes.
        nodes: Vec<NodeId>,
        /// As what they come back.
        #[serde(default, skip_serializing_if = "RestartAs::is_same")]
        returns: RestartAs,
        /// What they lose of what they had written and not yet made durable, as in a power failure;
        /// none if they lose nothing of it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        loses: Option<Loss>,
    },
    /// All processes of these nodes stand still, and later go on from where they were.
    NodeStopped {
        /// Which nodes.
        nodes: Vec<NodeId>,
    },
    /// These nodes are no members of the cluster; they join it again when the fault is healed. Until
    /// then their servers may be silent, and may end. They may not lead.
    NodeRemoved {
        /// Which nodes.
        nodes: Vec<NodeId>,
        /// Whether they join with empty disks, as nodes that have never been members.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        forget: bool,
    },
    /// One process of these nodes is gone, and no other process of them is; it is started again when
    /// the fault is healed.
    ProcessDown {
        /// Which nodes.
        nodes: Vec<NodeId>,
        /// The name of the process.
        process: Text,
    },
    /// One process of these nodes stands still, and no other process of them does; it later goes on
    /// from where it was.
    ProcessStopped {
        /// Which nodes.
        nodes: Vec<NodeId>,
        /// The name of the process.
        process: Text,
    },
    /// Nothing passes in these directions.
    LinkCut {
        /// Which directions.
        pairs: Vec<Cut>,
    },
    /// What passes in these directions is late, lost, doubled or out of order.
    LinkDegraded {
        /// Which directions.
        pairs: Vec<Cut>,
        /// The figures, as far as they are known.
        #[serde(default)]
        link: Link,
    },
    /// The wall clocks of these nodes are wrong.
    ClockWrong {
        /// Which nodes.
        nodes: Vec<NodeId>,
        /// In what way.
        change: Clock,
    },
    /// These nodes lack something, or are refused it.
    Hardship {
        /// Which nodes.
        nodes: Vec<NodeId>,
        /// What it is.
        of: Trouble,
    },
}

/// What a node may lack or be refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trouble {
    /// Its disk answers errors.
    DiskErrors,
    /// Its disk is full.
    DiskFull,
    /// Its disk takes its time.
    DiskSlow,
    /// Its memory is refused.
    NoMemory,
    /// It has too little processor time.
    NoProcessor,
    /// It may open no more files and connections.
    NoDescriptors,
}

/// A trouble during which a server may end by itself. No other trouble excuses a server that ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Hardship {
    /// Its disk answers errors.
    DiskErrors,
    /// Its disk is full.
    DiskFull,
    /// Its memory is refused.
    NoMemory,
    /// It may open no more files and connections.
    NoDescriptors,
}

impl Hardship {
    /// All of them.
    pub const ALL: [Self; 4] =
        [Self::DiskErrors, Self::DiskFull, Self::NoMemory, Self::NoDescriptors];
}

impl Trouble {
    /// This trouble as a hardship, if a server may end by itself during it.
    #[must_use]
    pub fn hardship(self) -> Option<Hardship> {
        match self {
            Self::DiskErrors => Some(Hardship::DiskErrors),
            Self::DiskFull => Some(Hardship::DiskFull),
            Self::NoMemory => Some(Hardship::NoMemory),
            Self::NoDescriptors => Some(Hardship::NoDescriptors),
            Self::DiskSlow | Self::NoProcessor => None,
        }
    }
}

impl Effect {
    /// The nodes that the effect is on; none where it is on the links between nodes.
    #[must_use]
    pub fn nodes(&self) -> &[NodeId] {
        match self {
            Self::NodeDown { nodes, .. }
            | Self::NodeStopped { nodes }
            | Self::NodeRemoved { nodes, .. }
            | Self::ProcessDown { nodes, .. }
            | Self::ProcessStopped { nodes, .. }
            | Self::ClockWrong { nodes, .. }
            | Self::Hardship { nodes, .. } => nodes,
            Self::LinkCut { .. } | Self::LinkDegraded { .. } => &[],
        }
    }

    /// The directions of links that the effect is on.
    #[must_use]
    pub fn pairs(&self) -> &[Cut] {
        match self {
            Self::LinkCut { pairs } | Self::LinkDegraded { pairs, .. } => pairs,
            _ => &[],
        }
    }
}
