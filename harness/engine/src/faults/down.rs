//! The nodes that one fault killed and keeps down: what kills and power failures share.

use fracas_checker::event::NodeId;
use fracas_checker::fault::RestartAs;

use super::injector::each;
use crate::cluster::Cluster;

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
