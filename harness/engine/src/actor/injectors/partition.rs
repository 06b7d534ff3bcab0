//! Packets between some nodes are dropped.

use std::collections::BTreeMap;

use fracas_checker::fault::{Cut, Measurement, Stage};

use super::injector::{Injector, refused};
use crate::cluster::Cluster;
use fracas_lab::{LabError, proofs};

/// Some directions are cut.
pub(super) struct Partition {
    id: u32,
    cut: Vec<Cut>,
    /// Packets dropped per direction when it was injected, to see that they go on being dropped.
    drops: BTreeMap<Cut, u64>,
}

impl Partition {
    pub(super) fn new(id: u32, cut: Vec<Cut>) -> Self {
        Self { id, cut, drops: BTreeMap::new() }
    }
}

impl Injector for Partition {
    fn mechanism(&self, cluster: &Cluster) -> String {
        cluster.lab().partition_mechanism().to_owned()
    }

    fn inject(&mut self, cluster: &Cluster) -> Vec<String> {
        refused("cut", cluster.cut(self.id, self.cut.clone()))
    }

    fn measure(&mut self, cluster: &Cluster, stage: Stage) -> Result<Vec<Measurement>, LabError> {
        proofs::partition(cluster.lab(), &self.cut, stage, &mut self.drops)
    }

    fn heal(&mut self, cluster: &Cluster) -> Vec<String> {
        refused("heal", cluster.mend(self.id))
    }
}
