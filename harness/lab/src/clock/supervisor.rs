//! Follows every exec of a node's tree and has each new program given the node's clock.
//!
//! It lives in the node's waiter: in the node's user namespace, so that it may trace the node's
//! processes without any right outside; outside its process namespace, so that a pause or kill of
//! the node does not touch it; and with one thread, to which tracing is bound. It traces a thread
//! from just before its exec to just after, and nobody for longer, so that signals and threads
//! cost what they always cost. What the clock shows is not its business.

use std::fs::{self, File};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags};
use nix::sys::ptrace::{self, Options};
use nix::unistd::Pid;

use super::super::error::{Doing, LabError};
use super::super::sys::{self, Ended};
use super::super::wait::ready;
use super::listener::{Exec, Listener};
use super::machine::Tailor;
use super::page::{ClockPage, Tally};
use super::stops::{Stop, Stops, look_at};

/// How many execs are under way at once; more wait at their beginning.
const UNDER_WAY_MAX: usize = 64;

/// How long nothing may happen before it looks whether it has missed something.
const LOOK_ANYWAY: Duration = Duration::from_secs(60);

/// Ptrace's event for a stop that was asked for, from `linux/ptrace.h`.
const EVENT_STOP: i32 = 128;

/// Gives programs a clock.
pub(crate) struct Supervisor {
    listener: Listener,
    tailor: Tailor,
    page: ClockPage,
    /// What programs get of the page.
    gift: File,
    under_way: Vec<Followed>,
    tally: Tally,
}

/// A thread that is traced from before its exec on.
struct Followed {
    /// The thread, and the process that it becomes if its exec succeeds.
    thread: Pid,
    process: Pid,
    /// The page's descriptor in there; none if it could not be given.
    fd: Option<i32>,
}

impl Supervisor {
    /// Filters this thread and all that it will start: from now on an exec waits until
    /// [`Self::run`] is called. This thread may never exec again.
    pub(crate) fn new(page: ClockPage) -> Result<Self, LabError> {
        let (tailor, gift) = (Tailor::new()?, page.read_only()?);
        let listener = Listener::install()?;
        let under_way = Vec::new();
        Ok(Self { listener, tailor, page, gift, under_way, tally: Tally::default() })
    }

    /// Serves until the init, a child of this process, is gone.
    pub(crate) fn run(mut self, init: Pid) -> Result<Ended, LabError> {
        let stops = Stops::open()?;
        loop {
            // Everything is looked at after every `forget`: nobody is told twice.
            stops.forget()?;
            if let Some(how) = ended(init)? {
                return Ok(how);
            }
            while self.settle_all(&stops) {}
            if let Some(how) = ended(init)? {
                return Ok(how);
            }
            self.wait_and_hear(&stops)?;
        }
    }

    /// Sleeps until something happens, and begins to follow an exec if that is what happened.
    fn wait_and_hear(&mut self, stops: &Stops) -> Result<(), LabError> {
        let room = self.under_way.len() < UNDER_WAY_MAX;
        let interest = if room { PollFlags::POLLIN } else { PollFlags::empty() };
        let mut fds = [
            PollFd::new(self.listener.as_fd(), interest),
            PollFd::new(stops.as_fd(), PollFlags::POLLIN),
        ];
        ready(&mut fds, Instant::now() + LOOK_ANYWAY).doing(|| "wait for an exec".into())?;
        if fds[0].revents().is_some_and(|found| found.contains(PollFlags::POLLIN))
            && let Some(exec) = self.listener.next()?
        {
            self.follow(exec)?;
        }
        Ok(())
    }

