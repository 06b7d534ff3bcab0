//! Some nodes lose their power: they are gone at once, and with them what was not yet durable.

use fracas_checker::event::NodeId;
use fracas_checker::fault::{Loss, Measurement, RestartAs, Stage};

use super::injector::Injector;
use super::kill::Down;
use crate::cluster::Cluster;
use fracas_lab::LabError;
use fracas_lab::disk::{self, Lost, Unit};

/// These nodes lose their power for a while.
pub(super) struct Power {
    nodes: Vec<NodeId>,
    loss: disk::Loss,
    /// What each disk lost.
    lost: Vec<(NodeId, Lost)>,
    down: Down,
}

impl Power {
    pub(super) fn new(id: u32, nodes: Vec<NodeId>, loss: Loss) -> Self {
        let torn = |unit| disk::Loss::Torn { seed: id.into(), unit };
        let loss = match loss {
            Loss::All => disk::Loss::All,
            Loss::Pages => torn(Unit::Page),
            Loss::Sectors => torn(Unit::Sector),
        };
        Self { nodes, loss, lost: Vec::new(), down: Down::default() }
    }
}

impl Injector for Power {
    fn mechanism(&self, _: &Cluster) -> String {
        "sigkill, fuse".to_owned()
    }

    fn inject(&mut self, cluster: &Cluster) -> Vec<String> {
        let mut problems = self.down.kill(cluster, &self.nodes);
        // Only now: what a process wrote through memory reaches the disk when it is reaped.
        for node in &self.nodes {
            match cluster.equipment().disks(*node).iter().map(|disk| disk.lose(self.loss)).collect()
            {
                Ok::<Vec<Lost>, LabError>(lost) => {
                    self.lost.extend(lost.into_iter().map(|lost| (*node, lost)));
                }
                Err(error) => problems.push(format!("failed to let {node} forget: {error}")),
            }
        }
        problems
    }

    fn measure(&mut self, cluster: &Cluster, stage: Stage) -> Result<Vec<Measurement>, LabError> {
        let mut measured = cluster.measure_kill(&self.nodes, stage)?;
        if stage == Stage::Injected {
            measured.extend(self.lost.iter().map(|(node, lost)| {
                // From a server that has synced all it must, a power failure takes nothing. It has
                // failed all the same: the processes are gone, and the disk was told to forget.
                let holds = lost.problems.is_empty();
                Measurement { holds, ..disk::proofs::loss(*node, lost) }
            }));
        }
        Ok(measured)
    }

    fn heal(&mut self, cluster: &Cluster) -> Vec<String> {
        self.down.start(cluster, &self.nodes, RestartAs::Same)
    }
}
