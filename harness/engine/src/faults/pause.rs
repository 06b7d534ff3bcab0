//! All processes of some nodes are stopped, or one of each.

use fracas_checker::event::NodeId;
use fracas_checker::fault::{Effect, Measurement, Stage};
use fracas_lab::LabError;
use fracas_lab::agent::{Agent, Facts, Measure, Order};
use fracas_targets::Alone;
use serde::{Deserialize, Serialize};

use super::alone::{ProcessName, fits_alone, hit_by};
use super::injector::{Injector, each};
use super::kind::{Around, Does, Entry, KindOfFault};
use super::on::On;
use super::trial::{Attempt, IDLE, Round, Trial, start_idle};
use super::victims::Victims;
use crate::cluster::Cluster;
use crate::means::Wanted;

/// Stop all processes, or one alone, and continue them at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// The process that is stopped alone; none for the whole node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<ProcessName>,
}

impl Pause {
    /// Of whole nodes.
    pub const WHOLE: Self = Self { process: None };

    fn of(process: ProcessName) -> Self {
        Self { process: Some(process) }
    }
}

/// By what means.
const MECHANISM: &str = "sigstop";

impl KindOfFault for Pause {
    const ENTRY: Entry = Entry {
        word: "pause",
        about: "all processes of some nodes are stopped, or one of each that the target names, and later \
                go on",
        proven_by: "the state of every thread",
        keys: &["process"],
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
        vec![Self::WHOLE]
    }

    fn given(around: &Around<'_>) -> Vec<Self> {
        hit_by(around.processes, Alone::Pause).into_iter().map(Self::of).collect()
    }

    fn on_process(self, process: ProcessName) -> Option<Self> {
        Some(Self::of(process))
    }

    fn mechanism(_: &Facts, _: &Wanted) -> String {
        MECHANISM.to_owned()
    }
}

impl Does for Pause {
    fn manner(&self) -> String {
        self.process.map_or(String::new(), |process| format!("{process} alone"))
    }

    fn planned(&self, victims: Victims) -> String {
        let alone = self.process.map_or(String::new(), |process| format!(", {process} alone"));
        format!(" of {victims}{alone}")
    }

    fn process(&self) -> Option<ProcessName> {
        self.process
    }

    fn fits(&self, around: &Around<'_>) -> bool {
        fits_alone(self.process, around.processes, Alone::Pause)
    }

    fn victims(&self, nodes: u16) -> &'static [Victims] {
        Victims::of_servers(nodes)
    }

    fn proof_ms(&self) -> u64 {
        120
    }

    fn effect(&self, on: &On) -> Effect {
        let nodes = on.nodes().to_vec();
        match self.process {
            None => Effect::NodeStopped { nodes },
            Some(name) => Effect::ProcessStopped { nodes, process: name.as_str().into() },
        }
    }

    fn injector(&self, _: u32, on: &On) -> Box<dyn Injector> {
        let nodes = on.nodes().to_vec();
        match self.process {
            None => Box::new(Stopped(nodes)),
            Some(name) => Box::new(StoppedAlone { nodes, name: name.to_string() }),
        }
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

/// One process of each of these nodes stands still.
struct StoppedAlone {
    nodes: Vec<NodeId>,
    /// Its name.
    name: String,
}

impl Injector for StoppedAlone {
    fn mechanism(&self, _: &Cluster) -> String {
        MECHANISM.to_owned()
    }

    fn inject(&mut self, cluster: &Cluster) -> Vec<String> {
        let attempt = format!("pause {} of", self.name);
        let pause = |node| cluster.ask::<()>(&Order::PauseProcess(node, self.name.clone()));
        each(&self.nodes, &attempt, pause)
    }

    fn measure(&mut self, cluster: &Cluster, stage: Stage) -> Result<Vec<Measurement>, LabError> {
        let measure = |node: &NodeId| Measure::PausedProcess(*node, self.name.clone());
        cluster.measure(self.nodes.iter().map(measure), stage)
    }

    fn heal(&mut self, cluster: &Cluster) -> Vec<String> {
        let attempt = format!("resume {} of", self.name);
        let resume = |node| cluster.ask::<()>(&Order::ResumeProcess(node, self.name.clone()));
        each(&self.nodes, &attempt, resume)
    }
}

/// Pauses a node and resumes it.
fn pause_and_resume(agent: &dyn Agent) -> Result<String, LabError> {
    start_idle(agent)?;
    let (inject, heal) = (Order::Pause(IDLE), Order::Resume(IDLE));
    Round { inject, measure: Measure::Pause(IDLE), heal }.proven(agent)
}
