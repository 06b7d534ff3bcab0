//! The thread that takes the packets of shaped directions and sends them on when they are due.
//!
//! It runs only while something is shaped. It does not cut the way along the bridge: whoever starts
//! it does, afterwards, so that no packet is lost in between.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use fracas_checker::NodeId;
use fracas_checker::fault::Cut;
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags};
use nix::unistd::{pipe2, read, write};

use super::port::{FRAME_MAX, Port, Ports};
use super::switch::Switch;
use super::{Carried, Shaping};
use crate::error::{Doing, LabError};
use crate::launch::Helper;
use crate::punctual::be_punctual;
use crate::wait::ready;

/// How long the thread sleeps when no packet waits and none comes.
const LOOK_ANYWAY: Duration = Duration::from_secs(60);

/// How many frames are read from one port before the others get their turn.
const TURN_MAX: usize = 64;

/// How many frames are read from one port at most when it is to be emptied.
const EMPTY_MAX: usize = 100_000;

/// The running thread. Dropping it sends on what waits, and ends the thread.
pub(crate) struct Engine {
    shared: Arc<Shared>,
    /// Written to when the thread has to look at what changed.
    wake: OwnedFd,
    thread: Option<JoinHandle<()>>,
}

/// What the thread and its owner have in common.
struct Shared {
    ports: Ports,
    state: Mutex<State>,
    woken: OwnedFd,
}

/// What changes.
struct State {
    switch: Switch,
    buffer: Vec<u8>,
    closing: bool,
    /// Why the thread has ended, if it should not have.
    failed: Option<String>,
}

impl Engine {
    /// Opens a port to every node and starts the thread; nothing is shaped yet.
    pub(crate) fn start(nodes: &[NodeId]) -> Result<Self, LabError> {
        let ports = nodes.iter().map(|node| Ok((*node, Port::open(*node)?)));
        let ports = ports.collect::<Result<Ports, LabError>>()?;
        let flags = OFlag::O_CLOEXEC | OFlag::O_NONBLOCK;
        let (woken, wake) = pipe2(flags).doing(|| "open a pipe".into())?;
        let state = State {
            switch: Switch::default(),
            buffer: vec![0; FRAME_MAX],
            closing: false,
            failed: None,
        };
        let shared = Arc::new(Shared { ports, state: Mutex::new(state), woken });
        let theirs = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("lab-packets".into());
        let thread = thread.spawn(move || theirs.run()).doing(|| "start a thread".into())?;
        Ok(Self { shared, wake, thread: Some(thread) })
    }

    /// Shapes these directions from now on. What waits in one whose shaping changes is sent on.
    pub(crate) fn add(&self, shapings: &BTreeMap<Cut, Shaping>) -> Result<(), LabError> {
        let mut state = self.shared.state();
        self.shared.empty(&mut state);
        state.switch.add(shapings, &self.shared.ports);
        self.changed(&state)
    }

    /// Stops shaping all other directions. What waits in them is sent on at once.
    pub(crate) fn keep(&self, directions: &BTreeMap<Cut, Shaping>) -> Result<(), LabError> {
        let mut state = self.shared.state();
        self.shared.empty(&mut state);
        state.switch.keep(directions, &self.shared.ports);
        self.changed(&state)
    }

    /// Stops shaping these directions. What waits in them is lost.
    pub(crate) fn sever(&self, directions: &BTreeSet<Cut>) -> Result<(), LabError> {
        let mut state = self.shared.state();
        state.switch.sever(directions);
        self.changed(&state)
    }

    /// Why the thread has ended, if it has.
    pub(crate) fn failed(&self) -> Option<Helper> {
        let ended = self.thread.as_ref().is_some_and(JoinHandle::is_finished);
        let why = self.shared.state().failed.clone();
        let how = why.or_else(|| ended.then(|| "a panic".to_owned()))?;
        let name = "the thread that sends packets on".to_owned();
        Some(Helper { name, how, mend: None })
    }

