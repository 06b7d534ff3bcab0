//! The agent in the process that holds the lab: who owns the nodes' processes, their clocks and their
//! disks. Each order is carried out in the thread of its caller.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use fracas_checker::NodeId;
use fracas_checker::fault::Cut;
use nix::sys::signal::Signal;

use super::Agent;
use super::held::{Held, NodeClock, Troubled, Used};
use super::order::{DiskChange, Equip, Order, Start, StopSignal};
use super::report::{Facts, Fate, Report, Site};
use crate::Lab;
use crate::channel::Exit;
use crate::disk::{DiskSpec, Loss, Lost};
use crate::emptying;
use crate::error::{Doing, LabError};
use crate::ids;
use crate::inside::Door;
use crate::launch::{Helper, Launch, Program, Threads};
use crate::leftovers::MARK;
use crate::named;
use crate::node::NodeProcess;
use crate::packets::Shaping;
use crate::resources::{Duty, MemoryWatch, Place, Resource, SmallDisk};

/// Where the files of an agent's nodes are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    /// The directory that the directories of nodes are in.
    pub dir: PathBuf,
    /// What no server may see, but for its own directory.
    pub evidence: PathBuf,
}

/// An agent that has the lab in its own process.
pub struct LocalAgent {
    // In this order: fields are dropped one after the other, and nodes are in the lab.
    nodes: BTreeMap<NodeId, Held>,
    pub(super) lab: Lab,
    pub(super) home: Option<Home>,
    memory: MemoryWatch,
    /// Where nodes are rationed, if that is what starves them.
    rations: OnceLock<Place>,
    /// How many packets each cut direction had dropped when it was measured last.
    drops: Mutex<BTreeMap<Cut, u64>>,
    /// What nodes are prepared with, if they are.
    preparation: Mutex<Option<Used>>,
}

impl LocalAgent {
    /// Of a lab whose nodes have no files: their servers run in the root of the machine, and what
    /// they say is lost.
    #[must_use]
    pub fn new(lab: Lab) -> Self {
        let nodes = lab.nodes().iter().map(|node| (*node, Held::default())).collect();
        let (memory, rations, drops) = (MemoryWatch::new(), OnceLock::new(), Mutex::default());
        let preparation = Mutex::default();
        Self { nodes, lab, home: None, memory, rations, drops, preparation }
    }

    /// Of a lab whose nodes each have a directory, which is made.
    ///
    /// # Errors
    /// When one cannot be made.
    pub fn at_home(lab: Lab, home: Home) -> Result<Self, LabError> {
        let agent = Self { home: Some(home), ..Self::new(lab) };
        agent.make_dirs()?;
        Ok(agent)
    }

    /// The lab, for what is no order: taking its measure.
    #[must_use]
    pub fn lab(&self) -> &Lab {
        &self.lab
    }

    pub(super) fn node(&self, node: NodeId) -> Result<&Held, LabError> {
        let missing = || LabError::Asked(format!("reach node {node}: not a node of this lab"));
        self.nodes.get(&node).ok_or_else(missing)
    }

    pub(super) fn rations(&self) -> Option<&Place> {
        self.rations.get()
    }

    pub(super) fn drops(&self) -> MutexGuard<'_, BTreeMap<Cut, u64>> {
        self.drops.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn preparation(&self) -> MutexGuard<'_, Option<Used>> {
        self.preparation.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn facts(&self) -> Facts {
        let site = |node: NodeId| Site { address: self.lab.address(node), dir: self.dir(node) };
        Facts {
            nodes: self.nodes.keys().map(|node| (*node, site(*node))).collect(),
            partition: self.lab.partition_mechanism().to_owned(),
            packets: self.lab.packets_mechanism().to_owned(),
            rations: self.rations().map(Place::to_string),
        }
    }

