//! How high a number had certainly risen by when, for numbers that must not fall.
//!
//! Of what completed only that matters which was higher than all before it, and of that which
//! completed before everything that is still open was invoked only the last: so what stays is what
//! completed since then, at most, and mostly much less.

use std::collections::VecDeque;

use crate::event::Nanos;

/// Completions and numbers, both rising.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stairs(VecDeque<(Nanos, u64)>);

impl Stairs {
    /// `number` was reached by `end`, which is no earlier than any before.
    pub(crate) fn push(&mut self, end: Nanos, number: u64) {
        if self.0.back().is_none_or(|(_, highest)| *highest < number) {
            self.0.push_back((end, number));
        }
    }

    /// The highest number that was reached before `start`.
    pub(crate) fn before(&self, start: Nanos) -> Option<u64> {
        let count = self.0.partition_point(|(end, _)| *end < start);
        count.checked_sub(1).map(|last| self.0[last].1)
    }

    /// Forgets what makes no difference to whatever was invoked at `oldest` or later; the number
    /// that all of it must reach.
    pub(crate) fn forget(&mut self, oldest: Nanos) -> Option<u64> {
        while self.0.get(1).is_some_and(|(end, _)| *end < oldest) {
            self.0.pop_front();
        }
        self.before(oldest)
    }

    pub(crate) fn bytes(&self) -> usize {
        self.0.capacity() * size_of::<(Nanos, u64)>()
    }
}