    /// What was done to the packets of each direction.
    pub(crate) fn carried(&self) -> Result<BTreeMap<Cut, Carried>, LabError> {
        let state = self.shared.state();
        if let Some(failed) = &state.failed {
            return Err(LabError::Reported(format!("send packets on: {failed}")));
        }
        let mut carried = state.switch.carried();
        for ((from, _), carried) in &mut carried {
            let missed = self.shared.ports[from].missed();
            carried.missed = missed.doing(|| format!("count the missed packets of {from}"))?;
        }
        Ok(carried)
    }

    /// Has the ports read what they must read now, and the thread look again.
    fn changed(&self, state: &State) -> Result<(), LabError> {
        for (node, port) in &self.shared.ports {
            let receivers = state.switch.receivers(*node);
            port.listen_to(&receivers).doing(|| format!("choose the packets of {node}"))?;
        }
        self.wake().doing(|| "wake the thread that sends packets on".into())
    }

    /// Wakes the thread.
    fn wake(&self) -> Result<(), Errno> {
        match write(&self.wake, b"w") {
            // A full pipe wakes it as well.
            Ok(_) | Err(Errno::EAGAIN) => Ok(()),
            Err(errno) => Err(errno),
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.shared.state().closing = true;
        let woken = self.wake().map_err(io::Error::from);
        let ended = self.thread.take().map(JoinHandle::join);
        if woken.is_err() || ended.is_some_and(|ended| ended.is_err()) {
            tracing::warn!("failed to end the thread that sends packets on: {woken:?}");
        }
    }
}

impl Shared {
    /// What changes, for this thread alone. After a panic elsewhere some packets are lost at most.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The thread.
    fn run(&self) {
        let ended = self.carry();
        if let Err(error) = ended {
            tracing::warn!("failed to send packets on: {error}");
            self.state().failed = Some(error.to_string());
        }
    }

    /// Takes packets and sends those on that are due, until it is told to end.
    fn carry(&self) -> Result<(), LabError> {
        be_punctual()?;
        let mut due = None;
        loop {
            let sources = self.wait(due).doing(|| "wait for packets".into())?;
            let mut state = self.state();
            if state.closing {
                return Ok(());
            }
            // Those that are due go first: a packet that is due now must not overtake them.
            state.switch.send_due(Instant::now(), &self.ports);
            for node in sources {
                self.take(&mut state, node, TURN_MAX);
            }
            due = state.switch.next_due();
        }
    }

    /// Waits until there is something to do; the nodes whose ports have something to read.
    fn wait(&self, due: Option<Instant>) -> Result<Vec<NodeId>, Errno> {
        let sources = [self.woken.as_fd()].into_iter().chain(self.ports.values().map(Port::as_fd));
        let mut fds: Vec<_> = sources.map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
        ready(&mut fds, due.unwrap_or_else(|| Instant::now() + LOOK_ANYWAY))?;
        let readable: Vec<bool> = fds.iter().map(|fd| fd.any().unwrap_or(false)).collect();
        if readable[0] {
            let mut bytes = [0; 64];
            match read(&self.woken, &mut bytes) {
                Ok(_) | Err(Errno::EAGAIN) => {}
                Err(errno) => return Err(errno),
            }
        }
        Ok(self
            .ports
            .keys()
            .zip(&readable[1..])
            .filter(|(_, is)| **is)
            .map(|(node, _)| *node)
            .collect())
    }

    /// Takes what a node has sent, up to so many frames.
    fn take(&self, state: &mut State, node: NodeId, most: usize) {
        for _ in 0..most {
            let Some(frame) = self.ports[&node].receive(&mut state.buffer) else { break };
            // Looked at after the frame was read: a time from before it was sent makes it early.
            state.switch.take(node, frame, (Instant::now(), &self.ports));
        }
    }

    /// Takes everything that has been sent so far, so that what follows meets new rules.
    fn empty(&self, state: &mut State) {
        state.switch.send_due(Instant::now(), &self.ports);
        for node in self.ports.keys() {
            self.take(state, *node, EMPTY_MAX);
        }
    }
}
