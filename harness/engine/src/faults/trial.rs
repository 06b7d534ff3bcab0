//! Trying one mechanism by itself, in a scratch lab: what the trials of all kinds of faults share.
//!
//! A mechanism works if its proofs hold, by the same measurements as in a run.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use fracas_checker::event::NodeId;
use fracas_checker::fault::Measurement;
use fracas_lab::clock::ClockPage;
use fracas_lab::{Lab, LabError, LabSpec, Launch, Mechanism, NodeProcess, Reach};

/// The hidden argument that starts a trial: `fracas __doctor-probe userns`.
pub const PROBE_ARGUMENT: &str = "__doctor-probe";

/// The trial of one mechanism.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Trial {
    /// The mechanism.
    pub(crate) what: &'static str,
    /// How it is tried.
    pub(crate) attempt: Attempt,
    /// The mechanism that is used where this one does not work.
    pub(crate) instead: Option<&'static str>,
}

/// How a mechanism is tried; what was measured is told.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Attempt {
    /// In a lab of its own.
    Lab(fn() -> Result<String, LabError>),
    /// With a node that does nothing.
    Node(fn(&mut NodeProcess) -> Result<String, LabError>),
}

impl Trial {
    /// Tries it.
    pub(crate) fn outcome(&self) -> Result<String, LabError> {
        match self.attempt {
            Attempt::Lab(attempt) => attempt(),
            Attempt::Node(attempt) => {
                let lab = build(Mechanism::Auto)?;
                attempt(&mut start_idle(&lab, None)?)
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

/// Tries to build the network of a scratch lab.
pub(crate) fn network() -> Result<String, LabError> {
    Lab::try_network(&nodes()).map(|()| "2 nodes on a bridge".to_owned())
}

/// Builds a scratch lab.
pub(super) fn build(partition: Mechanism) -> Result<Lab, LabError> {
    Lab::build(&LabSpec { nodes: nodes(), partition, ineffective_cut: false })
}

/// Starts something that does nothing.
pub(super) fn start_idle(lab: &Lab, clock: Option<ClockPage>) -> Result<NodeProcess, LabError> {
    lab.start(&Launch {
        node: NodeId(1),
        argv: ["/proc/self/exe", PROBE_ARGUMENT, "idle"].map(str::to_owned).into(),
        env: BTreeMap::new(),
        dir: "/".into(),
        stdout: "/dev/null".into(),
        stderr: "/dev/null".into(),
        clock,
        monotonic_offset: 0,
        reach: Reach::default(),
    })
}

/// A path of our own where temporary files are. Process numbers begin anew in every world, so two
/// doctors at once would meet: the time tells them apart.
pub(super) fn scratch(name: &str) -> PathBuf {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    std::env::temp_dir().join(format!("{name}-{}", since.as_nanos()))
}

/// Sums measurements up, or names the first that does not hold.
pub(super) fn proven(measured: &[Measurement]) -> Result<String, LabError> {
    match measured.iter().find(|measurement| !measurement.holds) {
        None if measured.len() == 1 => Ok("worked, by 1 measurement".to_owned()),
        None => Ok(format!("worked, by {} measurements", measured.len())),
        Some(Measurement { what, result, .. }) => {
            Err(LabError::Reported(format!("it had no effect: {what}: {result}")))
        }
    }
}
