//! The cluster under test: its nodes' processes, their incarnations, and what keeps them apart.
//!
//! Every method does one thing to the running cluster and says in the history what it did. Nothing
//! here decides when or to whom: that is the nemesis' part.

mod down;
mod ends;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use fracas_checker::event::{EventKind, NodeChange, NodeId};
use fracas_checker::fault::{Cut, Measurement, RestartAs, Stage};
use fracas_checker::harness::Mishap;
use fracas_targets::{Deployment, Device, Limits, LogFile, NodePlan, StopSignal};

use crate::durable;
use crate::equipment::Equipment;
use crate::recorder::Recorder;
use crate::start_error::StartError;
use crate::store::RunDir;
use crate::tail::Begin;
use crate::view::View;
use fracas_lab::clock;
use fracas_lab::disk::Disk;
use fracas_lab::leftovers::MARK;
use fracas_lab::packets::Shaping;
use fracas_lab::resources::MemoryWatch;
use fracas_lab::{Lab, LabError, Launch, NodeProcess, Reach, Signal, Threads, proofs};

/// A log file of a node.
#[derive(Debug, Clone)]
pub struct NodeLog {
    /// The file.
    pub path: PathBuf,
    /// Its place in the target's list of logs.
    pub place: usize,
}

/// The running cluster.
pub struct Cluster {
    lab: Lab,
    deployments: Deployments,
    run: RunDir,
    recorder: Recorder,
    view: View,
    servers: BTreeMap<NodeId, Mutex<Server>>,
    /// How often each was started, beside the locks: who asks must not wait for one.
    starts: BTreeMap<NodeId, AtomicU32>,
    /// What of our own has ended, once something has.
    broken: OnceLock<(Mishap, Option<&'static str>)>,
    /// When everything of our own was seen to live for the last time.
    whole_at: AtomicU64,
    memory: MemoryWatch,
    cuts: Mutex<BTreeMap<u32, Vec<Cut>>>,
    shapings: Mutex<BTreeMap<u32, BTreeMap<Cut, Shaping>>>,
    equipment: Equipment,
}

/// The target on this cluster, as it is started first and as it may come back after a kill.
#[derive(Debug, Clone)]
pub struct Deployments {
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
    process: Option<NodeProcess>,
    /// What was killed last, kept to see that it stays gone until the node is started again.
    killed: Option<NodeProcess>,
    incarnation: u32,
    /// As what it was started last.
    started: RestartAs,
    /// Which files the logs were at the start of each incarnation, the first one's included.
    begins: Vec<BTreeMap<PathBuf, Begin>>,
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
    /// How: `status 1`, `signal 11`.
    pub how: String,
    /// It ended well while processes of it went on in the background. They are gone, too.
    pub background: bool,
    /// The last lines of its log.
    pub log: Vec<String>,
}

/// Proves that the monotonic clock of a node is ahead by so many nanoseconds, if it shall be at all.
/// It stays so as long as the node's processes live.
fn shifted(process: &mut NodeProcess, nanos: i64) -> Result<(), LabError> {
    if nanos == 0 {
        return Ok(());
    }
    let measured = clock::prove_shift(process, nanos)?;
    if measured.holds {
        Ok(())
    } else {
        Err(LabError::answer("shift a monotonic clock", measured.result))
    }
}

/// What a cluster is made of.
pub struct Parts {
    /// The laboratory it runs in.
    pub lab: Lab,
    /// What its nodes are given for faults.
    pub equipment: Equipment,
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
        let Parts { lab, equipment, deployments, run, recorder, view } = parts;
        let nodes = || deployments.first.nodes.keys();
        let servers = nodes().map(|node| (*node, Mutex::default())).collect();
        let starts = nodes().map(|node| (*node, AtomicU32::default())).collect();
        Self {
            lab,
            deployments,
            run,
            recorder,
            view,
            servers,
            starts,
            broken: OnceLock::new(),
            whole_at: AtomicU64::default(),
            memory: MemoryWatch::new(),
            cuts: Mutex::default(),
            shapings: Mutex::default(),
            equipment,
        }
    }

    /// The laboratory it runs in.
    #[must_use]
    pub fn lab(&self) -> &Lab {
        &self.lab
    }

    /// All nodes, in order.
    pub fn nodes(&self) -> impl Iterator<Item = NodeId> {
        self.servers.keys().copied()
    }

    /// Writes the nodes' files and starts all of them.
    ///
    /// # Errors
    /// When a file cannot be written or a process not be started.
    pub fn start_all(&self) -> Result<(), StartError> {
        for (node, plan) in &self.deployments.first.nodes {
            self.write_files(*node, plan)?;
        }
        self.nodes().try_for_each(|node| self.start(node, RestartAs::Same))
    }

