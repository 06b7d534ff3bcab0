//! What a link does to packets, and how it is brought about: what slow and lossy links share.

use std::collections::BTreeMap;
use std::time::Duration;

use fracas_checker::fault::{Cut, Link, Measurement, Stage};
use fracas_lab::packets::{Shaping, proof};
use fracas_lab::{Lab, LabError, Mechanism};

use super::injector::{Injector, refused};
use super::on::On;
use super::trial::{DIRECTION, build, proven};
use crate::cluster::Cluster;

/// By which mechanism, and what it is called in records.
pub(super) const TRIED_BY: &[(&str, &str)] = &[("packets", "re-injection")];

/// A share in millionths.
const MILLION: f64 = 1e6;

/// These directions do this to packets.
struct Links {
    id: u32,
    pairs: Vec<Cut>,
    link: Link,
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

/// What makes the links `on` do this to packets.
pub(super) fn injector(id: u32, on: &On, link: Link) -> Box<dyn Injector> {
    Box::new(Links { id, pairs: on.pairs().to_vec(), link })
}

/// A direction that is late for a moment.
const LATE: Shaping = Shaping {
    delay: Duration::from_millis(1),
    jitter: Duration::ZERO,
    loss: 0.0,
    duplicate: 0.0,
    reorder: 0.0,
    bandwidth: None,
    seed: 0,
};

/// Shapes one direction of a lab for a moment.
pub(super) fn try_out(lab: &Lab, direction: Cut) -> Result<(), LabError> {
    lab.shape(&BTreeMap::from([(direction, LATE)]))?;
    lab.shape(&BTreeMap::new())
}

/// Makes one direction of a scratch lab late and lossy, and heals it.
pub(super) fn reinject() -> Result<String, LabError> {
    build(Mechanism::Auto).and_then(|lab| late_and_lossy(&lab))
}

/// Does the same by the kernel's queues.
pub(super) fn netem() -> Result<String, LabError> {
    let mut lab = build(Mechanism::Auto)?;
    lab.use_netem()?;
    late_and_lossy(&lab)
}

/// Makes one direction late and lossy and heals it.
fn late_and_lossy(lab: &Lab) -> Result<String, LabError> {
    let shaping = Shaping { delay: Duration::from_millis(10), loss: 0.1, ..Shaping::default() };
    let asked = BTreeMap::from([(DIRECTION, shaping)]);
    lab.shape(&asked)?;
    let mut measured = proof::shaped(lab, &asked, Stage::Injected)?;
    lab.shape(&BTreeMap::new())?;
    measured.extend(proof::shaped(lab, &asked, Stage::Healed)?);
    proven(&measured)
}
