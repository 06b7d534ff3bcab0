//! What a run's watch feeds: the objects of one kind, whatever they are, and operations as they see
//! them.

use super::alarm::{Alarm, Blind};
use crate::event::Completion;
use crate::history::Operation;
use crate::linearizability::monitor::{Ended, Ending, Invocation};

/// All objects of one kind.
pub(super) trait Watched: std::fmt::Debug + Send {
    /// The check that they keep up with.
    fn id(&self) -> &'static str;

    /// An operation begins on an object that the header says is of this kind, or of which it says
    /// nothing.
    fn invoke(&mut self, operation: &Operation, said: bool);

    /// It ends.
    fn complete(&mut self, operation: &Operation, said: bool) -> Option<Alarm>;

    /// A transaction acts on objects of several kinds.
    fn mixed(&mut self) {}

    /// What they cannot tell any more.
    fn blind(&self) -> Vec<Blind>;

    fn bytes(&self) -> usize;

    /// How many objects there are.
    fn len(&self) -> usize;
}

/// An operation when it begins.
pub(super) fn invocation(operation: &Operation) -> Invocation<'_> {
    let (id, start) = operation.invoked;
    Invocation { op: &operation.op, id, start }
}

/// An operation when it ends.
pub(super) fn ended(operation: &Operation) -> Option<Ended<'_>> {
    let (index, end, completion) = operation.completed.as_ref()?;
    let how = match completion {
        Completion::Ok { outcome, .. } => Ending::Ok(outcome),
        Completion::Fail { .. } => Ending::Failed,
        Completion::Info { .. } => Ending::Unknown,
    };
    Some(Ended { invocation: invocation(operation), how, index: *index, end: *end })
}
