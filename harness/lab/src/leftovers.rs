//! What a dead run may have left behind: processes that carry its mark, mounts below its directory,
//! and empty groups for processor time.
//!
//! The kernel takes a world down with its first process, so there should be nothing to find; this
//! is the belt to those braces, for kernels and containers that behave otherwise. Network
//! namespaces and packet filter rules have no life apart from the processes that are found here.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::mount::{MntFlags, umount2};
use nix::unistd::{Pid, geteuid};
use serde::{Deserialize, Serialize};

use super::disk::SOURCE as DISK;
use super::error::LabError;
use super::ids;
use super::mountinfo::{self, Mounted};
use super::resources::group;
use super::sys::PidFd;
use super::world::{self, Isolation};

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
        Self::of(Pid::this().as_raw())
    }

    /// The process that has this number now.
    #[must_use]
    pub fn of(pid: i32) -> Self {
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

/// Kills every process that carries the mark of the run in `dir` and lives in a process namespace
/// of its own, as every server does; returns their process ids. A process that only has the mark in
/// its environment, such as a shell that looks into a run, is left alone.
#[must_use]
pub fn reap(dir: &Path) -> Vec<i32> {
    let mark = format!("{MARK}={}", dir.display());
    let numbers = fs::read_dir("/proc").into_iter().flatten().filter_map(Result::ok);
    let pids = numbers.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|pid| end_marked(*pid, mark.as_bytes())).collect()
}

/// Kills a process if it carries the mark; says whether it did. Whatever gets the number meanwhile
/// is not hit: it was taken hold of before it was looked at.
fn end_marked(pid: i32, mark: &[u8]) -> bool {
    let Ok(process) = PidFd::open(Pid::from_raw(pid)) else { return false };
    let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    let marked = environment.split(|byte| *byte == 0).any(|variable| variable == mark);
    marked && is_elsewhere(pid) && process.kill().is_ok()
}

/// Whether a process is in another process namespace than this one.
fn is_elsewhere(pid: i32) -> bool {
    let namespace = |of: &str| fs::read_link(format!("/proc/{of}/ns/pid")).ok();
    let theirs = namespace(&pid.to_string());
    theirs.is_some() && theirs != namespace("self")
}

/// Unmounts every disk of ours below `dir`, the deepest first; returns where they were mounted.
#[must_use]
pub fn unmount(dir: &Path) -> Vec<PathBuf> {
    let ours = disks(mountinfo::own().unwrap_or_default());
    let points = ours.into_iter().rev().filter(|point| point.starts_with(dir));
    points
        .filter(|point| umount2(point, MntFlags::MNT_DETACH | MntFlags::UMOUNT_NOFOLLOW).is_ok())
        .collect()
}

/// Gives an ordinary user the files in `dir` that belonged to nodes with users of their own, which is
/// done in a world like theirs. Root can remove them as they are. The calling process must have one
/// thread.
///
/// # Errors
/// When no world can be entered, or not all could be taken back.
pub fn take_back(dir: &Path) -> Result<(), LabError> {
    let own = geteuid();
    let is_anothers =
        |path: PathBuf| fs::symlink_metadata(path).is_ok_and(|it| it.uid() != own.as_raw());
    let mut nodes = fs::read_dir(dir).into_iter().flatten().filter_map(Result::ok);
    if own.is_root() || !nodes.any(|node| is_anothers(node.path())) {
        return Ok(());
    }
    let code = world::enter(Isolation::Userns, |_| match ids::take_back(dir) {
        Ok(()) => 0,
        Err(error) => {
            tracing::warn!("{error}");
            1
        }
    })?;
    match code {
        0 => Ok(()),
        _ => Err(LabError::Asked(format!("take back the files in `{}`", dir.display()))),
    }
}

/// Where disks of ours are mounted.
fn disks(mounts: Vec<Mounted>) -> Vec<PathBuf> {
    let ours = mounts.into_iter().filter(|mounted| mounted.source == DISK);
    ours.map(|mounted| mounted.point).collect()
}

/// Removes the empty groups for processor time (cgroups) that no process holds, and returns their
/// directories. The kernel does not tell which run they belonged to.
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

    #[test]
    fn only_disks_of_ours_are_unmounted() {
        let mounted = |point: &str, source: &str| Mounted {
            point: point.into(),
            options: "rw".to_owned(),
            source: source.into(),
        };
        let table = [("/run/n1", "fracas"), ("/run/n2", "sshfs"), ("/fracas", "none")];
        let mounts = table.map(|(point, source)| mounted(point, source));
        assert_eq!(disks(mounts.into()), [PathBuf::from("/run/n1")]);
    }
}