    fn equip(&self, node: NodeId, with: &Equip) -> Result<(), LabError> {
        let held = self.node(node)?;
        match with {
            Equip::Dir(dir) => self.make_dir(node, dir)?,
            Equip::Clock(means) => {
                let clock = NodeClock::new(&self.dir(node), *means)?;
                held.give(|gear| gear.clock = Some(clock));
            }
            Equip::Small(dir, size) => {
                self.make_dir(node, dir)?;
                let dir = self.path(node, dir);
                let small = SmallDisk::mount(&dir, *size)?;
                ids::give(node, &dir)?;
                held.give(|gear| gear.small.push(small));
            }
            Equip::Disk { backing, dir, model, age } => {
                let (backing, mountpoint) = (self.path(node, backing), self.path(node, dir));
                let usual = DiskSpec::usual((backing, mountpoint), *model, node.0.into());
                let spec = DiskSpec { write_back_after: age.unwrap_or(Duration::MAX), ..usual };
                let disk = Troubled::mount(&spec)?;
                held.give(|gear| gear.disks.push(disk));
            }
            Equip::Rations => {
                let place = Place::find()?;
                self.rations.get_or_init(|| place);
            }
        }
        Ok(())
    }

    fn start(&self, start: &Start) -> Result<(), LabError> {
        let node = start.node;
        let held = self.node(node)?;
        let (mut processes, gear) = (held.processes(), held.gear());
        if processes.running.is_some() {
            return Err(LabError::Asked(format!("start node {node}: it is running")));
        }
        if let Some(last) = processes.last.as_mut() {
            last.must_be_gone()?;
        }
        let mut launch = self.launch_in(start, &self.dir(node));
        if let Some(clock) = &gear.clock {
            launch.clock = clock.page();
            launch.env.extend(clock.environment(&launch.argv)?);
        }
        processes.last = None;
        processes.running = Some(self.lab.start(&launch)?);
        Ok(())
    }

    /// What the lab is told of a start in a directory.
    pub(super) fn launch_in(&self, start: &Start, dir: &Path) -> Launch {
        let Start { node, program, also, monotonic_offset, reach } = start.clone();
        let (dir, mut reach) = (dir.to_owned(), reach);
        let Program { name, argv, env } = self.marked(program, (reach.user.as_deref(), &dir));
        if let Some(home) = &self.home {
            reach.evidence.push(home.evidence.clone());
        }
        let [stdout, stderr] = self.outputs(node, name.as_deref());
        let clock = None;
        Launch { node, name, argv, env, also, dir, stdout, stderr, clock, monotonic_offset, reach }
    }

    /// A program with the mark of its run in its environment, and its user there, where that has a name.
    fn marked(&self, mut program: Program, (user, dir): (Option<&str>, &Path)) -> Program {
        if let Some(home) = &self.home {
            program.env.insert(MARK.to_owned(), home.dir.display().to_string());
        }
        if let Some(user) = user {
            named::environment(&mut program.env, user, dir);
        }
        program
    }

    /// Where a process writes to, whose name is in those of the files.
    fn outputs(&self, node: NodeId, process: Option<&str>) -> [PathBuf; 2] {
        ["stdout", "stderr"].map(|stream| match (&self.home, process) {
            (None, _) => "/dev/null".into(),
            (Some(_), None) => self.dir(node).join(stream),
            (Some(_), Some(process)) => self.dir(node).join(format!("{process}.{stream}")),
        })
    }

    /// Starts a further process of a node.
    fn begin(&self, node: NodeId, program: &Program) -> Result<(), LabError> {
        let held = self.node(node)?;
        let user = held.running(node, |process| Ok(process.user().map(str::to_owned)))?;
        let mut program = self.marked(program.clone(), (user.as_deref(), &self.dir(node)));
        if let Some(clock) = &held.gear().clock {
            program.env.extend(clock.environment(&program.argv)?);
        }
        let [stdout, stderr] = self.outputs(node, program.name.as_deref());
        held.running(node, |process| process.begin(&program, (stdout.as_path(), stderr.as_path())))
    }

    /// Kills all processes of a node.
    fn kill(&self, node: NodeId) -> Result<(), LabError> {
        let mut processes = self.node(node)?.processes();
        let not = || LabError::Asked(format!("kill node {node}: it is not running"));
        let mut process = processes.running.take().ok_or_else(not)?;
        let killed = process.kill();
        processes.last = Some(process);
        killed.map(drop)
    }

