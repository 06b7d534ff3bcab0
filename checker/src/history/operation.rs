//! One operation of a history: who asked what, and how it ended.

use crate::event::{Completion, Event, EventKind, Stamp};
use crate::identity::{Nanos, NodeId, ProcessId};
use crate::op::{Op, Outcome};
use crate::value::Value;

/// One operation: an invocation with its completion, if it has one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// The client.
    pub process: ProcessId,
    /// The node it asked, where it asked a certain one.
    pub node: Option<NodeId>,
    /// What it asked.
    pub op: Op,
    /// Index and time of the invocation.
    pub invoked: (u64, Nanos),
    /// Index, time and result of the completion. None is as indeterminate as an `info`.
    pub completed: Option<(u64, Nanos, Completion)>,
}

impl Operation {
    /// When the operation succeeded, its outcome and its stamp; none if it failed, or if its
    /// outcome is unknown.
    #[must_use]
    pub fn ok(&self) -> Option<(Nanos, &Outcome, &Stamp)> {
        match &self.completed {
            Some((_, time, Completion::Ok { outcome, stamp })) => Some((*time, outcome, stamp)),
            _ => None,
        }
    }

    /// What its object holds after it, if it takes effect; none if it certainly changes nothing.
    #[must_use]
    pub fn writes(&self) -> Option<&Value> {
        self.op.sets().filter(|_| !self.was_refused())
    }

    /// What it certainly saw its object hold; the inner none is “absent”.
    #[must_use]
    pub fn saw(&self) -> Option<Option<&Value>> {
        self.op.saw(self.ok()?.1)
    }

    /// Whether it was answered that it did not take effect.
    #[must_use]
    pub fn was_refused(&self) -> bool {
        self.ok().is_some_and(|(_, outcome, _)| outcome.changes_nothing())
    }

    /// Whether it certainly never took effect.
    #[must_use]
    pub fn failed(&self) -> bool {
        matches!(self.completed, Some((_, _, Completion::Fail { .. })))
    }

    /// Its events.
    pub(super) fn events(&self) -> impl Iterator<Item = Event> {
        let (process, node, op) = (self.process, self.node, self.op.clone());
        let (index, time) = self.invoked;
        let invoked = Event { index, time, kind: EventKind::Invoke { process, node, op } };
        let completed = self.completed.clone().map(|(index, time, completion)| {
            let kind = EventKind::Complete { process, completion };
            Event { index, time, kind }
        });
        std::iter::once(invoked).chain(completed)
    }

    /// The indices of its events.
    pub fn indices(&self) -> impl Iterator<Item = u64> {
        let completed = self.completed.as_ref().map(|(index, ..)| *index);
        std::iter::once(self.invoked.0).chain(completed)
    }
}
