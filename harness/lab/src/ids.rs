//! Users of the nodes' own: numbers that nobody on the machine has, one for each node.
//!
//! Root can give them, also to a user namespace that it makes. For an ordinary user the programs
//! `newuidmap` and `newgidmap` do, where `/etc/subuid` and `/etc/subgid` give the user a range (see
//! subuid(5)); else the kernel allows the caller's own number alone, and all nodes have that.

use std::fs;
use std::os::unix::fs::{MetadataExt, lchown};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use fracas_checker::NodeId;
use nix::unistd::{Gid, Uid, User, getegid, geteuid, setgroups, setresgid, setresuid};

use super::command;
use super::error::{Doing, LabError};
use super::links::NODES_MAX;

/// The user of every node in its own namespace.
pub(crate) const NODE_USER: u32 = 1000;

/// How many numbers are needed: one for each node, which are counted from 1.
const COUNT: u32 = NODES_MAX as u32 + 1;

/// Where to begin, if `/etc/subuid` gives root no range: where no tool gives users numbers, and
/// for containers that have the first 65,536 only.
const BEGINNINGS: [u32; 2] = [1_900_000_000, 64_000];

/// How many files are given to another user at most, at one time.
const FILES_MAX: usize = 1 << 20;

/// How long a program that gives numbers may take.
const GIVEN_WITHIN: Duration = Duration::from_secs(5);

/// CHOWN, DAC_OVERRIDE, FOWNER, SETGID and SETUID.
const NEEDED: u64 = 1 | 1 << 1 | 1 << 3 | 1 << 6 | 1 << 7;

/// The number before that of the first node; none if all have the caller's own.
static BASE: OnceLock<Option<u32>> = OnceLock::new();

/// Gives the world of process `pid` the caller's own number as root's, and numbers for the nodes if
/// it can. False if no number at all was given.
pub(crate) fn give_to_world(pid: i32) -> Result<bool, LabError> {
    if let Some(base) = free_range().filter(|_| capable()) {
        let proc = format!("/proc/{pid}");
        let map = |own: u32| format!("0 {own} 1\n1 {base} {COUNT}");
        write(&proc, "uid_map", &map(geteuid().as_raw()))?;
        write(&proc, "gid_map", &map(getegid().as_raw()))?;
        return Ok(true);
    }
    let Some(range) = range_of_caller() else { return Ok(false) };
    if let Err(error) = map_by("newuidmap", pid, geteuid().as_raw(), range.users) {
        tracing::debug!("servers get no numbers of their own: {error}");
        return Ok(false);
    }
    if let Err(error) = map_by("newgidmap", pid, getegid().as_raw(), range.groups) {
        tracing::debug!("servers get no numbers of their own: {error}");
        let proc = format!("/proc/{pid}");
        write(&proc, "setgroups", "deny")?;
        write(&proc, "gid_map", &format!("0 {} 1", getegid()))?;
    }
    Ok(true)
}

/// Where the ranges begin that `/etc/subuid` and `/etc/subgid` give somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Range {
    users: u32,
    groups: u32,
}

/// The range of an ordinary user, if both files give one and both programs are there.
fn range_of_caller() -> Option<Range> {
    let number = geteuid();
    let name = User::from_uid(number).ok().flatten().map(|user| user.name).unwrap_or_default();
    let number = number.to_string();
    let owners = [name.as_str(), number.as_str()];
    let tools = ["newuidmap", "newgidmap"].iter().all(|it| command::find_program(it).is_some());
    let range = |file: &str| subordinate(&fs::read_to_string(file).ok()?, &owners);
    tools.then_some(Range { users: range("/etc/subuid")?, groups: range("/etc/subgid")? })
}

/// Has a program with the right to do so give numbers to a process, as [`give_to_world`] does.
fn map_by(program: &str, pid: i32, own: u32, first: u32) -> Result<(), LabError> {
    let path = command::find_program(program).map(|path| path.display().to_string());
    let program = path.unwrap_or_else(|| program.to_owned());
    let numbers = [0, own, 1, 1, first, COUNT].map(|number| number.to_string());
    let argv: Vec<String> = [program, pid.to_string()].into_iter().chain(numbers).collect();
    command::run_command(&argv, GIVEN_WITHIN).map(drop)
}

/// Finds out, in a world, which numbers its nodes have.
pub(crate) fn find(isolation: &str) {
    let base = match isolation {
        "root" => free_range().filter(|_| capable()),
        _ => covers_both(0).then_some(0),
    };
    // The first one counts: a process enters one world.
    let _again = BASE.set(base);
}

/// The number of a node's user in the world.
pub(crate) fn of(node: NodeId) -> Option<u32> {
    BASE.get().copied().flatten().map(|base| base + u32::from(node.0))
}

/// Which users the nodes of this world have, for people.
#[must_use]
pub fn users() -> String {
    match BASE.get().copied().flatten() {
        Some(base) => format!("one of its own for each server, from number {} on", base + 1),
        None => {
            "the caller's own for all servers (one for each needs a range in `/etc/subuid` and \
                 `/etc/subgid`, and `newuidmap`)"
                .to_owned()
        }
    }
}

/// Makes a node's user 1000 in the namespace of one of its processes.
pub(crate) fn give_to_node(pid: u32, user: u32) -> Result<(), LabError> {
    let (proc, line) = (format!("/proc/{pid}"), format!("{NODE_USER} {user} 1"));
    write(&proc, "uid_map", &line)?;
    write(&proc, "gid_map", &line)
}

