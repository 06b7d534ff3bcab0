//! What the allowed faults take of the network is tried before any server is started: a fault that
//! cannot be brought about is refused by its name, whatever the seed has drawn.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use fracas_checker::event::NodeId;
use fracas_checker::fault::{Cut, FaultKind};

use crate::plan::RunPlan;
use crate::refusal::refused;
use fracas_lab::packets::Shaping;
use fracas_lab::{Lab, LabError, LabSpec};

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

/// Cuts and shapes one direction for a moment, as far as faults of these kinds would.
///
/// # Errors
/// [`LabError::Unavailable`], with the fault that cannot be brought about.
pub fn try_out(lab: &Lab, kinds: &BTreeSet<FaultKind>) -> Result<(), LabError> {
    let Some(direction) = lab.directions().first().copied() else { return Ok(()) };
    let tried = |kind: &FaultKind| tried(lab, *kind, direction);
    kinds.iter().try_for_each(|kind| tried(kind).map_err(|error| refused(*kind, error)))
}

/// Does in one direction for a moment what faults of this kind would.
fn tried(lab: &Lab, kind: FaultKind, direction: Cut) -> Result<(), LabError> {
    match kind {
        FaultKind::Partition => cut(lab, direction),
        FaultKind::Slow | FaultKind::Loss => shape(lab, direction),
        _ => Ok(()),
    }
}

/// Which of the kinds of faults of a plan take what the network of this machine cannot do, with the
/// reason: tried with two nodes, and taken down again. None is known where no such network can be
/// made: then the run itself says why.
#[must_use]
pub fn lacking(plan: &RunPlan) -> BTreeMap<FaultKind, String> {
    let of_links = [FaultKind::Partition, FaultKind::Slow, FaultKind::Loss];
    let wanted = of_links.into_iter().filter(|kind| plan.spec.faults.contains(kind));
    let wanted: Vec<FaultKind> = wanted.collect();
    let (nodes, partition) = (vec![NodeId(1), NodeId(2)], plan.spec.partition);
    let spec = LabSpec { nodes, partition, ineffective_cut: plan.place.ineffective_cut };
    if wanted.is_empty() {
        return BTreeMap::new();
    }
    let Ok(lab) = Lab::build(&spec) else { return BTreeMap::new() };
    let Some(direction) = lab.directions().first().copied() else { return BTreeMap::new() };
    let why = |kind| Some((kind, tried(&lab, kind, direction).err()?.to_string()));
    wanted.into_iter().filter_map(why).collect()
}

fn cut(lab: &Lab, direction: Cut) -> Result<(), LabError> {
    lab.cut(&[direction])?;
    lab.cut(&[])
}

fn shape(lab: &Lab, direction: Cut) -> Result<(), LabError> {
    lab.shape(&BTreeMap::from([(direction, LATE)]))?;
    lab.shape(&BTreeMap::new())
}