    /// Writes the files of a node. They are durable before it starts: a power failure takes only
    /// what the server wrote.
    fn write_files(&self, node: NodeId, plan: &NodePlan) -> Result<(), StartError> {
        let top = self.run.node(node)?;
        for (path, text) in &plan.files {
            durable::write(&top, path, text).map_err(|error| StartError::File {
                node,
                path: path.clone(),
                error,
            })?;
        }
        Ok(())
    }

    /// Starts a node that is not running: as it was started last, or from now on as `again` says.
    ///
    /// # Errors
    /// When it is running, or its process cannot be started.
    pub fn start(&self, node: NodeId, again: RestartAs) -> Result<(), StartError> {
        let mut server = self.server(node);
        if server.process.is_some() {
            Err(LabError::Asked(format!("start node {node}: it is running")))?;
        }
        if !again.is_same() {
            server.started = again;
        }
        // Else a server that ended because an fsync failed would believe what no disk has.
        self.equipment.disks(node).iter().try_for_each(Disk::evict)?;
        let plan = self.deployments.node(server.started, node);
        let dir = self.run.node(node)?;
        let mark = (MARK.to_owned(), self.run.path().display().to_string());
        let faked = self.equipment.environment(node, Path::new(&plan.argv[0]))?;
        let launch = Launch {
            node,
            argv: plan.argv.clone(),
            env: plan.env.clone().into_iter().chain([mark]).chain(faked).collect(),
            stdout: dir.join("stdout"),
            stderr: dir.join("stderr"),
            dir,
            clock: self.equipment.page(node),
            monotonic_offset: self.equipment.monotonic_offset(node),
            reach: reach(plan, &self.run),
        };
        let begins = self.outputs(node).into_iter().map(|path| {
            let begin = Begin::of(&path);
            (path, begin)
        });
        server.begins.push(begins.collect());
        server.incarnation += 1;
        self.starts[&node].store(server.incarnation, Ordering::Relaxed);
        self.tell(node, server.incarnation, NodeChange::Started);
        server.killed = None;
        let mut process = self.lab.start(&launch)?;
        let shifted = shifted(&mut process, launch.monotonic_offset);
        server.process = Some(process);
        Ok(shifted?)
    }

    /// The log files of a node that the target names.
    #[must_use]
    pub fn logs(&self, node: NodeId) -> Vec<NodeLog> {
        let dir = self.run.path().join("nodes").join(node.to_string());
        let logs = self.deployments.first.nodes[&node].logs.iter();
        let paths = logs.map(|log| match log {
            LogFile::Stdout => dir.join("stdout"),
            LogFile::Stderr => dir.join("stderr"),
            LogFile::Path(path) => path.clone(),
        });
        paths.zip(0..).map(|(path, place)| NodeLog { path, place }).collect()
    }

    /// Everything that a node writes for people: its logs, and what it prints, whether the target
    /// calls that a log or not.
    #[must_use]
    pub fn outputs(&self, node: NodeId) -> BTreeSet<PathBuf> {
        let dir = self.run.path().join("nodes").join(node.to_string());
        let logs = self.logs(node).into_iter().map(|log| log.path);
        logs.chain([dir.join("stdout"), dir.join("stderr")]).collect()
    }

    /// Which incarnation of a node wrote the byte at `offset` of its log `path`, from 1.
    #[must_use]
    pub fn incarnation_at(&self, node: NodeId, path: &PathBuf, offset: u64) -> u32 {
        let server = self.server(node);
        let earlier =
            server.begins.iter().filter(|begin| begin.get(path).is_none_or(|at| at.size <= offset));
        u32::try_from(earlier.count()).unwrap_or(u32::MAX)
    }

    /// A log was cut, or another file is in its place: what earlier incarnations had written of it
    /// before is in no file that is read from now on.
    pub fn log_began_anew(&self, node: NodeId, path: &PathBuf, now: Begin) {
        let mut server = self.server(node);
        let begins = server.begins.iter_mut().filter_map(|begin| begin.get_mut(path));
        begins.for_each(|begin| *begin = begin.after(now));
    }

    /// How often a node has been started.
    #[must_use]
    pub fn incarnation(&self, node: NodeId) -> u32 {
        self.starts[&node].load(Ordering::Relaxed)
    }

    /// Stops all processes of a node.
    ///
    /// # Errors
    /// When it is not running, or does not stop.
    pub fn pause(&self, node: NodeId) -> Result<Threads, LabError> {
        self.running(node, NodeProcess::pause)
    }

