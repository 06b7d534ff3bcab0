//! The process that a node's processes live under: `fracas __node`, started by the lab only.
//!
//! It splits in two. The first half makes the namespaces and waits. The second is process 1 in
//! there: it starts the server, reaps, and does what the harness asks. It is small on purpose: it
//! never ends before everything under it has.
//!
//! The node's user is 1000 there, and where root made the lab it is nobody outside: servers that
//! refuse to run as root run, and none can undo what was done to the lab's network.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags};
use nix::sched::{CloneFlags, unshare};
use nix::sys::prctl;
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{Pid, dup2_stdin, dup2_stdout, getegid, geteuid, pipe2, sethostname};

use super::birth::{WITH_CLOCK, WITH_USER};
use super::channel::{Channel, Order, Received, Report};
use super::clock::{self, ClockPage, Supervisor};
use super::crew::Crew;
use super::error::{Doing, LabError, Told, scarce};
use super::ids::{self, NODE_USER};
use super::inside::{INSIDE, inside_main};
use super::launch::{Launch, PASSED_ON, Program};
use super::output::Output;
use super::resources::turns::{SPIN, Turns, spin_main};
use super::sys::{self, Ended, Side};
use super::wait::ready;
use super::walls::Held;
use super::world::{hung_up, map_ids};
use super::{mounts, named};

/// A waiter whose init was ended by a signal ends with this and the signal's number.
pub(crate) const SIGNALLED: u8 = 128;

/// How long the harness may take to say what to start.
const LAUNCH_WITHIN: Duration = Duration::from_secs(30);

/// Why a program that is there cannot be started.
const CLOSED: &str = "permission denied (EACCES): each server runs as a user of its own; let others \
    read and execute the program (`chmod o+rx`)";

/// The hidden entry point: runs one node for the lab that started this process, and returns the
/// exit code. The control channel is its standard input.
#[must_use]
pub fn node_main() -> u8 {
    let arguments: Vec<String> = std::env::args().skip(2).collect();
    if arguments.first().is_some_and(|first| first == clock::PROBE_ARGUMENT) {
        return clock::probe_main(&arguments[1..]);
    }
    if let [SPIN, millis, waiting] = &arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        return spin_main(millis, waiting);
    }
    if let [INSIDE, ..] = &arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        return inside_main(&arguments[1..]);
    }
    let with = |word: &str| arguments.iter().any(|argument| argument == word);
    let run = |channel: &Channel| {
        let page = if with(WITH_CLOCK) { Some(clock_from_stdout()?) } else { None };
        split(channel, page, with(WITH_USER))
    };
    match channel_from_stdin().and_then(|channel| run(&channel).map_err(|e| told(&channel, e))) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("failed to run a node: {error}");
            1
        }
    }
}

/// Tells the harness what went wrong, and hands the error on.
fn told(channel: &Channel, error: LabError) -> LabError {
    // If the harness is gone, standard error is all that is left.
    let _untold = channel.send(&Report::Failed(Told::from(&error)));
    error
}

/// Takes the control channel off standard input, which nobody needs.
fn channel_from_stdin() -> Result<Channel, LabError> {
    let take = || -> io::Result<Channel> {
        let channel = Channel::new(io::stdin().as_fd().try_clone_to_owned()?);
        dup2_stdin(File::open("/dev/null")?)?;
        Ok(channel)
    };
    take().doing(|| "take the control channel".into())
}

/// Takes the node's clock off standard output, which nobody needs either.
fn clock_from_stdout() -> Result<ClockPage, LabError> {
    let take = || -> io::Result<ClockPage> {
        let page = ClockPage::handed(io::stdout().as_fd().try_clone_to_owned()?);
        dup2_stdout(OpenOptions::new().write(true).open("/dev/null")?)?;
        Ok(page)
    };
    take().doing(|| "take the clock page".into())
}

