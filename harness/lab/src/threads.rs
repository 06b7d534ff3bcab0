//! Counting processes and threads in `/proc`, freshly each time.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, DirEntry};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::launch::Threads;

/// The init of a process namespace, in its own `/proc`.
const INIT: &str = "1";

/// Counts the threads of all processes of this process namespace but its init, and but those that
/// were put into it from outside, to ask the server something.
///
/// What ends while it is looked at is not counted, and neither is what has ended and only waits
/// to be reaped: it can do nothing any more.
pub(crate) fn count() -> io::Result<Threads> {
    let (_, others) = apart(&[])?;
    Ok(others)
}

/// The same, in two parts: the threads of these processes with all that descends from them, and all
/// others.
pub(crate) fn apart(roots: &[i32]) -> io::Result<(Threads, Threads)> {
    let parents = family()?;
    let own = below(roots, &parents);
    let (mut mine, mut others) = (Threads::default(), Threads::default());
    for pid in parents.keys() {
        let threads = if own.contains(pid) { &mut mine } else { &mut others };
        for state in states(&Path::new("/proc").join(pid.to_string()).join("task")) {
            threads.total += usize::from(!matches!(state, 'Z' | 'X'));
            threads.stopped += usize::from(matches!(state, 'T' | 't'));
        }
    }
    Ok((mine, others))
}

/// The processes of this process namespace that descend from its init, itself left out, each with
/// its parent.
fn family() -> io::Result<BTreeMap<i32, i32>> {
    let init = INIT.parse().expect("a number");
    let all = processes(Path::new("/proc"))?;
    let mut parents: BTreeMap<i32, i32> = all.iter().filter_map(parent).collect();
    let own = descendants(init, &parents);
    parents.retain(|pid, _| *pid != init && own.contains(pid));
    Ok(parents)
}

/// Those of a family that descend from one of these, which are among them.
fn below(roots: &[i32], parents: &BTreeMap<i32, i32>) -> BTreeSet<i32> {
    roots.iter().flat_map(|root| descendants(*root, parents)).collect()
}

/// The numbers of these processes and of all that descends from them.
pub(crate) fn trees(roots: &[i32]) -> io::Result<BTreeSet<i32>> {
    Ok(below(roots, &family()?))
}

/// The numbers of all processes that descend from the init, but of these with what descends from them.
pub(crate) fn all_but(roots: &[i32]) -> io::Result<BTreeSet<i32>> {
    let parents = family()?;
    let left_out = below(roots, &parents);
    Ok(parents.into_keys().filter(|pid| !left_out.contains(pid)).collect())
}

/// A process that no other one is mistaken for, whatever numbers are given again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Individual {
    pub(crate) pid: i32,
    /// When it was started, as the kernel counts.
    started: u64,
}

impl Individual {
    /// The process of this number; none if there is none.
    pub(crate) fn of(pid: i32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        Some(Self { pid, started: started(&stat)? })
    }

    /// Whether it is still there, if only to be reaped.
    pub(crate) fn is_there(&self) -> bool {
        Self::of(self.pid) == Some(*self)
    }
}

/// When the process of such a line was started.
fn started(stat: &str) -> Option<u64> {
    /// How many fields there are between the name and this one.
    const BEFORE: usize = 19;
    stat[stat.rfind(')')? + 1..].split_whitespace().nth(BEFORE)?.parse().ok()
}

/// Counts the processes in the process namespace with this device and inode number, those that
/// only wait to be reaped included.
pub(crate) fn in_namespace(namespace: &fs::Metadata) -> io::Result<usize> {
    Ok(members(namespace)?.len())
}

/// The numbers of these processes.
pub(crate) fn members(namespace: &fs::Metadata) -> io::Result<Vec<i32>> {
    let member = |process: &&DirEntry| {
        fs::metadata(process.path().join("ns/pid"))
            .is_ok_and(|own| (own.dev(), own.ino()) == (namespace.dev(), namespace.ino()))
    };
    let all = processes(Path::new("/proc"))?;
    let names = all.iter().filter(member).map(DirEntry::file_name);
    Ok(names.filter_map(|name| name.to_str()?.parse().ok()).collect())
}

/// Whether a process stands still; none if it has ended.
///
/// A thread that waits for a processor is not shown as stopped before it had one, but it will do
/// nothing more: then the stop is pending, or another thread has taken it for the whole process.
pub(crate) fn stands_still(pid: i32) -> Option<bool> {
    let process = format!("/proc/{pid}");
    let pending = stop_is_pending(&fs::read_to_string(format!("{process}/status")).ok()?);
    let mut states = states(&Path::new(&process).join("task"));
    states.retain(|state| !matches!(state, 'Z' | 'X'));
    let stopped = states.iter().any(|state| matches!(state, 'T' | 't'));
    (!states.is_empty()).then_some(pending || stopped)
}

