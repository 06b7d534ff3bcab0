//! Groups for processor time: made for one node and one fault, filled, limited, and removed.
//!
//! A group lives as long as its lock, which ends with the harness however that ends. What a killed
//! harness leaves is an empty group that nobody holds; it is removed when the next one is made, and
//! by `fracas clean`. Where groups can be made is not decided here.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};

use super::Duty;
use super::cgroup::{PROCESSES, Place, Version, mountpoint};
use crate::error::{Doing, LabError};
use crate::wait::look;

/// How the names of all groups begin; the rest is what it is for, and the number of a namespace.
const PREFIX: &str = "fracas-";

/// How often processes are listed until no new one appears.
const PASSES: usize = 20;

/// How long others may take to let go of a group.
const FREE_WITHIN: Duration = Duration::from_secs(2);

/// How many groups are looked at for what dead runs left.
const LOOKED_AT_MAX: usize = 10_000;

/// A group of processes.
#[derive(Debug)]
pub(super) struct Group {
    version: Version,
    dir: PathBuf,
    /// Where its processes came from.
    home: PathBuf,
    /// Says that somebody lives who will remove it.
    _lock: Flock<File>,
}

/// For how many periods there was work in a group, and in how many of them it was held back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Periods {
    pub(super) all: u64,
    pub(super) held_back: u64,
}

impl Group {
    /// Makes an empty group without a limit. Its name tells what it is for and, lest two of them
    /// get in each other's way, in which namespace of processes it was made.
    pub(super) fn make(place: &Place, purpose: &str) -> Result<Self, LabError> {
        sweep(&place.dir);
        let world =
            fs::metadata("/proc/self/ns/pid").doing(|| "look at the own namespace".into())?;
        let dir = place.dir.join(format!("{PREFIX}{purpose}-{}", world.ino()));
        let doing = || format!("make the group `{}`", dir.display());
        let lock = look(Instant::now() + FREE_WITHIN, || made(&dir)).doing(doing)?;
        let late = || LabError::Timeout { doing: doing(), after: FREE_WITHIN };
        let lock = lock.ok_or_else(late)?;
        Ok(Self { version: place.version, home: place.home.clone(), dir, _lock: lock })
    }

    /// Its directory.
    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Moves all processes of `members` into it, those that are born meanwhile too.
    pub(super) fn admit(
        &self,
        members: impl Fn() -> Result<Vec<i32>, LabError>,
    ) -> Result<(), LabError> {
        let mut admitted = BTreeSet::new();
        for _ in 0..PASSES {
            let new: Vec<i32> =
                members()?.into_iter().filter(|pid| admitted.insert(*pid)).collect();
            if new.is_empty() {
                break;
            }
            new.into_iter().try_for_each(|pid| join(&self.dir, pid))?;
        }
        Ok(())
    }

    /// Gives all its processes together this share of one processor; without one, what they want.
    pub(super) fn limit(&self, duty: Option<Duty>) -> Result<(), LabError> {
        settings(self.version, duty).into_iter().try_for_each(|(file, value)| {
            let file = self.dir.join(file);
            fs::write(&file, &value).doing(|| format!("write `{value}` to `{}`", file.display()))
        })
    }

    /// The share of one processor that the kernel says its processes get together; none if they get
    /// what they want.
    pub(super) fn share(&self) -> Result<Option<Duty>, LabError> {
        let texts = settings_files(self.version).iter().map(|file| {
            let file = self.dir.join(file);
            fs::read_to_string(&file).doing(|| format!("read `{}`", file.display()))
        });
        Ok(share(&texts.collect::<Result<Vec<_>, _>>()?.join(" ")))
    }

    /// Lets it come before all other groups, or again only as often as each of them.
    pub(super) fn precede(&self, others: bool) -> Result<(), LabError> {
        let (file, first, usual) = match self.version {
            Version::One => ("cpu.shares", "262144", "1024"),
            Version::Two => ("cpu.weight", "10000", "100"),
        };
        let (file, value) = (self.dir.join(file), if others { first } else { usual });
        fs::write(&file, value).doing(|| format!("write `{value}` to `{}`", file.display()))
    }

    /// Its processes.
    pub(super) fn processes(&self) -> Result<Vec<i32>, LabError> {
        processes(&self.dir)
    }