    fn terminate(&self, node: NodeId, by: StopSignal, grace: Duration) -> Result<(), LabError> {
        let held = self.node(node)?;
        // Its processes are not held meanwhile: a server may take its time.
        let running = held.processes().running.take();
        let Some(mut process) = running else { return Ok(()) };
        let ended = process.terminate(signal(by), grace);
        held.processes().last = Some(process);
        ended.map(drop)
    }

    /// The end of a node's server, if it has come.
    fn ended(&self, node: NodeId) -> Result<Option<Fate>, LabError> {
        let mut processes = self.node(node)?.processes();
        let Some(process) = processes.running.as_mut() else { return Ok(None) };
        let Some(Exit { process: name, how, .. }) = process.exit() else { return Ok(None) };
        let background = process.left_for_background();
        let mut last = processes.running.take();
        last.as_mut().map(NodeProcess::kill).transpose()?;
        processes.last = last;
        Ok(Some(Fate { process: name, how, background }))
    }

    /// What of ours has ended, if anything has.
    fn lost(&self, ask: bool) -> Option<Helper> {
        let of_node = |held: &Held| {
            let disk = held.gear().disks.iter().find_map(|disk| disk.disk.ended(ask));
            disk.or_else(|| held.processes().running.as_mut()?.lost())
        };
        self.nodes.values().find_map(of_node).or_else(|| self.lab.packets_failed())
    }

    /// Runs a program where a node is; the node's processes are free meanwhile.
    fn run(&self, node: NodeId, argv: &[String], within: Duration) -> Result<String, LabError> {
        self.door(node)?.run(argv, within)
    }

    fn door(&self, node: NodeId) -> Result<Door, LabError> {
        self.node(node)?.running(node, |process| process.door())
    }

    /// Makes durable what a node has written to its disks, if it has any that lose something.
    pub(super) fn settle(&self, node: NodeId) -> Result<(), LabError> {
        self.node(node)?.gear().disks.iter().try_for_each(|disk| disk.disk.settle())
    }

    /// Forgets what is cached of the disks of a node, if it has any.
    fn evict(&self, node: NodeId) -> Result<(), LabError> {
        self.node(node)?.gear().disks.iter().try_for_each(|disk| disk.disk.evict())
    }

    /// Empties a directory of a node that is not running.
    fn empty(&self, node: NodeId, dir: &Path) -> Result<(), LabError> {
        let doing = || format!("empty `{}` of node {node}", dir.display());
        if self.node(node)?.processes().running.is_some() {
            return Err(LabError::Asked(format!("{}: it is running", doing())));
        }
        emptying::empty(&self.path(node, dir)).doing(doing)
    }

    fn change(&self, node: NodeId, change: DiskChange) -> Result<(), LabError> {
        self.node(node)?.gear().disks(node)?.iter().try_for_each(|disk| disk.change(change))
    }

    fn lose(&self, node: NodeId, how: Loss) -> Result<Vec<Lost>, LabError> {
        self.node(node)?.gear().disks(node)?.iter().map(|disk| disk.disk.lose(how)).collect()
    }

    /// Lets a node have this much processor time, by the means that it was equipped with.
    fn ration(&self, node: NodeId, duty: Option<Duty>) -> Result<(), LabError> {
        self.node(node)?.running(node, |process| match self.rations() {
            Some(place) => process.ration(place, duty),
            None => process.starve(duty),
        })
    }

    fn limit(&self, node: NodeId, of: Resource, more: Option<u64>) -> Result<(), LabError> {
        self.node(node)?.running(node, |process| match more {
            Some(more) => process.limit(of, more),
            None => process.unlimit(of),
        })
    }

    fn room(&self, node: NodeId, taken: bool) -> Result<(), LabError> {
        let act = if taken { SmallDisk::fill } else { SmallDisk::make_room };
        self.node(node)?.gear().small(node)?.iter().try_for_each(act)
    }

    /// Cuts these directions and no others. What was counted of a direction that is opened is void.
    fn cut(&self, directions: &[Cut]) -> Result<(), LabError> {
        self.lab.cut(directions)?;
        let cut: BTreeSet<&Cut> = directions.iter().collect();
        self.drops().retain(|direction, _| cut.contains(direction));
        Ok(())
    }

