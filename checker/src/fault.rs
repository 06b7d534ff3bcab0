//! Faults as data: what was asked, what was measured, and when it was in effect.
//!
//! A fault that was not proven to take effect did not happen. How a fault is brought about is the
//! harness's business; here is only what the history, the schedule and the report say of it. All
//! figures are whole numbers in the units that their names tell, so that faults can be compared.

mod directions;
mod effects;
mod kind;
mod shape;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::identity::{Nanos, NodeId};

pub use directions::{Cut, directions};
pub use effects::{Clock, Disk, Link, Loss, RestartAs, Scarcity};
pub use kind::FaultKind;
pub use shape::Shape;

/// One act of the nemesis, with the nodes it meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Fault {
    /// Packets between some nodes are dropped without a word.
    Partition {
        /// How the cut was drawn.
        shape: Shape,
        /// Every direction that is cut.
        cut: Vec<Cut>,
    },
    /// All processes of the nodes are stopped and later continued.
    Pause {
        /// Which nodes.
        nodes: Vec<NodeId>,
    },
    /// All processes of the nodes are killed with SIGKILL and later started again.
    Kill {
        /// Which nodes.
        nodes: Vec<NodeId>,
        /// As what they come back.
        #[serde(default, skip_serializing_if = "RestartAs::is_same")]
        again: RestartAs,
    },
    /// The nodes are killed, and what they had not yet made durable is lost; later they are
    /// started again.
    Power {
        /// Which nodes.
        nodes: Vec<NodeId>,
        /// What is lost.
        loss: Loss,
    },
    /// The wall clocks of the nodes tell the wrong time.
    Clock {
        /// Which nodes.
        nodes: Vec<NodeId>,
        /// In what way.
        change: Clock,
    },
    /// Packets between some nodes come late.
    Slow {
        /// Every direction that is slow.
        pairs: Vec<Cut>,
        /// How slow.
        link: Link,
    },
    /// Packets between some nodes are lost, doubled or overtake each other.
    Lossy {
        /// Every direction that is lossy.
        pairs: Vec<Cut>,
        /// How lossy.
        link: Link,
    },
    /// The disks of the nodes fail, are full, or take their time.
    Disk {
        /// Which nodes.
        nodes: Vec<NodeId>,
        /// In what way.
        trouble: Disk,
    },
    /// The nodes have too little of something.
    Starve {
        /// Which nodes.
        nodes: Vec<NodeId>,
        /// Of what, and how much is left.
        scarcity: Scarcity,
    },
}

impl Fault {
    /// Which kind of fault this is.
    #[must_use]
    pub fn kind(&self) -> FaultKind {
        match self {
            Self::Partition { .. } => FaultKind::Partition,
            Self::Pause { .. } => FaultKind::Pause,
            Self::Kill { .. } => FaultKind::Kill,
            Self::Power { .. } => FaultKind::Power,
            Self::Clock { .. } => FaultKind::Clock,
            Self::Slow { .. } => FaultKind::Slow,
            Self::Lossy { .. } => FaultKind::Loss,
            Self::Disk { .. } => FaultKind::Disk,
            Self::Starve { .. } => FaultKind::Starve,
        }
    }

    /// The nodes that are stopped or gone while it lasts.
    #[must_use]
    pub fn down(&self) -> &[NodeId] {
        match self {
            Self::Pause { nodes } | Self::Kill { nodes, .. } | Self::Power { nodes, .. } => nodes,
            _ => &[],
        }
    }

    /// The nodes that were killed, and are started again when it is healed.
    #[must_use]
    pub fn killed(&self) -> &[NodeId] {
        match self {
            Self::Kill { nodes, .. } | Self::Power { nodes, .. } => nodes,
            _ => &[],
        }
    }

    /// The directions in which nothing passes while it lasts.
    #[must_use]
    pub fn cut(&self) -> &[Cut] {
        match self {
            Self::Partition { cut, .. } => cut,
            _ => &[],
        }
    }

    /// The directions that it touches: those that are cut, slow or lossy.
    #[must_use]
    pub fn pairs(&self) -> &[Cut] {
        match self {
            Self::Partition { cut, .. } => cut,
            Self::Slow { pairs, .. } | Self::Lossy { pairs, .. } => pairs,
            _ => &[],
        }
    }