    /// How often it has been held back.
    pub(super) fn periods(&self) -> Result<Periods, LabError> {
        let file = self.dir.join("cpu.stat");
        let text = fs::read_to_string(&file).doing(|| format!("read `{}`", file.display()))?;
        Ok(periods(&text))
    }

    /// Sends its processes back to where they came from, and removes it.
    pub(super) fn disband(&mut self) -> Result<(), LabError> {
        self.limit(None)?;
        let doing = || format!("remove the group `{}`", self.dir.display());
        let gone = look(Instant::now() + FREE_WITHIN, || {
            for pid in processes(&self.dir)? {
                join(&self.home, pid)?;
            }
            // What is just ending is not listed any more, but still there.
            match fs::remove_dir(&self.dir) {
                Ok(()) => Ok(Some(())),
                Err(error) if error.kind() == ErrorKind::ResourceBusy => Ok(None),
                Err(error) => Err(error).doing(doing),
            }
        })?;
        gone.ok_or_else(|| LabError::Timeout { doing: doing(), after: FREE_WITHIN })
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if self.dir.exists()
            && let Err(error) = self.disband()
        {
            tracing::warn!("failed to {error}");
        }
    }
}

/// What is written to which file of a group, in this order.
fn settings(version: Version, duty: Option<Duty>) -> Vec<(&'static str, String)> {
    let micros = |time: Duration| time.as_micros().to_string();
    match (version, duty) {
        (Version::One, None) => vec![("cpu.cfs_quota_us", "-1".into())],
        (Version::One, Some(duty)) => {
            vec![("cpu.cfs_period_us", micros(duty.period)), ("cpu.cfs_quota_us", micros(duty.run))]
        }
        (Version::Two, None) => vec![("cpu.max", "max".into())],
        (Version::Two, Some(duty)) => {
            vec![("cpu.max", format!("{} {}", micros(duty.run), micros(duty.period)))]
        }
    }
}

/// The files that say what share a group gets: the quota, and then the period.
fn settings_files(version: Version) -> &'static [&'static str] {
    match version {
        Version::One => &["cpu.cfs_quota_us", "cpu.cfs_period_us"],
        Version::Two => &["cpu.max"],
    }
}

/// Reads a quota and a period; none if the quota is no number above 0: then it has no end.
fn share(text: &str) -> Option<Duty> {
    let mut micros = text.split_whitespace().map(|word| word.parse().ok());
    let mut next = || micros.next().flatten().map(Duration::from_micros);
    Some(Duty { run: next()?, period: next()? })
}

/// Reads a `cpu.stat`.
fn periods(text: &str) -> Periods {
    let number = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.and_then(|number| number.parse().ok()).unwrap_or(0)
    };
    Periods { all: number("nr_periods"), held_back: number("nr_throttled") }
}

/// The processes of a group.
fn processes(dir: &Path) -> Result<Vec<i32>, LabError> {
    let file = dir.join(PROCESSES);
    let text = fs::read_to_string(&file).doing(|| format!("read `{}`", file.display()))?;
    Ok(text.lines().filter_map(|line| line.parse().ok()).collect())
}

/// Moves a process into a group, unless it has ended.
fn join(dir: &Path, pid: i32) -> Result<(), LabError> {
    match fs::write(dir.join(PROCESSES), pid.to_string()) {
        Err(error) if error.raw_os_error() == Some(Errno::ESRCH as i32) => Ok(()),
        other => other.doing(|| format!("move process {pid} into the group `{}`", dir.display())),
    }
}

/// Makes a group and locks it; none if one that tidies up is just at it.
fn made(dir: &Path) -> io::Result<Option<Flock<File>>> {
    match fs::create_dir(dir) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    // It may have been taken for a dead run's before it was locked.
    Ok(locked(dir)?.filter(|_| dir.exists()))
}

/// The lock of a group; none if somebody has it, or the group is gone.
fn locked(dir: &Path) -> io::Result<Option<Flock<File>>> {
    let file = match File::open(dir) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        other => other?,
    };
    match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
        Ok(lock) => Ok(Some(lock)),
        Err((_, Errno::EWOULDBLOCK)) => Ok(None),
        Err((_, errno)) => Err(errno.into()),
    }
}

