//! Some nodes have too little processor time, memory, descriptors or room on their disk.

use std::fmt;
use std::time::Duration;

use fracas_checker::event::NodeId;
use fracas_checker::fault::{Effect, Measurement, Stage, Trouble};
use fracas_lab::LabError;
use fracas_lab::agent::{Agent, Equip, Facts, Measure, Order};
use fracas_lab::resources::{self, Duty, Resource};
use serde::{Deserialize, Serialize};

use super::injector::{Injector, each};
use super::kind::{Does, Entry, Given, KindOfFault, Missing};
use super::on::On;
use super::trial::{Attempt, IDLE, Round, Trial, proven, start_idle};
use super::victims::Victims;
use crate::cluster::Cluster;
use crate::means::{Gear, Wanted};

/// How long a turn and the wait for the next one take together.
const PERIOD: Duration = Duration::from_millis(20);

/// What a node has too little of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "of", rename_all = "kebab-case")]
pub enum Scarcity {
    /// Processor time.
    Cpu {
        /// How much of each moment its processes may run.
        percent: u32,
    },
    /// Memory.
    Memory {
        /// How many bytes more than now it may have.
        bytes: u64,
    },
    /// File descriptors.
    Descriptors {
        /// How many more than now each process may open.
        more: u64,
    },
    /// Room on its disk, which is full.
    Disk,
}

impl fmt::Display for Scarcity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu { percent } => write!(f, "{percent} % of a processor"),
            Self::Memory { bytes } => write!(f, "{} KiB more of memory", bytes / 1024),
            Self::Descriptors { more } => write!(f, "{more} more descriptors"),
            Self::Disk => f.write_str("no more room on its disk"),
        }
    }
}

/// Leave too little of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Starve {
    /// The resource that is scarce.
    pub scarcity: Scarcity,
}

impl KindOfFault for Starve {
    const ENTRY: Entry = Entry {
        word: "starve",
        about: "some nodes have too little processor time, memory or descriptors",
        proven_by: "what the node's processes got",
        keys: &["scarcity"],
        between: false,
        takes: Some(Gear::Rations),
        tried_by: &[("starve", "sigstop and sigcont by turns")],
        trials: &[
            Trial { mechanism: "starve", attempt: Attempt::Agent(fifth), instead: None },
            Trial {
                mechanism: "cgroup",
                attempt: Attempt::Agent(by_cgroup),
                instead: Some("starve"),
            },
            Trial { mechanism: "limits", attempt: Attempt::Agent(limit), instead: None },
            Trial {
                mechanism: "small-disk",
                attempt: Attempt::Lab(resources::try_small_disk),
                instead: None,
            },
        ],
        try_out: None,
    };

    fn usual() -> Vec<Self> {
        vec![Self { scarcity: Scarcity::Cpu { percent: 20 } }]
    }

    fn mechanism(_: &Facts, wanted: &Wanted) -> String {
        wanted.starve.name().to_owned()
    }
}

impl Does for Starve {
    fn manner(&self) -> String {
        self.scarcity.to_string()
    }

    fn victims(&self, _: u16) -> &'static [Victims] {
        &[Victims::Leader, Victims::Follower]
    }

    fn proof_ms(&self) -> u64 {
        600
    }

    fn missing(&self, given: Given<'_>) -> Option<Missing> {
        let needs = self.scarcity == Scarcity::Disk && !given.small_disk;
        needs.then_some(("the size of a disk that can be filled", "--small-disk"))
    }

    fn effect(&self, on: &On) -> Effect {
        let of = match self.scarcity {
            Scarcity::Cpu { .. } => Trouble::NoProcessor,
            Scarcity::Memory { .. } => Trouble::NoMemory,
            Scarcity::Descriptors { .. } => Trouble::NoDescriptors,
            Scarcity::Disk => Trouble::DiskFull,
        };
        Effect::Hardship { nodes: on.nodes().to_vec(), of }
    }

    fn injector(&self, _: u32, on: &On) -> Box<dyn Injector> {
        Box::new(Starved { nodes: on.nodes().to_vec(), scarcity: self.scarcity })
    }
}

