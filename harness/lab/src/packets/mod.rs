//! Slow, lossy and narrow links: what becomes of the packets of some ordered pairs of nodes.
//!
//! The bridge goes on carrying everybody else's packets. For the shaped directions a filter on the
//! bridge drops the frames, and a thread of the harness takes a copy of each where it enters the
//! bridge and sends it out of the receiver's port when it is due. No `netem` is needed, no rights
//! but those of the lab, and nothing is done in a node's own namespace. Where the kernel has `netem`
//! it can be asked to do the same.
//!
//! Nothing is ever corrupted: checksums are computed by the receiver's side of a link, after the
//! change, so a server would see wrong data that no real network would have let through.

mod engine;
mod flow;
mod judge;
mod meter;
mod netem;
pub mod overhead;
mod port;
pub mod proof;
mod shaping;
mod switch;
mod watch;

use std::collections::BTreeMap;
use std::sync::PoisonError;

use fracas_checker::fault::Cut;

use super::Lab;
use super::error::LabError;
use super::netns::in_thread;
use super::punctual::be_punctual;

pub(crate) use engine::Engine;
pub(crate) use meter::Meter;
pub use meter::{Plan, Sample, Way};
pub(crate) use netem::Queues;
pub use shaping::{Carried, Shaping};
pub use watch::Watch;

impl Lab {
    /// Makes these directions the only shaped ones; none of them heals all.
    ///
    /// A direction whose shaping stays the same is not disturbed. Packets that wait in a direction
    /// that is healed arrive at once. No packet is lost by the change itself, but for some ten
    /// microseconds one may arrive twice. A direction that is also cut stays cut.
    ///
    /// # Errors
    /// When a shaping makes no sense, or this machine has no nft for the bridge.
    pub fn shape(&self, shapings: &BTreeMap<Cut, Shaping>) -> Result<(), LabError> {
        for (cut, shaping) in shapings {
            self.must_exist("shape", *cut)?;
            shaping.check(*cut)?;
        }
        self.cuts().shape(&self.network, shapings, self.ineffective_cut)
    }

    /// The shapings that were asked for last.
    #[must_use]
    pub fn shapings(&self) -> BTreeMap<Cut, Shaping> {
        self.cuts().shaped.clone()
    }

    /// What was done to the packets of each shaped direction; those that are also cut are missing,
    /// and all of them where `netem` does it.
    ///
    /// # Errors
    /// When the thread that sends them on has failed.
    pub fn carried(&self) -> Result<BTreeMap<Cut, Carried>, LabError> {
        self.cuts().engine.as_ref().map_or_else(|| Ok(BTreeMap::new()), Engine::carried)
    }

    /// Sends probes along these directions, has each sent back, and tells what came of them.
    ///
    /// # Errors
    /// When a probe cannot be sent.
    pub fn measure(&self, pairs: &[Cut], plan: Plan) -> Result<BTreeMap<Cut, Sample>, LabError> {
        self.with_meter(|meter| meter.round_trips(pairs, plan))
    }

    /// Sends a burst along a direction that should let `rate` bits per second through, and tells
    /// what got through per second; none if too little arrived.
    ///
    /// # Errors
    /// When it cannot be sent.
    pub fn measure_rate(&self, pair: Cut, rate: u64) -> Result<Option<f64>, LabError> {
        self.with_meter(|meter| meter.burst(pair, rate))
    }

    /// Measures these shaped directions in the background, until the watch is finished.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn watch(&self, asked: &BTreeMap<Cut, Shaping>) -> Result<Watch, LabError> {
        asked.keys().try_for_each(|cut| self.must_exist("watch", *cut))?;
        Watch::start(Meter::open(&self.network)?, asked.clone())
    }

    /// Runs something with the lab's meter, which is opened when it is first used, in a thread of
    /// its own: what makes it punctual must not be passed on to a server.
    fn with_meter<T: Send>(
        &self,
        task: impl FnOnce(&mut Meter) -> Result<T, LabError> + Send,
    ) -> Result<T, LabError> {
        let mut meter = self.meter.lock().unwrap_or_else(PoisonError::into_inner);
        let meter = match &mut *meter {
            Some(meter) => meter,
            closed => closed.insert(Meter::open(&self.network)?),
        };
        in_thread(|| {
            be_punctual()?;
            task(meter)
        })
    }

    /// Has the kernel's `netem` queues shape from now on. Nothing may be shaped yet.
    ///
    /// The proofs are the same. Packets that wait in a direction that is healed are lost, and which
    /// ones are met does not follow from the seed.
    ///
    /// # Errors
    /// [`LabError::Unavailable`], when the kernel has none, or the lab has too many nodes for it.
    pub fn use_netem(&mut self) -> Result<(), LabError> {
        if let Some(node) = self.nodes.iter().find(|node| node.0 > netem::NODES_MAX) {
            return Err(LabError::Unavailable {
                what: "use netem".into(),
                why: format!("a queue has bands for n1 to n{}, not for {node}", netem::NODES_MAX),
                mend: "use fewer nodes, or `--mechanism packets=reinject`".into(),
            });
        }
        self.cuts().queues = Some(Queues::open()?);
        Ok(())
    }

    /// The mechanism by which packets are shaped.
    #[must_use]
    pub fn packets_mechanism(&self) -> &'static str {
        if self.cuts().queues.is_some() { "netem" } else { "re-injection" }
    }
}
