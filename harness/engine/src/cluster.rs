//! The cluster under test: its nodes' processes, their incarnations, and what keeps them apart.
//!
//! Every method does one thing to the running cluster and says in the history what it did. Nothing
//! here decides when or to whom: that is the nemesis' part.

mod down;
mod ends;
mod members;
mod outputs;
mod processes;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use fracas_checker::event::{EventKind, NodeChange, NodeId};
use fracas_checker::fault::{Cut, Measurement, RestartAs, Stage};
use fracas_checker::harness::Mishap;
use fracas_targets::{Deployment, Device, Limits, NodePlan, Probe, ProcessPlan, StopSignal};

use crate::equipment::name;
use crate::means::Wanted;
use crate::recorder::Recorder;
use crate::start_error::StartError;
use crate::store::RunDir;
use crate::view::View;
use fracas_lab::LabError;
use fracas_lab::agent::{self, Agent, Facts, Measure, Order, Report, Start};
use fracas_lab::logs::Begin;
use fracas_lab::packets::Shaping;
use fracas_lab::{Limits as Bounds, Program, Reach};

/// A log file of a node.
#[derive(Debug, Clone)]
pub struct NodeLog {
    /// Its name below the directory of the node.
    pub name: PathBuf,
    /// Its place in the target's list of logs.
    pub place: usize,
}

/// The running cluster.
pub struct Cluster {
    agent: Arc<dyn Agent>,
    facts: Facts,
    wanted: Wanted,
    deployments: Deployments,
    run: RunDir,
    recorder: Recorder,
    view: View,
    servers: BTreeMap<NodeId, Mutex<Server>>,
    /// How often each was started, beside the locks: who asks must not wait for one.
    starts: BTreeMap<NodeId, AtomicU32>,
    /// What of our own has ended, once something has.
    broken: OnceLock<(Mishap, Option<String>)>,
    /// When everything of our own was seen to live for the last time.
    whole_at: AtomicU64,
    cuts: Mutex<BTreeMap<u32, Vec<Cut>>>,
    shapings: Mutex<BTreeMap<u32, Vec<(Cut, Shaping)>>>,
}

/// The target on this cluster, as it is started first and as it may come back after a kill.
#[derive(Debug, Clone)]
pub struct Deployments {
    /// The program of the servers.
    pub binary: PathBuf,
    /// The one that they may come back with.
    pub binary_next: Option<PathBuf>,
    /// As it is started first.
    pub first: Arc<Deployment>,
    /// As it may come back.
    pub again: BTreeMap<RestartAs, Arc<Deployment>>,
}

impl Deployments {
    fn node(&self, again: RestartAs, node: NodeId) -> &NodePlan {
        &self.again.get(&again).unwrap_or(&self.first).nodes[&node]
    }
}

/// One node.
#[derive(Default)]
struct Server {
    state: State,
    /// How often it was started, whole or one process of it.
    incarnation: u32,
    /// The places of its processes that were started since it was.
    begun: BTreeSet<usize>,
    /// As what it was started last.
    started: RestartAs,
    /// Which files the outputs were at the start of each incarnation, the first one's included.
    begins: Vec<BTreeMap<PathBuf, Begin>>,
    /// The fault on which it gave up, since it was started last.
    gave_up: Option<u32>,
    /// The fault after whose end it was started again, last.
    started_after: Option<u32>,
}

/// How a node's server fares, as far as the agent has told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum State {
    /// It has ended by itself, or was never started.
    #[default]
    Ended,
    Running,
    /// It was killed, and is kept down.
    Killed,
}

/// How a fault ends a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// At once.
    Killed,
    /// By its own signal, and in its own time.
    Stopped,
}

/// A server that ended by itself.
#[derive(Debug, Clone)]
pub struct Crash {
    /// Whose.
    pub node: NodeId,
    /// Which process of it, where it has several. The others are gone, too.
    pub process: Option<String>,
    /// How: `status 1`, `signal 11`.
    pub how: String,
    /// It ended well while processes of it went on in the background. They are gone, too.
    pub background: bool,
    /// The last lines of its log.
    pub log: Vec<String>,
}

/// A process that is not started yet.
pub struct Waiting {
    /// Its place among the processes of its node.
    pub place: usize,
    /// The process that it waits for.
    pub other: String,
    /// What shows that the other one is ready.
    pub probe: Probe,
    /// How long after the start of the node that may be at the latest.
    pub within: Duration,
}

/// What a cluster is made of.
pub struct Parts {
    /// Who acts on its nodes.
    pub agent: Arc<dyn Agent>,
    /// Where they are.
    pub facts: Facts,
    /// What its nodes were given for faults.
    pub wanted: Wanted,
    /// The target, filled in for each of its nodes.
    pub deployments: Deployments,
    /// Where the run is kept.
    pub run: RunDir,
    /// Who writes the history.
    pub recorder: Recorder,
    /// Who leads now.
    pub view: View,
}

