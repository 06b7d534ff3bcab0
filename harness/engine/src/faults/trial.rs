//! Trying one mechanism by itself, in a scratch lab: what the trials of all kinds of faults share.
//!
//! A mechanism works if its proofs hold, by the same orders and measurements as in a run.

use std::collections::BTreeMap;

use fracas_checker::event::NodeId;
use fracas_checker::fault::{Measurement, Stage};
use fracas_lab::agent::{Agent, LocalAgent, Measure, Order, Start};
use fracas_lab::{Lab, LabError, LabSpec, Mechanism, Program, Reach};

/// The hidden argument that starts a trial: `fracas __doctor-probe userns`.
pub const PROBE_ARGUMENT: &str = "__doctor-probe";

/// The trial of one mechanism.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Trial {
    /// The mechanism.
    pub(crate) mechanism: &'static str,
    /// How it is tried.
    pub(crate) attempt: Attempt,
    /// The mechanism that is used where this one does not work.
    pub(crate) instead: Option<&'static str>,
}

/// Gives the agent of a scratch lab orders, and tells what was measured.
pub(crate) type Orders = fn(&dyn Agent) -> Result<String, LabError>;

/// How a mechanism is tried; what was measured is told.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Attempt {
    /// The lab itself tries it.
    Lab(fn() -> Result<String, LabError>),
    /// Orders to the agent of a scratch lab try it.
    Agent(Orders),
    /// The same, where directions are cut by this mechanism.
    Cutting(Mechanism, Orders),
    /// The same, where packets are shaped by the kernel's queues.
    Netem(Orders),
}

impl Trial {
    /// Tries it.
    pub(crate) fn outcome(&self) -> Result<String, LabError> {
        match self.attempt {
            Attempt::Lab(attempt) => attempt(),
            Attempt::Agent(orders) => orders(&LocalAgent::new(build(Mechanism::Auto)?)),
            Attempt::Cutting(mechanism, orders) => orders(&LocalAgent::new(build(mechanism)?)),
            Attempt::Netem(orders) => {
                let mut lab = build(Mechanism::Auto)?;
                lab.use_netem()?;
                orders(&LocalAgent::new(lab))
            }
        }
    }
}

/// The nodes of a scratch lab.
fn nodes() -> Vec<NodeId> {
    [1, 2].map(NodeId).into()
}

/// One direction of it.
pub(super) const DIRECTION: (NodeId, NodeId) = (NodeId(1), NodeId(2));

/// The node of it that does nothing.
pub(super) const IDLE: NodeId = NodeId(1);

/// Tries to build the network of a scratch lab.
pub(crate) fn network() -> Result<String, LabError> {
    Lab::try_network(&nodes()).map(|()| "2 nodes on a bridge".to_owned())
}

/// Builds a scratch lab.
fn build(partition: Mechanism) -> Result<Lab, LabError> {
    Lab::build(&LabSpec { nodes: nodes(), partition, ineffective_cut: false })
}

/// Starts something that does nothing.
pub(super) fn start_idle(agent: &dyn Agent) -> Result<(), LabError> {
    agent.ask(&Order::Start(Box::new(Start {
        node: IDLE,
        program: Program {
            name: None,
            argv: ["/proc/self/exe", PROBE_ARGUMENT, "idle"].map(str::to_owned).into(),
            env: BTreeMap::new(),
        },
        also: Vec::new(),
        monotonic_offset: 0,
        reach: Reach::default(),
    })))
}

/// Something that is brought about and healed, and measured both times.
pub(super) struct Round {
    /// What brings it about.
    pub(super) inject: Order,
    /// What is measured.
    pub(super) measure: Measure,
    /// What heals it.
    pub(super) heal: Order,
}

impl Round {
    /// Gives the orders, and tells what was measured.
    pub(super) fn made(self, agent: &dyn Agent) -> Result<Vec<Measurement>, LabError> {
        agent.ask::<()>(&self.inject)?;
        let injected = Order::Measure(self.measure.clone(), Stage::Injected);
        let mut measured: Vec<Measurement> = agent.ask(&injected)?;
        agent.ask::<()>(&self.heal)?;
        let healed = Order::Measure(self.measure, Stage::Healed);
        measured.extend(agent.ask::<Vec<Measurement>>(&healed)?);
        Ok(measured)
    }

    /// The same, summed up.
    pub(super) fn proven(self, agent: &dyn Agent) -> Result<String, LabError> {
        proven(&self.made(agent)?)
    }
}

/// Sums measurements up, or names the first that does not hold.
pub(super) fn proven(measured: &[Measurement]) -> Result<String, LabError> {
    match measured.iter().find(|measurement| !measurement.holds) {
        None if measured.len() == 1 => Ok("worked, by 1 measurement".to_owned()),
        None => Ok(format!("worked, by {} measurements", measured.len())),
        Some(Measurement { what: name, result, .. }) => {
            Err(LabError::Reported(format!("it had no effect: {name}: {result}")))
        }
    }
}
