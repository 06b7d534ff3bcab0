//! The system calls that have no safe wrapper: cloning into namespaces, process descriptors,
//! reaping, and descriptors that must not survive exec. Nothing else may use `unsafe`.
#![expect(unsafe_code, reason = "raw system calls without a safe wrapper in nix")]

use std::fs;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags};
use nix::sched::CloneFlags;
use nix::sys::prctl;
use nix::sys::signal::{SigHandler, Signal, signal};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;

use super::error::{Doing, LabError};
use super::wait::ready;

/// The first descriptor after standard input, output and error.
const FIRST_OTHER_FD: i32 = 3;

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// With this exit status.
    Status(i32),
    /// By this signal.
    Signal(i32),
}

impl Ended {
    /// The exit status; none if a signal ended it.
    pub(crate) fn status(self) -> Option<i32> {
        match self {
            Self::Status(status) => Some(status),
            Self::Signal(_) => None,
        }
    }
}

impl std::fmt::Display for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Status(status) => write!(f, "status {status}"),
            Self::Signal(signal) => write!(f, "signal {signal}"),
        }
    }
}

/// How a child has ended, if it has; it is not reaped.
pub(crate) fn peek(pid: Pid) -> Result<Option<Ended>, Errno> {
    let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
    Ok(match waitid(Id::Pid(pid), flags)? {
        WaitStatus::Exited(_, status) => Some(Ended::Status(status)),
        WaitStatus::Signaled(_, signal, _) => Some(Ended::Signal(signal as i32)),
        _ => None,
    })
}

/// Which side of a clone the caller is on.
pub(crate) enum Side {
    /// The caller goes on, with the child's process id.
    Parent(Pid),
    /// The new process, in its new namespaces.
    Child,
}

/// Fails unless this process has exactly one thread.
///
/// A clone copies only the calling thread. Another one could hold the allocator's lock at that
/// instant, and the child would wait for it forever.
pub(crate) fn require_single_thread() -> Result<(), LabError> {
    let threads = fs::read_dir("/proc/self/task").doing(|| "count own threads".into())?.count();
    match threads {
        1 => Ok(()),
        _ => Err(LabError::Asked(format!(
            "clone a process: this process has {threads} threads, expected exactly 1"
        ))),
    }
}

/// Forks into new namespaces in one system call. The caller must be single-threaded.
pub(crate) fn clone_into(flags: CloneFlags) -> Result<Side, LabError> {
    require_single_thread()?;
    let flags = libc::c_long::from(flags.bits() | libc::SIGCHLD);
    // SAFETY: with a null stack and without CLONE_VM this is a fork: the child gets a copy of the
    // whole memory, and with one thread no lock can be held by a thread that does not exist there.
    // All pointer arguments are null, so their order (which differs by machine) does not matter.
    let pid = unsafe { libc::syscall(libc::SYS_clone, flags, 0, 0, 0, 0) };
    match pid {
        -1 => Err(Errno::last()).doing(|| "create namespaces".into()),
        0 => Ok(Side::Child),
        pid => {
            Ok(Side::Parent(Pid::from_raw(pid.try_into().expect("the kernel's process ids fit"))))
        }
    }
}

/// Gives SIGCHLD its default action: whoever started us may have set it to be ignored, and then
/// the kernel would throw the exit codes of our children away.
pub(crate) fn notice_children() -> Result<(), Errno> {
    // SAFETY: the default action is no handler, so no code of ours can run at a bad moment.
    unsafe { signal(Signal::SIGCHLD, SigHandler::SigDfl) }.map(|_| ())
}

/// Whether a file that becomes larger than its limit is told by a refusal, as any other trouble of a
/// disk is, rather than by a signal that ends the process.
pub(crate) fn refuse_large_files(refuse: bool) -> Result<(), Errno> {
    let action = if refuse { SigHandler::SigIgn } else { SigHandler::SigDfl };
    // SAFETY: neither action is a handler, so no code of ours can run at a bad moment.
    unsafe { signal(Signal::SIGXFSZ, action) }.map(|_| ())
}

/// Takes the end of `pid`, or of any child for `-1`, if there is one; does not wait.
///
/// Written by hand because the wrapper in nix loses the process if it was ended by a real-time
/// signal.
pub(crate) fn reap(pid: Pid) -> Result<Option<(Pid, Ended)>, Errno> {
    let mut status = 0;
    // SAFETY: `status` is a valid place for an int during the call.
    let reaped = unsafe { libc::waitpid(pid.as_raw(), &raw mut status, libc::WNOHANG) };
    match reaped {
        -1 => Err(Errno::last()),
        0 => Ok(None),
        pid if libc::WIFSIGNALED(status) => {
            Ok(Some((Pid::from_raw(pid), Ended::Signal(libc::WTERMSIG(status)))))
        }
        pid => Ok(Some((Pid::from_raw(pid), Ended::Status(libc::WEXITSTATUS(status))))),
    }
}

/// A process that cannot be mistaken for another, even after its number is given away again.
#[derive(Debug)]
pub(crate) struct PidFd(OwnedFd);