impl Cluster {
    /// A cluster whose nodes are not started yet.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let Parts { agent, facts, wanted, deployments, run, recorder, view } = parts;
        let nodes = || deployments.first.nodes.keys();
        let servers = nodes().map(|node| (*node, Mutex::default())).collect();
        let starts = nodes().map(|node| (*node, AtomicU32::default())).collect();
        Self {
            agent,
            facts,
            wanted,
            deployments,
            run,
            recorder,
            view,
            servers,
            starts,
            broken: OnceLock::new(),
            whole_at: AtomicU64::default(),
            cuts: Mutex::default(),
            shapings: Mutex::default(),
        }
    }

    /// Gives its agent an order.
    ///
    /// # Errors
    /// When it makes no sense, or cannot be carried out.
    pub fn ask<T: TryFrom<Report, Error = Report>>(&self, order: &Order) -> Result<T, LabError> {
        self.agent.ask(order)
    }

    /// Has its agent measure something of each of these.
    ///
    /// # Errors
    /// When something cannot be measured.
    pub fn measure(
        &self,
        measures: impl IntoIterator<Item = Measure>,
        stage: Stage,
    ) -> Result<Vec<Measurement>, LabError> {
        let each = measures.into_iter().map(|measure| self.ask(&Order::Measure(measure, stage)));
        each.collect::<Result<Vec<Vec<_>>, _>>().map(|all| all.concat())
    }

    /// Where its nodes are, and by what means their network is broken.
    #[must_use]
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// By what means some kinds of faults are brought about.
    #[must_use]
    pub fn wanted(&self) -> &Wanted {
        &self.wanted
    }

    /// All nodes, in order.
    pub fn nodes(&self) -> impl Iterator<Item = NodeId> {
        self.servers.keys().copied()
    }

    /// Writes the nodes' files and starts all of them, but for processes that wait for another one.
    ///
    /// # Errors
    /// When a file cannot be written or a process not be started.
    pub fn start_all(&self) -> Result<(), StartError> {
        for (node, plan) in &self.deployments.first.nodes {
            self.write_files(*node, plan)?;
        }
        self.nodes().try_for_each(|node| self.start(node, RestartAs::Same))
    }

    /// Writes the files of a node.
    fn write_files(&self, node: NodeId, plan: &NodePlan) -> Result<(), StartError> {
        for (path, text) in &plan.files {
            let order = Order::Write(node, name(&self.facts, node, path), text.clone());
            let failed = |error| StartError::File { node, path: path.clone(), error };
            self.ask::<()>(&order).map_err(failed)?;
        }
        Ok(())
    }

    /// Starts a node that is not running: as it was started last, or from now on as `again` says.
    /// Processes that wait for another one are not started yet.
    ///
    /// # Errors
    /// When it is running, or its process cannot be started.
    pub fn start(&self, node: NodeId, again: RestartAs) -> Result<(), StartError> {
        self.start_with(node, again, &[])
    }

    /// The same, this time with these arguments more.
    fn start_with(
        &self,
        node: NodeId,
        again: RestartAs,
        more: &[String],
    ) -> Result<(), StartError> {
        let mut server = self.server(node);
        if server.state == State::Running {
            Err(LabError::Asked(format!("start node {node}: it is running")))?;
        }
        if !again.is_same() {
            server.started = again;
        }
        // Else a server that ended because an fsync failed would believe what no disk has.
        self.ask::<()>(&Order::Evict(node))?;
        let plan = self.deployments.node(server.started, node);
        let monotonic_offset = self.wanted.monotonic.get(&node).copied().unwrap_or(0);
        let also = plan.processes.iter().filter_map(|process| process.argv.first().cloned());
        let (first, later) = plan.at_once();
        let (mut program, also, reach) = (program_of(first.1), also.collect(), reach(plan));
        program.argv.extend_from_slice(more);
        let start = Start { node, program, also, monotonic_offset, reach };
        self.count_start(&mut server, node, NodeChange::Started)?;
        server.gave_up = None;
        server.state = State::Ended;
        self.ask::<()>(&Order::Start(Box::new(start)))?;
        server.state = State::Running;
        server.begun = [first.0].into();
        for (place, process) in later {
            self.ask::<()>(&Order::Begin(node, Box::new(program_of(process))))?;
            server.begun.insert(place);
        }
        Ok(self.must_be_shifted(node, monotonic_offset)?)
    }

    /// Makes durable what all nodes have written so far.
    ///
    /// # Errors
    /// When a disk does not answer.
    pub fn settle_all(&self) -> Result<(), LabError> {
        self.nodes().try_for_each(|node| self.ask(&Order::Settle(node)))
    }

    /// Notes that a node, or one process of it, is about to be started.
    fn count_start(
        &self,
        server: &mut Server,
        node: NodeId,
        change: NodeChange,
    ) -> Result<(), LabError> {
        server.begins.push(self.begins(node)?);
        server.incarnation += 1;
        self.starts[&node].store(server.incarnation, Ordering::Relaxed);
        self.tell(node, server.incarnation, change);
        Ok(())
    }

    /// Proves that the monotonic clock of a node is ahead by so many nanoseconds, if it shall be at
    /// all. It stays so as long as the node's processes live.
    fn must_be_shifted(&self, node: NodeId, nanos: i64) -> Result<(), LabError> {
        let shift = (nanos != 0).then_some(Measure::Shift(node, nanos));
        let measured = self.measure(shift, Stage::Injected)?;
        match measured.into_iter().find(|measurement| !measurement.holds) {
            Some(measurement) => {
                Err(LabError::answer("shift a monotonic clock", measurement.result))
            }
            None => Ok(()),
        }
    }

    /// The program of servers that were started in this form.
    #[must_use]
    pub fn binary(&self, again: RestartAs) -> PathBuf {
        let Deployments { binary, binary_next, .. } = &self.deployments;
        match again {
            RestartAs::NextBinary => binary_next.clone().unwrap_or_else(|| binary.clone()),
            _ => binary.clone(),
        }
    }

    /// How often a node has been started.
    #[must_use]
    pub fn incarnation(&self, node: NodeId) -> u32 {
        self.starts[&node].load(Ordering::Relaxed)
    }

    /// Whether a node's process is there.
    #[must_use]
    pub fn is_running(&self, node: NodeId) -> bool {
        self.server(node).state == State::Running
    }

    /// Whether a node's server has ended by itself, and no fault keeps it down.
    #[must_use]
    pub fn has_ended(&self, node: NodeId) -> bool {
        self.server(node).state == State::Ended
    }

    /// Makes fault `id` do this to packets, and nothing else; all changes take effect at once.
    ///
    /// # Errors
    /// When this machine cannot.
    pub fn shape(&self, id: u32, shapings: Vec<(Cut, Shaping)>) -> Result<(), LabError> {
        let mut all = self.shapings.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(id, shapings);
        let union: BTreeMap<Cut, Shaping> = all.values().flatten().copied().collect();
        self.ask(&Order::Shape(union.into_iter().collect()))
    }

    /// Adds the directions that fault `id` cuts; all changes take effect at one moment.
    ///
    /// # Errors
    /// When the packet filter refuses.
    pub fn cut(&self, id: u32, cut: Vec<Cut>) -> Result<(), LabError> {
        let mut cuts = self.cuts.lock().unwrap_or_else(PoisonError::into_inner);
        cuts.insert(id, cut);
        self.ask(&Order::Cut(union(&cuts)))
    }

    /// Opens the directions that only fault `id` cut.
    ///
    /// # Errors
    /// When the packet filter refuses.
    pub fn heal(&self, id: u32) -> Result<(), LabError> {
        let mut cuts = self.cuts.lock().unwrap_or_else(PoisonError::into_inner);
        cuts.remove(&id);
        self.ask(&Order::Cut(union(&cuts)))
    }

    /// All directions that are cut now.
    #[must_use]
    pub fn cuts(&self) -> BTreeSet<Cut> {
        let cuts = self.cuts.lock().unwrap_or_else(PoisonError::into_inner);
        cuts.values().flatten().copied().collect()
    }

    /// Ends all nodes: the target's own signal first, SIGKILL after its grace.
    ///
    /// # Errors
    /// The first refusal; the other nodes are stopped all the same.
    pub fn stop_all(&self) -> Result<(), LabError> {
        let mut first = Ok(());
        for (node, plan) in &self.deployments.first.nodes {
            let mut server = self.server(*node);
            if server.state != State::Running {
                continue;
            }
            server.state = State::Ended;
            let (signal, grace) = (signal(plan.stop.signal), plan.stop.grace);
            let stopped = self.ask(&Order::Terminate(*node, signal, grace));
            self.tell(*node, server.incarnation, NodeChange::Stopped);
            first = first.and(stopped);
        }
        first
    }

    fn tell(&self, node: NodeId, incarnation: u32, change: NodeChange) {
        self.recorder.record(EventKind::Node { node, incarnation, change });
    }

    fn server(&self, node: NodeId) -> MutexGuard<'_, Server> {
        self.servers[&node].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How the lab is told of a process.
