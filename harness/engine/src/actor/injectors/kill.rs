//! All processes of some nodes are killed, and started again.

use fracas_checker::event::NodeId;
use fracas_checker::fault::{Measurement, RestartAs, Stage};

use super::injector::{Injector, each};
use crate::cluster::Cluster;
use fracas_lab::LabError;

/// The nodes that one fault killed and keeps down.
#[derive(Debug, Default)]
pub(super) struct Down(Vec<NodeId>);

impl Down {
    /// Kills these nodes.
    pub(super) fn kill(&mut self, cluster: &Cluster, nodes: &[NodeId]) -> Vec<String> {
        let mut problems = Vec::new();
        for node in nodes {
            match cluster.kill(*node) {
                Ok(_) => self.0.push(*node),
                Err(error) => problems.push(format!("failed to kill {node}: {error}")),
            }
        }
        problems
    }

    /// Starts them again, but those that another fault had killed before: it keeps them down.
    pub(super) fn start(
        &self,
        cluster: &Cluster,
        nodes: &[NodeId],
        again: RestartAs,
    ) -> Vec<String> {
        let mine = nodes.iter().filter(|node| self.0.contains(node) || cluster.has_ended(**node));
        let mine: Vec<NodeId> = mine.copied().collect();
        each(&mine, "start", |node| cluster.start(node, again))
    }
}

/// These nodes are gone for a while.
pub(super) struct Kill {
    nodes: Vec<NodeId>,
    /// As what they come back.
    again: RestartAs,
    down: Down,
}

impl Kill {
    pub(super) fn new(nodes: Vec<NodeId>, again: RestartAs) -> Self {
        Self { nodes, again, down: Down::default() }
    }
}

impl Injector for Kill {
    fn mechanism(&self, _: &Cluster) -> String {
        "sigkill".to_owned()
    }

    fn inject(&mut self, cluster: &Cluster) -> Vec<String> {
        self.down.kill(cluster, &self.nodes)
    }

    fn measure(&mut self, cluster: &Cluster, stage: Stage) -> Result<Vec<Measurement>, LabError> {
        cluster.measure_kill(&self.nodes, stage)
    }

    fn heal(&mut self, cluster: &Cluster) -> Vec<String> {
        self.down.start(cluster, &self.nodes, self.again)
    }
}
