//! By what means faults of clocks, links, disks and processors are brought about.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use fracas_checker::event::NodeId;
pub use fracas_lab::clock::Means as ClockMeans;
use fracas_lab::disk::{Model, WRITE_BACK_AFTER};
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

/// How old un-fsynced data becomes before a disk writes it back, in milliseconds; none for never.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DiskAge(Option<u64>);

impl DiskAge {
    /// As old as this; none for never.
    #[must_use]
    pub fn of(age: Option<Duration>) -> Self {
        Self(age.map(|age| u64::try_from(age.as_millis()).unwrap_or(u64::MAX).max(1)))
    }

    /// The age; none for never.
    #[must_use]
    pub fn age(self) -> Option<Duration> {
        self.0.map(Duration::from_millis)
    }

    /// What becomes of un-fsynced data, in words.
    #[must_use]
    pub fn told(self) -> String {
        match self.age() {
            Some(age) => format!("un-fsynced data is written back after {age:?}"),
            None => "un-fsynced data is never written back".to_owned(),
        }
    }
}

impl Default for DiskAge {
    fn default() -> Self {
        Self::of(Some(WRITE_BACK_AFTER))
    }
}

impl fmt::Display for DiskAge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(millis) => write!(f, "{millis}ms"),
            None => f.write_str("never"),
        }
    }
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
    /// How old un-fsynced data becomes on them.
    #[serde(rename = "disk_age_ms", default)]
    pub disk_age: DiskAge,
    /// How far the monotonic clocks of nodes are ahead from their start on, in nanoseconds.
    #[serde(rename = "monotonic_offset_ns")]
    pub monotonic: BTreeMap<NodeId, i64>,
    /// How many bytes there are for each directory of a node's data, if they shall be few. It is
    /// memory, and gone with the run.
    #[serde(rename = "small_disk_bytes")]
    pub small_disk: Option<u64>,
}
