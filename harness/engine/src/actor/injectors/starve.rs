//! Some nodes have too little processor time, memory, descriptors or room on their disk.

use std::time::Duration;

use fracas_checker::event::NodeId;
use fracas_checker::fault::{Measurement, Scarcity, Stage};

use super::injector::{Injector, each};
use crate::cluster::Cluster;
use fracas_lab::resources::{Duty, Resource, SmallDisk, proof};
use fracas_lab::{LabError, NodeProcess};

/// How long a turn and the wait for the next one take together.
const PERIOD: Duration = Duration::from_millis(20);

/// These nodes have too little of this.
pub(super) struct Starve {
    pub(super) nodes: Vec<NodeId>,
    pub(super) scarcity: Scarcity,
}

impl Starve {
    /// The turns of a starved node; none for other scarcities.
    fn duty(&self) -> Option<Duty> {
        match self.scarcity {
            Scarcity::Cpu { percent } => {
                Some(Duty { run: PERIOD * percent.min(100) / 100, period: PERIOD })
            }
            _ => None,
        }
    }

    /// What is limited, and how much more than now is left of it.
    fn limit(&self) -> Option<(Resource, u64)> {
        match self.scarcity {
            Scarcity::Cpu { .. } | Scarcity::Disk => None,
            Scarcity::Memory { bytes } => Some((Resource::Memory, bytes)),
            Scarcity::Descriptors { more } => Some((Resource::Files, more)),
        }
    }

    fn measured(
        &self,
        cluster: &Cluster,
        process: &mut NodeProcess,
        stage: Stage,
    ) -> Result<Vec<Measurement>, LabError> {
        match (self.duty(), self.limit()) {
            (Some(duty), _) if cluster.equipment().rations().is_some() => {
                proof::rationed(process, duty, stage)
            }
            (Some(duty), _) => proof::starved(process, duty, stage),
            (None, Some((resource, _))) => proof::limited(process, resource, stage),
            (None, None) => Ok(Vec::new()),
        }
    }
}

/// Lets a node have this much processor time, by the means of this run; none lets it have all.
fn time(cluster: &Cluster, process: &mut NodeProcess, duty: Option<Duty>) -> Result<(), LabError> {
    match cluster.equipment().rations() {
        Some(place) => process.ration(place, duty),
        None => process.starve(duty),
    }
}

/// The small disks of a node; it must have some.
fn small(cluster: &Cluster, node: NodeId) -> Result<&[SmallDisk], LabError> {
    match cluster.equipment().small_disks(node) {
        [] => Err(LabError::Asked(format!("fill the disk of {node}: it has no small one"))),
        disks => Ok(disks),
    }
}

/// Measures what room there is on the disks of a node.
fn full(cluster: &Cluster, node: NodeId, stage: Stage) -> Result<Vec<Measurement>, LabError> {
    let measured = small(cluster, node)?.iter().map(|disk| proof::full(disk, stage));
    measured.collect::<Result<Vec<_>, _>>().map(|all| all.concat())
}

impl Injector for Starve {
    fn mechanism(&self, cluster: &Cluster) -> String {
        let name = match self.scarcity {
            Scarcity::Cpu { .. } => cluster.equipment().starve_means().name(),
            Scarcity::Memory { .. } | Scarcity::Descriptors { .. } => "prlimit",
            Scarcity::Disk => "tmpfs",
        };
        name.to_owned()
    }

    fn inject(&mut self, cluster: &Cluster) -> Vec<String> {
        if self.scarcity == Scarcity::Disk {
            return each(&self.nodes, "starve", |node| {
                small(cluster, node)?.iter().try_for_each(SmallDisk::fill)
            });
        }
        each(&self.nodes, "starve", |node| {
            cluster.running(node, |process| match self.limit() {
                None => time(cluster, process, self.duty()),
                Some((resource, headroom)) => process.limit(resource, headroom),
            })
        })
    }

    fn measure(&mut self, cluster: &Cluster, stage: Stage) -> Result<Vec<Measurement>, LabError> {
        let each = self.nodes.iter();
        let each = each.map(|node| match self.scarcity {
            Scarcity::Disk => full(cluster, *node, stage),
            _ => cluster.running(*node, |one| self.measured(cluster, one, stage)),
        });
        each.collect::<Result<Vec<_>, _>>().map(|all| all.into_iter().flatten().collect())
    }

    fn heal(&mut self, cluster: &Cluster) -> Vec<String> {
        if self.scarcity == Scarcity::Disk {
            return each(&self.nodes, "feed", |node| {
                small(cluster, node)?.iter().try_for_each(SmallDisk::make_room)
            });
        }
        each(&self.nodes, "feed", |node| {
            cluster.running(node, |process| match self.limit() {
                None => time(cluster, process, None),
                Some((resource, _)) => process.unlimit(resource),
            })
        })
    }
}
