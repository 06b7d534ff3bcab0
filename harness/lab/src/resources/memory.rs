//! Whether the kernel has killed processes for lack of memory. From outside that looks like any other
//! SIGKILL: only the kernel's own counts tell.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Counts such kills of the whole machine, by the word `oom_kill`.
const MACHINE: &str = "/proc/vmstat";
/// The word before the count, in every file that has one.
const WORD: &str = "oom_kill";
/// Where groups are: version 2, version 1.
const GROUPS: [(&str, &str); 2] =
    [("/sys/fs/cgroup", "memory.events"), ("/sys/fs/cgroup/memory", "memory.oom_control")];

/// The counts, as they were when somebody looked last.
#[derive(Debug)]
pub struct MemoryWatch {
    files: Vec<PathBuf>,
    last: Mutex<Vec<Option<u64>>>,
}

/// What the kernel says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MemoryWord {
    /// It has killed processes since it was asked last; who counts them.
    Killed(String),
    /// It has not.
    Not,
    /// No count can be read.
    Unknown,
}

impl MemoryWatch {
    /// Looks for the first time, at the counts of this machine and of this process's group.
    #[must_use]
    pub fn new() -> Self {
        let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        Self::of(std::iter::once(PathBuf::from(MACHINE)).chain(groups(&own)).collect())
    }

    fn of(files: Vec<PathBuf>) -> Self {
        let last = files.iter().map(|file| count(file)).collect();
        Self { files, last: Mutex::new(last) }
    }

    /// What has happened since it was asked last.
    #[must_use]
    pub fn ask(&self) -> MemoryWord {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let now: Vec<Option<u64>> = self.files.iter().map(|file| count(file)).collect();
        let before = std::mem::replace(&mut *last, now.clone());
        let mut known = false;
        for ((file, before), now) in self.files.iter().zip(before).zip(now) {
            let (Some(before), Some(now)) = (before, now) else { continue };
            known = true;
            if now > before {
                let more = now - before;
                return MemoryWord::Killed(format!(
                    "`{}` counts {more} more {WORD}",
                    file.display()
                ));
            }
        }
        if known { MemoryWord::Not } else { MemoryWord::Unknown }
    }
}

impl Default for MemoryWatch {
    fn default() -> Self {
        Self::new()
    }
}

/// The files in which the groups of a process count, from the text of its `cgroup` file.
fn groups(own: &str) -> impl Iterator<Item = PathBuf> {
    let paths = own.lines().filter_map(|line| {
        let (controllers, path) = line.split_once(':')?.1.split_once(':')?;
        let (root, file) = match controllers {
            "" => GROUPS[0],
            _ if controllers.split(',').any(|name| name == "memory") => GROUPS[1],
            _ => return None,
        };
        Some(Path::new(root).join(path.trim_start_matches('/')).join(file))
    });
    paths.collect::<Vec<_>>().into_iter()
}

/// The count in a file, if it has one.
fn count(file: &Path) -> Option<u64> {
    let text = fs::read_to_string(file).ok()?;
    text.lines().find_map(|line| line.strip_prefix(WORD)?.strip_prefix(' ')?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_that_grow_tell_of_kills() {
        let dir = tempfile::tempdir().unwrap();
        let (one, other) = (dir.path().join("one"), dir.path().join("other"));
        fs::write(&one, "oom_kill_disable 0\noom_kill 3\n").unwrap();
        let watch = MemoryWatch::of(vec![one.clone(), other.clone()]);
        assert_eq!(watch.ask(), MemoryWord::Not);
        fs::write(&one, "low 1\noom 9\noom_kill 5\n").unwrap();
        let MemoryWord::Killed(word) = watch.ask() else { panic!("two were killed") };
        assert!(word.ends_with("counts 2 more oom_kill"), "{word}");
        assert_eq!(watch.ask(), MemoryWord::Not, "told once");
        assert_eq!(MemoryWatch::of(vec![other]).ask(), MemoryWord::Unknown);
    }

    #[test]
    fn groups_of_both_versions_are_found() {
        let own = "5:memory,x:/a/b\n2:cpuacct:/\n0::/c\n";
        let found: Vec<PathBuf> = groups(own).collect();
        let expect =
            ["/sys/fs/cgroup/memory/a/b/memory.oom_control", "/sys/fs/cgroup/c/memory.events"];
        assert_eq!(found, expect.map(PathBuf::from));
    }
}