/// Makes the namespaces and splits into the waiter and the init.
fn split(channel: &Channel, page: Option<ClockPage>, own_user: bool) -> Result<u8, LabError> {
    let (user, group) = (geteuid(), getegid().as_raw());
    unshare(CloneFlags::CLONE_NEWUSER).doing(|| "make the node's user namespace".into())?;
    if own_user {
        wait_for_user(channel)?;
    } else {
        map_ids("/proc/self", NODE_USER, (user, group))?;
    }
    let supervisor = page.map(Supervisor::new).transpose()?;
    let (alive, hold) = pipe2(OFlag::O_CLOEXEC).doing(|| "open a pipe".into())?;
    let flags = CloneFlags::CLONE_NEWNS
        | CloneFlags::CLONE_NEWPID
        | CloneFlags::CLONE_NEWUTS
        | CloneFlags::CLONE_NEWIPC;
    match sys::clone_into(flags)? {
        Side::Child => {
            drop((hold, supervisor)); // what the waiter alone may hold
            std::process::exit(i32::from(init(channel, &Identity { alive, own_user })));
        }
        Side::Parent(init) => {
            channel.send(&Report::Init(init.as_raw())).doing(|| "report the init".into())?;
            match supervisor {
                Some(supervisor) => supervisor.run(init).map(code_of),
                None => Ok(wait_for(init)),
            }
        }
    }
}

/// Has the harness give this namespace a user of its own.
fn wait_for_user(channel: &Channel) -> Result<(), LabError> {
    let doing = "wait for the node's user";
    channel.send(&Report::Unmapped).doing(|| doing.into())?;
    match channel.receive(LAUNCH_WITHIN).doing(|| doing.into())? {
        Received::Message(Order::Mapped) => Ok(()),
        other => Err(LabError::answer(doing, format!("{other:?}"))),
    }
}

/// Waits until the init, and so everything under it, is gone.
fn wait_for(init: Pid) -> u8 {
    // Blocking is right: the init ends when the harness closes its channel.
    match waitpid(init, None) {
        Ok(WaitStatus::Exited(_, status)) => code_of(Ended::Status(status)),
        Ok(WaitStatus::Signaled(_, signal, _)) => code_of(Ended::Signal(signal as i32)),
        Ok(_) | Err(_) => 1,
    }
}

/// The waiter's exit code for an end of the init, as a shell tells it: the harness names how its
/// helper ended.
fn code_of(init: Ended) -> u8 {
    match init {
        Ended::Status(status) => u8::try_from(status).unwrap_or(1),
        Ended::Signal(signal) => SIGNALLED + u8::try_from(signal).unwrap_or(0),
    }
}

/// Whose child the init is, and who it is to become.
struct Identity {
    /// Its other end is the waiter's.
    alive: OwnedFd,
    /// Whether the node has a user of its own.
    own_user: bool,
}

impl Identity {
    /// Becomes the node's user. The kernel forgets then whom this process dies with.
    fn assume(&self) -> Result<(), LabError> {
        if self.own_user {
            ids::become_node_user()?;
        }
        follow_parent(&self.alive)
    }
}

/// Process 1 of the node.
fn init(channel: &Channel, identity: &Identity) -> u8 {
    match follow_parent(&identity.alive).and_then(|()| start(channel, identity)) {
        Ok(Some((mut keeper, deaths))) => match keeper.serve(&deaths) {
            Ok(()) => 0,
            Err(error) => failed(channel, error),
        },
        Ok(None) => 0,
        Err(error) => failed(channel, error),
    }
}

/// Reports an error and gives the exit code for it.
fn failed(channel: &Channel, error: LabError) -> u8 {
    told(channel, error);
    1
}

/// Dies with the waiter; see the world's inner process for why the order matters.
fn follow_parent(alive: &OwnedFd) -> Result<(), LabError> {
    prctl::set_pdeathsig(Signal::SIGKILL).doing(|| "ask to die with the parent".into())?;
    if hung_up(alive)? {
        return Err(LabError::Reported("the parent of the node's init is gone".into()));
    }
    Ok(())
}

