//! Some nodes are ended politely, as an operator ends them, and started again.
//!
//! It is no part of the usual mix: what a server does when it is asked to end (it may hand its
//! leadership over, or flush what it never flushes else) is a test of its own.

use std::time::Duration;

use fracas_checker::event::NodeId;
use fracas_checker::fault::{Effect, Measurement, RestartAs, Stage};
use fracas_lab::LabError;
use fracas_lab::agent::{Agent, Facts, Measure, Order, StopSignal};
use serde::{Deserialize, Serialize};

use super::down::Down;
use super::injector::Injector;
use super::kind::{Does, Entry, KindOfFault};
use super::on::On;
use super::trial::{Attempt, IDLE, Trial, proven, start_idle};
use super::victims::Victims;
use crate::cluster::{Cluster, End};
use crate::means::Wanted;

/// End servers by their own signal, and start them again at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restart {}

/// By what means.
pub(super) const MECHANISM: &str = "stop signal";

/// How long a server of the trial may take to end.
const GRACE: Duration = Duration::from_secs(2);

impl KindOfFault for Restart {
    const ENTRY: Entry = Entry {
        word: "restart",
        about: "some nodes are ended by their own signal, and later started again",
        proven_by: "how the servers ended, and the processes",
        keys: &[],
        between: false,
        takes: None,
        tried_by: &[("stop", MECHANISM)],
        trials: &[Trial { mechanism: "stop", attempt: Attempt::Agent(stop), instead: None }],
        try_out: None,
    };

    const UNNAMED: bool = false;

    fn usual() -> Vec<Self> {
        vec![Self {}]
    }

    fn mechanism(_: &Facts, _: &Wanted) -> String {
        MECHANISM.to_owned()
    }
}

impl Does for Restart {
    fn manner(&self) -> String {
        String::new()
    }

    fn victims(&self, nodes: u16) -> &'static [Victims] {
        Victims::of_servers(nodes)
    }

    fn proof_ms(&self) -> u64 {
        500
    }

    fn effect(&self, on: &On) -> Effect {
        Effect::NodeDown { nodes: on.nodes().to_vec(), returns: RestartAs::Same, loses: None }
    }

    fn injector(&self, _: u32, on: &On) -> Box<dyn Injector> {
        Box::new(Ended { nodes: on.nodes().to_vec(), down: Down::default() })
    }
}

/// These nodes are gone for a while.
struct Ended {
    nodes: Vec<NodeId>,
    down: Down,
}

impl Injector for Ended {
    fn mechanism(&self, _: &Cluster) -> String {
        MECHANISM.to_owned()
    }

    fn inject(&mut self, cluster: &Cluster) -> Vec<String> {
        self.down.end(cluster, &self.nodes, End::Stopped)
    }

    fn measure(&mut self, cluster: &Cluster, stage: Stage) -> Result<Vec<Measurement>, LabError> {
        cluster.measure_end(&self.nodes, stage, End::Stopped)
    }

    fn heal(&mut self, cluster: &Cluster) -> Vec<String> {
        self.down.start(cluster, &self.nodes, RestartAs::Same)
    }
}

/// Ends a node by a signal.
fn stop(agent: &dyn Agent) -> Result<String, LabError> {
    start_idle(agent)?;
    agent.ask::<()>(&Order::Terminate(IDLE, StopSignal::Term, GRACE))?;
    proven(&agent.ask::<Vec<_>>(&Order::Measure(Measure::Stop(IDLE), Stage::Injected))?)
}
