//! The lab: a network of nodes on this machine, with the means to break it.
//!
//! The only room that enters namespaces, signals processes, calls other programs or uses `unsafe`.
//! It does what it is told and measures what came of it. It never chooses a fault, knows no
//! target, and judges nothing.

pub mod agent;
mod birth;
mod capabilities;
mod channel;
mod client_program;
pub mod clock;
mod command;
mod crew;
mod cuts;
pub mod disk;
mod durable;
mod emptying;
mod error;
mod ids;
mod init;
mod inside;
mod iptables;
mod launch;
pub mod leftovers;
mod links;
pub mod logs;
mod mend;
mod mountinfo;
mod mounts;
mod named;
mod needs;
mod netlink;
mod netns;
mod nft;
mod node;
mod output;
pub mod packets;
mod partition;
mod partitioner;
mod plain;
pub mod prepared;
mod probe;
mod programs;
pub mod promises;
pub mod proofs;
mod punctual;
mod reach;
mod regular;
pub mod resources;
mod scratch;
mod sys;
mod threads;
mod tree;
mod view;
mod wait;
mod walls;
mod workers;
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::net::Ipv4Addr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use fracas_checker::NodeId;
use fracas_checker::fault::Cut;

pub use client_program::{ClientProgram, Pipes};
pub use command::{Attempt, attempt, bound_memory, hear_command, run_command, run_self};
pub use error::{LabError, scarce};
pub use ids::{give, take_back, users};
pub use init::node_main;
pub use inside::Door;
pub use launch::{Gone, Helper, Launch, Program, Standing, Threads};
pub use links::NODES_MAX;
pub use mounts::keep;
pub use named::lacks_user_names;
pub use nix::sys::signal::Signal;
pub use node::NodeProcess;
pub use partition::Mechanism;
pub use reach::{Limits, Reach};
pub use sys::{give_up_capabilities, keep_reading_only};
pub use view::is_hidden;
pub use walls::filters_calls;
pub use workers::{Done, News, Workers};
pub use world::{Isolation, World, enter, own_files_are_ours};

use cuts::Cuts;
use links::Network;
use netns::NetNs;
use packets::Meter;
use probe::Prober;
use view::{Surroundings, View};
use wait::look;

/// How long the links of a new lab may take to carry packets.
const CARRIES_WITHIN: Duration = Duration::from_secs(10);

/// How long one attempt to send packets along all links waits for them.
const CARRY_ATTEMPT: Duration = Duration::from_millis(30);

/// Why this machine has no disks that can be troubled, as far as that can be told without a lab;
/// `fracas doctor` tries it.
#[must_use]
pub fn lacks_disks() -> Option<String> {
    let device = File::options().read(true).write(true).open(FUSE);
    device.err().map(|error| format!("`{FUSE}` cannot be opened: {error}"))
}

/// Why this machine cannot redirect clocks, as far as that can be told without a lab.
#[must_use]
pub fn lacks_clocks() -> Option<String> {
    if cfg!(target_arch = "x86_64") {
        clock::able().err().map(|error| error.to_string())
    } else {
        Some("clocks can be made wrong on x86-64 only".to_owned())
    }
}

/// The device behind disks that can be troubled.
const FUSE: &str = "/dev/fuse";

/// What a lab consists of.
#[derive(Debug, Clone)]
pub struct LabSpec {
    /// Its nodes.
    pub nodes: Vec<NodeId>,
    /// The mechanism by which its network is cut.
    pub partition: Mechanism,
    /// For tests of the proofs: cuts and shapings claim to work and do nothing.
    pub ineffective_cut: bool,
}

/// The network of a cluster. Everything of it is gone when it is dropped.
pub struct Lab {
    nodes: Vec<NodeId>,
    mechanism: &'static str,
    ineffective_cut: bool,
    cuts: Mutex<Cuts>,
    prober: Mutex<Prober>,
    meter: Mutex<Option<Meter>>,
    // Last: fields are dropped in this order, and the rules go before the links they name.
    network: Network,
}

impl Lab {
    /// Builds it in the calling thread's world, and waits until every link carries packets.
    pub fn build(spec: &LabSpec) -> Result<Self, LabError> {
        check(&spec.nodes)?;
        let network = Network::build(&spec.nodes)?;
        let partitioner = partition::open(spec.partition, &network)?;
        let lab = Self {
            nodes: spec.nodes.clone(),
            mechanism: partitioner.name(),
            ineffective_cut: spec.ineffective_cut,
            cuts: Mutex::new(Cuts::none(partitioner)),
            prober: Mutex::new(Prober::open(&network)?),
            meter: Mutex::new(None),
            network,
        };
        lab.must_carry()?;
        Ok(lab)
    }

    /// Waits until packets get from every node to every other: a bridge passes nothing on before
    /// it has taken note of a new link.
    fn must_carry(&self) -> Result<(), LabError> {
        let mut missing = self.directions();
        look(Instant::now() + CARRIES_WITHIN, || {
            let arrived = self.probe(&missing, CARRY_ATTEMPT)?;
            missing.retain(|direction| !arrived[direction]);
            Ok(missing.is_empty().then_some(()))
        })?
        .ok_or_else(|| LabError::Timeout {
            doing: format!("build the lab: wait for packets along {missing:?}"),
            after: CARRIES_WITHIN,
        })
    }