    /// The nodes that it is done to; none where it is done to what is between them.
    #[must_use]
    pub fn nodes(&self) -> &[NodeId] {
        match self {
            Self::Pause { nodes }
            | Self::Kill { nodes, .. }
            | Self::Power { nodes, .. }
            | Self::Clock { nodes, .. }
            | Self::Disk { nodes, .. }
            | Self::Starve { nodes, .. } => nodes,
            Self::Partition { .. } | Self::Slow { .. } | Self::Lossy { .. } => &[],
        }
    }

    /// Whether it is done to one of `nodes`, or to what goes from or to one of them.
    #[must_use]
    pub fn touches(&self, nodes: &[NodeId]) -> bool {
        self.nodes().iter().any(|node| nodes.contains(node))
            || self.pairs().iter().any(|(from, to)| nodes.contains(from) || nodes.contains(to))
    }

    /// What the servers that it is done to have to endure, if that is one of these.
    #[must_use]
    pub fn hardship(&self) -> Option<Hardship> {
        match self {
            Self::Disk { trouble, .. } => match trouble {
                Disk::FsyncFails | Disk::WriteFails | Disk::ReadFails => Some(Hardship::DiskErrors),
                Disk::Full => Some(Hardship::DiskFull),
                Disk::SlowFsync { .. } => None,
            },
            Self::Starve { scarcity, .. } => match scarcity {
                Scarcity::Memory { .. } => Some(Hardship::NoMemory),
                Scarcity::Descriptors { .. } => Some(Hardship::NoDescriptors),
                Scarcity::Disk => Some(Hardship::DiskFull),
                Scarcity::Cpu { .. } => None,
            },
            _ => None,
        }
    }

    /// In what way it is done, beyond its kind: `halves`, `step of +60 s`, `fsync fails`; empty
    /// where there is but one way.
    #[must_use]
    pub fn manner(&self) -> String {
        match self {
            Self::Partition { shape, .. } => shape.to_string(),
            Self::Pause { .. } => String::new(),
            Self::Kill { again, .. } => again.to_string(),
            Self::Power { loss, .. } => loss.to_string(),
            Self::Clock { change, .. } => change.to_string(),
            Self::Slow { link, .. } | Self::Lossy { link, .. } => link.to_string(),
            Self::Disk { trouble, .. } => trouble.to_string(),
            Self::Starve { scarcity, .. } => scarcity.to_string(),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let manner = self.manner();
        let manner = if manner.is_empty() { manner } else { format!(" ({manner})") };
        let pairs = self.pairs().iter().map(|(from, to)| format!("{from}→{to}"));
        let of: Vec<String> = self.nodes().iter().map(NodeId::to_string).chain(pairs).collect();
        match self {
            Self::Pause { .. } | Self::Kill { .. } => {
                write!(f, "{} {}{manner}", self.kind(), of.join(", "))
            }
            _ => write!(f, "{}{manner}: {}", self.kind(), of.join(", ")),
        }
    }
}

/// What a server may have to endure that it may answer by ending: nothing else excuses one.
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

/// One thing that was measured to prove a fault, and whether it was as it had to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measurement {
    /// What was measured: `probe n1→n3`, `threads of n2 stopped`.
    pub what: String,
    /// What came out: `no answer, 12 packets dropped`, `9 of 9`.
    pub result: String,
    /// Whether the result is what the fault must bring about.
    pub holds: bool,
}

/// When in a fault's life a measurement was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Just after it was brought about.
    Injected,
    /// Just before it is healed: it still held.
    Held,
    /// Just after it was healed: it is gone.
    Healed,
}

/// What happened to a fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "kebab-case")]
pub enum FaultEvent {
    /// The harness begins to bring it about.
    Begin {
        /// Its number in this run, from 1.
        id: u32,
        /// What is brought about.
        fault: Fault,
        /// By what means: `nft-bridge`, `iptables`, `sigstop`, `sigkill`.
        mechanism: String,
    },
    /// It was measured.
    Proof {
        /// Its number.
        id: u32,
        /// When in its life.
        stage: Stage,
        /// What was measured. Proven if there is at least one and all hold.
        measurements: Vec<Measurement>,
    },
    /// A planned fault was not carried out.
    Missed {
        /// Its number in the plan, from 1.
        act: u32,
        /// What was planned: `kill the leader`.
        what: String,
        /// Why it was not carried out.
        why: String,
    },
    /// It has been healed.
    End {
        /// Its number.
        id: u32,
        /// From when to when it was certainly in effect; none if that was not proven.
        effective: Option<(Nanos, Nanos)>,
        /// Why it is not proven, or what the harness failed to do; empty if all is well.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        problems: Vec<String>,
    },
}
