//! What a link does to packets, and how it is brought about: what slow and lossy links share.

use std::time::Duration;

use fracas_checker::fault::{Cut, Link, Measurement, Stage};
use fracas_lab::LabError;
use fracas_lab::agent::{Agent, Measure, Order};
use fracas_lab::packets::Shaping;

use super::injector::{Injector, refused};
use super::on::On;
use super::trial::{DIRECTION, Round};
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
    fn shapings(&self) -> Vec<(Cut, Shaping)> {
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
        cluster.facts().packets.clone()
    }

    fn inject(&mut self, cluster: &Cluster) -> Vec<String> {
        refused("shape packets", cluster.shape(self.id, self.shapings()))
    }

    fn measure(&mut self, cluster: &Cluster, stage: Stage) -> Result<Vec<Measurement>, LabError> {
        cluster.measure([Measure::Shaped(self.shapings())], stage)
    }

    fn heal(&mut self, cluster: &Cluster) -> Vec<String> {
        refused("let packets pass", cluster.shape(self.id, Vec::new()))
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
pub(super) fn try_out(agent: &dyn Agent, direction: Cut) -> Result<(), LabError> {
    agent.ask::<()>(&Order::Shape(vec![(direction, LATE)]))?;
    agent.ask(&Order::Shape(Vec::new()))
}

/// Makes one direction late and lossy and heals it.
pub(super) fn late_and_lossy(agent: &dyn Agent) -> Result<String, LabError> {
    let shaping = Shaping { delay: Duration::from_millis(10), loss: 0.1, ..Shaping::default() };
    let asked = vec![(DIRECTION, shaping)];
    let (measure, heal) = (Measure::Shaped(asked.clone()), Order::Shape(Vec::new()));
    Round { inject: Order::Shape(asked), measure, heal }.proven(agent)
}
