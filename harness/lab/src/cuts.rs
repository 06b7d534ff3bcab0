//! The directions that are cut or shaped, and by what: the one place that changes either.
//!
//! Whatever is asked, the rules of the bridge are replaced in one transaction. It chooses nothing
//! and measures nothing.

use std::collections::{BTreeMap, BTreeSet};

use fracas_checker::fault::Cut;

use super::error::LabError;
use super::links::Network;
use super::packets::{Engine, Queues, Shaping};
use super::partitioner::Partitioner;

/// The directions that are cut or shaped.
pub(crate) struct Cuts {
    partitioner: Box<dyn Partitioner>,
    /// The directions that were asked to be cut last.
    pub(crate) asked: BTreeSet<Cut>,
    /// The shapings that were asked for last.
    pub(crate) shaped: BTreeMap<Cut, Shaping>,
    /// Sends the packets of shaped directions on; there only while there are some.
    pub(crate) engine: Option<Engine>,
    /// The kernel's queues, if they shape instead.
    pub(crate) queues: Option<Queues>,
    /// What each direction has dropped before the last change that kept it cut.
    dropped_before: BTreeMap<Cut, u64>,
}

impl Cuts {
    /// Nothing is cut or shaped.
    pub(crate) fn none(partitioner: Box<dyn Partitioner>) -> Self {
        Self {
            partitioner,
            asked: BTreeSet::new(),
            shaped: BTreeMap::new(),
            engine: None,
            queues: None,
            dropped_before: BTreeMap::new(),
        }
    }

    /// Makes these directions the only ones that are cut; or claims so, if it is to be ineffective.
    pub(crate) fn cut(
        &mut self,
        network: &Network,
        wanted: &BTreeSet<Cut>,
        ineffective: bool,
    ) -> Result<(), LabError> {
        if !ineffective {
            let shaped = self.shaped.clone();
            self.replace(network, wanted, &shaped)?;
        }
        self.asked.clone_from(wanted);
        Ok(())
    }

    /// Makes these directions the only ones that are shaped; or claims so.
    pub(crate) fn shape(
        &mut self,
        network: &Network,
        wanted: &BTreeMap<Cut, Shaping>,
        ineffective: bool,
    ) -> Result<(), LabError> {
        match &mut self.queues {
            _ if ineffective => {}
            Some(queues) => queues.replace(&self.shaped, wanted)?,
            None => {
                let asked = self.asked.clone();
                self.replace(network, &asked, wanted)?;
            }
        }
        self.shaped.clone_from(wanted);
        Ok(())
    }

    /// Puts everything into force. Directions that stay cut keep their count, though their rules
    /// are new.
    ///
    /// Directions are shaped before their way along the bridge is closed and until after it is
    /// open again, so no packet falls in between. One that is cut is not sent on, shaped or not.
    fn replace(
        &mut self,
        network: &Network,
        cuts: &BTreeSet<Cut>,
        shaped: &BTreeMap<Cut, Shaping>,
    ) -> Result<(), LabError> {
        let kept = self.kept_counts(cuts)?;
        let diverted = self.open_ones(shaped, cuts);
        self.divert(network, cuts, &diverted)?;
        let cuts: Vec<Cut> = cuts.iter().copied().collect();
        let directions: Vec<Cut> = diverted.keys().copied().collect();
        if let Err(error) = self.partitioner.replace(&cuts, &directions) {
            let before = self.open_ones(&self.shaped, &self.asked);
            let restored = self.divert(network, &BTreeSet::new(), &before);
            return Err(restored.and_then(|()| self.keep(&before)).err().unwrap_or(error));
        }
        self.dropped_before = kept;
        self.keep(&diverted)
    }

    /// What the directions that stay cut have dropped so far.
    fn kept_counts(&mut self, cuts: &BTreeSet<Cut>) -> Result<BTreeMap<Cut, u64>, LabError> {
        if cuts.is_disjoint(&self.asked) {
            return Ok(BTreeMap::new());
        }
        let mut kept = self.drops()?;
        kept.retain(|cut, _| cuts.contains(cut));
        Ok(kept)
    }

    /// Has the packets of these directions sent on, and no more those of directions that are cut.
    fn divert(
        &mut self,
        network: &Network,
        cuts: &BTreeSet<Cut>,
        diverted: &BTreeMap<Cut, Shaping>,
    ) -> Result<(), LabError> {
        if self.engine.is_none() && !diverted.is_empty() {
            let nodes: Vec<_> = network.places.iter().map(|place| place.node).collect();
            self.engine = Some(Engine::start(&nodes)?);
        }
        self.engine.iter().try_for_each(|engine| {
            engine.sever(cuts)?;
            engine.add(diverted)
        })
    }

    /// Sends on what waits in all other directions, and ends the engine if there is none left.
    fn keep(&mut self, diverted: &BTreeMap<Cut, Shaping>) -> Result<(), LabError> {
        self.engine.iter().try_for_each(|engine| engine.keep(diverted))?;
        if diverted.is_empty() {
            self.engine = None;
        }
        Ok(())
    }

    /// The counters of the present cuts, and what was counted before them.
    pub(crate) fn drops(&mut self) -> Result<BTreeMap<Cut, u64>, LabError> {
        let mut drops = self.partitioner.drops()?;
        for (cut, count) in &mut drops {
            *count += self.dropped_before.get(cut).copied().unwrap_or_default();
        }
        Ok(drops)
    }

    /// The shapings of directions that are not cut, as far as packets are sent on for them.
    fn open_ones(
        &self,
        shaped: &BTreeMap<Cut, Shaping>,
        cuts: &BTreeSet<Cut>,
    ) -> BTreeMap<Cut, Shaping> {
        let open = |(cut, _): &(&Cut, &Shaping)| self.queues.is_none() && !cuts.contains(cut);
        shaped.iter().filter(open).map(|(cut, it)| (*cut, *it)).collect()
    }
}
