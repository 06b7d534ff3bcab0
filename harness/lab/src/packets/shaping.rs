//! What is done to the packets of one direction, and what was: data, and whether it makes sense.

use std::fmt;
use std::time::Duration;

use fracas_checker::fault::Cut;
use serde::{Deserialize, Serialize};

use crate::error::LabError;

/// The longest delay or jitter: beyond it, a partition says it better.
const DELAY_MAX: Duration = Duration::from_secs(10);

/// The smallest bandwidth, in bits per second: less than that is a partition, too.
const BANDWIDTH_MIN: u64 = 64_000;

/// What is done to the packets of one direction.
///
/// A packet is a frame as a node hands it over. With TCP a frame may be as long as 64 KiB, and is
/// lost, delayed or doubled as a whole; bandwidth counts its real length on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Shaping {
    /// How much later than usual each arrives.
    pub delay: Duration,
    /// By how much that varies, up or down, evenly. Packets keep their order: none arrives before
    /// one that was sent earlier.
    pub jitter: Duration,
    /// The share that never arrives, from 0 to 1.
    pub loss: f64,
    /// The share that arrives twice, from 0 to 1.
    pub duplicate: f64,
    /// The share that skips the delay and so overtakes others, from 0 to 1. Needs a delay.
    pub reorder: f64,
    /// The most that gets through, in bits per second. What would have to wait longer than 200 ms
    /// is dropped.
    pub bandwidth: Option<u64>,
    /// Decides which packets it meets. Directions with the same seed do not meet the same fate.
    pub seed: u64,
}

/// What was done to the packets of one direction since it has been shaped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Carried {
    /// How many came.
    pub taken: u64,
    /// How many were sent on, copies included.
    pub sent: u64,
    /// How many were lost, as asked.
    pub lost: u64,
    /// How many were sent twice, as asked.
    pub duplicated: u64,
    /// How many skipped the delay, as asked.
    pub reordered: u64,
    /// How many were dropped because the bandwidth was used up.
    pub refused: u64,
    /// How many packets were lost though no loss was asked for: the receiver's link did not take
    /// them, or too many were waiting.
    pub failed: u64,
    /// How many of all packets of this sender came faster than they could be taken.
    pub missed: u64,
    /// By how much the latest was sent later than it was due.
    pub late: Duration,
}

impl Shaping {
    /// Fails unless it makes sense.
    pub(super) fn check(&self, (from, to): Cut) -> Result<(), LabError> {
        let shares =
            [("loss", self.loss), ("duplicate", self.duplicate), ("reorder", self.reorder)];
        let refuse = |why: String| Err(LabError::Asked(format!("shape {from}→{to}: {why}")));
        if let Some((name, share)) = shares.iter().find(|(_, share)| !(0.0..=1.0).contains(share)) {
            return refuse(format!("`{name}` is {share}, expected a share from 0 to 1"));
        }
        if self.delay.max(self.jitter) > DELAY_MAX {
            return refuse(format!("a delay or jitter of more than {DELAY_MAX:?}"));
        }
        if self.bandwidth.is_some_and(|rate| rate < BANDWIDTH_MIN) {
            return refuse(format!("a bandwidth of less than {BANDWIDTH_MIN} bit/s"));
        }
        if self.reorder > 0.0 && self.delay.is_zero() {
            return refuse("`reorder` without a `delay` that could be skipped".to_owned());
        }
        if *self == (Self { seed: self.seed, ..Self::default() }) {
            return refuse("nothing to do".to_owned());
        }
        Ok(())
    }
}

impl fmt::Display for Shaping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = |share: f64| format!("{} %", (share * 1e4).round() / 100.0);
        let parts = [
            (!self.delay.is_zero()).then(|| format!("{:?} late", self.delay)),
            (!self.jitter.is_zero()).then(|| format!("± {:?}", self.jitter)),
            (self.loss > 0.0).then(|| format!("{} lost", percent(self.loss))),
            (self.duplicate > 0.0).then(|| format!("{} doubled", percent(self.duplicate))),
            (self.reorder > 0.0).then(|| format!("{} reordered", percent(self.reorder))),
            self.bandwidth.map(|rate| format!("{rate} bit/s")),
        ];
        f.write_str(&parts.into_iter().flatten().collect::<Vec<_>>().join(", "))
    }
}
