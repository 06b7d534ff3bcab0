//! All processes of some nodes are killed, and started again.

use fracas_checker::event::NodeId;
use fracas_checker::fault::{Effect, Measurement, RestartAs, Stage};
use fracas_lab::LabError;
use fracas_lab::agent::{Agent, Facts, Measure, Order};
use serde::{Deserialize, Serialize};

use super::down::Down;
use super::injector::Injector;
use super::kind::{Around, Does, Entry, Given, KindOfFault, Missing};
use super::on::On;
use super::trial::{Attempt, IDLE, Trial, proven, start_idle};
use super::victims::Victims;
use crate::cluster::{Cluster, End};
use crate::means::Wanted;

/// Kill all processes, and start them again at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kill {
    /// In which form the nodes are started again.
    #[serde(default, skip_serializing_if = "RestartAs::is_same")]
    pub again: RestartAs,
}

/// By what means.
const MECHANISM: &str = "sigkill";

impl KindOfFault for Kill {
    const ENTRY: Entry = Entry {
        word: "kill",
        about: "some nodes are killed with SIGKILL, and later started again",
        proven_by: "the processes",
        keys: &["again"],
        between: false,
        takes: None,
        tried_by: &[("kill", MECHANISM)],
        trials: &[Trial { mechanism: "kill", attempt: Attempt::Agent(kill), instead: None }],
        try_out: None,
    };

    fn usual() -> Vec<Self> {
        vec![Self { again: RestartAs::Same }]
    }

    fn given(around: &Around<'_>) -> Vec<Self> {
        around.again.iter().map(|again| Self { again: *again }).collect()
    }

    fn mechanism(_: &Facts, _: &Wanted) -> String {
        MECHANISM.to_owned()
    }
}

impl Does for Kill {
    fn manner(&self) -> String {
        self.again.to_string()
    }

    fn fits(&self, around: &Around<'_>) -> bool {
        self.again.is_same() || around.again.contains(&self.again)
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
        Effect::NodeDown { nodes: on.nodes().to_vec(), returns: self.again, loses: None }
    }

    fn injector(&self, _: u32, on: &On) -> Box<dyn Injector> {
        let (nodes, again) = (on.nodes().to_vec(), self.again);
        Box::new(Killed { nodes, again, down: Down::default() })
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

/// Kills a node.
fn kill(agent: &dyn Agent) -> Result<String, LabError> {
    start_idle(agent)?;
    agent.ask::<()>(&Order::Kill(IDLE))?;
    proven(&agent.ask::<Vec<_>>(&Order::Measure(Measure::Kill(IDLE), Stage::Injected))?)
}
