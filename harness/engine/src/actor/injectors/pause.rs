//! All processes of some nodes are stopped.

use fracas_checker::event::NodeId;
use fracas_checker::fault::{Measurement, Stage};

use super::injector::{Injector, each};
use crate::cluster::Cluster;
use fracas_lab::LabError;

/// These nodes stand still.
pub(super) struct Pause(pub(super) Vec<NodeId>);

impl Injector for Pause {
    fn mechanism(&self, _: &Cluster) -> String {
        "sigstop".to_owned()
    }

    fn inject(&mut self, cluster: &Cluster) -> Vec<String> {
        each(&self.0, "pause", |node| cluster.pause(node))
    }

    fn measure(&mut self, cluster: &Cluster, stage: Stage) -> Result<Vec<Measurement>, LabError> {
        cluster.measure_pause(&self.0, stage)
    }

    fn heal(&mut self, cluster: &Cluster) -> Vec<String> {
        each(&self.0, "resume", |node| cluster.resume(node))
    }
}
