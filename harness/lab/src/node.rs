//! One node's processes, seen from the harness: start, pause, resume, signal, kill.
//!
//! All processes of a node are in one process namespace, so that none escapes: not by a double
//! fork, not by a session of its own. Killing is killing the namespace's init; the kernel does the
//! rest, and the init is not gone before everything under it is.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Child;
use std::time::{Duration, Instant};

use fracas_checker::NodeId;
use nix::errno::Errno;
use nix::sys::signal::Signal;
use nix::unistd::Pid;

use super::birth::{Init, born, unexpected};
use super::channel::{Channel, Exit, Order, Received, Report};
use super::clock::{ClockPage, Reading, Sampling};
use super::error::{Doing, LabError};
use super::ids;
use super::init::SIGNALLED;
use super::inside::Door;
use super::launch::{Gone, Helper, Launch, Program, Standing, Threads};
use super::netns::NetNs;
use super::output::Output;
use super::resources::{Ration, Squeezed};
use super::sys::{self, Ended};
use super::threads;
use super::view::Surroundings;
use super::wait::look;

/// How long an answer of a node's init may take. Stopping tries for two seconds at most.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);

/// How long the end of all processes of a node may take.
const GONE_WITHIN: Duration = Duration::from_secs(10);

/// A node that was started. Dropping it kills it.
#[derive(Debug)]
pub struct NodeProcess {
    node: NodeId,
    /// The waiter: our child, which ends after the init.
    waiter: Child,
    pub(super) init: Init,
    /// What its processes may have no more of.
    pub(super) squeezed: Squeezed,
    /// What processor time they get together.
    pub(super) ration: Ration,
    channel: Channel,
    clock: Option<ClockPage>,
    /// What the server's environment says of a library in front of the C library.
    preload: BTreeMap<String, String>,
    /// How it was started.
    launched: Launch,
    exited: Option<Exit>,
    /// Which of our own processes around it ended, and how, though nobody asked for it.
    lost: Option<Helper>,
    gone: Option<Gone>,
}

impl NodeProcess {
    /// Starts a server in a network namespace.
    pub(crate) fn start(
        launch: &Launch,
        netns: &NetNs,
        surroundings: Surroundings,
    ) -> Result<Self, LabError> {
        let about = |error: LabError| error.within(&format!("start node {}", launch.node));
        let output = Output::open(launch).map_err(about)?;
        if launch.has_own_dir() {
            ids::give(launch.node, &launch.dir).map_err(about)?;
        }
        let (waiter, init, channel) =
            born(netns, launch.clock.as_ref(), ids::of(launch.node)).map_err(about)?;
        let mut started = Self {
            node: launch.node,
            waiter,
            init,
            channel,
            clock: launch.clock.clone(),
            preload: preload(&launch.env),
            launched: launch.clone(),
            squeezed: Squeezed::default(),
            ration: Ration::default(),
            exited: None,
            lost: None,
            gone: None,
        };
        let order = Order::Launch(Box::new((launch.clone(), surroundings)));
        started.launch(&order, &output).map_err(about)?;
        Ok(started)
    }

    /// Has the init start the server.
    fn launch(&mut self, order: &Order, output: &Output) -> Result<(), LabError> {
        self.channel.send(order).doing(|| "send the launch".into())?;
        output.send(&self.channel)?;
        match self.report()? {
            Some(Report::Started) => Ok(()),
            Some(Report::Failed(reason)) => Err(reason.error()),
            other => Err(unexpected("start the server", other)),
        }
    }

    /// A way into its world, for programs that are run there.
    ///
    /// # Errors
    /// When this process may hold no more files open.
    pub fn door(&self) -> Result<Door, LabError> {
        Door::of(&self.init.process, &self.launched)
    }

    /// Whether this is the program that the init started.
    pub(crate) fn was_started_as(&self, program: &Path) -> bool {
        self.launched.argv.first().is_some_and(|first| Path::new(first) == program)
    }

    /// Which node this is.
    #[must_use]
    pub fn node(&self) -> NodeId {
        self.node
    }