/// Removes the groups in `dir` that nobody holds and that are empty; says which those were.
fn sweep(dir: &Path) -> Vec<PathBuf> {
    let abandoned = |dir: &PathBuf| match locked(dir) {
        // Removed while it is locked: nobody can just be beginning to use it.
        Ok(Some(_lock)) => fs::remove_dir(dir).is_ok(),
        _ => false,
    };
    directories(dir).into_iter().filter(|dir| is_ours(dir)).filter(abandoned).collect()
}

/// Whether a group has a name as only we give it.
fn is_ours(dir: &Path) -> bool {
    let name = dir.file_name().unwrap_or_default().to_string_lossy();
    let rest = name.strip_prefix(PREFIX).and_then(|rest| rest.rsplit_once('-'));
    rest.is_some_and(|(purpose, world)| {
        !purpose.is_empty() && !world.is_empty() && world.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// The directories in a directory.
fn directories(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).into_iter().flatten().filter_map(Result::ok);
    let is_dir = |entry: &fs::DirEntry| entry.file_type().is_ok_and(|kind| kind.is_dir());
    entries.filter(is_dir).map(|entry| entry.path()).collect()
}

/// Removes what dead runs left, wherever on this machine; says what that was.
pub(crate) fn sweep_all() -> Vec<PathBuf> {
    let (mut removed, mut todo) = (Vec::new(), Vec::from_iter(mountpoint()));
    for _ in 0..LOOKED_AT_MAX {
        let Some(dir) = todo.pop() else { break };
        removed.extend(sweep(&dir));
        todo.extend(directories(&dir));
    }
    removed
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIFTH: Duty = Duty { run: Duration::from_millis(4), period: Duration::from_millis(20) };

    #[track_caller]
    fn check(version: Version, duty: Option<Duty>, expect: &[(&str, &str)]) {
        let settings = settings(version, duty);
        let settings: Vec<_> = settings.iter().map(|(file, value)| (*file, &**value)).collect();
        assert_eq!(settings, expect);
    }

    #[test]
    fn both_versions_are_told_in_their_own_words() {
        let fifth = [("cpu.cfs_period_us", "20000"), ("cpu.cfs_quota_us", "4000")];
        check(Version::One, Some(FIFTH), &fifth);
        check(Version::One, None, &[("cpu.cfs_quota_us", "-1")]);
        check(Version::Two, Some(FIFTH), &[("cpu.max", "4000 20000")]);
        check(Version::Two, None, &[("cpu.max", "max")]);
    }

    #[test]
    fn what_the_kernel_says_of_a_share_is_read() {
        let cases = [
            ("4000\n 20000\n", Some(FIFTH)),
            ("4000 20000\n", Some(FIFTH)),
            ("-1\n 20000\n", None),
            ("max 100000\n", None),
            ("", None),
        ];
        for (text, expect) in cases {
            assert_eq!(share(text), expect, "{text:?}");
        }
    }

    #[test]
    fn the_kernel_counts_for_both_versions() {
        let expect = Periods { all: 87, held_back: 86 };
        assert_eq!(periods("nr_periods 87\nnr_throttled 86\nthrottled_time 1087269514\n"), expect);
        assert_eq!(periods("usage_usec 9\nnr_periods 87\nnr_throttled 86\n"), expect);
        assert_eq!(periods("usage_usec 9\n"), Periods::default());
    }

    #[test]
    fn only_what_nobody_holds_is_swept() {
        let place = tempfile::tempdir().unwrap();
        let made_here = |name: &str| {
            let dir = place.path().join(name);
            (made(&dir).unwrap().expect("nobody has it"), dir)
        };
        let ((dead, left), (_alive, held)) = (made_here("fracas-n1-1"), made_here("fracas-n1-2"));
        let others = ["other", "fracas-1", "fracas--1", "fracas-n1-", "fracas-n1-mine"];
        let others = others.map(|name| place.path().join(name));
        others.iter().for_each(|dir| fs::create_dir(dir).unwrap());
        drop(dead);
        assert_eq!(sweep(place.path()), [left]);
        assert!(held.is_dir() && others.iter().all(|dir| dir.is_dir()));
        assert!(made(&held).unwrap().is_none(), "it is held");
    }
}