    fn shape(&self, shapings: &[(Cut, Shaping)]) -> Result<(), LabError> {
        self.lab.shape(&shapings.iter().copied().collect())
    }
}

impl Agent for LocalAgent {
    fn carry_out(&self, order: &Order) -> Result<Report, LabError> {
        let running = |node: NodeId, act: fn(&mut NodeProcess) -> Result<Threads, LabError>| {
            self.node(node)?.running(node, act).map(drop)
        };
        match order {
            Order::Facts => return Ok(Report::Facts(self.facts())),
            Order::Ended(node) => return self.ended(*node).map(Report::Ended),
            Order::Lost { ask } => return Ok(Report::Lost(self.lost(*ask))),
            Order::Memory => return Ok(Report::Memory(self.memory.ask())),
            Order::Run(node, argv, within) => {
                return self.run(*node, argv, *within).map(Report::Said);
            }
            Order::Attempt(node, argv, within) => {
                return self.door(*node)?.attempt(argv, *within).map(Report::Attempt);
            }
            Order::Prepare(prepare) => return self.prepare(prepare).map(Report::Preparation),
            Order::Keep => return self.keep().map(Report::Preparation),
            Order::Abandon(count) => return self.abandon(*count).map(Report::LastLines),
            Order::Log(node, name, order) => return self.log(*node, name, *order),
            Order::ReadClock(node, sampling) => {
                let read = |process: &mut NodeProcess| process.read_clock(*sampling);
                return self.node(*node)?.running(*node, read).map(Report::Clock);
            }
            Order::Tally(node) => {
                return self.node(*node)?.gear().clock(*node)?.tally().map(Report::Tally);
            }
            Order::Lose(node, how) => return self.lose(*node, *how).map(Report::Forgotten),
            Order::Measure(measure, stage) => {
                return self.measure(measure, *stage).map(Report::Measured);
            }
            Order::Equip(node, with) => self.equip(*node, with),
            Order::Write(node, name, text) => self.write(*node, name, text),
            Order::Furnish(node, dir) => self.furnish(*node, dir),
            Order::Start(start) => self.start(start),
            Order::Begin(node, program) => self.begin(*node, program),
            Order::PauseProcess(node, name) => {
                self.node(*node)?.running(*node, |node| node.pause_process(name).map(drop))
            }
            Order::ResumeProcess(node, name) => {
                self.node(*node)?.running(*node, |node| node.resume_process(name).map(drop))
            }
            Order::KillProcess(node, name) => {
                self.node(*node)?.running(*node, |node| node.kill_process(name).map(drop))
            }
            Order::Evict(node) => self.evict(*node),
            Order::Empty(node, dir) => self.empty(*node, dir),
            Order::Settle(node) => self.settle(*node),
            Order::Pause(node) => running(*node, NodeProcess::pause),
            Order::Resume(node) => running(*node, NodeProcess::resume),
            Order::Kill(node) => self.kill(*node),
            Order::Terminate(node, by, grace) => self.terminate(*node, *by, *grace),
            Order::Clock(node, change) => self.node(*node)?.gear().clock(*node)?.set(*change),
            Order::Disk(node, change) => self.change(*node, *change),
            Order::Time(node, duty) => self.ration(*node, *duty),
            Order::Limit(node, of, more) => self.limit(*node, *of, *more),
            Order::Room(node, taken) => self.room(*node, *taken),
            Order::Cut(directions) => self.cut(directions),
            Order::Shape(shapings) => self.shape(shapings),
        }
        .map(|()| Report::Done)
    }
}

/// The kernel's number for a word.
fn signal(word: StopSignal) -> Signal {
    match word {
        StopSignal::Term => Signal::SIGTERM,
        StopSignal::Int => Signal::SIGINT,
        StopSignal::Quit => Signal::SIGQUIT,
        StopSignal::Hup => Signal::SIGHUP,
        StopSignal::Kill => Signal::SIGKILL,
    }
}
