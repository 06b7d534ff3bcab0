//! What the phases of a run need.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use fracas_checker::event::Nanos;
use fracas_targets::{Deployment, Poller, Step};

use super::error::RunError;
use crate::caller::Caller;
use crate::cluster::Cluster;
use crate::guard::Guard;
use crate::observer::Observer;
use crate::plan::RunPlan;
use crate::preparation::Preparing;
use crate::progress::Listener;
use crate::pulse::Pulse;
use crate::recorder::Recorder;
use crate::signals::Interrupts;
use crate::store::RunDir;
use crate::view::View;
use crate::watching::Context;

/// How often a waiting run looks around.
pub(super) const GLANCE: Duration = Duration::from_millis(20);

/// Everything that a run's phases need.
pub(super) struct RunContext<'a> {
    pub(super) plan: &'a RunPlan,
    pub(super) dir: &'a RunDir,
    pub(super) cluster: Arc<Cluster>,
    pub(super) deployment: Arc<Deployment>,
    /// What is made once on this machine, before the first start of a node.
    pub(super) preparing: Option<Preparing>,
    /// What is run once, in order, before the load.
    pub(super) setup: Vec<Step>,
    pub(super) recorder: Recorder,
    pub(super) view: View,
    pub(super) caller: Caller,
    pub(super) interrupts: Interrupts,
    /// Keeps up with the run, where it is to end with the first anomaly.
    pub(super) guard: Option<Guard>,
    pub(super) listener: Arc<dyn Listener>,
    /// When the load was ended because of an anomaly.
    pub(super) load_ended: OnceLock<Nanos>,
}

impl RunContext<'_> {
    /// What asks nodes who leads.
    pub(super) fn poller(&self) -> Option<Poller> {
        self.deployment.poller_by(self.caller.client())
    }

    /// Begins to watch the nodes and their logs.
    pub(super) fn observe(&self) -> Result<Observer, RunError> {
        let context = Context {
            cluster: Arc::clone(&self.cluster),
            deployment: Arc::clone(&self.deployment),
            recorder: self.recorder.clone(),
            pulse: Pulse::default(),
            view: self.view.clone(),
        };
        Observer::start(context, self.poller().as_ref()).map_err(RunError::Runtime)
    }
}
