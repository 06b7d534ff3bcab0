//! All processes of some nodes are stopped.

use fracas_checker::event::NodeId;
use fracas_checker::fault::{Effect, Measurement, Stage};
use fracas_lab::LabError;
use fracas_lab::agent::{Agent, Facts, Measure, Order};
use serde::{Deserialize, Serialize};

use super::injector::{Injector, each};
use super::kind::{Does, Entry, KindOfFault};
use super::on::On;
use super::trial::{Attempt, IDLE, Round, Trial, start_idle};
use super::victims::Victims;
use crate::cluster::Cluster;
use crate::means::Wanted;

/// Stop all processes, and continue them at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {}

/// By what means.
const MECHANISM: &str = "sigstop";

impl KindOfFault for Pause {
    const ENTRY: Entry = Entry {
        word: "pause",
        about: "all processes of some nodes are stopped, and later go on",
        proven_by: "the state of every thread",
        keys: &[],
        between: false,
        takes: None,
        tried_by: &[("pause", MECHANISM)],
        trials: &[Trial {
            mechanism: "pause",
            attempt: Attempt::Agent(pause_and_resume),
            instead: None,
        }],
        try_out: None,
    };

    fn usual() -> Vec<Self> {
        vec![Self {}]
    }

    fn mechanism(_: &Facts, _: &Wanted) -> String {
        MECHANISM.to_owned()
    }
}

impl Does for Pause {
    fn manner(&self) -> String {
        String::new()
    }

    fn victims(&self, nodes: u16) -> &'static [Victims] {
        Victims::of_servers(nodes)
    }

    fn proof_ms(&self) -> u64 {
        120
    }

    fn effect(&self, on: &On) -> Effect {
        Effect::NodeStopped { nodes: on.nodes().to_vec() }
    }

    fn injector(&self, _: u32, on: &On) -> Box<dyn Injector> {
        Box::new(Stopped(on.nodes().to_vec()))
    }
}

/// These nodes stand still.
struct Stopped(Vec<NodeId>);

impl Injector for Stopped {
    fn mechanism(&self, _: &Cluster) -> String {
        MECHANISM.to_owned()
    }

    fn inject(&mut self, cluster: &Cluster) -> Vec<String> {
        each(&self.0, "pause", |node| cluster.ask::<()>(&Order::Pause(node)))
    }

    fn measure(&mut self, cluster: &Cluster, stage: Stage) -> Result<Vec<Measurement>, LabError> {
        cluster.measure(self.0.iter().copied().map(Measure::Pause), stage)
    }

    fn heal(&mut self, cluster: &Cluster) -> Vec<String> {
        each(&self.0, "resume", |node| cluster.ask::<()>(&Order::Resume(node)))
    }
}

/// Pauses a node and resumes it.
fn pause_and_resume(agent: &dyn Agent) -> Result<String, LabError> {
    start_idle(agent)?;
    let (inject, heal) = (Order::Pause(IDLE), Order::Resume(IDLE));
    Round { inject, measure: Measure::Pause(IDLE), heal }.proven(agent)
}
