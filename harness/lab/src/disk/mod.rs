//! Disks that fail: a file system of our own over a directory of a node.
//!
//! Programs see the directory as it is. What they have not made durable by an fsync is remembered,
//! so that a power failure can take it from them: SIGKILL alone takes nothing, since the kernel
//! keeps what was written. What has been un-fsynced for some 30 seconds becomes durable by itself,
//! as a kernel writes it back. Besides, the disk can refuse, fill up and be slow.
//!
//! What is not imitated: `sync` and `syncfs` (the kernel does not pass them on to a file system of
//! a program, so nothing becomes durable by them), and times of files, which are durable at once.
//! Extended attributes and unnamed files (`O_TMPFILE`) are refused as not supported.

mod bounds;
mod control;
mod daemon;
mod data;
mod device;
mod faults;
mod fs;
mod inodes;
mod journal;
mod names;
pub mod overhead;
pub mod proofs;
pub mod trial;
mod undo;
mod wire;

use std::fs::{File, OpenOptions, canonicalize, remove_file};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::mount::{MntFlags, umount2};
use nix::unistd::Pid;

use super::channel::{Channel, Received};
use super::error::{Doing, LabError, scarce};
use super::launch::Helper;
use super::plain::Directory;
use super::sys::{self, Ended};
use super::wait::look;
use control::{Ask, Tell};

pub use control::{DiskSpec, Loss, Lost, Stats, Unit, WRITE_BACK_AFTER};
pub use daemon::disk_main;
pub use faults::{Errors, Latency, Refused};
pub use journal::Model;

/// How long an answer of the disk's process may take; putting much data back takes a while.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);

/// How long the disk's process may take to end.
const END_WITHIN: Duration = Duration::from_secs(10);

/// How long it may take until a process that answers no more is seen to have ended.
const ENDED_WITHIN: Duration = Duration::from_secs(2);

/// The longest fsync: a node in the middle of one can be killed only after it.
const SLOWEST: Duration = Duration::from_secs(30);

/// How much a probe writes.
const PROBE_LENGTH: usize = 64;

/// What the table of mounts says that our disks are made of.
pub(crate) const SOURCE: &str = "fracas";

/// A mounted disk. Dropping it makes everything durable and unmounts it.
///
/// Mount it in the world before the node that uses it starts: the node's mounts are a copy of the
/// world's at that moment.
#[derive(Debug)]
pub struct Disk {
    spec: DiskSpec,
    process: Child,
    /// None only while it is dropped.
    channel: Mutex<Option<Channel>>,
    /// Its topmost directory, once it is mounted: a server may rename those above it, or put links in
    /// their place.
    top: Option<Directory>,
}

/// How the harness's own attempt to use the disk went.
#[derive(Debug)]
pub struct Probe {
    /// Writing a few bytes to a new file.
    pub write: io::Result<()>,
    /// Making them durable, and how long that took.
    pub fsync: io::Result<Duration>,
    /// Reading the file from the disk, past what is cached.
    pub read: io::Result<()>,
}

impl Disk {
    /// Mounts a disk in the calling thread's world.
    ///
    /// # Errors
    /// `Unavailable` where `/dev/fuse` cannot be used, with how to mend it; when one of the
    /// directories is missing.
    pub fn mount(spec: &DiskSpec) -> Result<Self, LabError> {
        let absolute =
            |path: &Path| canonicalize(path).doing(|| format!("find `{}`", path.display()));
        let (backing, mountpoint) = (absolute(&spec.backing)?, absolute(&spec.mountpoint)?);
        let spec = DiskSpec { backing, mountpoint, ..spec.clone() };
        may_take(spec.latency)?;
        let (channel, theirs) = Channel::pair().doing(|| "open a control channel".into())?;
        let mut command = Command::new("/proc/self/exe");
        // Its own group: a terminal's Ctrl-C must not reach it.
        command.arg("__disk").stdin(theirs).stdout(Stdio::null()).process_group(0);
        let process = command.spawn().doing(|| "start `/proc/self/exe __disk`".into())?;
        drop(command);
        let channel = Mutex::new(Some(channel));
        let mut disk = Self { spec, process, channel, top: None };
        disk.ask(&Ask::Mount(disk.spec.clone()))?;
        let mountpoint = &disk.spec.mountpoint;
        let top = Directory::hold(mountpoint).inspect_err(|_| {
            let _mounted_still = umount2(mountpoint, MntFlags::MNT_DETACH);
        });
        disk.top = Some(top.doing(|| format!("find the disk at `{}`", mountpoint.display()))?);
        Ok(disk)
    }

