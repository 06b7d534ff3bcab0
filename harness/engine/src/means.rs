//! By what means faults of clocks, links, disks and processors are brought about.

use std::collections::BTreeMap;

use fracas_checker::event::NodeId;
pub use fracas_lab::clock::Means as ClockMeans;
use fracas_lab::disk::Model;
use serde::{Deserialize, Serialize};

/// The means by which packets are made late or lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PacketMeans {
    /// fracas takes them from the bridge and sends them on.
    #[default]
    Reinject,
    /// The kernel's `netem` queues.
    Netem,
}

/// The means by which nodes get too little processor time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StarveMeans {
    /// They run by turns.
    #[default]
    Turns,
    /// The kernel rations them, in a group (cgroup) of their own.
    Cgroup,
}

impl StarveMeans {
    /// Its name in records.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Turns => "sigstop and sigcont by turns",
            Self::Cgroup => "cgroup quota",
        }
    }
}

/// Equipment of nodes, or of the network between them, that some faults need and that is set up
/// before the nodes start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gear {
    /// Wall clocks of their own.
    Clock,
    /// Disks that can be troubled.
    Disk,
    /// Rations of processor time.
    Rations,
    /// Links whose packets can be shaped.
    Packets,
}

/// What equipment is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    /// The means by which clocks are made wrong.
    pub clock: ClockMeans,
    /// The means by which packets are late or lost. The lab has them, not a node.
    pub packets: PacketMeans,
    /// The means by which nodes get too little processor time.
    pub starve: StarveMeans,
    /// When changes of names become durable on the disks.
    pub disk: Model,
    /// How far the monotonic clocks of nodes are ahead from their start on, in nanoseconds.
    #[serde(rename = "monotonic_offset_ns")]
    pub monotonic: BTreeMap<NodeId, i64>,
    /// How many bytes there are for each directory of a node's data, if they shall be few. It is
    /// memory, and gone with the run.
    #[serde(rename = "small_disk_bytes")]
    pub small_disk: Option<u64>,
}