    /// Stops all processes of the node, until every thread is stopped.
    pub fn pause(&mut self) -> Result<Threads, LabError> {
        self.order_threads(&Order::Pause, "pause")
    }

    /// Lets all processes of the node go on.
    pub fn resume(&mut self) -> Result<Threads, LabError> {
        self.order_threads(&Order::Resume, "resume")
    }

    /// Counts the threads of all processes of the node, freshly. A node that has ended has none.
    pub fn threads(&mut self) -> Result<Threads, LabError> {
        self.order_threads(&Order::Threads, "count the threads of")
    }

    /// Starts a further process, or one again that was killed alone.
    ///
    /// # Errors
    /// When it runs, or cannot be started, or the node has ended.
    pub fn begin(
        &mut self,
        program: &Program,
        (stdout, stderr): (&Path, &Path),
    ) -> Result<(), LabError> {
        let doing = format!("start {} of node {}", called(program), self.node);
        let output = Output::at(stdout, stderr).map_err(|error| error.within(&doing))?;
        self.drain()?;
        if self.has_ended() {
            return Err(LabError::Asked(format!("{doing}: the node has ended")));
        }
        self.channel.send(&Order::Begin(Box::new(program.clone()))).doing(|| doing.clone())?;
        output.send(&self.channel)?;
        match self.report()? {
            Some(Report::Started) => Ok(()),
            Some(Report::Failed(reason)) => Err(reason.error().within(&doing)),
            other => Err(unexpected(&doing, other)),
        }
    }

    /// Stops one process with all that descends from it, and no other.
    pub fn pause_process(&mut self, name: &str) -> Result<Threads, LabError> {
        self.order_threads(&Order::PauseProcess(name.to_owned()), "pause a process of")
    }

    /// Lets it go on.
    pub fn resume_process(&mut self, name: &str) -> Result<Threads, LabError> {
        self.order_threads(&Order::ResumeProcess(name.to_owned()), "resume a process of")
    }

    /// Kills one process with all that descends from it, and no other.
    pub fn kill_process(&mut self, name: &str) -> Result<Standing, LabError> {
        self.order_standing(&Order::KillProcess(name.to_owned()), "kill a process of")
    }

    /// How one process stands, and the others beside it.
    pub fn standing(&mut self, name: &str) -> Result<Standing, LabError> {
        self.order_standing(&Order::Standing(name.to_owned()), "look at a process of")
    }