    /// What it consists of.
    #[must_use]
    pub fn spec(&self) -> &DiskSpec {
        &self.spec
    }

    /// The power fails: un-fsynced data and names are gone, whatever fsync was under way.
    ///
    /// All processes that use the disk must have been killed and reaped before: only then has the
    /// kernel handed over what they wrote through memory.
    ///
    /// # Errors When the disk's process does not answer. Problems with putting old data back are in
    /// the result.
    pub fn lose(&self, how: Loss) -> Result<Lost, LabError> {
        match self.ask(&Ask::Lose(how))? {
            Tell::Lost(lost) => Ok(lost),
            other => Err(LabError::answer("lose data", format!("{other:?}"))),
        }
    }

    /// Makes durable all that was written so far, that through memory included, whatever the disk
    /// refuses programs.
    ///
    /// # Errors
    /// When the disk's process does not answer.
    pub fn settle(&self) -> Result<(), LabError> {
        let doing = || format!("settle the disk at `{}`", self.spec.mountpoint.display());
        let top = self.top.as_ref().ok_or_else(|| LabError::Asked(doing()))?;
        // The kernel hands over what programs have written through memory.
        let top = File::open(top.path()).doing(doing)?;
        nix::unistd::syncfs(&top).doing(doing)?;
        self.ask(&Ask::Settle).map(drop)
    }

    /// Drops the data that a failed fsync left in memory alone: then the files show what is on the
    /// disk. A kernel may do the same at any time, because it takes those pages for clean.
    ///
    /// All processes that use the disk must have been killed and reaped before.
    ///
    /// # Errors
    /// When the disk's process does not answer, or cannot do it.
    pub fn evict(&self) -> Result<(), LabError> {
        self.ask(&Ask::Evict).map(drop)
    }

    /// Whether its process has ended, and how; a look, or a question that it must answer.
    #[must_use]
    pub fn ended(&self, ask: bool) -> Option<Helper> {
        let asked = if ask { self.ask(&Ask::Stats).map(drop) } else { Ok(()) };
        let pid = Pid::from_raw(self.process.id().cast_signed());
        // It may answer no more a moment before it can be seen to have ended.
        let wait = if asked.is_ok() { Duration::ZERO } else { ENDED_WITHIN };
        let seen = look(Instant::now() + wait, || sys::peek(pid));
        let mend = match seen {
            Ok(Some(Ended::Status(errno))) => scarce(errno),
            _ => None,
        };
        let how = match seen {
            Ok(Some(Ended::Status(errno))) if mend.is_some() => {
                format!("“{}”", Errno::from_raw(errno).desc().to_lowercase())
            }
            Ok(Some(ended)) => ended.to_string(),
            Ok(None) => format!("no answer: {}", asked.err()?),
            Err(errno) => format!("an end that nobody saw: {errno}"),
        };
        let name = format!("the disk process of `{}`", self.spec.mountpoint.display());
        Some(Helper { name, how, mend: mend.map(str::to_owned) })
    }

    /// From now on these calls fail, and no others. [`Errors::NONE`] heals.
    ///
    /// # Errors
    /// When a number is no probability; when the disk's process does not answer.
    pub fn fail(&self, errors: Errors) -> Result<(), LabError> {
        if !errors.make_sense() {
            return Err(LabError::Asked(format!(
                "let a disk fail: {errors:?}, expected probabilities from 0 to 1"
            )));
        }
        self.ask(&Ask::Fail(errors)).map(drop)
    }

