//! Signs of life of a part of the harness.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use fracas_checker::event::Nanos;

/// How often every part gives a sign of life, and is looked at.
pub const PERIOD: Duration = Duration::from_millis(100);

/// A part that is not expected to give signs.
pub(crate) const RESTS: u64 = u64::MAX;

/// The signs of life of one part; cheap to clone.
#[derive(Debug, Clone)]
pub struct Pulse(Arc<AtomicU64>);

impl Default for Pulse {
    fn default() -> Self {
        Self(Arc::new(AtomicU64::new(RESTS)))
    }
}

impl Pulse {
    /// Tells that the part lives.
    pub fn beat(&self, now: Nanos) {
        self.0.store(now, Ordering::Relaxed);
    }

    /// Tells that the part gives no more signs, and need not.
    pub fn rest(&self) {
        self.0.store(RESTS, Ordering::Relaxed);
    }

    pub(crate) fn last(&self) -> Nanos {
        self.0.load(Ordering::Relaxed)
    }
}
