//! The kinds of faults, for flags, lists and lanes.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The kinds of [`super::Fault`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    /// [`super::Fault::Partition`].
    Partition,
    /// [`super::Fault::Pause`].
    Pause,
    /// [`super::Fault::Kill`].
    Kill,
    /// [`super::Fault::Power`].
    Power,
    /// [`super::Fault::Clock`].
    Clock,
    /// [`super::Fault::Slow`].
    Slow,
    /// [`super::Fault::Lossy`].
    Loss,
    /// [`super::Fault::Disk`].
    Disk,
    /// [`super::Fault::Starve`].
    Starve,
}

impl FaultKind {
    /// All kinds, in the order in which lists show them.
    pub const ALL: [Self; 9] = [
        Self::Partition,
        Self::Pause,
        Self::Kill,
        Self::Power,
        Self::Clock,
        Self::Slow,
        Self::Loss,
        Self::Disk,
        Self::Starve,
    ];

    /// The word used on the command line, in histories and in reports.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Partition => "partition",
            Self::Pause => "pause",
            Self::Kill => "kill",
            Self::Power => "power",
            Self::Clock => "clock",
            Self::Slow => "slow",
            Self::Loss => "loss",
            Self::Disk => "disk",
            Self::Starve => "starve",
        }
    }

    /// What it does, in one line.
    #[must_use]
    pub fn about(self) -> &'static str {
        match self {
            Self::Partition => "packets between some nodes are dropped",
            Self::Pause => "all processes of some nodes are stopped, and later go on",
            Self::Kill => "some nodes are killed with SIGKILL, and later started again",
            Self::Power => "some nodes are killed and lose what was not yet durable on their disks",
            Self::Clock => "the wall clocks of some nodes jump, drift, flicker or stand still",
            Self::Slow => "packets between some nodes are late, or few at a time",
            Self::Loss => "packets between some nodes are lost, doubled or out of order",
            Self::Disk => "the disks of some nodes fail, are full, or take their time",
            Self::Starve => "some nodes have too little processor time, memory or descriptors",
        }
    }

    /// What is measured to prove it, in a few words.
    #[must_use]
    pub fn proven_by(self) -> &'static str {
        match self {
            Self::Partition => "a probe and a drop counter per direction",
            Self::Pause => "the state of every thread",
            Self::Kill => "the processes",
            Self::Power => "the processes, and counts of bytes, pages and entries lost",
            Self::Clock => "clock calls made in the node",
            Self::Slow | Self::Loss => "probes of the pair, against a pair that is left alone",
            Self::Disk => "calls made on the disk, and counts of the errors they were answered",
            Self::Starve => "what the node's processes got",
        }
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
