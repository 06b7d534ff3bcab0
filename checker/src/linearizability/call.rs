//! The operations of one object as a search sees them.
//!
//! A call has an instant at which it takes effect, somewhere in its closed interval. What certainly
//! never took effect, and what says nothing (a read that nobody saw the end of), is no call.

use std::collections::BTreeMap;

use crate::event::{Completion, Nanos, Op, Outcome};
use crate::history::Operation;

/// One operation that took effect, or may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call<'a> {
    /// The index of its invocation.
    pub id: u64,
    /// What was asked.
    pub op: &'a Op,
    /// What was answered, or would have been if it took effect.
    pub outcome: Outcome,
    /// When it was invoked.
    pub start: Nanos,
    /// When it completed. None: it is indeterminate, and may take effect at any later time or never.
    pub end: Option<Nanos>,
}

impl<'a> Call<'a> {
    /// The call behind an operation, if it is one.
    #[must_use]
    pub fn of(operation: &'a Operation) -> Option<Self> {
        let (end, outcome) = match &operation.completed {
            Some((_, time, Completion::Ok { outcome, .. })) => (Some(*time), *outcome),
            Some((_, _, Completion::Fail { .. })) => return None,
            Some((_, _, Completion::Info { .. })) | None => (None, unseen(&operation.op)?),
        };
        let (id, start) = operation.invoked;
        Some(Self { id, op: &operation.op, outcome, start, end })
    }

    /// This call as it stood at `time`; none if it had not begun, or if nothing was known of it.
    #[must_use]
    pub fn at(&self, time: Nanos) -> Option<Self> {
        if self.start > time {
            return None;
        }
        match self.end {
            Some(end) if end <= time => Some(*self),
            _ => unseen(self.op).map(|outcome| Self { end: None, outcome, ..*self }),
        }
    }

    /// Whether it completed before `other` was invoked. Equal times are concurrent.
    #[must_use]
    pub fn precedes(&self, other: &Call<'_>) -> bool {
        self.end.is_some_and(|end| end < other.start)
    }
}

/// What an operation answers if it takes effect without anyone seeing; none if that says nothing.
fn unseen(op: &Op) -> Option<Outcome> {
    match op {
        Op::Read { .. } => None,
        Op::Write { .. } => Some(Outcome::Write),
        Op::Cas { .. } => Some(Outcome::Cas),
        Op::Claim { .. } => Some(Outcome::Claim),
    }
}

/// The calls of every key, in the order of invocation.
#[must_use]
pub fn by_key(operations: &[Operation]) -> BTreeMap<&str, Vec<Call<'_>>> {
    let mut keys: BTreeMap<&str, Vec<Call<'_>>> = BTreeMap::new();
    for operation in operations {
        if let (Some(key), Some(call)) = (operation.op.key(), Call::of(operation)) {
            keys.entry(key).or_default().push(call);
        }
    }
    keys
}
