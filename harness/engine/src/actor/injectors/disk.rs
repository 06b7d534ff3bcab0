//! The disks of some nodes fail, are full, or take their time.
//!
//! A server may give up when its disk fails; it is started again once the disk is well.

use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;

use fracas_checker::event::NodeId;
use fracas_checker::fault::{Disk, Measurement, RestartAs, Stage};

use super::injector::{Injector, each};
use crate::cluster::Cluster;
use fracas_lab::LabError;
use fracas_lab::disk::proofs::{self, Mounted};
use fracas_lab::disk::{Errors, Latency, Refused};

/// A server that gives up because of an error does so within this time.
const GIVES_UP: Duration = Duration::from_millis(200);

/// The disks of these nodes are in trouble.
pub(super) struct Troubled {
    nodes: Vec<NodeId>,
    trouble: Disk,
    /// What each disk had refused by the last measurement.
    refused: BTreeMap<(NodeId, usize), Refused>,
}

/// What is asked of a disk.
#[derive(Clone, Copy)]
enum Asked {
    Errors(Errors),
    Slow(Latency),
}

impl Troubled {
    pub(super) fn new(nodes: Vec<NodeId>, trouble: Disk) -> Self {
        Self { nodes, trouble, refused: BTreeMap::new() }
    }

    fn asked(&self) -> Asked {
        match self.trouble {
            Disk::FsyncFails => Asked::Errors(Errors { fsync: 1.0, ..Errors::NONE }),
            Disk::WriteFails => Asked::Errors(Errors { write: 1.0, ..Errors::NONE }),
            Disk::ReadFails => Asked::Errors(Errors { read: 1.0, ..Errors::NONE }),
            Disk::Full => Asked::Errors(Errors::FULL),
            Disk::SlowFsync { by_ms } => {
                Asked::Slow(Latency::exactly(Duration::from_millis(by_ms)))
            }
        }
    }

    /// Asks this of every disk.
    fn ask(&self, cluster: &Cluster, asked: Asked) -> Vec<String> {
        each(&self.nodes, "change the disk of", |node| {
            cluster.equipment().disks(node).iter().try_for_each(|disk| match asked {
                Asked::Errors(errors) => disk.fail(errors),
                Asked::Slow(latency) => disk.slow(latency),
            })
        })
    }
}

impl Injector for Troubled {
    fn mechanism(&self, _: &Cluster) -> String {
        "fuse".to_owned()
    }

    fn inject(&mut self, cluster: &Cluster) -> Vec<String> {
        for node in &self.nodes {
            for (place, disk) in cluster.equipment().disks(*node).iter().enumerate() {
                let before = disk.stats().map(|stats| stats.refused).unwrap_or_default();
                self.refused.insert((*node, place), before);
            }
        }
        self.ask(cluster, self.asked())
    }

    fn measure(&mut self, cluster: &Cluster, stage: Stage) -> Result<Vec<Measurement>, LabError> {
        let mut measured = Vec::new();
        let asked = self.asked();
        for node in &self.nodes {
            for (place, disk) in cluster.equipment().disks(*node).iter().enumerate() {
                let before = self.refused.entry((*node, place)).or_default();
                let mounted = Mounted { node: *node, disk };
                measured.extend(match asked {
                    Asked::Errors(errors) => proofs::errors(mounted, &errors, stage, before)?,
                    Asked::Slow(latency) => proofs::slow(mounted, latency, stage)?,
                });
            }
        }
        Ok(measured)
    }

    fn heal(&mut self, cluster: &Cluster) -> Vec<String> {
        let well = match self.asked() {
            Asked::Errors(_) => Asked::Errors(Errors::NONE),
            Asked::Slow(_) => Asked::Slow(Latency::USUAL),
        };
        let mut problems = self.ask(cluster, well);
        thread::sleep(GIVES_UP);
        cluster.notice_crashes();
        // What another fault keeps down that one starts again.
        let ended = self.nodes.iter().filter(|node| cluster.has_ended(**node));
        let ended: Vec<NodeId> = ended.copied().collect();
        problems.extend(each(&ended, "start", |node| cluster.start(node, RestartAs::Same)));
        problems
    }
}
