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
    let mut threads = Threads::default();
    let all = processes(Path::new("/proc"))?;
    let init = INIT.parse().expect("a number");
    let own = descendants(init, &all.iter().filter_map(parent).collect());
    for process in all {
        if !number(&process).is_some_and(|pid| pid != init && own.contains(&pid)) {
            continue;
        }
        for state in states(&process.path().join("task")) {
            threads.total += usize::from(!matches!(state, 'Z' | 'X'));
            threads.stopped += usize::from(matches!(state, 'T' | 't'));
        }
    }
    Ok(threads)
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
    use super::{descendants, state, stop_is_pending};

    #[test]
    fn who_was_put_in_from_outside_descends_from_nobody() {
        let parents = [(1, 0), (7, 1), (8, 7), (9, 0), (10, 9), (11, 12), (12, 11)].into();
        assert_eq!(descendants(1, &parents), [1, 7, 8].into());
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