    /// Builds the network alone and takes it down again, to learn whether this machine can.
    ///
    /// # Errors
    /// When it cannot, with what it lacks.
    pub fn try_network(nodes: &[NodeId]) -> Result<(), LabError> {
        check(nodes)?;
        Network::build(nodes).map(drop)
    }

    /// Its nodes.
    #[must_use]
    pub fn nodes(&self) -> &[NodeId] {
        &self.nodes
    }

    /// Every ordered pair of nodes.
    #[must_use]
    pub fn directions(&self) -> Vec<Cut> {
        let to = |from: NodeId| self.nodes.iter().map(move |to| (from, *to));
        let all = self.nodes.iter().flat_map(|from| to(*from));
        all.filter(|(from, to)| from != to).collect()
    }

    /// The address of a node.
    #[must_use]
    pub fn address(&self, node: NodeId) -> Ipv4Addr {
        links::address(node)
    }

    /// The address of the lab itself, from which every node can be reached during any partition.
    #[must_use]
    pub fn gateway(&self) -> Ipv4Addr {
        links::gateway()
    }

    /// The mechanism by which partitions are made: `nft-bridge`, `iptables`, or `none` where there
    /// is no way.
    #[must_use]
    pub fn partition_mechanism(&self) -> &'static str {
        self.mechanism
    }

    /// Makes these directions the only ones that are cut; none of them heals the network.
    pub fn cut(&self, directions: &[Cut]) -> Result<(), LabError> {
        directions.iter().try_for_each(|cut| self.must_exist("cut", *cut))?;
        let wanted = directions.iter().copied().collect();
        self.cuts().cut(&self.network, &wanted, self.ineffective_cut)
    }

    /// Fails unless this is a direction of this lab.
    fn must_exist(&self, attempt: &str, (from, to): Cut) -> Result<(), LabError> {
        if self.directions().contains(&(from, to)) {
            return Ok(());
        }
        Err(LabError::Asked(format!("{attempt} {from}→{to}: not a direction of this lab")))
    }

    /// The directions that were asked to be cut last.
    #[must_use]
    pub fn cut_directions(&self) -> BTreeSet<Cut> {
        self.cuts().asked.clone()
    }

    /// How many packets each cut direction has dropped since it was cut.
    pub fn drops(&self) -> Result<BTreeMap<Cut, u64>, LabError> {
        self.cuts().drops()
    }

    /// Sends datagrams along all pairs at once and tells where one arrived. Takes `wait` unless
    /// one arrives everywhere.
    pub fn probe(&self, pairs: &[Cut], wait: Duration) -> Result<BTreeMap<Cut, bool>, LabError> {
        self.prober.lock().unwrap_or_else(PoisonError::into_inner).probe(pairs, wait)
    }

    /// Starts a server in its node.
    pub fn start(&self, launch: &Launch) -> Result<NodeProcess, LabError> {
        let netns = self.netns(launch.node, "start")?;
        let hosts = links::hosts(self.nodes.iter().copied());
        let view = View::of(launch, walls::sockets::found());
        NodeProcess::start(launch, netns, Surroundings { hosts, view })
    }

    /// Runs something in the network of a node: sockets opened there stay there.
    pub fn in_node<T: Send>(
        &self,
        node: NodeId,
        task: impl FnOnce() -> T + Send,
    ) -> Result<T, LabError> {
        self.netns(node, "enter")?.inside(|| Ok(task()))
    }

    /// Why the thread that sends packets on has ended, if it has though something is shaped.
    #[must_use]
    pub fn packets_failed(&self) -> Option<Helper> {
        self.cuts().engine.as_ref()?.failed()
    }

    /// The network namespace of a node.
    fn netns(&self, node: NodeId, attempt: &str) -> Result<&NetNs, LabError> {
        let place = self.network.places.iter().find(|place| place.node == node);
        let missing = || LabError::Asked(format!("{attempt} node {node}: not a node of this lab"));
        place.map(|place| &*place.netns).ok_or_else(missing)
    }

    /// The cuts, for this thread alone. A panic elsewhere leaves nothing half done in here: the
    /// kernel replaces all rules or none.
    fn cuts(&self) -> MutexGuard<'_, Cuts> {
        self.cuts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Fails unless these nodes can have a lab.
fn check(nodes: &[NodeId]) -> Result<(), LabError> {
    let known: BTreeSet<NodeId> = nodes.iter().copied().collect();
    let in_range = nodes.iter().all(|node| (1..=NODES_MAX).contains(&node.0));
    if nodes.is_empty() || !in_range || known.len() != nodes.len() {
        let names: Vec<String> = nodes.iter().map(NodeId::to_string).collect();
        return Err(LabError::Asked(format!(
            "build a lab of the nodes {names:?}: expected at least one, each once, from `n1` to \
             `n{NODES_MAX}`"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Lab, NodeProcess};

    #[test]
    fn a_lab_and_its_nodes_may_go_from_thread_to_thread() {
        fn shared<T: Send + Sync>() {}
        shared::<Lab>();
        shared::<NodeProcess>();
    }
}