/// Whether a `status` says that a stop of the whole process has been sent and not yet been taken.
fn stop_is_pending(status: &str) -> bool {
    const STOP: u64 = 1 << (libc::SIGSTOP - 1);
    let mask = status.lines().find_map(|line| line.strip_prefix("ShdPnd:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask & STOP != 0)
}

/// The processes of the namespace with this init that descend from it; `init` is among them.
pub(crate) fn own(init: i32, members: Vec<i32>) -> Vec<i32> {
    let parents = members.iter().filter_map(|pid| Some((*pid, parent_of(*pid)?))).collect();
    let own = descendants(init, &parents);
    members.into_iter().filter(|pid| own.contains(pid)).collect()
}

/// A process and its parent; none if it has just ended.
fn parent(process: &DirEntry) -> Option<(i32, i32)> {
    let pid = number(process)?;
    Some((pid, parent_of(pid)?))
}

fn parent_of(pid: i32) -> Option<i32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat[stat.rfind(')')? + 1..].split_whitespace().nth(1)?.parse().ok()
}

fn number(process: &DirEntry) -> Option<i32> {
    process.file_name().to_str()?.parse().ok()
}

/// Those of these processes, each with its parent, that descend from `init`, itself included.
fn descendants(init: i32, parents: &BTreeMap<i32, i32>) -> BTreeSet<i32> {
    let descends = |pid: &i32| {
        let ancestors = std::iter::successors(Some(*pid), |pid| parents.get(pid).copied());
        // A number that was given again while the list was made could close a circle.
        ancestors.take(parents.len() + 1).any(|pid| pid == init)
    };
    parents.keys().copied().filter(descends).collect()
}

/// The entries of processes.
fn processes(proc: &Path) -> io::Result<Vec<DirEntry>> {
    let entries = fs::read_dir(proc)?.collect::<io::Result<Vec<_>>>()?;
    let number = |entry: &DirEntry| {
        entry
            .file_name()
            .to_str()
            .is_some_and(|name| name.bytes().all(|byte| byte.is_ascii_digit()))
    };
    Ok(entries.into_iter().filter(number).collect())
}

/// The states of a process's threads; none if it has just ended.
fn states(tasks: &Path) -> Vec<char> {
    let Ok(tasks) = fs::read_dir(tasks) else { return Vec::new() };
    tasks
        .filter_map(|task| fs::read_to_string(task.ok()?.path().join("stat")).ok())
        .filter_map(|stat| state(&stat))
        .collect()
}

/// The state in a line such as `7 (a) b) T 1 …`: a program's name may hold any character, so only
/// the last bracket ends it.
fn state(stat: &str) -> Option<char> {
    stat[stat.rfind(')')? + 1..].trim_start().chars().next()
}

#[cfg(test)]
mod tests {
    use super::{below, descendants, started, state, stop_is_pending};

    #[test]
    fn who_was_put_in_from_outside_descends_from_nobody() {
        let parents = [(1, 0), (7, 1), (8, 7), (9, 0), (10, 9), (11, 12), (12, 11)].into();
        assert_eq!(descendants(1, &parents), [1, 7, 8].into());
    }

    #[test]
    fn a_process_and_what_descends_from_it_are_one_part() {
        let parents = [(7, 1), (8, 7), (9, 8), (10, 1), (11, 10)].into();
        assert_eq!(below(&[7], &parents), [7, 8, 9].into());
        assert_eq!(below(&[8, 10], &parents), [8, 9, 10, 11].into());
        assert_eq!(below(&[12], &parents), [].into());
    }

    #[test]
    fn the_start_of_a_process_is_its_twenty_second_field() {
        let stat = "7 (a b) c) S 1 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 98765 1000 200";
        assert_eq!(started(stat), Some(98_765));
    }

    #[track_caller]
    fn check(stat: &str, expect: Option<char>) {
        assert_eq!(state(stat), expect, "{stat}");
    }

    #[test]
    fn a_program_name_may_hold_brackets_and_spaces() {
        check("7 (sh) S 1 7 7", Some('S'));
        check("7 (a) Z) T 1 7 7", Some('T'));
        check("7 (", None);
        check("7 (sh)", None);
    }

    #[test]
    fn a_stop_may_be_pending() {
        let cases = [
            ("Name:\tx\nShdPnd:\t0000000000040000\n", true),
            ("ShdPnd:\t0000000000040100\n", true),
            ("SigPnd:\t0000000000040000\nShdPnd:\t0000000000020000\n", false),
            ("Name:\tx\n", false),
        ];
        for (status, expect) in cases {
            assert_eq!(stop_is_pending(status), expect, "{status}");
        }
    }
}