impl PidFd {
    /// Opens the descriptor of a process.
    pub(crate) fn open(pid: Pid) -> Result<Self, Errno> {
        // SAFETY: takes two integers and returns a new descriptor or -1.
        let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid.as_raw(), 0) };
        let fd = i32::try_from(Errno::result(fd)?).expect("the kernel's descriptors fit");
        // SAFETY: the kernel just handed us this descriptor, and nobody else knows it.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// Sends SIGKILL. A process that is already gone is no error.
    pub(crate) fn kill(&self) -> Result<(), Errno> {
        let (fd, signal) = (self.0.as_raw_fd(), libc::SIGKILL);
        let no_info = std::ptr::null::<libc::siginfo_t>();
        // SAFETY: the descriptor is open; without siginfo the kernel fills in that of kill(2).
        let sent = unsafe { libc::syscall(libc::SYS_pidfd_send_signal, fd, signal, no_info, 0) };
        match Errno::result(sent) {
            Ok(_) | Err(Errno::ESRCH) => Ok(()),
            Err(errno) => Err(errno),
        }
    }

    /// Waits until the process has ended; false if it has not within `wait`.
    pub(crate) fn wait(&self, wait: Duration) -> Result<bool, Errno> {
        let mut ends = [PollFd::new(self.0.as_fd(), PollFlags::POLLIN)];
        ready(&mut ends, Instant::now() + wait)
    }
}

impl AsFd for PidFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Gives up every capability of this thread, and any that a program could give it.
///
/// # Errors
/// When the kernel refuses.
pub fn give_up_capabilities() -> Result<(), LabError> {
    keep_capabilities(0)
}

/// Gives up all rights but the right to read every file: a server may let no other user read its
/// logs.
///
/// # Errors
/// When the kernel refuses, or this thread has no such capability.
pub fn keep_reading_only() -> Result<(), LabError> {
    const DAC_READ_SEARCH: u32 = 2;
    keep_capabilities(1 << DAC_READ_SEARCH)
}

/// Capabilities over the machine that no part of a lab needs: to change immutable files, modules, raw
/// devices, accounting, reboot, terminals, device files, leases, audit, security modules, the
/// kernel's log, wake-ups and its own programs.
const NEVER: [u32; 18] = [9, 16, 17, 20, 22, 26, 27, 28, 29, 30, 32, 33, 34, 35, 36, 37, 38, 39];

/// Gives these up, for this thread and all that it will start, whatever program that is.
///
/// # Errors
/// When the kernel refuses.
pub(crate) fn give_up_the_machine() -> Result<(), LabError> {
    let doing = || "give up capabilities over the machine".into();
    for capability in NEVER {
        let number = libc::c_ulong::from(capability);
        // SAFETY: it takes a number, and touches no memory.
        match Errno::result(unsafe { libc::prctl(libc::PR_CAPBSET_DROP, number, 0, 0, 0) }) {
            Ok(_) | Err(Errno::EINVAL) => {} // one that is newer than this kernel
            Err(errno) => return Err(errno).doing(doing),
        }
    }
    let (header, mut sets) = ([CAPABILITY_VERSION, 0], [0_u32; 6]);
    // SAFETY: the kernel reads a version and a thread from `header`, 0 for this one, and writes three
    // numbers for each half to `sets`.
    let got = unsafe { libc::syscall(libc::SYS_capget, &raw const header, &raw mut sets) };
    Errno::result(got).doing(doing)?;
    for capability in NEVER {
        let (half, bit) = (capability as usize / 32, 1 << (capability % 32));
        sets[half * 3..half * 3 + 3].iter_mut().for_each(|set| *set &= !bit);
    }
    // SAFETY: the kernel reads both, which live until the call has returned.
    let set = unsafe { libc::syscall(libc::SYS_capset, &raw const header, &raw const sets) };
    Errno::result(set).map(drop).doing(doing)
}

/// Version 3 of these calls: two halves of 32 bits.
const CAPABILITY_VERSION: u32 = 0x2008_0522;

/// Keeps these capabilities, a bit each, and no others.
fn keep_capabilities(kept: u32) -> Result<(), LabError> {
    let (header, sets) = ([CAPABILITY_VERSION, 0], [kept, kept, 0, 0, 0, 0]);
    // SAFETY: the kernel reads a version and a thread from `header`, 0 for this one, and from
    // `sets` three numbers for each half; both live until the call has returned.
    let set = unsafe { libc::syscall(libc::SYS_capset, &raw const header, &raw const sets) };
    Errno::result(set).doing(|| "give up capabilities".into())?;
    prctl::set_no_new_privs().doing(|| "give up new privileges".into())
}

/// Takes a descriptor that the kernel has just put into this process, handed over by another one.
pub(crate) fn adopt(fd: RawFd) -> OwnedFd {
    // SAFETY: the caller has it from a message of the kernel, where each stands once.
    unsafe { OwnedFd::from_raw_fd(fd) }
}

/// Marks every descriptor after standard error to be closed at exec, so that a server inherits
/// nothing of the harness, nor of whoever started it.
pub(crate) fn close_others_on_exec() -> Result<(), LabError> {
    let open = fs::read_dir("/proc/self/fd").doing(|| "list own descriptors".into())?;
    for entry in open {
        let name = entry.doing(|| "list own descriptors".into())?.file_name();
        let Some(fd) = name.to_str().and_then(|name| name.parse::<i32>().ok()) else { continue };
        if fd >= FIRST_OTHER_FD {
            // SAFETY: the list was just read and this process has one thread, so the descriptor
            // is open; the borrow ends with this statement.
            let fd = unsafe { BorrowedFd::borrow_raw(fd) };
            nix::fcntl::fcntl(fd, nix::fcntl::FcntlArg::F_SETFD(nix::fcntl::FdFlag::FD_CLOEXEC))
                .doing(|| "mark a descriptor to be closed at exec".into())?;
        }
    }
    Ok(())
}
