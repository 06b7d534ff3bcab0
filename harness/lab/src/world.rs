//! The world a lab lives in: a process with its own network, mounts, process numbers and names.
//!
//! The caller becomes the *outer* process: a plain waiter that passes signals on. A clone of it,
//! process 1 of the new world, runs the work. Whichever of the two is killed, at any instant, the
//! kernel takes everything inside along: there is no file, interface or process to clean up.
//! What the world is used for is not this module's business.

use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use fracas_checker::NodeId;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags};
use nix::sched::CloneFlags;
use nix::sys::prctl;
use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::stat::{Mode, umask};
use nix::unistd::{Pid, Uid, alarm, getegid, geteuid, pipe2, setpgid};

use super::error::{Doing, LabError, Told};
use super::sys::{self, Ended, Side};
use super::wait::ready;
use super::{ids, links, mend, mounts, walls};

/// The exit code of a panic inside: a bug of ours.
const PANICKED: u8 = 70;

/// How long the inner process may take to end after a second signal.
const END_WITHIN_SECONDS: u32 = 2;

/// What a shell adds to the number of the signal that ended a process.
const SIGNALLED: i32 = 128;

/// The longest report of a failed set-up that is read.
const REPORT_MAX: u64 = 64 * 1024;

/// The rights with which the world's namespaces are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Isolation {
    /// As root if this is root and it may, else in a user namespace.
    #[default]
    Auto,
    /// As root; an error if this is not root.
    Root,
    /// In a user namespace, even for root.
    Userns,
}

/// The world as seen from inside.
#[derive(Debug, Clone, Copy)]
pub struct World {
    /// The rights with which it was made: `root` or `userns`.
    pub isolation: &'static str,
}

/// Runs `inside` in a new world and returns its exit code.
///
/// The calling process must have one thread. It keeps waiting until the inside has ended, and
/// passes SIGINT and SIGTERM on (SIGHUP as SIGTERM). SIGQUIT ends it at once, and with it the world.
pub fn enter(isolation: Isolation, inside: impl FnOnce(&World) -> u8) -> Result<u8, LabError> {
    sys::require_single_thread()?;
    walls::sockets::note();
    let root = geteuid().is_root();
    match isolation {
        Isolation::Root if !root => Err(LabError::Unavailable {
            what: "enter the lab as root".into(),
            why: format!("the user id is {}, expected 0", geteuid()),
            mend: "run as root, or let it use a user namespace".into(),
        }),
        Isolation::Root => clone_world(&World { isolation: "root" }, inside),
        Isolation::Auto if root && may_make_namespaces()? => {
            clone_world(&World { isolation: "root" }, inside)
        }
        Isolation::Auto | Isolation::Userns => clone_world(&World { isolation: "userns" }, inside),
    }
}

/// Lets this process and all that it starts use the files that they make, whatever the caller's
/// umask says of their owner. The bits of the umask for other users stay as they are.
pub fn own_files_are_ours() {
    let mask = umask(Mode::S_IRWXU);
    umask(mask.difference(Mode::S_IRWXU));
    // Servers get the usual action back.
    let _unchanged = sys::refuse_large_files(true);
}

/// Whether this root is a full one; in a container it often has no right to make namespaces.
fn may_make_namespaces() -> Result<bool, LabError> {
    const CAP_SYS_ADMIN: u32 = 21;
    Ok(super::capabilities::capabilities()? >> CAP_SYS_ADMIN & 1 == 1)
}

/// The ends of the two pipes between outer and inner.
struct Pipes {
    /// The inner waits for a byte here, and learns from the end of it that the outer is gone.
    released: OwnedFd,
    /// Held by the outer only.
    release: OwnedFd,
    /// The outer reads why the inner could not set the world up; nothing if it could.
    failed: OwnedFd,
    /// Held by the inner only, until the world is set up.
    fail: OwnedFd,
}

/// Makes the world and splits into its two processes.
fn clone_world(world: &World, inside: impl FnOnce(&World) -> u8) -> Result<u8, LabError> {
    let pipes = open_pipes()?;
    let mask = block_signals()?;
    let side = sys::clone_into(namespaces(world)).map_err(|error| explain(error, world));
    match side {
        Ok(Side::Child) => std::process::exit(inner(world, pipes, &mask, inside).into()),
        Ok(Side::Parent(pid)) => {
            let ended = outer(world, pid, pipes);
            restore_signals(&mask)?;
            ended
        }
        Err(error) => {
            restore_signals(&mask)?;
            Err(error)
        }
    }
}

