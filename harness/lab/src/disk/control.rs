//! What is said about a disk, and what the harness and a disk's process say to each other. Data
//! only.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::faults::{Errors, Latency, Refused};
use super::journal::Model;
use crate::error::Told;

/// How old un-fsynced data becomes before it is written back, as a kernel does it by default
/// (`vm.dirty_expire_centisecs`): older data has reached the disk without an fsync.
pub const WRITE_BACK_AFTER: Duration = Duration::from_secs(30);

/// What a disk consists of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiskSpec {
    /// The directory that holds the files.
    pub backing: PathBuf,
    /// The directory in which programs see them. It may be the same one: then they are there
    /// after the end, too.
    pub mountpoint: PathBuf,
    /// When changes of names become durable.
    pub model: Model,
    /// How long an fsync takes.
    pub latency: Latency,
    /// How old un-fsynced data and names become before they are written back:
    /// [`WRITE_BACK_AFTER`] unless time is short.
    pub write_back_after: Duration,
    /// From which everything random is drawn: how long each fsync takes, which call fails.
    pub seed: u64,
}

impl DiskSpec {
    /// A good disk, which keeps its data in the first directory and shows it in the second.
    #[must_use]
    pub fn usual((backing, mountpoint): (PathBuf, PathBuf), model: Model, seed: u64) -> Self {
        let (latency, write_back_after) = (Latency::USUAL, WRITE_BACK_AFTER);
        Self { backing, mountpoint, model, latency, write_back_after, seed }
    }
}

/// The part of the un-fsynced data that a power failure takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "kebab-case")]
pub enum Loss {
    /// All of it.
    All,
    /// Half of it: each piece reaches the disk or does not, independently of the others, and of
    /// the changes of names a random number of the first ones.
    Torn {
        /// From which it is drawn.
        seed: u64,
        /// The size of a piece.
        unit: Unit,
    },
}

/// The unit that a disk writes as a whole or not at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// 4096 bytes.
    Page,
    /// 512 bytes.
    Sector,
}

impl Unit {
    /// Its length in bytes.
    #[must_use]
    pub fn length(self) -> usize {
        match self {
            Self::Page => 4096,
            Self::Sector => 512,
        }
    }
}

/// What a power failure took.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Lost {
    /// How many bytes are not as they were written: changed back, cut off, come back.
    pub bytes: u64,
    /// The number of pages of 4096 bytes that lost data.
    pub pages: u64,
    /// The number of files that lost data.
    pub files: u64,
    /// How many changes of directories were undone.
    pub entries: u64,
    /// How old the youngest and the oldest of it were; none where nothing was lost.
    pub age: Option<(Duration, Duration)>,
    /// Problems with putting old data back; empty if all went well.
    pub problems: Vec<String>,
}

impl Lost {
    /// Whether there was nothing to lose.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.bytes == 0 && self.pages == 0 && self.entries == 0
    }
}

/// What a disk has done since it was mounted, and what it would lose now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Stats {
    /// Calls of fsync and its like that succeeded, writes of files opened to be synchronous
    /// included.
    pub fsyncs: u64,
    /// The shortest and longest time that the disk took for an fsync since the latency was set
    /// last; none if there was no fsync since.
    pub fsync_took: Option<(Duration, Duration)>,
    /// Calls that the disk let fail.
    pub refused: Refused,
    /// Bytes that no fsync has covered yet; overwritten ones count each time.
    pub unsynced_bytes: u64,
    /// Pages that no fsync has covered yet.
    pub unsynced_pages: u64,
    /// Changes of directories that are not durable yet.
    pub unsynced_entries: u64,
    /// How often un-fsynced data was made durable because there was too much of it to remember.
    pub written_back: u64,
    /// How many times a file, and how many changes of names, became durable because they were old.
    pub aged: u64,
}

/// What the harness asks of a disk's process.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Ask {
    /// Be this disk. The first request.
    Mount(DiskSpec),
    /// Lose what is not durable.
    Lose(Loss),
    /// Make everything durable.
    Settle,
    /// Drop the newer data that a failed fsync left in memory, so that reads show what is on the
    /// disk.
    Evict,
    /// Refuse this from now on.
    Fail(Errors),
    /// Take this long from now on.
    Slow(Latency),
    /// Count.
    Stats,
}

/// What a disk's process answers.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Tell {
    /// It is done.
    Done,
    /// It cannot be done.
    Failed(Told),
    /// This is lost.
    Lost(Lost),
    /// This was counted.
    Stats(Stats),
}
