//! A recorded history: validated once, then trusted by every check.
//!
//! Here are the types that checks read. How a history is written down is the business of
//! [`crate::formats`]; whether it is any good is the business of [`crate::judge()`].

mod faults;
mod initial;
mod objects;
mod validation;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

pub use faults::FaultSpan;
pub use initial::Initial;
pub use objects::ObjectIndex;
use validation::Walk;

use crate::event::{
    Completion, Event, EventKind, Key, Nanos, NodeId, Op, OpKind, Outcome, Phase, ProcessId, Stamp,
    Value,
};
use crate::fault::{FaultKind, Hardship};
use crate::harness::Mishap;

/// The name and version of the format; the first field of the first line.
pub const SCHEMA: &str = "fracas.history/1";

/// The first line of a history: what was run, and how it is to be judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// [`SCHEMA`].
    pub schema: String,
    /// The name of the run.
    pub run: String,
    /// The system under test.
    pub target: String,
    /// The seed that every random choice came from.
    pub seed: u64,
    /// The servers of the cluster.
    pub nodes: Vec<NodeId>,
    /// How this history is to be judged.
    #[serde(default)]
    pub plan: Plan,
}

/// How a history is to be judged. It stands in the header, so that judging needs nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(default)]
pub struct Plan {
    /// The checks to run, by id; `coverage` always runs.
    pub checks: Vec<String>,
    /// How long after the last heal the cluster may take to answer again, in milliseconds.
    pub recovery_ms: u64,
    /// How long a leader that is cut from its quorum may go on claiming to lead, in milliseconds.
    /// None promises nothing: what was seen is told as numbers only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step_down_ms: Option<u64>,
    /// How long after a fault hit the leader another may take to lead, where a majority is left
    /// undisturbed, in milliseconds. None promises nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new_leader_ms: Option<u64>,
    /// How far a holder's clock may be off over the life of a lease, in milliseconds: leases may
    /// overlap by this much.
    #[serde(skip_serializing_if = "is_zero")]
    pub clock_error_ms: u64,
    /// While it endures which of these a server may end by itself. None: [`Plan::GIVES_UP_ON`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gives_up_on: Option<BTreeSet<Hardship>>,
    /// What every register, text or counter holds before anything is written to it. None: nothing,
    /// or 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub initial: Option<Value>,
    /// The kinds of faults that were allowed. If there are any, one fault must have happened.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub faults: BTreeSet<FaultKind>,
    /// How much must have been seen for a pass to mean something.
    pub coverage: Coverage,
}

impl Plan {
    /// What a server may give up on unless the plan says otherwise. After a failed fsync nobody
    /// knows what is on the disk (Rebello et al., “Can Applications Recover from fsync Failures?”,
    /// 2020), and few programs survive that memory is refused.
    pub const GIVES_UP_ON: [Hardship; 2] = [Hardship::DiskErrors, Hardship::NoMemory];

    /// Whether a server may end by itself while it endures this.
    #[must_use]
    pub fn may_give_up_on(&self, hardship: Hardship) -> bool {
        let usual = Self::GIVES_UP_ON.contains(&hardship);
        self.gives_up_on.as_ref().map_or(usual, |all| all.contains(&hardship))
    }

    /// How far a holder's clock may be off over the life of a lease.
    #[must_use]
    pub fn clock_error(&self) -> Nanos {
        self.clock_error_ms.saturating_mul(1_000_000)
    }
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

fn is_false(flag: &bool) -> bool {
    !*flag
}

/// How much must have been seen for a pass to mean something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(default)]
pub struct Coverage {
    /// Locks that went from one holder to another.
    #[serde(skip_serializing_if = "is_zero")]
    pub handovers: u64,
    /// Operations of each kind that succeeded under load.
    pub ok_per_kind: BTreeMap<OpKind, u64>,
    /// Successful operations within every fault that left a majority connected.
    pub ok_per_fault_window: u64,
    /// Generations that came to be led while there was load.
    pub elections: u64,
    /// Faults that were proven to take effect.
    pub effective_faults: u64,
    /// Whether every planned fault must have been carried out, as where a schedule was given.
    #[serde(skip_serializing_if = "is_false")]
    pub every_fault: bool,
    /// Whether every object that was changed must be read after the last heal before it is changed
    /// again: else what a fault took may be written anew before anybody looks.
    #[serde(skip_serializing_if = "is_false")]
    pub look_first: bool,
    /// How much must have been seen of leaders.
    #[serde(skip_serializing_if = "Leaders::is_empty")]
    pub leaders: Leaders,
}

/// How much must have been seen of leaders for a pass to mean something. Nothing, by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(default)]
pub struct Leaders {
    /// How many times the lead passed from one node to another.
    pub changes: u64,
    /// Nodes that led.
    pub distinct: u64,
    /// Generations that any node was in.
    pub generations: u64,
    /// Answers to status requests of every node.
    pub polls_per_node: u64,
    /// Answers to status requests in every generation that was led.
    pub polls_per_generation: u64,
    /// Proven faults that stopped the leader or cut it from the majority.
    pub hits: u64,
}

impl Leaders {
    /// Whether nothing is asked for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

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
    /// When it succeeded, with what and under whom; none if it did not, or nobody knows.
    #[must_use]
    pub fn ok(&self) -> Option<(Nanos, &Outcome, &Stamp)> {
        match &self.completed {
            Some((_, time, Completion::Ok { outcome, stamp })) => Some((*time, outcome, stamp)),
            _ => None,
        }
    }

