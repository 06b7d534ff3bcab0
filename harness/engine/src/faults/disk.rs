//! The disks of some nodes fail, are full, or take their time.
//!
//! A server may give up when its disk fails; it is started again once the disk is well.

use std::fmt;
use std::thread;
use std::time::Duration;

use fracas_checker::event::NodeId;
use fracas_checker::fault::{self, Effect, Measurement, RestartAs, Stage};
use fracas_lab::LabError;
use fracas_lab::agent::{DiskChange, Facts, Measure, Order};
use fracas_lab::disk::{self, Errors, Latency};
use serde::{Deserialize, Serialize};

use super::injector::{Injector, each};
use super::kind::{Does, Entry, KindOfFault};
use super::on::On;
use super::trial::{Attempt, Trial};
use super::victims::Victims;
use crate::cluster::Cluster;
use crate::means::{ClockMeans, Gear, Wanted};

/// A server that gives up because of an error does so within this time.
const GIVES_UP: Duration = Duration::from_millis(200);

/// By what means.
const MECHANISM: &str = "fuse";

/// What is wrong with a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "does", rename_all = "kebab-case")]
pub enum Trouble {
    /// fsync answers EIO, and what was not durable by then never is: the kernel drops it.
    FsyncFails,
    /// Writing answers EIO.
    WriteFails,
    /// Reading answers EIO.
    ReadFails,
    /// Writing answers ENOSPC.
    Full,
    /// fsync takes its time.
    SlowFsync {
        /// How much.
        by_ms: u64,
    },
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FsyncFails => f.write_str("fsync fails"),
            Self::WriteFails => f.write_str("writing fails"),
            Self::ReadFails => f.write_str("reading fails"),
            Self::Full => f.write_str("full"),
            Self::SlowFsync { by_ms } => write!(f, "fsync takes {by_ms} ms"),
        }
    }
}

/// Trouble the disks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disk {
    /// What the disks do.
    pub trouble: Trouble,
}

impl KindOfFault for Disk {
    const ENTRY: Entry = Entry {
        word: "disk",
        about: "the disks of some nodes fail, are full, or take their time",
        proven_by: "calls made on the disk, and counts of the errors they were answered",
        keys: &["trouble"],
        between: false,
        takes: Some(Gear::Disk),
        tried_by: &[("disk", MECHANISM)],
        trials: &[Trial {
            mechanism: "disk",
            attempt: Attempt::Lab(disk::trial::attempt),
            instead: None,
        }],
        try_out: None,
    };

    fn usual() -> Vec<Self> {
        let troubles = [
            Trouble::SlowFsync { by_ms: 300 },
            Trouble::FsyncFails,
            Trouble::Full,
            Trouble::WriteFails,
        ];
        troubles.map(|trouble| Self { trouble }).into()
    }

    fn mechanism(_: &Facts, _: &Wanted) -> String {
        MECHANISM.to_owned()
    }

    fn lacks(_: ClockMeans) -> Option<String> {
        fracas_lab::lacks_disks()
    }
}

impl Does for Disk {
    fn manner(&self) -> String {
        self.trouble.to_string()
    }

    fn victims(&self, _: u16) -> &'static [Victims] {
        &[Victims::Leader, Victims::Follower]
    }

    fn proof_ms(&self) -> u64 {
        300
    }

    fn effect(&self, on: &On) -> Effect {
        let of = match self.trouble {
            Trouble::FsyncFails | Trouble::WriteFails | Trouble::ReadFails => {
                fault::Trouble::DiskErrors
            }
            Trouble::Full => fault::Trouble::DiskFull,
            Trouble::SlowFsync { .. } => fault::Trouble::DiskSlow,
        };
        Effect::Hardship { nodes: on.nodes().to_vec(), of }
    }

    fn injector(&self, _: u32, on: &On) -> Box<dyn Injector> {
        let (nodes, trouble) = (on.nodes().to_vec(), self.trouble);
        Box::new(Troubled { nodes, trouble })
    }
}

/// The disks of these nodes are in trouble.
struct Troubled {
    nodes: Vec<NodeId>,
    trouble: Trouble,
}

impl Troubled {
    fn change(&self) -> DiskChange {
        match self.trouble {
            Trouble::FsyncFails => DiskChange::Errors(Errors { fsync: 1.0, ..Errors::NONE }),
            Trouble::WriteFails => DiskChange::Errors(Errors { write: 1.0, ..Errors::NONE }),
            Trouble::ReadFails => DiskChange::Errors(Errors { read: 1.0, ..Errors::NONE }),
            Trouble::Full => DiskChange::Errors(Errors::FULL),
            Trouble::SlowFsync { by_ms } => {
                DiskChange::Latency(Latency::exactly(Duration::from_millis(by_ms)))
            }
        }
    }

    /// Asks this of every disk.
    fn ask(&self, cluster: &Cluster, change: DiskChange) -> Vec<String> {
        each(&self.nodes, "change the disk of", |node| {
            cluster.ask::<()>(&Order::Disk(node, change))
        })
    }
}

impl Injector for Troubled {
    fn mechanism(&self, _: &Cluster) -> String {
        MECHANISM.to_owned()
    }

    fn inject(&mut self, cluster: &Cluster) -> Vec<String> {
        self.ask(cluster, self.change())
    }

    fn measure(&mut self, cluster: &Cluster, stage: Stage) -> Result<Vec<Measurement>, LabError> {
        let of = |node: &NodeId| Measure::Disk(*node, self.change());
        cluster.measure(self.nodes.iter().map(of), stage)
    }

    fn heal(&mut self, cluster: &Cluster) -> Vec<String> {
        let well = match self.change() {
            DiskChange::Errors(_) => DiskChange::Errors(Errors::NONE),
            DiskChange::Latency(_) => DiskChange::Latency(Latency::USUAL),
        };
        let mut problems = self.ask(cluster, well);
        thread::sleep(GIVES_UP);
        cluster.notice_crashes();
        // What another fault keeps down that one starts again.
        let ended = self.nodes.iter().filter(|node| cluster.has_ended(**node));
        let ended: Vec<NodeId> = ended.copied().collect();
        problems.extend(cluster.start_again(&ended, RestartAs::Same));
        problems
    }
}
