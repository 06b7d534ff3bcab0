//! Faults as data: what was asked, what was measured, and when it was in effect.
//!
//! A fault that was not proven to take effect did not happen. How a fault is brought about is the
//! harness's business; here is only what the history, the schedule and the report say of it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::event::{Nanos, NodeId};

/// An ordered pair of nodes: packets from the first to the second are dropped.
pub type Cut = (NodeId, NodeId);

/// The name of a partition's shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shape {
    /// Two groups as equal as can be.
    Halves,
    /// A smallest majority and the rest, the leader among the rest.
    Majority,
    /// One random node against all others.
    IsolateOne,
    /// The leader against all others.
    IsolateLeader,
    /// Every node sees a majority, and no two see the same one.
    MajoritiesRing,
    /// Two groups that meet in one node only, the leader where one is known.
    Bridge,
    /// One node is heard by none, though it hears all (or the reverse); every second time the leader.
    OneWay,
}

impl Shape {
    /// All shapes, in the order in which lists show them.
    pub const ALL: [Self; 7] = [
        Self::Halves,
        Self::Majority,
        Self::IsolateOne,
        Self::IsolateLeader,
        Self::MajoritiesRing,
        Self::Bridge,
        Self::OneWay,
    ];

    /// The word used on the command line, in histories and in reports.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Halves => "halves",
            Self::Majority => "majority",
            Self::IsolateOne => "isolate-one",
            Self::IsolateLeader => "isolate-leader",
            Self::MajoritiesRing => "majorities-ring",
            Self::Bridge => "bridge",
            Self::OneWay => "one-way",
        }
    }

    /// What it cuts, in one line.
    #[must_use]
    pub fn about(self) -> &'static str {
        match self {
            Self::Halves => "two groups as equal as can be",
            Self::Majority => "a smallest majority against the rest, the leader among the rest",
            Self::IsolateOne => "one node against all others",
            Self::IsolateLeader => "the leader against all others",
            Self::MajoritiesRing => "every node sees a majority, and no two see the same one",
            Self::Bridge => "two groups that meet in one node only",
            Self::OneWay => "one node is heard by none though it hears all, or the reverse",
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

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
    },
}

/// The kinds of [`Fault`], for flags and lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    /// [`Fault::Partition`].
    Partition,
    /// [`Fault::Pause`].
    Pause,
    /// [`Fault::Kill`].
    Kill,
}

impl FaultKind {
    /// All kinds, in the order in which lists show them.
    pub const ALL: [Self; 3] = [Self::Partition, Self::Pause, Self::Kill];

    /// The word used on the command line, in histories and in reports.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Partition => "partition",
            Self::Pause => "pause",
            Self::Kill => "kill",
        }
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl Fault {
    /// Which kind of fault this is.
    #[must_use]
    pub fn kind(&self) -> FaultKind {
        match self {
            Self::Partition { .. } => FaultKind::Partition,
            Self::Pause { .. } => FaultKind::Pause,
            Self::Kill { .. } => FaultKind::Kill,
        }
    }

    /// The nodes that are stopped or gone while it lasts; none for a partition.
    #[must_use]
    pub fn down(&self) -> &[NodeId] {
        match self {
            Self::Partition { .. } => &[],
            Self::Pause { nodes } | Self::Kill { nodes } => nodes,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Partition { shape, cut } => {
                write!(f, "partition ({shape}): ")?;
                list(f, cut.iter().map(|(from, to)| format!("{from}→{to}")))
            }
            Self::Pause { nodes } => {
                f.write_str("pause ")?;
                list(f, nodes.iter().map(NodeId::to_string))
            }
            Self::Kill { nodes } => {
                f.write_str("kill ")?;
                list(f, nodes.iter().map(NodeId::to_string))
            }
        }
    }
}

/// Writes items with commas between them.
fn list(f: &mut fmt::Formatter<'_>, items: impl Iterator<Item = String>) -> fmt::Result {
    f.write_str(&items.collect::<Vec<_>>().join(", "))
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
