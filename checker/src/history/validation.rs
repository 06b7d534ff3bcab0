//! What makes a sequence of events a history.
//!
//! Refused is only what no correct recorder can have written. What a cluster did wrong is never
//! refused here: that is what the checks are for.

use std::collections::BTreeMap;

use super::operation::Operation;
use crate::event::{Completion, Event, EventKind};
use crate::fault::FaultEvent;
use crate::hashing::Map;
use crate::identity::{Nanos, NodeId, ProcessId};
use crate::op::{Op, OpKind};

/// Why a sequence of events is not a history.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("event {position}: {reason}")]
pub struct Malformed {
    /// Which event, counted from 0.
    pub position: usize,
    /// What was wrong and what was expected.
    pub reason: String,
}

/// An invocation or a completion: nearly all events of a history are one, and this is half the size
/// of an [`Event`].
#[derive(Debug)]
pub(crate) struct Act {
    pub(crate) index: u64,
    pub(crate) time: Nanos,
    pub(crate) kind: ActKind,
}

/// What a client did.
#[derive(Debug)]
pub(crate) enum ActKind {
    /// See [`EventKind::Invoke`].
    Invoke { process: ProcessId, node: Option<NodeId>, op: Op },
    /// See [`EventKind::Complete`].
    Complete { process: ProcessId, completion: Completion },
}

#[cfg(test)]
impl From<Act> for Event {
    fn from(Act { index, time, kind }: Act) -> Self {
        let kind = match kind {
            ActKind::Invoke { process, node, op } => EventKind::Invoke { process, node, op },
            ActKind::Complete { process, completion } => {
                EventKind::Complete { process, completion }
            }
        };
        Self { index, time, kind }
    }
}

/// What has been seen so far: invocations joined with their completions.
#[derive(Default)]
pub(super) struct Walk {
    pub(super) time: Nanos,
    /// How many events there were.
    count: usize,
    /// The operation that each busy process has open.
    open: Map<ProcessId, usize>,
    /// Processes whose last operation ended `info`: nobody knows whether it is still open.
    lost: Map<ProcessId, ()>,
    /// Every fault that began, and whether it has ended.
    faults: BTreeMap<u32, bool>,
    pub(super) operations: Vec<Operation>,
    /// The events that are about no operation.
    pub(super) others: Vec<Event>,
}

impl Walk {
    /// Takes the next event.
    pub(super) fn take(&mut self, event: Event) -> Result<(), Malformed> {
        let position = self.count;
        let placed = self.place((event.index, event.time));
        placed.and_then(|()| self.event(event)).map_err(|reason| Malformed { position, reason })
    }

    /// Takes what a client did.
    pub(super) fn act(&mut self, Act { index, time, kind }: Act) -> Result<(), Malformed> {
        let position = self.count;
        let at = (index, time);
        let placed = self.place(at).and_then(|()| match kind {
            ActKind::Invoke { process, node, op } => self.invoke(at, process, node, op),
            ActKind::Complete { process, completion } => self.complete(at, process, completion),
        });
        placed.map_err(|reason| Malformed { position, reason })
    }

    fn place(&mut self, (index, now): (u64, Nanos)) -> Result<(), String> {
        let (position, before) = (self.count, self.time);
        self.count += 1;
        if index != position as u64 {
            return Err(format!("index {index}, expected {position}: a line is missing"));
        }
        if now < before {
            return Err(format!(
                "time {now} after time {before}, expected one that never decreases"
            ));
        }
        self.time = now;
        Ok(())
    }

    fn event(&mut self, event: Event) -> Result<(), String> {
        let at = (event.index, event.time);
        match event.kind {
            EventKind::Invoke { process, node, op } => return self.invoke(at, process, node, op),
            EventKind::Complete { process, completion } => {
                return self.complete(at, process, completion);
            }
            EventKind::Fault(FaultEvent::Proof { id, since: Some(since), .. })
                if since > event.time =>
            {
                return Err(format!(
                    "fault {id} measured since {since} and recorded at {}, expected `since` not to be \
                     later",
                    event.time
                ));
            }
            EventKind::Fault(ref fault) => self.fault(fault)?,
            EventKind::Observe(ref seen) if seen.since > event.time => {
                return Err(format!(
                    "an observation since {} recorded at {}, expected `since` not to be later",
                    seen.since, event.time
                ));
            }
            EventKind::Observe(_)
            | EventKind::Node { .. }
            | EventKind::Phase { .. }
            | EventKind::Note { .. } => {}
        }
        self.others.push(event);
        Ok(())
    }

    fn invoke(
        &mut self,
        invoked: (u64, Nanos),
        process: ProcessId,
        node: Option<NodeId>,
        op: Op,
    ) -> Result<(), String> {
        if self.lost.contains_key(&process) {
            return Err(format!(
                "process {process} invoked after its operation ended `info`, expected a new process"
            ));
        }
        if op.kind() == OpKind::Claim {
            return Err("`claim` invoked by a client, which only observations can make".to_owned());
        }
        if let Some(open) = self.open.insert(process, self.operations.len()) {
            let since = self.operations[open].invoked.0;
            return Err(format!(
                "process {process} invoked while its operation of event {since} is open, expected its completion"
            ));
        }
        self.operations.push(Operation { process, node, op, invoked, completed: None });
        Ok(())
    }

    fn complete(
        &mut self,
        (index, time): (u64, Nanos),
        process: ProcessId,
        completion: Completion,
    ) -> Result<(), String> {
        let Some(open) = self.open.remove(&process) else {
            return Err(format!(
                "process {process} completed an operation it had not open, expected its invocation first"
            ));
        };
        let operation = &mut self.operations[open];
        if let Completion::Ok { outcome, .. } = &completion
            && outcome.answers() != operation.op.kind()
        {
            let (got, asked) = (outcome.answers(), operation.op.kind());
            return Err(format!("process {process} was answered a `{got}`, expected a `{asked}`"));
        }
        if matches!(completion, Completion::Info { .. }) {
            self.lost.insert(process, ());
        }
        operation.completed = Some((index, time, completion));
        Ok(())
    }

    fn fault(&mut self, fault: &FaultEvent) -> Result<(), String> {
        match fault {
            FaultEvent::Begin { id, .. } => match self.faults.insert(*id, false) {
                Some(_) => {
                    Err(format!("fault {id} began twice, expected every fault to begin once"))
                }
                None => Ok(()),
            },
            FaultEvent::Missed { .. } => Ok(()),
            FaultEvent::Proof { id, .. } => match self.faults.get(id) {
                Some(_) => Ok(()),
                None => Err(format!("fault {id} was measured, expected its begin first")),
            },
            FaultEvent::End { id, effective, .. } => {
                if let Some((from, to)) = effective
                    && from > to
                {
                    return Err(format!(
                        "fault {id} in effect from {from} to {to}, expected from ≤ to"
                    ));
                }
                match self.faults.insert(*id, true) {
                    Some(false) => Ok(()),
                    Some(true) => {
                        Err(format!("fault {id} ended twice, expected every fault to end once"))
                    }
                    None => Err(format!("fault {id} ended, expected its begin first")),
                }
            }
        }
    }
}
