//! Waiting for processes that are traced. Only ever for one that is named: waiting for any would
//! take away the ends of children that somebody else waits for.
#![expect(unsafe_code, reason = "the wrapper in nix loses a process that a real-time signal ended")]

use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::unistd::Pid;

use super::super::error::{Doing, LabError};
use super::super::wait::ready;

/// How long the next stop of a thread that was let go for one instruction or one return may take.
/// It is much longer than any machine needs, for one that is frozen from outside meanwhile.
#[cfg_attr(
    not(target_arch = "x86_64"),
    expect(dead_code, reason = "used where programs are changed")
)]
const STOP_WITHIN: Duration = Duration::from_secs(20);

/// Set in the signal of a stop at a system call.
const SYSCALL_STOP: i32 = 0x80;

/// What has happened to a traced process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// It stopped before it gets this signal.
    Signal(Signal),
    /// It stopped for one of ptrace's events.
    Event(i32),
    /// It stopped at a system call.
    Syscall,
    /// It has ended, and is reaped.
    Ended,
}

/// Notices that something has happened to a child or a traced process.
pub(super) struct Stops(SignalFd);

impl Stops {
    /// Begins to notice. What has happened before must be looked for once.
    pub(super) fn open() -> Result<Self, LabError> {
        let deaths: SigSet = [Signal::SIGCHLD].into_iter().collect();
        let open = || {
            deaths.thread_block()?;
            SignalFd::with_flags(&deaths, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)
        };
        open().map(Self).doing(|| "watch for stopped processes".into())
    }

    /// Forgets what was noticed; everything must be looked at after it.
    pub(super) fn forget(&self) -> Result<(), LabError> {
        while self.0.read_signal().doing(|| "read a signal".into())?.is_some() {}
        Ok(())
    }

    /// Waits for the next stop of one thread, which must have been let go for a moment only.
    /// What happens to others meanwhile must be looked for after it.
    #[cfg_attr(
        not(target_arch = "x86_64"),
        expect(dead_code, reason = "used where programs are changed")
    )]
    pub(super) fn wait(&self, pid: Pid) -> Result<Stop, LabError> {
        let doing = || "wait for a program to stop".to_owned();
        let deadline = Instant::now() + STOP_WITHIN;
        loop {
            if let Some(stop) = look_at(pid).doing(doing)? {
                return Ok(stop);
            }
            let mut fds = [PollFd::new(self.as_fd(), PollFlags::POLLIN)];
            if !ready(&mut fds, deadline).doing(doing)? {
                return Err(LabError::Timeout { doing: doing(), after: STOP_WITHIN });
            }
            self.forget()?;
        }
    }
}

impl AsFd for Stops {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// What has happened to one process, if anything has; does not wait.
pub(super) fn look_at(pid: Pid) -> Result<Option<Stop>, Errno> {
    let mut status = 0;
    // Threads too (`__WALL`), and none that another thread of this process traces (`__WNOTHREAD`).
    let flags = libc::WNOHANG | libc::__WALL | libc::__WNOTHREAD;
    // SAFETY: `status` is a valid place for an int during the call.
    let found = unsafe { libc::waitpid(pid.as_raw(), &raw mut status, flags) };
    match Errno::result(found)? {
        0 => Ok(None),
        _ => Ok(Some(read(status))),
    }
}

/// Reads the number that the kernel says it with.
fn read(status: i32) -> Stop {
    if !libc::WIFSTOPPED(status) {
        return Stop::Ended;
    }
    match (libc::WSTOPSIG(status), status >> 16) {
        (_, event) if event != 0 => Stop::Event(event),
        (signal, _) if signal & SYSCALL_STOP != 0 => Stop::Syscall,
        // A real-time signal has no name here; it is treated like the mildest one that has.
        (signal, _) => Stop::Signal(Signal::try_from(signal).unwrap_or(Signal::SIGURG)),
    }
}
