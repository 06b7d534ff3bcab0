//! What the disk does wrong and how long it takes, as data; and the dice that decide each time.

use std::time::Duration;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

/// How long an fsync takes: a random time between the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Latency {
    /// At least this long.
    pub least: Duration,
    /// At most this long.
    pub most: Duration,
}

impl Latency {
    /// No time at all, as no disk does it.
    pub const NONE: Self = Self::exactly(Duration::ZERO);

    /// The delays of a good disk. Without them an fsync takes no time, and a mistake that a server
    /// makes during an fsync, such as answering too early, is never seen.
    pub const USUAL: Self =
        Self { least: Duration::from_millis(1), most: Duration::from_millis(5) };

    /// Always the same time.
    #[must_use]
    pub const fn exactly(time: Duration) -> Self {
        Self { least: time, most: time }
    }
}

impl Default for Latency {
    fn default() -> Self {
        Self::USUAL
    }
}

/// What the disk refuses, each with the probability from 0 to 1 that it does.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Errors {
    /// EIO at an fsync. The un-fsynced pages are then taken for clean though they never reached
    /// the disk: the next fsync succeeds, and a power failure loses them.
    pub fsync: f64,
    /// EIO at a write, which then writes nothing.
    pub write: f64,
    /// EIO at a read.
    pub read: f64,
    /// How many bytes the files may still grow before every write that makes one grow, and every
    /// new name, is refused with ENOSPC. None: as many as the disk below holds.
    pub room: Option<u64>,
}

impl Errors {
    /// The disk is full from now on.
    pub const FULL: Self = Self { fsync: 0.0, write: 0.0, read: 0.0, room: Some(0) };

    /// A healthy disk.
    pub const NONE: Self = Self { fsync: 0.0, write: 0.0, read: 0.0, room: None };

    /// Whether every number is a probability.
    pub(super) fn make_sense(&self) -> bool {
        [self.fsync, self.write, self.read].iter().all(|p| (0.0..=1.0).contains(p))
    }
}

/// How many errors of each kind were returned to programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Refused {
    /// Calls of fsync and its like that failed with EIO.
    pub fsync: u64,
    /// Writes that failed with EIO.
    pub write: u64,
    /// Reads that failed with EIO.
    pub read: u64,
    /// Calls that failed with ENOSPC.
    pub full: u64,
}

/// Decides by chance, but the same way for the same seed and the same questions.
#[derive(Debug)]
pub(super) struct Dice(ChaCha8Rng);

impl Dice {
    /// The dice of a seed.
    pub(super) fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// Whether something of this probability happens now.
    pub(super) fn happens(&mut self, probability: f64) -> bool {
        probability > 0.0 && self.0.random_bool(probability)
    }

    /// How long the next fsync takes.
    pub(super) fn delay(&mut self, latency: Latency) -> Duration {
        let least = latency.least.min(latency.most);
        self.0.random_range(least..=latency.most.max(least))
    }
}