/// Makes the node's own mounts, waits for the launch, and starts the server. None if the harness
/// went away instead.
fn start<'a>(
    channel: &'a Channel,
    identity: &Identity,
) -> Result<Option<(Keeper<'a>, SignalFd)>, LabError> {
    mounts::private()?;
    mounts::fresh_proc()?;
    let (launch, surroundings) =
        match channel.receive(LAUNCH_WITHIN).doing(|| "read the launch".into())? {
            Received::Message(Order::Launch(both)) => *both,
            Received::End => return Ok(None),
            other => return Err(LabError::answer("read the launch", format!("{other:?}"))),
        };
    let output = Output::receive(channel, LAUNCH_WITHIN)?;
    let held = Held::of(&surroundings.view)?;
    identity.assume()?;
    mounts::hosts(&surroundings.hosts)?;
    named::show(&launch)?;
    sethostname(launch.node.to_string()).doing(|| "set the host name".into())?;
    clock::shift_monotonic(launch.monotonic_offset)?;
    held.raise(&surroundings.view)?;
    sys::close_others_on_exec()?;
    // Before the start, so that the server's death cannot be missed.
    let deaths = watch_deaths().doing(|| "watch for the ends of processes".into())?;
    launch.reach.limits.impose()?;
    sys::refuse_large_files(false).doing(|| "reset the action of SIGXFSZ".into())?;
    let Launch { name, argv, env, dir, .. } = launch;
    let (crew, turns) = (Crew::default(), Turns::default());
    let mut keeper = Keeper { channel, dir, crew, turns };
    keeper.start(Program { name, argv, env }, output)?;
    channel.send(&Report::Started).doing(|| "report the start".into())?;
    Ok(Some((keeper, deaths)))
}

/// A descriptor that is readable when a child has ended.
fn watch_deaths() -> Result<SignalFd, Errno> {
    let deaths: SigSet = [Signal::SIGCHLD].into_iter().collect();
    deaths.thread_block()?;
    SignalFd::with_flags(&deaths, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)
}

/// Starts a program.
fn spawn(program: &Program, dir: &Path, output: Output) -> Result<Pid, LabError> {
    let Some((name, arguments)) = program.argv.split_first() else {
        return Err(LabError::Asked("start a server: no program was named".into()));
    };
    let mut command = Command::new(name);
    command.args(arguments).current_dir(dir).env_clear();
    command.envs(PASSED_ON.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
    command.envs(&program.env).process_group(0).stdin(Stdio::null());
    command.stdout(output.stdout).stderr(output.stderr);
    let child = command.spawn().map_err(|error| explain(name, error))?;
    Ok(Pid::from_raw(child.id().cast_signed()))
}

/// Says why a program could not be started. “No such file” means the program only if the program
/// is not there; else it is the interpreter that its first line names.
fn explain(program: &str, error: io::Error) -> LabError {
    let file = Path::new(program);
    let missing = error.kind() == io::ErrorKind::NotFound;
    match (missing, file.exists()) {
        (true, false) => LabError::Reported(format!("`{program}` was not found")),
        (true, true) => {
            LabError::Reported(format!("the interpreter that `{program}` names was not found"))
        }
        _ if error.kind() == io::ErrorKind::PermissionDenied && file.is_file() => {
            LabError::Reported(format!("start `{program}`: {CLOSED}"))
        }
        _ => refused(LabError::System { doing: format!("start `{program}`"), source: error }),
    }
}

/// A program that cannot be executed is the target's trouble, unless this machine has run out of
/// something.
fn refused(error: LabError) -> LabError {
    match error.errno().and_then(scarce) {
        Some(_) => error,
        None => LabError::Reported(error.to_string()),
    }
}

/// What the init of a node knows while it serves.
struct Keeper<'a> {
    channel: &'a Channel,
    /// The working directory of the node's processes.
    dir: PathBuf,
    crew: Crew,
    turns: Turns,
}

