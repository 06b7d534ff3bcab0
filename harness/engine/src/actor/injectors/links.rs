//! Packets between some nodes are late, lost, doubled or out of order.

use std::collections::BTreeMap;
use std::time::Duration;

use fracas_checker::fault::{Cut, Link, Measurement, Stage};

use super::injector::{Injector, refused};
use crate::cluster::Cluster;
use fracas_lab::LabError;
use fracas_lab::packets::{Shaping, proof};

/// A share in millionths.
const MILLION: f64 = 1e6;

/// These directions do this to packets.
pub(super) struct Links {
    pub(super) id: u32,
    pub(super) pairs: Vec<Cut>,
    pub(super) link: Link,
}

impl Links {
    fn shapings(&self) -> BTreeMap<Cut, Shaping> {
        let Link { delay_us, jitter_us, loss_ppm, duplicate_ppm, reorder_ppm, bits_per_s } =
            self.link;
        let shaping = Shaping {
            delay: Duration::from_micros(delay_us),
            jitter: Duration::from_micros(jitter_us),
            loss: loss_ppm as f64 / MILLION,
            duplicate: duplicate_ppm as f64 / MILLION,
            reorder: reorder_ppm as f64 / MILLION,
            bandwidth: (bits_per_s > 0).then_some(bits_per_s),
            seed: self.id.into(),
        };
        self.pairs.iter().map(|pair| (*pair, shaping)).collect()
    }
}

impl Injector for Links {
    fn mechanism(&self, cluster: &Cluster) -> String {
        cluster.lab().packets_mechanism().to_owned()
    }

    fn inject(&mut self, cluster: &Cluster) -> Vec<String> {
        refused("shape packets", cluster.shape(self.id, self.shapings()))
    }

    fn measure(&mut self, cluster: &Cluster, stage: Stage) -> Result<Vec<Measurement>, LabError> {
        proof::shaped(cluster.lab(), &self.shapings(), stage)
    }

    fn heal(&mut self, cluster: &Cluster) -> Vec<String> {
        refused("let packets pass", cluster.shape(self.id, BTreeMap::new()))
    }
}
