//! All processes of some nodes are killed, or one of each, and started again.

use fracas_checker::event::NodeId;
use fracas_checker::fault::{Effect, Measurement, RestartAs, Stage};
use fracas_lab::LabError;
use fracas_lab::agent::{Agent, Facts, Measure, Order};
use fracas_targets::Alone;
use serde::{Deserialize, Serialize};

use super::alone::{ProcessName, fits_alone, hit_by};
use super::down::Down;
use super::injector::{Injector, each};
use super::kind::{Around, Does, Entry, Given, KindOfFault, Missing};
use super::on::On;
use super::trial::{Attempt, IDLE, Trial, proven, start_idle};
use super::victims::Victims;
use crate::cluster::{Cluster, End};
use crate::means::Wanted;

/// Kill all processes, or one alone, and start them again at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kill {
    /// In which form the nodes are started again.
    #[serde(default, skip_serializing_if = "RestartAs::is_same")]
    pub again: RestartAs,
    /// The process that is killed alone; none for the whole node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<ProcessName>,
}

impl Kill {
    /// Of whole nodes that come back as they were.
    pub const WHOLE: Self = Self::back(RestartAs::Same);

    /// Of whole nodes that come back so.
    #[must_use]
    pub const fn back(again: RestartAs) -> Self {
        Self { again, process: None }
    }

    fn of(process: ProcessName) -> Self {
        Self { again: RestartAs::Same, process: Some(process) }
    }
}

/// By what means.
const MECHANISM: &str = "sigkill";

impl KindOfFault for Kill {
    const ENTRY: Entry = Entry {
        word: "kill",
        about: "some nodes are killed with SIGKILL, or one process of each that the target names, and \
                later started again",
        proven_by: "the processes",
        keys: &["again", "process"],
        between: false,
        takes: None,
        tried_by: &[("kill", MECHANISM)],
        trials: &[Trial { mechanism: "kill", attempt: Attempt::Agent(kill), instead: None }],
        try_out: None,
    };

    fn usual() -> Vec<Self> {
        vec![Self::WHOLE]
    }

    fn given(around: &Around<'_>) -> Vec<Self> {
        let processes = hit_by(around.processes, Alone::Kill).into_iter().map(Self::of);
        around.again.iter().map(|again| Self::back(*again)).chain(processes).collect()
    }

    fn on_process(self, process: ProcessName) -> Option<Self> {
        self.again.is_same().then(|| Self::of(process))
    }

    fn mechanism(_: &Facts, _: &Wanted) -> String {
        MECHANISM.to_owned()
    }
}

impl Does for Kill {
    fn manner(&self) -> String {
        self.process.map_or(self.again.to_string(), |process| format!("{process} alone"))
    }

    fn planned(&self, victims: Victims) -> String {
        let alone = self.process.map_or(String::new(), |process| format!(", {process} alone"));
        format!(" of {victims}{alone}")
    }

    fn process(&self) -> Option<ProcessName> {
        self.process
    }

    fn fits(&self, around: &Around<'_>) -> bool {
        let comes_back = self.again.is_same() || around.again.contains(&self.again);
        comes_back && fits_alone(self.process, around.processes, Alone::Kill)
    }

    fn contradiction(&self, _: Victims) -> Option<&'static str> {
        let both = self.process.is_some() && !self.again.is_same();
        both.then_some("a process that is killed alone comes back as it was: expected no `again`")
    }

    fn victims(&self, nodes: u16) -> &'static [Victims] {
        Victims::of_servers(nodes)
    }

    fn proof_ms(&self) -> u64 {
        120
    }

    fn missing(&self, given: Given<'_>) -> Option<Missing> {
        let missing = match self.again {
            RestartAs::Same => return None,
            RestartAs::NextBinary | RestartAs::FirstBinary => {
                ("the binary that nodes come back with", "--binary-next")
            }
            RestartAs::OtherFlags => ("the flags that nodes come back with", "--restart-arg"),
        };
        let needed = match self.again {
            RestartAs::FirstBinary => RestartAs::NextBinary,
            again => again,
        };
        (!given.again.contains(&needed)).then_some(missing)
    }

    fn effect(&self, on: &On) -> Effect {
        let (nodes, returns) = (on.nodes().to_vec(), self.again);
        match self.process {
            None => Effect::NodeDown { nodes, returns, loses: None },
            Some(name) => Effect::ProcessDown { nodes, process: name.as_str().into() },
        }
    }

    fn injector(&self, _: u32, on: &On) -> Box<dyn Injector> {
        let (nodes, again) = (on.nodes().to_vec(), self.again);
        match self.process {
            None => Box::new(Killed { nodes, again, down: Down::default() }),
            Some(name) => Box::new(KilledAlone { nodes, name: name.to_string() }),
        }
    }
}

/// These nodes are gone for a while.
struct Killed {
    nodes: Vec<NodeId>,
    /// In which form the nodes are started again.
    again: RestartAs,
    down: Down,
}

impl Injector for Killed {
    fn mechanism(&self, _: &Cluster) -> String {
        MECHANISM.to_owned()
    }

    fn inject(&mut self, cluster: &Cluster) -> Vec<String> {
        self.down.end(cluster, &self.nodes, End::Killed)
    }

    fn measure(&mut self, cluster: &Cluster, stage: Stage) -> Result<Vec<Measurement>, LabError> {
        cluster.measure_end(&self.nodes, stage, End::Killed)
    }

    fn heal(&mut self, cluster: &Cluster) -> Vec<String> {
        self.down.start(cluster, &self.nodes, self.again)
    }
}

/// One process of each of these nodes is gone for a while.
struct KilledAlone {
    nodes: Vec<NodeId>,
    /// Its name.
    name: String,
}

impl Injector for KilledAlone {
    fn mechanism(&self, _: &Cluster) -> String {
        MECHANISM.to_owned()
    }

    fn inject(&mut self, cluster: &Cluster) -> Vec<String> {
        let attempt = format!("kill {} of", self.name);
        each(&self.nodes, &attempt, |node| cluster.kill_process(node, &self.name))
    }

    fn measure(&mut self, cluster: &Cluster, stage: Stage) -> Result<Vec<Measurement>, LabError> {
        let measure = |node: &NodeId| Measure::KilledProcess(*node, self.name.clone());
        cluster.measure(self.nodes.iter().map(measure), stage)
    }

    fn heal(&mut self, cluster: &Cluster) -> Vec<String> {
        let attempt = format!("start {} of", self.name);
        each(&self.nodes, &attempt, |node| cluster.start_process(node, &self.name))
    }
}

/// Kills a node.
fn kill(agent: &dyn Agent) -> Result<String, LabError> {
    start_idle(agent)?;
    agent.ask::<()>(&Order::Kill(IDLE))?;
    proven(&agent.ask::<Vec<_>>(&Order::Measure(Measure::Kill(IDLE), Stage::Injected))?)
}
