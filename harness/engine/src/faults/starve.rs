//! Some nodes have too little processor time, memory, descriptors or room on their disk.

use std::fmt;
use std::time::Duration;

use fracas_checker::event::NodeId;
use fracas_checker::fault::{Effect, Measurement, Stage, Trouble};
use fracas_lab::resources::{Duty, Place, Resource, SmallDisk, proof};
use fracas_lab::{Lab, LabError, NodeProcess};
use serde::{Deserialize, Serialize};

use super::injector::{Injector, each};
use super::kind::{Does, Entry, Given, KindOfFault, Missing};
use super::on::On;
use super::trial::{Attempt, Trial, proven, scratch};
use super::victims::Victims;
use crate::cluster::Cluster;
use crate::means::{Gear, Wanted};

/// How long a turn and the wait for the next one take together.
const PERIOD: Duration = Duration::from_millis(20);

/// A fifth of the time.
const FIFTH: Duty = Duty { run: Duration::from_millis(4), period: PERIOD };

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
    /// Of what.
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
            Trial { what: "starve", attempt: Attempt::Node(by_turns), instead: None },
            Trial { what: "cgroup", attempt: Attempt::Node(by_cgroup), instead: Some("starve") },
            Trial { what: "limits", attempt: Attempt::Node(limit), instead: None },
            Trial { what: "small-disk", attempt: Attempt::Lab(fill), instead: None },
        ],
        try_out: None,
    };

    fn usual() -> Vec<Self> {
        vec![Self { scarcity: Scarcity::Cpu { percent: 20 } }]
    }

    fn mechanism(_: &Lab, wanted: &Wanted) -> String {
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
    /// The turns of a starved node; none for other scarcities.
    fn duty(&self) -> Option<Duty> {
        match self.scarcity {
            Scarcity::Cpu { percent } => {
                Some(Duty { run: PERIOD * percent.min(100) / 100, period: PERIOD })
            }
            _ => None,
        }
    }

    /// What is limited, and how much more than now is left of it.
    fn limit(&self) -> Option<(Resource, u64)> {
        match self.scarcity {
            Scarcity::Cpu { .. } | Scarcity::Disk => None,
            Scarcity::Memory { bytes } => Some((Resource::Memory, bytes)),
            Scarcity::Descriptors { more } => Some((Resource::Files, more)),
        }
    }

    fn measured(
        &self,
        cluster: &Cluster,
        process: &mut NodeProcess,
        stage: Stage,
    ) -> Result<Vec<Measurement>, LabError> {
        match (self.duty(), self.limit()) {
            (Some(duty), _) if cluster.equipment().rations().is_some() => {
                proof::rationed(process, duty, stage)
            }
            (Some(duty), _) => proof::starved(process, duty, stage),
            (None, Some((resource, _))) => proof::limited(process, resource, stage),
            (None, None) => Ok(Vec::new()),
        }
    }
}

/// Lets a node have this much processor time, by the means of this run; none lets it have all.
fn time(cluster: &Cluster, process: &mut NodeProcess, duty: Option<Duty>) -> Result<(), LabError> {
    match cluster.equipment().rations() {
        Some(place) => process.ration(place, duty),
        None => process.starve(duty),
    }
}

/// The small disks of a node; it must have some.
fn small(cluster: &Cluster, node: NodeId) -> Result<&[SmallDisk], LabError> {
    match cluster.equipment().small_disks(node) {
        [] => Err(LabError::Asked(format!("fill the disk of {node}: it has no small one"))),
        disks => Ok(disks),
    }
}

/// Measures what room there is on the disks of a node.
fn full(cluster: &Cluster, node: NodeId, stage: Stage) -> Result<Vec<Measurement>, LabError> {
    let measured = small(cluster, node)?.iter().map(|disk| proof::full(disk, stage));
    measured.collect::<Result<Vec<_>, _>>().map(|all| all.concat())
}