impl Keeper<'_> {
    /// Starts a process of the node.
    fn start(&mut self, program: Program, output: Output) -> Result<(), LabError> {
        if self.crew.has(program.name.as_deref()) {
            return Err(LabError::Asked("start a process that runs".into()));
        }
        let pid = spawn(&program, &self.dir, output)?;
        self.crew.started(program.name, pid);
        Ok(())
    }

    /// Does what the harness asks until a process has ended by itself or the harness is gone.
    fn serve(&mut self, deaths: &SignalFd) -> Result<(), LabError> {
        loop {
            wait_for_either(self.channel, deaths, self.turns.next())?;
            self.turns.tick()?;
            while deaths.read_signal().doing(|| "read a signal".into())?.is_some() {}
            for (pid, ended) in reap_all().doing(|| "reap".into())? {
                if let Some(exit) = self.crew.ended(pid, &ended)? {
                    let sent = self.channel.send(&Report::Exited(exit));
                    return sent.doing(|| "report the server's end".into());
                }
                if let Some(report) = self.turns.ended(pid, ended.status()) {
                    self.channel.send(&report).doing(|| "answer".into())?;
                }
            }
            match self.channel.receive(Duration::ZERO).doing(|| "read an order".into())? {
                Received::Message(order) => {
                    let report =
                        self.obey(order).unwrap_or_else(|e| Some(Report::Failed(Told::from(&e))));
                    let sent = report.map_or(Ok(()), |report| self.channel.send(&report));
                    sent.doing(|| "answer".into())?;
                }
                Received::End => return Ok(()),
                Received::Nothing => {}
            }
        }
    }

    /// Does one thing. No report if it comes later.
    fn obey(&mut self, order: Order) -> Result<Option<Report>, LabError> {
        let Self { crew, turns, .. } = self;
        let report = match order {
            Order::Mapped => Err(LabError::Asked("name the node's user twice".into())),
            Order::Launch(..) => Err(LabError::Asked("start a node twice".into())),
            Order::Begin(program) => {
                let output = Output::receive(self.channel, LAUNCH_WITHIN)?;
                self.start(*program, output).map(|()| Report::Started)
            }
            Order::PauseProcess(name) => crew.pause(&name, turns).map(Report::Threads),
            Order::ResumeProcess(name) => crew.resume(&name, turns).map(Report::Threads),
            Order::KillProcess(name) => crew.kill(&name, turns).map(Report::Standing),
            Order::Standing(name) => crew.standing(&name, turns).map(Report::Standing),
            Order::Pause => turns.pause().map(Report::Threads),
            Order::Resume => turns.resume().map(Report::Threads),
            Order::Clock(sampling, env) => clock::read(sampling, &env).map(Report::Clock),
            Order::Threads => turns.count().map(Report::Threads),
            Order::Signal(number) => {
                let signal = Signal::try_from(number).doing(|| format!("send signal {number}"))?;
                turns.let_go();
                crew.ask_to_end(signal).map(|()| Report::Signalled)
            }
            Order::Starve(duty) => turns.set(duty),
            Order::Spin(millis, waiting) => return turns.spin(millis, waiting).map(|()| None),
        };
        report.map(Some)
    }
}

/// Sleeps until there is an order or a death, or the time has come.
fn wait_for_either(
    channel: &Channel,
    deaths: &SignalFd,
    until: Option<Instant>,
) -> Result<(), LabError> {
    const LOOK_ANYWAY: Duration = Duration::from_secs(60);
    let mut fds = [
        PollFd::new(channel.as_fd(), PollFlags::POLLIN),
        PollFd::new(deaths.as_fd(), PollFlags::POLLIN),
    ];
    let until = until.unwrap_or_else(|| Instant::now() + LOOK_ANYWAY);
    ready(&mut fds, until).doing(|| "wait for an order".into()).map(|_| ())
}

/// Reaps whatever has ended, orphans included.
fn reap_all() -> Result<Vec<(Pid, Ended)>, Errno> {
    let mut all = Vec::new();
    loop {
        match sys::reap(Pid::from_raw(-1)) {
            Ok(Some(ended)) => all.push(ended),
            Ok(None) | Err(Errno::ECHILD) => return Ok(all),
            Err(errno) => return Err(errno),
        }
    }
}