    /// Begins to trace a thread, gives it the page and lets its exec go on.
    fn follow(&mut self, exec: Exec) -> Result<(), LabError> {
        let thread = exec.thread;
        let process = process_of(thread).unwrap_or(thread);
        let options = Options::PTRACE_O_TRACEEXEC | Options::PTRACE_O_TRACESYSGOOD;
        if let Err(errno) = ptrace::seize(thread, options) {
            if errno != Errno::ESRCH {
                self.missed(&LabError::refused("trace it", errno as i32));
            }
            return self.listener.go_on(exec);
        }
        let given = match self.listener.still_waits(exec) {
            true => self.listener.give(exec, self.gift.as_fd()),
            false => Err(LabError::Reported("it was killed".into())),
        };
        // Whether the exec fails or succeeds, the thread stops once, and before it runs code of its
        // own again: it is asked to while its wait for us cannot be interrupted. If it is gone, it
        // is reaped.
        let _gone = ptrace::interrupt(thread);
        self.listener.go_on(exec)?;
        if let Err(error) = &given {
            self.missed(error);
        }
        self.under_way.push(Followed { thread, process, fd: given.ok() });
        Ok(())
    }

    /// Looks at every thread that is traced; whether something had happened to one.
    fn settle_all(&mut self, stops: &Stops) -> bool {
        let mut happened = false;
        let mut left = Vec::new();
        for followed in std::mem::take(&mut self.under_way) {
            match found(&followed) {
                Found::Nothing => left.push(followed),
                Found::Gone => {}
                Found::Stopped(pid, stop) => {
                    happened = true;
                    // One that was killed meanwhile is looked at again, to reap it.
                    if !self.settle(&followed, (pid, stop), stops) {
                        left.push(followed);
                    }
                }
            }
        }
        self.under_way = left;
        happened
    }

    /// Does what is to be done at a stop; whether the thread is not traced any more.
    fn settle(&mut self, followed: &Followed, (pid, stop): (Pid, Stop), stops: &Stops) -> bool {
        let done = match (stop, followed.fd) {
            (Stop::Ended, _) => return true,
            (Stop::Event(libc::PTRACE_EVENT_EXEC), Some(fd)) => {
                let done = self.tailor.outfit(pid, fd, stops);
                self.count(&done);
                done
            }
            (Stop::Event(EVENT_STOP), Some(fd)) => self.tailor.close(pid, fd, stops),
            (Stop::Event(_), _) => Ok(()),
            (Stop::Signal(_) | Stop::Syscall, _) => {
                let signal = if let Stop::Signal(signal) = stop { Some(signal) } else { None };
                let _killed = ptrace::cont(pid, signal); // then its end is found next
                return false;
            }
        };
        // A descriptor that could not be closed harms nobody; one that is killed is found next.
        let _unclosed = done;
        ptrace::detach(pid, None).is_ok()
    }

    /// Counts a program.
    fn count(&mut self, done: &Result<(), LabError>) {
        match done {
            Ok(_) => {
                self.tally.given += 1;
                self.note();
            }
            Err(error) => self.missed(error),
        }
    }

    /// Counts a program that runs without the clock.
    fn missed(&mut self, error: &LabError) {
        self.tally.missed += 1;
        self.tally.reason = error.to_string();
        self.note();
    }

    /// Tells the harness.
    fn note(&self) {
        if let Err(error) = self.page.note(&self.tally) {
            eprintln!("failed to write the notes of a clock's supervisor: {error}");
        }
    }
}

/// What was found when a thread was looked at.
enum Found {
    /// It runs.
    Nothing,
    /// It is not there any more, or not ours.
    Gone,
    /// Something has happened to it, under this number.
    Stopped(Pid, Stop),
}

/// Looks at a thread under its own number first, then under that of its process, which it takes
/// over if it was not the first thread: the other way round it could change in between.
fn found(followed: &Followed) -> Found {
    let mut gone = true;
    for pid in [followed.thread, followed.process] {
        match look_at(pid) {
            Ok(Some(stop)) => return Found::Stopped(pid, stop),
            Ok(None) => gone = false,
            Err(_) => {}
        }
    }
    if gone { Found::Gone } else { Found::Nothing }
}

/// How the init has ended, if it has; reaps it.
fn ended(init: Pid) -> Result<Option<Ended>, LabError> {
    let reaped = sys::reap(init).doing(|| "wait for the node's init".into())?;
    Ok(reaped.map(|(_, how)| how))
}

/// The process that a thread belongs to.
fn process_of(thread: Pid) -> Option<Pid> {
    let status = fs::read_to_string(format!("/proc/{thread}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("Tgid:"))?;
    line.trim().parse().ok().map(Pid::from_raw)
}