/// These nodes have too little of this.
struct Starved {
    nodes: Vec<NodeId>,
    scarcity: Scarcity,
}

impl Starved {
    /// What brings it about on a node, and what heals it.
    fn orders(&self, node: NodeId) -> (Order, Order) {
        let limit = |of, more| (Order::Limit(node, of, Some(more)), Order::Limit(node, of, None));
        match self.scarcity {
            Scarcity::Cpu { percent } => {
                (Order::Time(node, Some(turns(percent))), Order::Time(node, None))
            }
            Scarcity::Memory { bytes } => limit(Resource::Memory, bytes),
            Scarcity::Descriptors { more } => limit(Resource::Files, more),
            Scarcity::Disk => (Order::Room(node, true), Order::Room(node, false)),
        }
    }

    /// What is measured of a node.
    fn measured(&self, node: NodeId) -> Measure {
        match self.scarcity {
            Scarcity::Cpu { percent } => Measure::Time(node, turns(percent)),
            Scarcity::Memory { .. } => Measure::Limit(node, Resource::Memory),
            Scarcity::Descriptors { .. } => Measure::Limit(node, Resource::Files),
            Scarcity::Disk => Measure::Full(node),
        }
    }
}

/// The turns of a node that runs for such a share of the time.
fn turns(percent: u32) -> Duty {
    Duty { run: PERIOD * percent.min(100) / 100, period: PERIOD }
}

impl Injector for Starved {
    fn mechanism(&self, cluster: &Cluster) -> String {
        let name = match self.scarcity {
            Scarcity::Cpu { .. } => cluster.wanted().starve.name(),
            Scarcity::Memory { .. } | Scarcity::Descriptors { .. } => "prlimit",
            Scarcity::Disk => "tmpfs",
        };
        name.to_owned()
    }

    fn inject(&mut self, cluster: &Cluster) -> Vec<String> {
        each(&self.nodes, "starve", |node| cluster.ask::<()>(&self.orders(node).0))
    }

    fn measure(&mut self, cluster: &Cluster, stage: Stage) -> Result<Vec<Measurement>, LabError> {
        cluster.measure(self.nodes.iter().map(|node| self.measured(*node)), stage)
    }

    fn heal(&mut self, cluster: &Cluster) -> Vec<String> {
        each(&self.nodes, "feed", |node| cluster.ask::<()>(&self.orders(node).1))
    }
}

/// Lets a node run a fifth of the time, and all of it again.
fn fifth(agent: &dyn Agent) -> Result<String, LabError> {
    start_idle(agent)?;
    let (inject, heal) = (Order::Time(IDLE, Some(turns(20))), Order::Time(IDLE, None));
    Round { inject, measure: Measure::Time(IDLE, turns(20)), heal }.proven(agent)
}

/// The same by a ration.
fn by_cgroup(agent: &dyn Agent) -> Result<String, LabError> {
    agent.ask::<()>(&Order::Equip(IDLE, Equip::Rations))?;
    let place = agent.ask::<Facts>(&Order::Facts)?.rations.unwrap_or_default();
    Ok(format!("{}; {place}", fifth(agent)?))
}

/// Limits what a node may have, and takes the limits back.
fn limit(agent: &dyn Agent) -> Result<String, LabError> {
    start_idle(agent)?;
    let mut measured = Vec::new();
    for of in [Resource::Files, Resource::Memory] {
        let (inject, heal) = (Order::Limit(IDLE, of, Some(1 << 20)), Order::Limit(IDLE, of, None));
        measured.extend(Round { inject, measure: Measure::Limit(IDLE, of), heal }.made(agent)?);
    }
    proven(&measured)
}