impl Injector for Starved {
    fn mechanism(&self, cluster: &Cluster) -> String {
        let name = match self.scarcity {
            Scarcity::Cpu { .. } => cluster.equipment().starve_means().name(),
            Scarcity::Memory { .. } | Scarcity::Descriptors { .. } => "prlimit",
            Scarcity::Disk => "tmpfs",
        };
        name.to_owned()
    }

    fn inject(&mut self, cluster: &Cluster) -> Vec<String> {
        if self.scarcity == Scarcity::Disk {
            return each(&self.nodes, "starve", |node| {
                small(cluster, node)?.iter().try_for_each(SmallDisk::fill)
            });
        }
        each(&self.nodes, "starve", |node| {
            cluster.running(node, |process| match self.limit() {
                None => time(cluster, process, self.duty()),
                Some((resource, headroom)) => process.limit(resource, headroom),
            })
        })
    }

    fn measure(&mut self, cluster: &Cluster, stage: Stage) -> Result<Vec<Measurement>, LabError> {
        let each = self.nodes.iter();
        let each = each.map(|node| match self.scarcity {
            Scarcity::Disk => full(cluster, *node, stage),
            _ => cluster.running(*node, |one| self.measured(cluster, one, stage)),
        });
        each.collect::<Result<Vec<_>, _>>().map(|all| all.into_iter().flatten().collect())
    }

    fn heal(&mut self, cluster: &Cluster) -> Vec<String> {
        if self.scarcity == Scarcity::Disk {
            return each(&self.nodes, "feed", |node| {
                small(cluster, node)?.iter().try_for_each(SmallDisk::make_room)
            });
        }
        each(&self.nodes, "feed", |node| {
            cluster.running(node, |process| match self.limit() {
                None => time(cluster, process, None),
                Some((resource, _)) => process.unlimit(resource),
            })
        })
    }
}

/// Lets a node run a fifth of the time, and all of it again.
fn by_turns(node: &mut NodeProcess) -> Result<String, LabError> {
    node.starve(Some(FIFTH))?;
    let mut measured = proof::starved(node, FIFTH, Stage::Injected)?;
    node.starve(None)?;
    measured.extend(proof::starved(node, FIFTH, Stage::Healed)?);
    proven(&measured)
}

/// Gives a node a fifth of a processor, and what it wants again.
fn by_cgroup(node: &mut NodeProcess) -> Result<String, LabError> {
    let place = Place::find()?;
    node.ration(&place, Some(FIFTH))?;
    let mut measured = proof::rationed(node, FIFTH, Stage::Injected)?;
    node.ration(&place, None)?;
    measured.extend(proof::rationed(node, FIFTH, Stage::Healed)?);
    Ok(format!("{}; {place}", proven(&measured)?))
}

/// Limits what a node may have, and takes the limits back.
fn limit(node: &mut NodeProcess) -> Result<String, LabError> {
    let mut measured = Vec::new();
    for resource in [Resource::Files, Resource::Memory] {
        node.limit(resource, 1 << 20)?;
        measured.extend(proof::limited(node, resource, Stage::Injected)?);
        node.unlimit(resource)?;
        measured.extend(proof::limited(node, resource, Stage::Healed)?);
    }
    proven(&measured)
}

/// Fills a small disk and makes room on it again.
fn fill() -> Result<String, LabError> {
    let dir = scratch("fracas-trial");
    let failed = |error| LabError::Reported(format!("use `{}`: {error}", dir.display()));
    std::fs::create_dir_all(&dir).map_err(failed)?;
    let tried = SmallDisk::mount(&dir, 1 << 20).and_then(|disk| {
        std::fs::write(dir.join("file"), "something").map_err(failed)?;
        disk.fill()?;
        let mut measured = proof::full(&disk, Stage::Injected)?;
        disk.make_room()?;
        measured.extend(proof::full(&disk, Stage::Healed)?);
        proven(&measured)
    });
    std::fs::remove_dir(&dir).map_err(failed)?;
    tried
}
