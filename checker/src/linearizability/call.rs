//! The operations of one object as a search sees them.
//!
//! A call has an instant at which it takes effect, somewhere in its closed interval. What certainly
//! never took effect, and what says nothing (a read that nobody saw the end of), is no call.

use std::collections::BTreeMap;

use crate::event::{Completion, Nanos};
use crate::history::Operation;
use crate::op::{Key, Op, OpKind, Outcome};

/// One operation that took effect, or may have.
#[derive(Debug, PartialEq, Eq)]
pub struct Call<'a, O = Op, R = Outcome> {
    /// The index of its invocation.
    pub id: u64,
    /// What was asked.
    pub op: &'a O,
    /// What was answered. None: nobody saw an answer.
    pub outcome: Option<&'a R>,
    /// When it was invoked.
    pub start: Nanos,
    /// When it completed. None: it is indeterminate, and may take effect at any later time or never.
    pub end: Option<Nanos>,
}

impl<O, R> Clone for Call<'_, O, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<O, R> Copy for Call<'_, O, R> {}

impl<O, R> Call<'_, O, R> {
    /// Whether it completed before `other` was invoked. Equal times are concurrent.
    #[must_use]
    pub fn precedes(&self, other: &Self) -> bool {
        self.end.is_some_and(|end| end < other.start)
    }
}

impl<'a> Call<'a> {
    /// The call behind an operation, if it is one.
    #[must_use]
    pub fn of(operation: &'a Operation) -> Option<Self> {
        let (end, outcome) = match &operation.completed {
            Some((_, time, Completion::Ok { outcome, .. })) => (Some(*time), Some(outcome)),
            Some((_, _, Completion::Fail { .. })) => return None,
            Some((_, _, Completion::Info { .. })) | None => (None, None),
        };
        let (id, start) = operation.invoked;
        Self { id, op: &operation.op, outcome, start, end }.worth_telling()
    }

    /// This call as it stood at `time`; none if it had not begun, or if nothing was known of it.
    #[must_use]
    pub fn at(&self, time: Nanos) -> Option<Self> {
        if self.start > time {
            return None;
        }
        match self.end {
            Some(end) if end <= time => Some(*self),
            _ => Self { end: None, outcome: None, ..*self }.worth_telling(),
        }
    }

    /// None for what only looked and was never answered: it says nothing.
    fn worth_telling(self) -> Option<Self> {
        (self.outcome.is_some() || !self.op.kind().only_looks()).then_some(self)
    }
}

/// The calls of `kinds` on every object, in the order of invocation. What has no key is one object.
#[must_use]
pub fn by_key<'a>(
    operations: &'a [Operation],
    kinds: &[OpKind],
) -> BTreeMap<Option<&'a Key>, Vec<Call<'a>>> {
    let mut keys: BTreeMap<Option<&Key>, Vec<Call<'_>>> = BTreeMap::new();
    for operation in operations {
        if let (true, Some(call)) = (kinds.contains(&operation.op.kind()), Call::of(operation)) {
            keys.entry(operation.op.key()).or_default().push(call);
        }
    }
    keys
}
