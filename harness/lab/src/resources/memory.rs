//! How much memory there is, and whether the kernel has killed processes for lack of it. From outside
//! that looks like any other SIGKILL: only the kernel's own counts tell.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MemoryWord {
    /// It has killed processes since it was asked last; the text names the counter.
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
fn groups(own: &str) -> impl Iterator<Item = PathBuf> + '_ {
    places(own).into_iter().map(|(version, path)| {
        let (root, file) = GROUPS[version];
        Path::new(root).join(path).join(file)
    })
}

/// The groups for memory of a process, from the text of its `cgroup` file: by the place of the
/// version in [`GROUPS`], each from the root of its tree.
fn places(own: &str) -> Vec<(usize, &str)> {
    let placed = own.lines().filter_map(|line| {
        let (controllers, path) = line.split_once(':')?.1.split_once(':')?;
        let version = match controllers {
            "" => 0,
            _ if controllers.split(',').any(|name| name == "memory") => 1,
            _ => return None,
        };
        Some((version, path.trim_start_matches('/')))
    });
    placed.collect()
}

/// Memory that can be had, and the file that says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Memory {
    /// In bytes.
    pub available: u64,
    /// The file.
    pub file: PathBuf,
}

/// How much memory a program that starts now can have: of the machine, or of a group of this process
/// if that has less. None if nothing says so.
#[must_use]
pub fn memory() -> Option<Memory> {
    let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let groups = places(&own).into_iter().map(|(version, path)| (version, Path::new(path)));
    let all = groups.flat_map(|(version, path)| {
        let root = Path::new(GROUPS[version].0);
        path.ancestors().filter_map(move |above| of_group(version, &root.join(above)))
    });
    all.chain(of_machine(Path::new("/proc/meminfo"))).min_by_key(|memory| memory.available)
}

/// What the machine has, with what it can put on a disk.
fn of_machine(file: &Path) -> Option<Memory> {
    let text = fs::read_to_string(file).ok()?;
    let kilo = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()
    };
    let available = (kilo("MemAvailable")? + kilo("SwapFree").unwrap_or(0)) * 1024;
    Some(Memory { available, file: file.to_owned() })
}

/// What a group has left, if it is limited. Files that nobody uses just now count as used, too.
fn of_group(version: usize, dir: &Path) -> Option<Memory> {
    let (limit, used, files) = [
        ("memory.max", "memory.current", "inactive_file"),
        ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    ][version];
    let number = |text: &str| text.trim().parse::<u64>().ok();
    let read = |name: &str| fs::read_to_string(dir.join(name)).ok();
    let most = number(&read(limit)?)?;
    let stat = read("memory.stat").unwrap_or_default();
    let files = stat.lines().find_map(|line| number(line.strip_prefix(files)?.strip_prefix(' ')?));
    let used = number(&read(used)?)?.saturating_sub(files.unwrap_or(0));
    Some(Memory { available: most.saturating_sub(used), file: dir.join(limit) })
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
        let (first, second) = (dir.path().join("one"), dir.path().join("other"));
        fs::write(&first, "oom_kill_disable 0\noom_kill 3\n").unwrap();
        let watch = MemoryWatch::of(vec![first.clone(), second.clone()]);
        assert_eq!(watch.ask(), MemoryWord::Not);
        fs::write(&first, "low 1\noom 9\noom_kill 5\n").unwrap();
        let MemoryWord::Killed(word) = watch.ask() else { panic!("two were killed") };
        assert!(word.ends_with("counts 2 more oom_kill"), "{word}");
        assert_eq!(watch.ask(), MemoryWord::Not, "told once");
        assert_eq!(MemoryWatch::of(vec![second]).ask(), MemoryWord::Unknown);
    }

    #[test]
    fn memory_is_what_a_limit_leaves() {
        let dir = tempfile::tempdir().unwrap();
        let with = |files: [(&str, &str); 3]| {
            files.iter().for_each(|(name, text)| fs::write(dir.path().join(name), text).unwrap());
        };
        with([
            ("memory.max", "1000\n"),
            ("memory.current", "700\n"),
            ("memory.stat", "anon 1\ninactive_file 200\nactive_file 9\n"),
        ]);
        let left = |version| of_group(version, dir.path()).map(|memory| memory.available);
        assert_eq!(left(0), Some(500));
        with([("memory.max", "max\n"), ("memory.limit_in_bytes", "50\n"), ("memory.stat", "")]);
        assert_eq!(left(0), None, "without a limit");
        assert_eq!(left(1), None, "nothing says how much is used");
        fs::write(dir.path().join("memory.usage_in_bytes"), "70\n").unwrap();
        assert_eq!(left(1), Some(0));
        let machine = dir.path().join("meminfo");
        fs::write(&machine, "MemFree: 1 kB\nMemAvailable:   300 kB\nSwapFree: 20 kB\n").unwrap();
        let found = of_machine(&machine).map(|memory| memory.available);
        assert_eq!(found, Some(320 * 1024));
        assert_eq!(of_machine(dir.path()), None);
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