fn write(proc: &str, file: &str, text: &str) -> Result<(), LabError> {
    fs::write(format!("{proc}/{file}"), text).doing(|| format!("write `{proc}/{file}`"))
}

/// Becomes the node's user. What this process may do in its namespace it may still do, but no file
/// of the machine is its own any more.
pub(crate) fn become_node_user() -> Result<(), LabError> {
    let (user, group) = (Uid::from_raw(NODE_USER), Gid::from_raw(NODE_USER));
    let all = || {
        setgroups(&[])?;
        setresgid(group, group, group)?;
        setresuid(user, user, user)?;
        // Else this process could not even write its own files in `/proc`.
        nix::sys::prctl::set_dumpable(true)
    };
    all().doing(|| "become the node's user".into())
}

/// Gives a file or directory of the harness, and all that is in it, to the user of a node, where it
/// has one of its own. Links are given, not followed. The node must not run.
///
/// # Errors
/// When the file system refuses.
pub fn give(node: NodeId, path: &Path) -> Result<(), LabError> {
    let Some(user) = of(node) else { return Ok(()) };
    give_all(path, user, || format!("give `{}` to the user of {node}", path.display()))
}

/// Gives the caller all files in a directory that belong to nodes: else an ordinary user could not
/// even remove them. No node may run.
///
/// # Errors
/// When the file system refuses.
pub fn take_back(path: &Path) -> Result<(), LabError> {
    if BASE.get().copied().flatten().is_none() || !path.is_dir() {
        return Ok(());
    }
    give_all(path, geteuid().as_raw(), || format!("take back `{}`", path.display()))
}

fn give_all(path: &Path, user: u32, doing: impl Fn() -> String) -> Result<(), LabError> {
    let mut waiting = vec![path.to_owned()];
    for _ in 0..FILES_MAX {
        let Some(path) = waiting.pop() else { break };
        let file = fs::symlink_metadata(&path).doing(&doing)?;
        if (file.uid(), file.gid()) != (user, user) {
            lchown(&path, Some(user), Some(user)).doing(&doing)?;
        }
        if file.is_dir() {
            let entries = fs::read_dir(&path).doing(&doing)?;
            let entries = entries.map(|entry| entry.map(|entry| entry.path()));
            waiting.extend(entries.collect::<Result<Vec<PathBuf>, _>>().doing(&doing)?);
        }
    }
    Ok(())
}

/// The first range of numbers that are nobody's, and that this process can give.
fn free_range() -> Option<u32> {
    let range = |file: &str| subordinate(&fs::read_to_string(file).ok()?, &["root", "0"]);
    let subordinate = range("/etc/subuid").filter(|own| range("/etc/subgid") == Some(*own));
    subordinate.into_iter().chain(BEGINNINGS).find(|base| covers_both(*base))
}

/// Where the first range begins that such a file gives one of `owners`, if it is large enough.
fn subordinate(text: &str, owners: &[&str]) -> Option<u32> {
    let range = |line: &str| {
        let mut fields = line.split(':');
        let own = fields.next().is_some_and(|name| owners.contains(&name));
        let first = fields.next()?.parse().ok()?;
        let count: u32 = fields.next()?.trim().parse().ok()?;
        (own && count >= COUNT).then_some(first)
    };
    text.lines().find_map(range)
}

/// Whether this process's namespace has these numbers, for users and for groups.
fn covers_both(base: u32) -> bool {
    ["uid_map", "gid_map"].iter().all(|file| {
        let map = fs::read_to_string(format!("/proc/self/{file}")).unwrap_or_default();
        covers(&map, base)
    })
}

/// Whether the lines of a map, put together, have all numbers from `base` on.
fn covers(map: &str, base: u32) -> bool {
    let ranges = map.lines().filter_map(|line| {
        let mut fields = line.split_whitespace().map(str::parse::<u64>);
        let (first, _, count) = (fields.next()?.ok()?, fields.next()?.ok()?, fields.next()?.ok()?);
        Some(first..first + count)
    });
    let ranges: Vec<_> = ranges.collect();
    let mut numbers = (u64::from(base)..).take(COUNT as usize);
    numbers.all(|number| ranges.iter().any(|range| range.contains(&number)))
}

/// Whether this process may give files and numbers away.
fn capable() -> bool {
    super::capabilities::capabilities().is_ok_and(|own| own & NEEDED == NEEDED)
}

#[cfg(test)]
mod tests {
    use super::{covers, subordinate};

    #[test]
    fn numbers_must_be_there_without_a_gap() {
        assert!(covers("         0          0 4294967295\n", 1_900_000_000));
        assert!(covers("0 1000 1\n1 100000 65536\n", 0));
        assert!(!covers("0 1000 1\n", 0));
        assert!(covers("0 100000 65536\n", 64_000) && !covers("0 100000 65536\n", 1_900_000_000));
        assert!(!covers("0 1000 1\n2 100000 65536\n", 0));
    }

    #[test]
    fn the_first_range_counts_that_is_ones_own_and_large_enough() {
        let text = "alice:1000:10\nbob:100000:65536\nalice:165536:65536\n1001:300000:65536\n";
        assert_eq!(subordinate(text, &["alice", "1000"]), Some(165_536));
        assert_eq!(subordinate(text, &["carol", "1001"]), Some(300_000));
        assert_eq!(subordinate(text, &["dave", "1002"]), None);
        assert_eq!(subordinate("alice\nalice:x:y\n", &["alice"]), None);
    }
}
