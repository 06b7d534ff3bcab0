//! What the allowed faults take of the network is tried before any server is started: a fault that
//! cannot be brought about is refused by its name, whatever the seed has drawn.

use std::collections::{BTreeMap, BTreeSet};

use fracas_checker::event::NodeId;
use fracas_checker::fault::Cut;
use fracas_targets::Target;

use crate::faults::Kind;
use crate::plan::RunPlan;
use crate::refusal::refused;
use fracas_lab::agent::{Agent, Facts, LocalAgent, Order};
use fracas_lab::{Lab, LabError, LabSpec};

/// The direction of the network that is tried before a lab is there.
const DIRECTION: Cut = (NodeId(1), NodeId(2));

/// Cuts and shapes one direction for a moment, as far as faults of these kinds would.
///
/// # Errors
/// [`LabError::Unavailable`], with the fault that cannot be brought about.
pub fn try_out(agent: &dyn Agent, kinds: &BTreeSet<Kind>) -> Result<(), LabError> {
    let Some(direction) = direction(agent)? else { return Ok(()) };
    let tried = |kind: &Kind| kind.try_out(agent, direction);
    kinds.iter().try_for_each(|kind| tried(kind).map_err(|error| refused(kind.word(), error)))
}

/// Fails if servers of this target are to have a user by name, and this machine cannot give one.
///
/// # Errors
/// [`LabError::Unavailable`], with the name.
pub fn must_name_users(target: &Target) -> Result<(), LabError> {
    let Some((user, why)) = target.user().zip(fracas_lab::lacks_user_names()) else {
        return Ok(());
    };
    Err(LabError::Unavailable {
        what: format!("give servers the user `{user}`, as `node.user` says"),
        why,
        mend: "see `fracas doctor`, or leave `node.user` out".to_owned(),
    })
}

/// One direction of a lab, if it has any.
fn direction(agent: &dyn Agent) -> Result<Option<Cut>, LabError> {
    let facts: Facts = agent.ask(&Order::Facts)?;
    let mut nodes = facts.nodes.into_keys();
    Ok(nodes.next().zip(nodes.next()))
}

/// The kinds of faults of a plan that the network of this machine cannot bring about, with the
/// reason. A network of two nodes is made for the trial and taken down again. Empty where no such
/// network can be made: then the run itself says why.
#[must_use]
pub fn lacking(plan: &RunPlan) -> BTreeMap<Kind, String> {
    let wanted = plan.spec.faults.iter().copied().filter(|kind| kind.is_between());
    let wanted: Vec<Kind> = wanted.collect();
    let (nodes, partition) = (vec![DIRECTION.0, DIRECTION.1], plan.spec.partition);
    let spec = LabSpec { nodes, partition, ineffective_cut: plan.place.ineffective_cut };
    if wanted.is_empty() {
        return BTreeMap::new();
    }
    let Ok(lab) = Lab::build(&spec) else { return BTreeMap::new() };
    let agent = LocalAgent::new(lab);
    let why = |kind: Kind| Some((kind, kind.try_out(&agent, DIRECTION).err()?.to_string()));
    wanted.into_iter().filter_map(why).collect()
}
