//! A history that was validated, and what checks ask it.

use std::sync::OnceLock;

use super::faults::{FaultSpan, fault_spans};
use super::kinds::Kinds;
use super::objects::ObjectIndex;
use super::operation::Operation;
use super::plan::Header;
use crate::event::{Event, EventKind, Phase};
use crate::identity::Nanos;
use crate::mishap::Mishap;
use crate::text::Key;

/// A validated history.
///
/// Invocations and completions are kept once, as operations: a million operations are two million
/// events.
#[derive(Debug, Clone)]
pub struct History {
    pub(super) header: Header,
    pub(super) others: Vec<Event>,
    pub(super) operations: Vec<Operation>,
    pub(super) objects: Vec<ObjectIndex>,
    pub(super) end: Nanos,
    pub(super) torn: bool,
    /// How many events were put before those of the file.
    pub(super) before: u64,
    /// Every event, put together when somebody asks.
    pub(super) events: OnceLock<Vec<Event>>,
}

impl PartialEq for History {
    fn eq(&self, other: &Self) -> bool {
        // All else follows from these.
        (&self.header, &self.others, &self.operations, self.torn)
            == (&other.header, &other.others, &other.operations, other.torn)
    }
}

impl Eq for History {}

impl History {
    /// The same history, marked as one whose last line was cut off.
    #[must_use]
    pub fn torn(self) -> Self {
        Self { torn: true, ..self }
    }

    /// Which key names an object of which kind.
    #[must_use]
    pub fn kinds(&self) -> &Kinds {
        &self.header.plan.objects
    }

    /// Whether its last line was cut off and dropped.
    #[must_use]
    pub fn is_torn(&self) -> bool {
        self.torn
    }

    /// What was run, and how it is to be judged.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Every event, in order. A caller that needs no invocations and completions calls
    /// [`Self::others`].
    #[must_use]
    pub fn events(&self) -> &[Event] {
        self.events.get_or_init(|| {
            let of_operations = self.operations.iter().flat_map(Operation::events);
            let mut events: Vec<Event> = of_operations.chain(self.others.iter().cloned()).collect();
            events.sort_unstable_by_key(|event| event.index);
            events
        })
    }

    /// Every event that is no invocation and no completion, in order.
    #[must_use]
    pub fn others(&self) -> &[Event] {
        &self.others
    }

    /// Every operation, in the order of invocation.
    #[must_use]
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// Every object by name, with the operations that act on it.
    #[must_use]
    pub fn objects(&self) -> &[ObjectIndex] {
        &self.objects
    }

    /// The operations on the object `key`, in the order of invocation.
    pub fn operations_on(
        &self,
        key: Option<&Key>,
    ) -> impl DoubleEndedIterator<Item = &Operation> + Clone {
        let found = self.objects.binary_search_by(|object| object.key.as_ref().cmp(&key));
        let places = found.map_or(&[][..], |place| &self.objects[place].places);
        places.iter().map(|place| &self.operations[*place as usize])
    }

    /// Every fault: its begin, proofs and end joined by id, in the order of their begin.
    #[must_use]
    pub fn faults(&self) -> Vec<FaultSpan> {
        fault_spans(&self.others)
    }

    /// What happened to the harness, in order, each with when it was recorded.
    pub fn mishaps(&self) -> impl Iterator<Item = (Nanos, &Mishap)> {
        self.others.iter().filter_map(|event| match &event.kind {
            EventKind::Note { harness: Some(mishap), .. } => Some((event.time, mishap)),
            _ => None,
        })
    }

    /// When `phase` was first entered.
    #[must_use]
    pub fn phase(&self, phase: Phase) -> Option<Nanos> {
        let entered = |event: &&Event| event.kind == EventKind::Phase { phase };
        self.others.iter().find(entered).map(|event| event.time)
    }

    /// When the last event was recorded.
    #[must_use]
    pub fn end(&self) -> Nanos {
        self.end
    }
}
