//! All processes of some nodes are killed, and started again.

use fracas_checker::event::NodeId;
use fracas_checker::fault::{Again, Measurement, Stage};

use super::{Trouble, each};
use crate::cluster::Cluster;
use crate::lab::LabError;

/// These nodes are gone for a while.
pub(super) struct Kill {
    pub(super) nodes: Vec<NodeId>,
    /// As what they come back.
    pub(super) again: Again,
}

impl Trouble for Kill {
    fn mechanism(&self, _: &Cluster) -> String {
        "sigkill".to_owned()
    }

    fn inject(&mut self, cluster: &Cluster) -> Vec<String> {
        each(&self.nodes, "kill", |node| cluster.kill(node))
    }

    fn measure(&mut self, cluster: &Cluster, stage: Stage) -> Result<Vec<Measurement>, LabError> {
        cluster.measure_kill(&self.nodes, stage)
    }

    fn heal(&mut self, cluster: &Cluster) -> Vec<String> {
        each(&self.nodes, "start", |node| cluster.start(node, self.again))
    }
}
