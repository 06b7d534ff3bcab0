//! Turns, as the node's init keeps them: all processes of the node run for a moment, then stand still.
//! The init also starts the process that measures what a server gets.

use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use nix::unistd::Pid;

use super::Duty;
use crate::channel::Report;
use crate::error::{Doing, LabError};
use crate::launch::Threads;
use crate::punctual::be_punctual;
use crate::tree::Part;
use crate::{threads, tree};

/// The second argument of the hidden entry point that makes it run in circles.
pub(crate) const SPIN: &str = "spin";

/// The last argument there, if waiting for a processor counts, or if it does not.
const WAITING: &str = "waiting";

const RUNNING: &str = "running";

/// The exit code of a process that could not tell how long it ran.
const UNKNOWN: u8 = 255;

/// Runs in circles for so many milliseconds. The exit code is the share of the time in which it
/// ran, in percent; waiting for a processor counts if `waiting` is that word.
pub(crate) fn spin_main(millis: &str, waiting: &str) -> u8 {
    let start = Instant::now();
    let time = Duration::from_millis(millis.parse().unwrap_or_default());
    while start.elapsed() < time {
        std::hint::spin_loop();
    }
    let Some((ran, waited)) = times() else { return UNKNOWN };
    let counted = if waiting == WAITING { ran + waited } else { ran };
    let percent = counted.as_secs_f64() * 100.0 / start.elapsed().as_secs_f64().max(f64::EPSILON);
    percent.clamp(0.0, 100.0) as u8
}

/// For how long this process's first thread has been on a processor, and waited for one. The kernel
/// counts a thread that is held back by a ration as waiting.
fn times() -> Option<(Duration, Duration)> {
    let times = fs::read_to_string("/proc/self/schedstat").ok()?;
    let mut nanos = times.split_whitespace().map(|word| word.parse().ok());
    Some((Duration::from_nanos(nanos.next()??), Duration::from_nanos(nanos.next()??)))
}

/// What the node's init knows of turns.
#[derive(Debug, Default)]
pub(crate) struct Turns {
    duty: Option<Duty>,
    /// Paused as a whole: nobody's turn comes.
    paused: bool,
    standing: bool,
    next: Option<Instant>,
    /// When they began to run or to stand still.
    since: Option<Instant>,
    spinner: Option<Pid>,
    /// The processes that are paused alone: no turn of theirs comes, with all that descends from them.
    held: Vec<Pid>,
}

impl Turns {
    /// Begins turns, or ends them.
    pub(crate) fn set(&mut self, duty: Option<Duty>) -> Result<Report, LabError> {
        if duty.is_some() {
            be_punctual()?;
        }
        self.duty = duty;
        self.next = duty.map(|_| Instant::now());
        self.since = None;
        self.let_run()?;
        Ok(Report::Signalled)
    }

    /// Lets everybody run, unless the node is paused.
    fn let_run(&mut self) -> Result<(), LabError> {
        if self.standing && !self.paused {
            Part::AllBut(&self.held).signal(Signal::SIGCONT)?;
        }
        self.standing = false;
        Ok(())
    }

    /// When something is to be done next; none if nothing is.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.next.filter(|_| !self.paused)
    }

    /// Does what is to be done now.
    pub(crate) fn tick(&mut self) -> Result<(), LabError> {
        let now = Instant::now();
        let (Some(duty), Some(next)) = (self.duty, self.next()) else { return Ok(()) };
        if now < next {
            return Ok(());
        }
        self.standing = !self.standing;
        let signal = if self.standing { Signal::SIGSTOP } else { Signal::SIGCONT };
        let ran = now - self.since.replace(now).unwrap_or(now);
        self.next = Some(now + if self.standing { duty.rest(ran) } else { duty.run });
        Part::AllBut(&self.held).signal(signal)
    }

    /// Stops everybody until resumed.
    pub(crate) fn pause(&mut self) -> Result<Threads, LabError> {
        self.paused = true;
        tree::pause(Part::AllBut(&[]))
    }

    /// Stops one process alone, with all that descends from it, until it is resumed.
    pub(crate) fn pause_process(&mut self, root: Pid) -> Result<Threads, LabError> {
        if !self.held.contains(&root) {
            self.held.push(root);
        }
        tree::pause(Part::Tree(root))
    }

    /// Lets it go on, when its turn comes.
    pub(crate) fn resume_process(&mut self, root: Pid) -> Result<Threads, LabError> {
        self.forget(root);
        if self.paused {
            return self.count_apart(Some(root)).map(|(own, _)| own);
        }
        if self.standing {
            self.resume()?;
        }
        tree::resume(Part::Tree(root))
    }

    /// One process does not stand still by itself any more: it was resumed, or it is gone.
    pub(crate) fn forget(&mut self, root: Pid) {
        self.held.retain(|held| *held != root);
    }

    /// Lets everybody hear a signal, also what was paused alone.
    pub(crate) fn let_go(&mut self) {
        self.held.clear();
    }

    /// Goes on as before the pause.
    pub(crate) fn resume(&mut self) -> Result<Threads, LabError> {
        self.paused = false;
        self.standing = false;
        self.since = Some(Instant::now());
        self.next = self.duty.map(|duty| Instant::now() + duty.run);
        tree::resume(Part::AllBut(&self.held))
    }

    /// Counts the threads, in a moment in which nobody stands still for want of a turn.
    pub(crate) fn count(&mut self) -> Result<Threads, LabError> {
        if self.standing && !self.paused {
            return self.resume();
        }
        threads::count().doing(|| "count threads".into())
    }

    /// Counts the threads of one process with all that descends from it, and those of all others, in a
    /// moment in which nobody stands still for want of a turn.
    pub(crate) fn count_apart(
        &mut self,
        root: Option<Pid>,
    ) -> Result<(Threads, Threads), LabError> {
        if self.standing && !self.paused {
            self.resume()?;
        }
        let roots: Vec<i32> = root.into_iter().map(Pid::as_raw).collect();
        threads::apart(&roots).doing(|| "count threads".into())
    }

    /// Starts a process that runs as much as it may.
    pub(crate) fn spin(&mut self, millis: u64, waiting: bool) -> Result<(), LabError> {
        let mut command = Command::new("/proc/self/exe");
        let counted = if waiting { WAITING } else { RUNNING };
        command.args(["__node", SPIN, &millis.to_string(), counted]).env_clear();
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let spinner = command.spawn().doing(|| "start a process that runs in circles".into())?;
        let pid = Pid::from_raw(spinner.id().cast_signed());
        self.spinner = Some(pid);
        // Born between two turns, it would not wait for the next one.
        if self.standing { tree::signal_to(pid, Signal::SIGSTOP) } else { Ok(()) }
    }

    /// The report that a process's end is worth: that of the one that ran in circles.
    pub(crate) fn ended(&mut self, pid: Pid, status: Option<i32>) -> Option<Report> {
        if self.spinner != Some(pid) {
            return None;
        }
        self.spinner = None;
        let percent = status.and_then(|status| u8::try_from(status).ok());
        match percent.filter(|percent| *percent != UNKNOWN) {
            Some(percent) => Some(Report::Spun(percent)),
            None => Some(Report::Failed(
                (&LabError::Reported("the process that runs in circles failed".into())).into(),
            )),
        }
    }
}
