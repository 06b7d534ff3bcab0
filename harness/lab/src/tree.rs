//! Stopping and continuing all processes of a node at once; only the node's init can.

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

/// Every process of the namespace but this one.
fn everyone() -> Pid {
    Pid::from_raw(-1)
}

/// Stops everyone.
///
/// A parent that waits for its child to exec (vfork) cannot stop as long as that child is stopped:
/// then all go on for a moment, and it is tried again.
pub(crate) fn pause() -> Result<Threads, LabError> {
    let mut counted = stop()?;
    for attempt in 1..STOP_ATTEMPTS {
        if counted.stopped == counted.total {
            break;
        }
        resume()?;
        std::thread::sleep(GO_ON * attempt);
        counted = stop()?;
    }
    Ok(counted)
}

/// Signals everyone to stop and looks until all are found stopped twice, equally many.
///
/// Once is not enough: a list of processes is made, a fork that was under way when the signal was
/// sent gives birth to a child that is not on the list, and only then the parent stops and is
/// looked at. So the first look finds all stopped; the second finds one more.
fn stop() -> Result<Threads, LabError> {
    let mut counted = Threads::default();
    let stopped = look(Instant::now() + STOP_WITHIN, || {
        let before = counted;
        signal_to(everyone(), Signal::SIGSTOP)?;
        counted = threads::count().doing(|| "count threads".into())?;
        Ok((counted.stopped == counted.total && counted == before).then_some(counted))
    })?;
    Ok(stopped.unwrap_or(counted))
}

/// Lets everyone go on and looks whether they do.
pub(crate) fn resume() -> Result<Threads, LabError> {
    let mut counted = Threads::default();
    signal_to(everyone(), Signal::SIGCONT)?;
    let running = look(Instant::now() + CONTINUE_WITHIN, || {
        counted = threads::count().doing(|| "count threads".into())?;
        Ok((counted.stopped == 0).then_some(counted))
    })?;
    Ok(running.unwrap_or(counted))
}