    /// What the register holds after it, if it takes effect; none if it certainly changes nothing.
    #[must_use]
    pub fn writes(&self) -> Option<&Value> {
        let refused =
            matches!(self.ok(), Some((_, Outcome::CasFound { .. } | Outcome::CasDiffers, _)));
        match &self.op {
            Op::Write { value, .. } | Op::Cas { new: value, .. } if !refused => Some(value),
            _ => None,
        }
    }

    /// What it certainly saw the register hold; the inner none is “absent”.
    #[must_use]
    pub fn saw(&self) -> Option<Option<&Value>> {
        match (&self.op, self.ok()?.1) {
            (_, Outcome::Read { value } | Outcome::CasFound { value }) => Some(value.as_ref()),
            (Op::Cas { old, .. }, Outcome::Cas) => Some(Some(old)),
            _ => None,
        }
    }

    /// Whether it certainly never took effect.
    #[must_use]
    pub fn failed(&self) -> bool {
        matches!(self.completed, Some((_, _, Completion::Fail { .. })))
    }

    /// Its events.
    fn events(&self) -> impl Iterator<Item = Event> {
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

/// Why a sequence of events is not a history.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("event {position}: {reason}")]
pub struct Malformed {
    /// Which event, counted from 0.
    pub position: usize,
    /// What was wrong and what was expected.
    pub reason: String,
}

/// A validated history.
///
/// Invocations and completions are kept once, as operations: a million operations are two million
/// events.
#[derive(Debug, Clone)]
pub struct History {
    header: Header,
    others: Vec<Event>,
    operations: Vec<Operation>,
    objects: Vec<ObjectIndex>,
    end: Nanos,
    torn: bool,
    /// How many events were put before those of the file.
    before: u64,
    /// Every event, put together when somebody asks.
    events: OnceLock<Vec<Event>>,
}

impl PartialEq for History {
    fn eq(&self, other: &Self) -> bool {
        // All else follows from these.
        (&self.header, &self.others, &self.operations, self.torn)
            == (&other.header, &other.others, &other.operations, other.torn)
    }
}

impl Eq for History {}

/// An invocation or a completion: nearly all events of a history are one, and this is half the size
/// of an [`Event`].
#[derive(Debug)]
pub(crate) struct Act {
    pub(crate) index: u64,
    pub(crate) time: Nanos,
    pub(crate) what: What,
}

/// What a client did.
#[derive(Debug)]
pub(crate) enum What {
    /// See [`EventKind::Invoke`].
    Invoke { process: ProcessId, node: Option<NodeId>, op: Op },
    /// See [`EventKind::Complete`].
    Complete { process: ProcessId, completion: Completion },
}

#[cfg(test)]
impl From<Act> for Event {
    fn from(Act { index, time, what }: Act) -> Self {
        let kind = match what {
            What::Invoke { process, node, op } => EventKind::Invoke { process, node, op },
            What::Complete { process, completion } => EventKind::Complete { process, completion },
        };
        Self { index, time, kind }
    }
}

/// A history of which one event after the other becomes known.
pub(crate) struct Growing {
    header: Header,
    walk: Walk,
}

impl Growing {
    pub(crate) fn new(header: Header) -> Self {
        Self { header, walk: Walk::default() }
    }

    /// Adds the next event.
    ///
    /// # Errors
    ///
    /// What no recorder could have written there.
    pub(crate) fn add(&mut self, event: Event) -> Result<(), Malformed> {
        self.walk.take(event)
    }

    /// Adds what a client did next.
    ///
    /// # Errors
    ///
    /// As [`Growing::add`].
    pub(crate) fn act(&mut self, act: Act) -> Result<(), Malformed> {
        self.walk.act(act)
    }

    /// What was added.
    ///
    /// # Errors
    ///
    /// When an object cannot hold at first what the plan says.
    pub(crate) fn history(self) -> Result<History, Malformed> {
        let Walk { time: end, operations, others, .. } = self.walk;
        let objects = objects::index(&operations);
        let (header, events) = (self.header, OnceLock::new());
        History { header, others, operations, objects, end, torn: false, before: 0, events }
            .started()
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
        let mut growing = Growing::new(header);
        events.into_iter().try_for_each(|event| growing.add(event))?;
        growing.history()
    }

    /// The same history, with what the plan says that objects hold at first put before everything.
    fn started(mut self) -> Result<Self, Malformed> {
        let Some(value) = self.header.plan.initial.take() else { return Ok(self) };
        let initial = self.all_starting_at(&value, false);
        self.starting_at(&initial, false).map_err(|reason| Malformed { position: 0, reason })
    }

    /// The same history, marked as one whose last line was cut off.
    #[must_use]
    pub fn torn(self) -> Self {
        Self { torn: true, ..self }
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

    /// Every event, in order. Who needs no invocations and completions asks for the others.
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
        faults::spans(&self.others)
    }

    /// The same up to the moment `end`, as if it had been cut off there.
    #[must_use]
    pub fn until(&self, end: Nanos) -> Self {
        let mut growing = Growing::new(self.header.clone());
        let events = self.events().iter().take_while(|event| event.time <= end);
        let added = events.cloned().try_for_each(|event| growing.add(event));
        match added.and_then(|()| growing.history()) {
            Ok(cut) => Self { before: self.before, ..cut },
            // It cannot be: the beginning of a history is one.
            Err(_) => self.clone(),
        }
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