/// The namespaces of a world.
fn namespaces(world: &World) -> CloneFlags {
    let all = CloneFlags::CLONE_NEWNET
        | CloneFlags::CLONE_NEWNS
        | CloneFlags::CLONE_NEWPID
        | CloneFlags::CLONE_NEWUTS
        | CloneFlags::CLONE_NEWIPC;
    if world.isolation == "userns" { all | CloneFlags::CLONE_NEWUSER } else { all }
}

/// Says how to mend a machine that forbids namespaces.
fn explain(error: LabError, world: &World) -> LabError {
    let mend = match error.errno().map(Errno::from_raw) {
        Some(Errno::EPERM | Errno::EACCES) if world.isolation == "userns" => {
            mend::user_namespaces()
        }
        Some(Errno::EPERM | Errno::EACCES) => mend::root_namespaces(),
        Some(Errno::ENOSPC | Errno::EUSERS) => {
            "raise the limits in `/proc/sys/user/max_*_namespaces`".into()
        }
        Some(Errno::EINVAL) => "use a kernel with user, network and process namespaces".into(),
        _ => return error,
    };
    LabError::Unavailable {
        what: format!("enter the lab ({})", world.isolation),
        why: error.to_string(),
        mend,
    }
}

/// Opens both pipes; no program started later inherits them.
fn open_pipes() -> Result<Pipes, LabError> {
    let open = || pipe2(nix::fcntl::OFlag::O_CLOEXEC).doing(|| "open a pipe".into());
    let ((released, release), (failed, fail)) = (open()?, open()?);
    Ok(Pipes { released, release, failed, fail })
}

/// The signals that the outer process waits for.
fn waited_signals() -> SigSet {
    [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGCHLD, Signal::SIGALRM]
        .into_iter()
        .collect()
}

/// Blocks them before the clone, so that none is lost, and returns the mask as it was.
fn block_signals() -> Result<SigSet, LabError> {
    sys::notice_children().doing(|| "reset the action of SIGCHLD".into())?;
    let before = SigSet::thread_get_mask().doing(|| "read the signal mask".into())?;
    waited_signals().thread_block().doing(|| "block signals".into())?;
    Ok(before)
}

/// Puts the signal mask back.
fn restore_signals(mask: &SigSet) -> Result<(), LabError> {
    mask.thread_set_mask().doing(|| "restore the signal mask".into())
}

/// The outer process: gives the inner its identity, lets it go, and waits.
fn outer(world: &World, inner: Pid, pipes: Pipes) -> Result<u8, LabError> {
    let Pipes { released, release, failed, fail } = pipes;
    drop((released, fail));
    let ready = release_inner(world, inner, &release).and_then(|()| read_failure(failed));
    if let Err(error) = ready {
        // Nobody holds the other end of the pipe: something ended it before it could begin.
        let ended_before = error.errno() == Some(Errno::EPIPE as i32);
        if !ended_before {
            let _gone = kill(inner, Signal::SIGKILL); // it may be gone already; the wait ends then, too
        }
        return match wait_for(inner)? {
            Ended::Signal(signal) if ended_before => Err(LabError::InsideKilled(signal)),
            _ => Err(error),
        };
    }
    // `release` stays open until here: its end tells the inner that the outer is gone.
    let ended = wait_for(inner);
    drop(release);
    match ended? {
        Ended::Status(code) => u8::try_from(code)
            .map_err(|_| LabError::answer("run inside the lab", format!("exit code {code}"))),
        Ended::Signal(signal) => Err(LabError::InsideKilled(signal)),
    }
}

/// Maps the inner's user where it needs one, and lets it go.
fn release_inner(world: &World, inner: Pid, release: &OwnedFd) -> Result<(), LabError> {
    if world.isolation == "userns" && !ids::give_to_world(inner.as_raw())? {
        map_ids(&format!("/proc/{inner}"), 0, (geteuid(), getegid().as_raw()))?;
    }
    nix::unistd::write(release, b"g").doing(|| "let the inner process go".into())?;
    Ok(())
}

/// Makes `outside` (a user and a group) appear as `inside` in a process's user namespace.
pub(crate) fn map_ids(proc: &str, inside: u32, outside: (Uid, u32)) -> Result<(), LabError> {
    let (user, group) = outside;
    let write = |file: &str, text: String| {
        fs::write(format!("{proc}/{file}"), text).doing(|| format!("write `{proc}/{file}`"))
    };
    write("setgroups", "deny".into())?;
    write("uid_map", format!("{inside} {user} 1"))?;
    write("gid_map", format!("{inside} {group} 1"))
}

