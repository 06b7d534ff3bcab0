//! A recorded history: validated once, then trusted by every check.
//!
//! Here are the types that checks read. How a history is written down is the business of
//! [`crate::formats`]; whether it is any good is the business of [`crate::judge()`].

mod faults;
mod groups;
mod growing;
mod initial;
mod kinds;
mod objects;
mod operation;
mod plan;
mod validated;
mod validation;

use crate::event::Event;
use crate::identity::Nanos;
pub use faults::{FaultSpan, Proof, fault_spans};
pub(crate) use growing::Growing;
pub use initial::Initial;
pub use kinds::{Kinds, Said};
pub use objects::ObjectIndex;
pub use operation::Operation;
pub(crate) use plan::READ;
pub use plan::{Coverage, Header, Leaders, Least, Plan, SCHEMA};
pub use validated::History;
pub use validation::Malformed;
pub(crate) use validation::{Act, ActKind};

impl Growing {
    /// What was added, with what the plan says that objects hold at first put before everything.
    ///
    /// # Errors
    ///
    /// When an object cannot hold at first what the plan says.
    pub(crate) fn history(self) -> Result<History, Malformed> {
        let mut history = self.recorded();
        let Some(value) = history.header.plan.initial.take() else { return Ok(history) };
        let initial = history.all_starting_at(&value, false);
        history.starting_at(&initial, false).map_err(|reason| Malformed { position: 0, reason })
    }
}

impl History {
    /// Validates `events`.
    ///
    /// # Errors
    ///
    /// Names the first event that no recorder could have written: a gap in the indices, time
    /// running backwards, a process that overlaps with itself or completes what it did not invoke.
    pub fn new(header: Header, events: Vec<Event>) -> Result<Self, Malformed> {
        Growing::of(header, events)?.history()
    }

    /// The same up to the moment `end`, as if it had been cut off there.
    #[must_use]
    pub fn until(&self, end: Nanos) -> Self {
        let events = self.events().iter().take_while(|event| event.time <= end).cloned();
        match Growing::of(self.header.clone(), events).and_then(Growing::history) {
            Ok(cut) => Self { before: self.before, ..cut },
            // It cannot be: the beginning of a history is one.
            Err(_) => self.clone(),
        }
    }
}
