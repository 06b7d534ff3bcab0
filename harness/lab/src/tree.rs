//! Stopping and continuing all processes of a node at once, or one with all that descends from it;
//! only the node's init can.

use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::error::{Doing, LabError};
use super::launch::Threads;
use super::threads;
use super::wait::look;

/// How long stopping every thread may take in one attempt.
const STOP_WITHIN: Duration = Duration::from_millis(200);

/// How often stopping is attempted.
const STOP_ATTEMPTS: u32 = 10;

/// How long everyone goes on before the next attempt: longer each time.
const GO_ON: Duration = Duration::from_millis(10);

/// How long continuing every thread may take.
const CONTINUE_WITHIN: Duration = Duration::from_secs(2);

/// Sends a signal; a process that has just ended is no error.
pub(crate) fn signal_to(target: Pid, signal: Signal) -> Result<(), LabError> {
    match kill(target, signal) {
        Ok(()) | Err(Errno::ESRCH) => Ok(()),
        Err(errno) => Err(errno).doing(|| format!("send {signal}")),
    }
}

/// Some of the processes of a node.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Part<'a> {
    /// All but the init, and but these with all that descends from them: they stand still by
    /// themselves.
    AllBut(&'a [Pid]),
    /// This one, and all that descends from it.
    Tree(Pid),
}

impl Part<'_> {
    /// Sends a signal to each.
    pub(crate) fn signal(self, signal: Signal) -> Result<(), LabError> {
        let doing = || "list processes".to_owned();
        let pids = match self {
            // What stands still by itself is not stopped a second time by that.
            Self::AllBut(held) if held.is_empty() || signal == Signal::SIGSTOP => {
                return signal_to(Pid::from_raw(-1), signal);
            }
            Self::AllBut(held) => threads::all_but(&numbers(held)).doing(doing)?,
            Self::Tree(root) => threads::trees(&[root.as_raw()]).doing(doing)?,
        };
        pids.into_iter().try_for_each(|pid| signal_to(Pid::from_raw(pid), signal))
    }

    /// Counts their threads.
    fn count(self) -> Result<Threads, LabError> {
        let counted = match self {
            Self::AllBut(held) => threads::apart(&numbers(held)).map(|(_, others)| others),
            Self::Tree(root) => threads::apart(&[root.as_raw()]).map(|(own, _)| own),
        };
        counted.doing(|| "count threads".into())
    }
}

/// The numbers of processes.
pub(crate) fn numbers(pids: &[Pid]) -> Vec<i32> {
    pids.iter().map(|pid| pid.as_raw()).collect()
}

/// Stops them all.
///
/// A parent that waits for its child to exec (vfork) cannot stop as long as that child is stopped:
/// then all go on for a moment, and it is tried again.
pub(crate) fn pause(part: Part<'_>) -> Result<Threads, LabError> {
    let mut counted = stop(part)?;
    for attempt in 1..STOP_ATTEMPTS {
        if counted.stopped == counted.total {
            break;
        }
        resume(part)?;
        std::thread::sleep(GO_ON * attempt);
        counted = stop(part)?;
    }
    Ok(counted)
}

/// Signals all to stop and looks until all are found stopped twice, equally many.
///
/// Once is not enough: a list of processes is made, a fork that was under way when the signal was
/// sent gives birth to a child that is not on the list, and only then the parent stops and is
/// looked at. So the first look finds all stopped; the second finds one more.
fn stop(part: Part<'_>) -> Result<Threads, LabError> {
    let mut counted = Threads::default();
    let stopped = look(Instant::now() + STOP_WITHIN, || {
        let before = counted;
        part.signal(Signal::SIGSTOP)?;
        counted = part.count()?;
        Ok((counted.stopped == counted.total && counted == before).then_some(counted))
    })?;
    Ok(stopped.unwrap_or(counted))
}

/// Lets them all go on and looks whether they do.
pub(crate) fn resume(part: Part<'_>) -> Result<Threads, LabError> {
    let mut counted = Threads::default();
    part.signal(Signal::SIGCONT)?;
    let running = look(Instant::now() + CONTINUE_WITHIN, || {
        counted = part.count()?;
        Ok((counted.stopped == 0).then_some(counted))
    })?;
    Ok(running.unwrap_or(counted))
}