/// Reads what the inner reports of its set-up; the end of the pipe without a word means success.
fn read_failure(failed: OwnedFd) -> Result<(), LabError> {
    let mut report = Vec::new();
    File::from(failed)
        .take(REPORT_MAX)
        .read_to_end(&mut report)
        .doing(|| "read the report of the inner process".into())?;
    if report.is_empty() {
        return Ok(());
    }
    let told = serde_json::from_slice::<Told>(&report);
    let told = told.map_err(|error| LabError::answer("enter the lab", error.to_string()))?;
    Err(told.error().within("enter the lab"))
}

/// Waits until the inner process has ended, passing signals on. After a second one it has a moment to
/// end by itself; then it is killed, whatever it hangs in.
fn wait_for(inner: Pid) -> Result<Ended, LabError> {
    let signals = waited_signals();
    let (mut passed_on, mut killed_for) = (0_u32, None);
    loop {
        if let Some((_, ended)) = sys::reap(inner).doing(|| "wait for the inner process".into())? {
            alarm::cancel();
            return Ok(match (ended, killed_for) {
                (Ended::Signal(_), Some(signal)) => Ended::Status(SIGNALLED + signal as i32),
                _ => ended,
            });
        }
        let forward = match signals.wait().doing(|| "wait for a signal".into())? {
            Signal::SIGCHLD => continue,
            Signal::SIGALRM if killed_for.is_some() => Signal::SIGKILL,
            Signal::SIGALRM => continue,
            Signal::SIGINT => Signal::SIGINT,
            _ => Signal::SIGTERM,
        };
        if forward != Signal::SIGKILL {
            passed_on += 1;
            if passed_on == 2 {
                killed_for = Some(forward);
                alarm::set(END_WITHIN_SECONDS);
            }
        }
        match kill(inner, forward) {
            Ok(()) | Err(Errno::ESRCH) => {}
            Err(errno) => return Err(errno).doing(|| format!("pass {forward} on")),
        }
    }
}

/// The inner process, number 1 of the new world: sets it up and runs `inside`.
fn inner(world: &World, pipes: Pipes, mask: &SigSet, inside: impl FnOnce(&World) -> u8) -> u8 {
    let Pipes { released, release, failed, fail } = pipes;
    drop((release, failed));
    let run = || match follow_outer(&released).and_then(|()| set_up(mask)) {
        Ok(()) => {
            ids::find(world.isolation);
            if let Err(error) = sys::give_up_the_machine() {
                tracing::warn!("the lab keeps more capabilities than it needs: {error}");
            }
            drop(fail);
            inside(world)
        }
        Err(error) => {
            // If the outer is gone too there is nobody left to tell.
            let _unread = serde_json::to_writer(File::from(fail), &Told::from(&error));
            PANICKED
        }
    };
    // An unwinding clone must never return into the caller's code: that is the outer's.
    catch_unwind(AssertUnwindSafe(run)).unwrap_or(PANICKED)
}

/// Ties this process to the outer one and waits until it lets us go.
///
/// The order matters: a request to die with the parent is void if the parent is dead already, so
/// the pipe is looked at after it. The parent's process id would not tell: it is 0 in here.
fn follow_outer(released: &OwnedFd) -> Result<(), LabError> {
    prctl::set_pdeathsig(Signal::SIGKILL).doing(|| "ask to die with the outer process".into())?;
    let mut byte = [0];
    let read =
        nix::unistd::read(released, &mut byte).doing(|| "wait for the outer process".into())?;
    if read == 0 || hung_up(released)? {
        return Err(LabError::Reported("the outer process is gone".into()));
    }
    Ok(())
}

/// Whether every writing end of a pipe is closed.
pub(crate) fn hung_up(pipe: &OwnedFd) -> Result<bool, LabError> {
    let mut ends = [PollFd::new(pipe.as_fd(), PollFlags::empty())];
    ready(&mut ends, Instant::now()).doing(|| "look whether the parent process lives".into())
}

/// Makes the world fit to work in.
fn set_up(mask: &SigSet) -> Result<(), LabError> {
    restore_signals(mask)?;
    // A terminal's Ctrl-C reaches the whole process group: it must reach the outer only.
    setpgid(Pid::from_raw(0), Pid::from_raw(0)).doing(|| "make a process group".into())?;
    mounts::private()?;
    mounts::fresh_proc()?;
    // The clients are in here, and may be told to find a node by its name.
    mounts::hosts(&links::hosts((1..=links::NODES_MAX).map(NodeId)))?;
    hide_run()?;
    links::loopback_up()
}

/// Hides the machine's `/run`. The working directory may be in there and kept.
fn hide_run() -> Result<(), LabError> {
    let working = std::env::current_dir();
    mounts::empty_run(mounts::kept())?;
    // A directory that is gone, or not kept, stays as it was.
    let _unmoved = working.and_then(std::env::set_current_dir);
    Ok(())
}