    /// From now on an fsync takes this long, at most 30 seconds.
    ///
    /// # Errors
    /// When it is longer; when the disk's process does not answer.
    pub fn slow(&self, latency: Latency) -> Result<(), LabError> {
        may_take(latency)?;
        self.ask(&Ask::Slow(latency)).map(drop)
    }

    /// What it has done, and what it would lose now.
    ///
    /// # Errors
    /// When the disk's process does not answer.
    pub fn stats(&self) -> Result<Stats, LabError> {
        match self.ask(&Ask::Stats)? {
            Tell::Stats(stats) => Ok(stats),
            other => Err(LabError::answer("count", format!("{other:?}"))),
        }
    }

    /// Uses the disk as a program would: writes a new file, fsyncs, reads and
    /// removes it. The disk takes
    /// as long for it as for others and fails it like others, but it makes nothing durable and is
    /// in no count.
    ///
    /// # Errors
    /// When the file cannot even be made or removed.
    pub fn probe(&self) -> Result<Probe, LabError> {
        let doing = || format!("probe the disk at `{}`", self.spec.mountpoint.display());
        let top = self.top.as_ref().ok_or_else(|| LabError::Asked(doing()))?;
        let path = top.path().join(fs::PROBE);
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).custom_flags(libc::O_NOFOLLOW);
        let mut file = options.open(&path).doing(doing)?;
        let write = file.write_all(&[b'.'; PROBE_LENGTH]);
        let fsync = timed_fsync(&file);
        let read = read_uncached(&path);
        remove_file(&path).doing(doing)?;
        Ok(Probe { write, fsync, read })
    }

    /// Asks the disk's process for something.
    fn ask(&self, ask: &Ask) -> Result<Tell, LabError> {
        let doing = || format!("ask the disk at `{}`", self.spec.mountpoint.display());
        let channel = self.channel.lock().unwrap_or_else(PoisonError::into_inner);
        let channel = channel.as_ref().ok_or_else(|| LabError::Asked(doing()))?;
        channel.send(ask).doing(doing)?;
        match channel.receive(ANSWER_WITHIN).doing(doing)? {
            Received::Message(Tell::Failed(reason)) => Err(reason.error()),
            Received::Message(tell) => Ok(tell),
            Received::End => Err(LabError::Ended { doing: doing() }),
            Received::Nothing => Err(LabError::Timeout { doing: doing(), after: ANSWER_WITHIN }),
        }
    }

    /// Unmounts it and lets its process go.
    fn end(&mut self) -> Result<(), LabError> {
        let doing = || format!("unmount the disk at `{}`", self.spec.mountpoint.display());
        let unmounted = match self.top.take() {
            Some(top) => umount2(&top.path(), MntFlags::MNT_DETACH).doing(doing),
            None => Ok(()),
        };
        drop(self.channel.get_mut().unwrap_or_else(PoisonError::into_inner).take());
        let ended = look(Instant::now() + END_WITHIN, || self.process.try_wait()).doing(doing)?;
        if ended.is_none() {
            self.process.kill().and_then(|()| self.process.wait()).doing(doing)?;
        }
        unmounted
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if let Err(error) = self.end() {
            tracing::warn!("failed to {error}");
        }
    }
}

/// Fails if an fsync would take too long.
fn may_take(latency: Latency) -> Result<(), LabError> {
    if latency.most > SLOWEST || latency.least > latency.most {
        return Err(LabError::Asked(format!(
            "slow a disk: {latency:?}, expected the least before the most, and at most {SLOWEST:?}"
        )));
    }
    Ok(())
}

/// How long an fsync takes.
fn timed_fsync(file: &File) -> io::Result<Duration> {
    let begun = Instant::now();
    file.sync_all().map(|()| begun.elapsed())
}

/// Reads a file from the disk, past what is cached.
fn read_uncached(path: &Path) -> io::Result<()> {
    let file =
        OpenOptions::new().read(true).custom_flags(libc::O_DIRECT | libc::O_NOFOLLOW).open(path);
    file?.read(&mut [0; PROBE_LENGTH]).map(drop)
}
