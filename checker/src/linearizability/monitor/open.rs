//! The operations on one object that are still open: what completes from now on was not invoked
//! before the oldest of them.
//!
//! One that ended without anybody seeing how is not open: it never completes.

use std::collections::BTreeSet;

use super::Invocation;
use crate::identity::Nanos;

/// When what is still open was invoked, and its index.
#[derive(Debug, Clone, Default)]
pub(crate) struct Open(BTreeSet<(Nanos, u64)>);

impl Open {
    pub(crate) fn begin(&mut self, invocation: Invocation<'_>) {
        self.0.insert((invocation.start, invocation.id));
    }

    pub(crate) fn end(&mut self, invocation: Invocation<'_>) {
        self.0.remove(&(invocation.start, invocation.id));
    }

    /// When the oldest of them was invoked; the end of time if there is none.
    pub(crate) fn oldest(&self) -> Nanos {
        self.0.first().map_or(Nanos::MAX, |(start, _)| *start)
    }

    /// When they were invoked, in order.
    pub(crate) fn starts(&self) -> impl Iterator<Item = Nanos> {
        self.0.iter().map(|(start, _)| *start)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// How much memory they take. Nodes of a B-tree are at least half full.
    pub(crate) fn bytes(&self) -> usize {
        2 * size_of::<(Nanos, u64)>() * self.0.len()
    }
}