    /// Continues all processes of a node.
    ///
    /// # Errors
    /// When it is not running, or does not go on.
    pub fn resume(&self, node: NodeId) -> Result<Threads, LabError> {
        self.running(node, NodeProcess::resume)
    }

    /// Measures the pause of some nodes.
    ///
    /// # Errors
    /// When one of them is not running, or cannot be looked at.
    pub fn measure_pause(
        &self,
        nodes: &[NodeId],
        stage: Stage,
    ) -> Result<Vec<Measurement>, LabError> {
        let each =
            nodes.iter().map(|node| self.running(*node, |process| proofs::pause([process], stage)));
        each.collect::<Result<Vec<_>, _>>().map(|all| all.into_iter().flatten().collect())
    }

    /// Whether a node's process is there.
    #[must_use]
    pub fn is_running(&self, node: NodeId) -> bool {
        self.server(node).process.is_some()
    }

    /// Whether a node's server has ended by itself, and no fault keeps it down.
    #[must_use]
    pub fn has_ended(&self, node: NodeId) -> bool {
        let server = self.server(node);
        server.process.is_none() && server.killed.is_none()
    }

    /// What the nodes were given so that some kinds of faults can be brought about.
    #[must_use]
    pub fn equipment(&self) -> &Equipment {
        &self.equipment
    }

    /// Makes fault `id` do this to packets, and nothing else; all changes take effect at once.
    ///
    /// # Errors
    /// When this machine cannot.
    pub fn shape(&self, id: u32, shapings: BTreeMap<Cut, Shaping>) -> Result<(), LabError> {
        let mut all = self.shapings.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(id, shapings);
        let union = all.values().flatten().map(|(pair, shaping)| (*pair, *shaping));
        self.lab.shape(&union.collect())
    }

    /// Adds the directions that fault `id` cuts; all changes take effect at one moment.
    ///
    /// # Errors
    /// When the packet filter refuses.
    pub fn cut(&self, id: u32, cut: Vec<Cut>) -> Result<(), LabError> {
        let mut cuts = self.cuts.lock().unwrap_or_else(PoisonError::into_inner);
        cuts.insert(id, cut);
        self.lab.cut(&union(&cuts))
    }

    /// Opens the directions that only fault `id` cut.
    ///
    /// # Errors
    /// When the packet filter refuses.
    pub fn heal(&self, id: u32) -> Result<(), LabError> {
        let mut cuts = self.cuts.lock().unwrap_or_else(PoisonError::into_inner);
        cuts.remove(&id);
        self.lab.cut(&union(&cuts))
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
            let Some(mut process) = server.process.take() else { continue };
            let stopped = process.terminate(signal(plan.stop.signal), plan.stop.grace);
            self.tell(*node, server.incarnation, NodeChange::Stopped);
            first = first.and(stopped.map(|_| ()));
        }
        first
    }

    fn tell(&self, node: NodeId, incarnation: u32, change: NodeChange) {
        self.recorder.record(EventKind::Node { node, incarnation, change });
    }

    /// Does something to the processes of a node.
    ///
    /// # Errors
    /// When it is not running, or what is done fails.
    pub fn running<T>(
        &self,
        node: NodeId,
        act: impl FnOnce(&mut NodeProcess) -> Result<T, LabError>,
    ) -> Result<T, LabError> {
        let mut server = self.server(node);
        let process = server.process.as_mut();
        act(process.ok_or_else(|| LabError::Asked(format!("node {node} is not running")))?)
    }

    fn server(&self, node: NodeId) -> MutexGuard<'_, Server> {
        self.servers[&node].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The signal that a target's word means.
fn signal(word: StopSignal) -> Signal {
    match word {
        StopSignal::Term => Signal::SIGTERM,
        StopSignal::Int => Signal::SIGINT,
        StopSignal::Quit => Signal::SIGQUIT,
        StopSignal::Hup => Signal::SIGHUP,
        StopSignal::Kill => Signal::SIGKILL,
    }
}

/// What a server reaches of the machine: what its target asks for, and no evidence.
fn reach(plan: &NodePlan, run: &RunDir) -> Reach {
    let Limits { processes, memory, file } = plan.asks.limits;
    Reach {
        evidence: vec![run.evidence().to_owned()],
        reads: plan.reads.clone(),
        fuse: plan.asks.devices.contains(&Device::Fuse),
        namespaces: plan.asks.namespaces,
        limits: fracas_lab::Limits { processes, memory, file },
    }
}

/// All directions that any of `cuts` cuts, each once.
fn union(cuts: &BTreeMap<u32, Vec<Cut>>) -> Vec<Cut> {
    cuts.values().flatten().copied().collect::<BTreeSet<_>>().into_iter().collect()
}
