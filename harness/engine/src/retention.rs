//! How much room the runs of a directory may take: the oldest are removed beyond it.
//!
//! Runs that found something go last. A run that goes on, and the newest, are never removed.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use fracas_reports::Ended;

use crate::store::{self, RunDir, StoreError};

/// How deep the directories of a run are looked into.
const DEPTH_MAX: u32 = 64;

/// The size of a block, as the kernel counts those of a file.
const BLOCK: u64 = 512;

/// The most that is kept of earlier runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// So many runs.
    Runs(u64),
    /// So many bytes on disk.
    Bytes(u64),
}

/// A run that was removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removed {
    /// Its name.
    pub id: String,
    /// How many bytes of the disk it had.
    pub bytes: u64,
}

/// A run that may be removed.
struct Candidate {
    run: RunDir,
    bytes: u64,
    /// Whether it has something to look into: it did not pass.
    counts: bool,
}

/// Removes the oldest runs in `out` until the others are within the bound: first those that passed,
/// then those that did not.
///
/// # Errors
/// When the directory cannot be read, or a run not be removed.
pub fn retain(out: &Path, bound: Bound) -> Result<Vec<Removed>, StoreError> {
    let mut runs = store::list(out)?;
    runs.pop(); // the newest
    let mut all: Vec<Candidate> = runs
        .into_iter()
        .filter(|run| !goes_on(run))
        .map(|run| Candidate {
            bytes: size(run.path(), 0),
            counts: run.verdict().as_deref() != Some("pass"),
            run,
        })
        .collect();
    all.sort_by_key(|candidate| candidate.counts); // stable: the oldest of each first
    let (mut count, mut bytes) = (all.len() as u64 + 1, all.iter().map(|it| it.bytes).sum::<u64>());
    let mut removed = Vec::new();
    for Candidate { run, bytes: own, .. } in all {
        let fits = match bound {
            Bound::Runs(most) => count <= most.max(1),
            Bound::Bytes(most) => bytes <= most,
        };
        if fits {
            break;
        }
        run.remove()?;
        (count, bytes) = (count - 1, bytes.saturating_sub(own));
        removed.push(Removed { id: run.id(), bytes: own });
    }
    Ok(removed)
}

/// Whether a run goes on. A process that carries out several has ended those before the last.
fn goes_on(run: &RunDir) -> bool {
    run.is_alive() && run.record().map_or(true, |record| record.ended == Ended::Running)
}

/// How much of the disk a directory takes; no link is followed.
fn size(path: &Path, depth: u32) -> u64 {
    let Ok(found) = fs::symlink_metadata(path) else { return 0 };
    let own = found.blocks() * BLOCK;
    if !found.is_dir() || depth >= DEPTH_MAX {
        return own;
    }
    let entries = fs::read_dir(path).into_iter().flatten().filter_map(Result::ok);
    own + entries.map(|entry| size(&entry.path(), depth + 1)).sum::<u64>()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::store::Readers;

    /// A run of this name and verdict that takes so many kilobytes.
    fn run(out: &Path, name: &str, verdict: &str, kilobytes: usize) -> RunDir {
        let run = RunDir::create(out, name, Readers::Owner).unwrap();
        run.use_reserve();
        run.write("run.json", "{}").unwrap();
        run.write("results.json", &format!("{{\"verdict\": \"{verdict}\"}}")).unwrap();
        run.write("history.jsonl", &"x".repeat(kilobytes << 10)).unwrap();
        run
    }

    /// What is left in the order of names, once the bound holds.
    #[track_caller]
    fn check(bound: Bound, left: &[&str]) {
        let out = tempfile::tempdir().unwrap();
        for (name, verdict) in
            [("a", "anomaly"), ("b", "pass"), ("c", "inconclusive"), ("d", "pass"), ("e", "pass")]
        {
            run(out.path(), name, verdict, 400);
        }
        let removed = retain(out.path(), bound).unwrap();
        let names: Vec<String> = store::list(out.path()).unwrap().iter().map(RunDir::id).collect();
        let of = |name: &String| name.rsplit('-').next().unwrap_or_default().to_owned();
        assert_eq!(names.iter().map(of).collect::<Vec<_>>(), left, "{bound:?}");
        assert_eq!(removed.len() + left.len(), 5);
        assert!(removed.iter().all(|run| run.bytes >= 400 << 10), "{removed:?}");
    }

    #[test]
    fn what_found_something_goes_last() {
        check(Bound::Runs(9), &["a", "b", "c", "d", "e"]);
        check(Bound::Runs(4), &["a", "c", "d", "e"]);
        check(Bound::Runs(3), &["a", "c", "e"]);
        check(Bound::Runs(2), &["c", "e"]);
        check(Bound::Runs(0), &["e"]);
        check(Bound::Bytes(1 << 30), &["a", "b", "c", "d", "e"]);
        check(Bound::Bytes(1 << 20), &["a", "c", "e"]);
        check(Bound::Bytes(0), &["e"]);
    }

    /// A server may leave a link: what it leads to is no part of the run.
    #[test]
    fn no_link_is_followed() {
        let (out, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::write(other.path().join("precious"), "x".repeat(1 << 20)).unwrap();
        let linked = run(out.path(), "a", "pass", 4);
        symlink(other.path(), linked.file("data")).unwrap();
        run(out.path(), "b", "pass", 4);
        let removed = retain(out.path(), Bound::Runs(1)).unwrap();
        assert!(removed[0].bytes < 100 << 10, "{removed:?}");
        assert!(other.path().join("precious").exists());
    }
}
