//! What a dead run may have left behind: processes that carry its mark, mounts below its directory,
//! and empty groups for processor time.
//!
//! The kernel takes a world down with its first process, so there should be nothing to find; this
//! is the belt to those braces, for kernels and containers that behave otherwise. Network
//! namespaces and packet filter rules have no life apart from the processes that are found here.

use std::fs;
use std::path::{Path, PathBuf};

use nix::mount::{MntFlags, umount2};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

use super::resources::group;

/// The variable in the environment of every node's server that names its run's directory.
pub const MARK: &str = "FRACAS_RUN";

/// A process that cannot be mistaken for another one that got its number later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Its number.
    pub pid: i32,
    /// When it was started, in clock ticks since the machine was.
    pub started: u64,
}

impl Identity {
    /// This process.
    #[must_use]
    pub fn own() -> Self {
        let pid = Pid::this().as_raw();
        Self { pid, started: started(pid).unwrap_or(0) }
    }

    /// Whether that very process still runs.
    #[must_use]
    pub fn lives(&self) -> bool {
        started(self.pid) == Some(self.started)
    }
}

/// When a process was started: field 22 of its `stat`, counted after the name in parentheses,
/// which may itself hold spaces and parentheses.
fn started(pid: i32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(19)?.parse().ok()
}

/// Kills every process that carries the mark of the run in `dir`; says which those were.
#[must_use]
pub fn reap(dir: &Path) -> Vec<i32> {
    let mark = format!("{MARK}={}", dir.display());
    let marked = |pid: &i32| {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes())
    };
    let numbers = fs::read_dir("/proc").into_iter().flatten().filter_map(Result::ok);
    let pids = numbers.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let own = Pid::this().as_raw();
    pids.filter(|pid| *pid != own)
        .filter(marked)
        .filter(|pid| kill(Pid::from_raw(*pid), Signal::SIGKILL).is_ok())
        .collect()
}

/// Unmounts everything below `dir`; says what that was.
#[must_use]
pub fn unmount(dir: &Path) -> Vec<PathBuf> {
    let table = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let points = table.lines().filter_map(|line| line.split(' ').nth(4)).map(PathBuf::from);
    let below = points.filter(|point| point.starts_with(dir));
    below.filter(|point| umount2(point, MntFlags::MNT_DETACH).is_ok()).collect()
}

/// Removes the empty groups for processor time (cgroups) that nobody holds; says which those were.
/// The kernel does not tell whose they were.
#[must_use]
pub fn remove_groups() -> Vec<PathBuf> {
    group::sweep_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_known_by_number_and_start() {
        let own = Identity::own();
        assert!(own.lives());
        assert!(!Identity { started: own.started + 1, ..own }.lives());
        assert!(!Identity { pid: i32::MAX, ..own }.lives());
    }
}
