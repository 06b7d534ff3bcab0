//! The nodes that one fault ended and keeps down: what all kinds that end servers share.

use fracas_checker::event::NodeId;
use fracas_checker::fault::RestartAs;

use crate::cluster::{Cluster, End};

/// The nodes that one fault killed and keeps down.
#[derive(Debug, Default)]
pub(super) struct Down(Vec<NodeId>);

impl Down {
    /// Ends these nodes.
    pub(super) fn end(&mut self, cluster: &Cluster, nodes: &[NodeId], how: End) -> Vec<String> {
        let mut problems = Vec::new();
        for node in nodes {
            let (verb, ended) = match how {
                End::Killed => ("kill", cluster.kill(*node)),
                End::Stopped => ("stop", cluster.stop(*node)),
            };
            match ended {
                Ok(()) => self.0.push(*node),
                Err(error) => problems.push(format!("failed to {verb} {node}: {error}")),
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
        cluster.start_again(&mine, again)
    }
}