    /// The name of its user, if it has one.
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        self.launched.reach.user.as_deref()
    }

    /// The wall clock it was started with; none if that is the machine's.
    #[must_use]
    pub fn clock_page(&self) -> Option<&ClockPage> {
        self.clock.as_ref()
    }

    /// Reads the node's clocks from inside, by a program that is started for it.
    ///
    /// # Errors
    /// If the node has ended, or the program cannot be started.
    pub fn read_clock(&mut self, sampling: Sampling) -> Result<Reading, LabError> {
        let env = self.preload.clone();
        match self.order(&Order::Clock(sampling, env), "read the clock of")? {
            Some(Report::Clock(reading)) => Ok(reading),
            other => Err(unexpected(&format!("read the clock of node {}", self.node), other)),
        }
    }

    /// Kills all processes of the node and waits until they are gone. What still remains after ten
    /// seconds is told, not waited for.
    pub fn kill(&mut self) -> Result<Gone, LabError> {
        let start = Instant::now();
        // The init is ours, not the node's.
        let processes = self.remaining()?.saturating_sub(1);
        self.drain()?;
        self.init.process.kill().doing(|| format!("kill node {}", self.node))?;
        self.reap(start + GONE_WITHIN)?;
        let by_itself = self.exited.as_ref().map(|exit| exit.how.clone());
        let gone =
            Gone { processes, remaining: self.remaining()?, took: start.elapsed(), by_itself };
        self.gone.get_or_insert_with(|| gone.clone());
        self.ration.forget();
        Ok(gone)
    }

    /// Waits until nothing is left of a node that was killed or has ended. A kill takes its time while
    /// the kernel waits for a disk on behalf of a process: a server that is started beside it would
    /// find its ports and its files in use, which is no fault of that server.
    ///
    /// # Errors
    /// When something is left after ten more seconds.
    pub(crate) fn must_be_gone(&mut self) -> Result<(), LabError> {
        self.reap(Instant::now() + GONE_WITHIN)?;
        match self.remaining()? {
            0 => Ok(()),
            left => Err(LabError::Reported(format!(
                "start node {}: {left} processes of its last life were killed and have not ended yet; \
                 a disk that answers late can be why",
                self.node
            ))),
        }
    }

    /// Asks the server to end, and kills all that is left when it has, or after `grace`.
    pub fn terminate(&mut self, signal: Signal, grace: Duration) -> Result<Gone, LabError> {
        let deadline = Instant::now() + grace;
        self.order(&Order::Signal(signal as i32), "signal")?;
        // A stopped server would not hear the signal.
        self.resume()?;
        let ended = || format!("wait for the end of node {}", self.node);
        let wait = deadline.saturating_duration_since(Instant::now());
        if self.exited.is_none() {
            let received = self.channel.receive(wait).doing(ended)?;
            self.note(received);
        }
        self.kill()
    }

    /// How the server ended, if it did so by itself: `status 1`, `signal 11`. Of a node of several
    /// processes the end of the first that ended.
    pub fn exited(&mut self) -> Option<String> {
        self.exit().map(|exit| exit.how)
    }

    /// The same, with the name of the process, where the node has several.
    pub(crate) fn exit(&mut self) -> Option<Exit> {
        if let Err(error) = self.drain() {
            tracing::warn!("failed to hear from node {}: {error}", self.node);
        }
        if self.exited.is_some() && self.gone.is_none() {
            let reaped = self.reap(Instant::now() + GONE_WITHIN);
            if let Err(error) = reaped {
                tracing::warn!("{error}");
            }
        }
        self.exited.clone()
    }

    /// Which of our own processes around the server has ended, if one has: then the state of the
    /// server is not known, and the server is gone, too.
    pub fn lost(&mut self) -> Option<Helper> {
        if let Err(error) = self.drain() {
            tracing::warn!("failed to hear from node {}: {error}", self.node);
        }
        self.lost.clone()
    }

    /// Whether the server ended by itself, and well, while processes of it went on: it went to the
    /// background. They are gone, too.
    #[must_use]
    pub fn left_for_background(&self) -> bool {
        self.exited.as_ref().is_some_and(|exit| exit.left > 0 && exit.how == "status 0")
    }

    /// What the first kill did, if there was one.
    #[must_use]
    pub fn gone(&self) -> Option<&Gone> {
        self.gone.as_ref()
    }

    /// How many processes there are in the node, its init and those not yet reaped included.
    pub fn remaining(&self) -> Result<usize, LabError> {
        let count = || threads::in_namespace(&self.init.namespace.metadata()?);
        count().doing(|| format!("count the processes of node {}", self.node))
    }

    /// Has the init do something and takes the threads it counted afterwards.
    fn order_threads(&mut self, order: &Order, verb: &str) -> Result<Threads, LabError> {
        match self.order(order, verb)? {
            Some(Report::Threads(threads)) => Ok(threads),
            None => Ok(Threads::default()),
            other => Err(unexpected(&format!("{verb} node {}", self.node), other)),
        }
    }

    /// Has the init do something and takes how a process stands afterwards. A node that has ended has
    /// none.
    fn order_standing(&mut self, order: &Order, verb: &str) -> Result<Standing, LabError> {
        match self.order(order, verb)? {
            Some(Report::Standing(standing)) => Ok(standing),
            None => Ok(Standing::default()),
            other => Err(unexpected(&format!("{verb} node {}", self.node), other)),
        }
    }

    fn has_ended(&self) -> bool {
        self.exited.is_some() || self.lost.is_some() || self.gone.is_some()
    }

    /// Has the init do something. None if the node has ended.
    pub(super) fn order(&mut self, order: &Order, verb: &str) -> Result<Option<Report>, LabError> {
        self.drain()?;
        if self.has_ended() {
            return Ok(None);
        }
        let context = format!("{verb} node {}", self.node);
        match self.channel.send(order) {
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {
                self.drain()?;
                Ok(None)
            }
            sent => {
                sent.doing(|| context.clone())?;
                match self.report()? {
                    Some(Report::Failed(reason)) => Err(reason.error().within(&context)),
                    report => Ok(report),
                }
            }
        }
    }

    /// Waits for the answer to an order. None if the node has ended instead.
    fn report(&mut self) -> Result<Option<Report>, LabError> {
        let doing = || format!("hear from node {}", self.node);
        match self.channel.receive(ANSWER_WITHIN).doing(doing)? {
            Received::Message(Report::Exited(exit)) => {
                self.exited = Some(exit);
                Ok(None)
            }
            Received::Message(report) => Ok(Some(report)),
            Received::End => {
                self.note_end();
                Ok(None)
            }
            Received::Nothing => Err(LabError::Timeout { doing: doing(), after: ANSWER_WITHIN }),
        }
    }

    /// Takes what was reported without being asked.
    fn drain(&mut self) -> Result<(), LabError> {
        if self.exited.is_none() && self.lost.is_none() {
            let doing = || format!("hear from node {}", self.node);
            let received = self.channel.receive(Duration::ZERO).doing(doing)?;
            self.note(received);
        }
        Ok(())
    }

    /// Takes note of an end.
    fn note(&mut self, received: Received<Report>) {
        match received {
            Received::Message(Report::Exited(exit)) => self.exited = Some(exit),
            Received::Message(other) => tracing::warn!("node {}: unasked {other:?}", self.node),
            Received::End => self.note_end(),
            Received::Nothing => {}
        }
    }

    /// The channel has ended without a word of the server: unless we killed the node, one of our own
    /// processes around it has ended. That is never the server's doing.
    fn note_end(&mut self) {
        if self.gone.is_some() || self.lost.is_some() {
            return;
        }
        let waiter = Pid::from_raw(self.waiter.id().cast_signed());
        let ended = look(Instant::now() + GONE_WITHIN, || sys::peek(waiter));
        let (helper, how) = match ended.ok().flatten() {
            Some(Ended::Signal(signal)) => ("waiter", format!("signal {signal}")),
            Some(Ended::Status(status)) if status > SIGNALLED.into() => {
                ("init", format!("signal {}", status - i32::from(SIGNALLED)))
            }
            Some(Ended::Status(status)) => ("init", format!("status {status}")),
            None => ("init", "an end that nobody saw".to_owned()),
        };
        let name = format!("the {helper} of node {}", self.node);
        self.lost = Some(Helper { name, how, mend: None });
    }

    /// Waits until the init is gone and reaps what is our child.
    fn reap(&mut self, deadline: Instant) -> Result<(), LabError> {
        let doing = || format!("wait for the end of node {}", self.node);
        if !self.init.process.wait(deadline - Instant::now()).doing(doing)? {
            return Ok(());
        }
        look(deadline, || self.waiter.try_wait()).doing(doing)?;
        // If the waiter was killed before its init, the init became a child of ours.
        match sys::reap(self.init.pid) {
            Ok(_) | Err(Errno::ECHILD) => Ok(()),
            Err(errno) => Err(errno).doing(doing),
        }
    }
}

/// How a process is called in errors.
fn called(program: &Program) -> String {
    match &program.name {
        Some(name) => format!("process `{name}`"),
        None => "the server".to_owned(),
    }
}

/// The variables that a reader of the clocks needs to see what the server sees.
fn preload(env: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    const PREFIXES: [&str; 3] = ["LD_PRELOAD", "FAKETIME", "DONT_FAKE"];
    let wanted = |name: &str| PREFIXES.iter().any(|prefix| name.starts_with(prefix));
    env.iter().filter(|(name, _)| wanted(name)).map(|(k, v)| (k.clone(), v.clone())).collect()
}

impl Drop for NodeProcess {
    fn drop(&mut self) {
        if self.gone.is_none()
            && let Err(error) = self.kill()
        {
            tracing::warn!("{error}");
        }
    }
}
