//! Limits of a running node: no process of it gets more memory, or more file descriptors, than a
//! little above what it has.
//!
//! A limit is the process's own, so a server could raise it again; the proof would see it. Memory
//! means addresses: a runtime that reserves much more than it uses notices at once.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use nix::errno::Errno;
use nix::sys::statvfs::statvfs;

use super::squeezed::{Resource, Told};
use super::sys::bounds;
use crate::error::{Doing, LabError};
use crate::{NodeProcess, threads};

/// How often the processes are listed until no new one appears.
const PASSES: usize = 20;

/// The unit in which the kernel tells how much memory a process has.
const PAGE: u64 = 4096;

/// The limit of one process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// Which process, as the lab sees it.
    pub pid: i32,
    /// The most it may have.
    pub most: u64,
    /// How much it has.
    pub used: u64,
    /// The limit that was set for it; none if no limit was set, or if it was born since: then it
    /// has the limit of its parent.
    pub told: Option<u64>,
}

impl NodeProcess {
    /// Lets no process of the node have more than `headroom` above what it has now.
    ///
    /// # Errors
    /// When it is limited already, or the kernel refuses.
    pub fn limit(&mut self, resource: Resource, headroom: u64) -> Result<(), LabError> {
        let node = self.node();
        if self.squeezed.0.contains_key(&resource) {
            return Err(LabError::Asked(format!("limit node {node}: it is limited already")));
        }
        let mut told = BTreeMap::new();
        for _ in 0..PASSES {
            let new = self.members()?.into_iter().filter(|pid| !told.contains_key(pid));
            let new: Vec<i32> = new.collect();
            if new.is_empty() {
                break;
            }
            for pid in new {
                // One that has just ended needs no limit.
                let Some(used) = used(pid, resource) else { continue };
                let now = used + headroom;
                if let Some(old) = alive(bounds(pid, resource, Some(now)))
                    .doing(|| format!("limit a process of node {node}"))?
                {
                    told.insert(pid, Told { before: old.soft, now: now.min(old.hard) });
                }
            }
        }
        self.squeezed.0.insert(resource, told);
        Ok(())
    }

    /// Gives every process of the node the limit it had before.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn unlimit(&mut self, resource: Resource) -> Result<(), LabError> {
        let Some(told) = self.squeezed.0.remove(&resource) else { return Ok(()) };
        // A process that was born meanwhile has its parent's limit, and gets what any had before.
        let Some(any) = told.values().map(|told| told.before).max() else { return Ok(()) };
        for pid in self.members()? {
            let before = told.get(&pid).map_or(any, |told| told.before);
            alive(bounds(pid, resource, Some(before)))
                .doing(|| format!("unlimit a process of node {}", self.node()))?;
        }
        Ok(())
    }

    /// What every process of the node may have, freshly read.
    ///
    /// # Errors
    /// When the processes cannot be listed.
    pub fn limits(&self, resource: Resource) -> Result<Vec<Limit>, LabError> {
        let told = self.squeezed.0.get(&resource);
        let limit = |pid: i32| {
            let most = bounds(pid, resource, None).ok()?.soft;
            let told = told.and_then(|told| Some(told.get(&pid)?.now));
            Some(Limit { pid, most, used: used(pid, resource)?, told })
        };
        Ok(self.members()?.into_iter().filter_map(limit).collect())
    }

    /// The most that any process was told to have; none if the node is not limited.
    pub(super) fn told(&self, resource: Resource) -> Option<u64> {
        self.squeezed.0.get(&resource)?.values().map(|told| told.now).max()
    }

    /// The processes of the node, without its init, which is ours.
    pub(crate) fn members(&self) -> Result<Vec<i32>, LabError> {
        let list = || threads::members(&self.init.namespace.metadata()?);
        let all = list().doing(|| format!("list the processes of node {}", self.node()))?;
        let init = self.init.pid.as_raw();
        Ok(threads::own(init, all).into_iter().filter(|pid| *pid != init).collect())
    }
}

/// None if the process has ended.
fn alive<T>(result: Result<T, Errno>) -> Result<Option<T>, Errno> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(Errno::ESRCH) => Ok(None),
        Err(errno) => Err(errno),
    }
}

/// How much a process has; none if it has ended.
fn used(pid: i32, resource: Resource) -> Option<u64> {
    match resource {
        Resource::Files => Some(fs::read_dir(format!("/proc/{pid}/fd")).ok()?.count() as u64),
        Resource::Memory => {
            let pages = fs::read_to_string(format!("/proc/{pid}/statm")).ok()?;
            Some(pages.split_whitespace().next()?.parse::<u64>().ok()? * PAGE)
        }
    }
}
/// How many files this process may have open; without a bound if the kernel does not say.
#[must_use]
pub fn descriptors() -> u64 {
    let kind = nix::sys::resource::Resource::RLIMIT_NOFILE;
    nix::sys::resource::getrlimit(kind).map_or(u64::MAX, |(soft, _)| soft)
}

/// How large a file may become here; none where there is no limit.
#[must_use]
pub fn file_limit() -> Option<u64> {
    let kind = nix::sys::resource::Resource::RLIMIT_FSIZE;
    let (soft, _) = nix::sys::resource::getrlimit(kind).ok()?;
    (soft != libc::RLIM_INFINITY).then_some(soft)
}

/// How many bytes an ordinary user may still write in the file system of `dir`, if it has a size.
#[must_use]
pub fn room(dir: &Path) -> Option<u64> {
    let about = statvfs(dir).ok().filter(|about| about.blocks() > 0)?;
    Some(about.blocks_available() * about.fragment_size())
}