fn program_of(process: &ProcessPlan) -> Program {
    let ProcessPlan { name, argv, env, .. } = process.clone();
    Program { name, argv, env }
}

/// The signal that a target's word means.
fn signal(word: StopSignal) -> agent::StopSignal {
    match word {
        StopSignal::Term => agent::StopSignal::Term,
        StopSignal::Int => agent::StopSignal::Int,
        StopSignal::Quit => agent::StopSignal::Quit,
        StopSignal::Hup => agent::StopSignal::Hup,
        StopSignal::Kill => agent::StopSignal::Kill,
    }
}

/// What a server reaches of the machine: what its target asks for.
pub(crate) fn reach(plan: &NodePlan) -> Reach {
    let Limits { processes, memory, file } = plan.asks.limits;
    Reach {
        evidence: Vec::new(),
        reads: plan.reads.clone(),
        fuse: plan.asks.devices.contains(&Device::Fuse),
        namespaces: plan.asks.namespaces,
        limits: Bounds { processes, memory, file },
        user: plan.asks.user.clone(),
    }
}

/// All directions that any of `cuts` cuts, each once.
fn union(cuts: &BTreeMap<u32, Vec<Cut>>) -> Vec<Cut> {
    cuts.values().flatten().copied().collect::<BTreeSet<_>>().into_iter().collect()
}
