//! Everything in a history that tells of role and generation, in one list.
//!
//! Nothing is judged here. What a node says of *another* is hearsay whatever the grade of the
//! answer it stands in; a role without a generation says nothing of who leads which.

use std::collections::{BTreeMap, BTreeSet};

use crate::event::{Event, EventKind, Nanos, NodeChange, NodeId, Outcome, Stamp};
use crate::fault::FaultEvent;
use crate::history::{History, Operation};
use crate::observation::{Grade, Role, Source};
use crate::transaction::Micro;

/// A statement that `node` was in a generation at some instant in `since`‥`time`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Evidence {
    /// The event that tells it.
    pub index: u64,
    /// The node that the statement is about.
    pub node: NodeId,
    /// Its role, where told.
    pub role: Option<Role>,
    /// Its generation, where told.
    pub generation: Option<u64>,
    /// How many times the harness had started it, where known.
    pub incarnation: Option<u32>,
    /// Where the statement comes from.
    pub source: Source,
    /// How much the statement can prove.
    pub grade: Grade,
    /// Whom it gave its vote in its generation, where told.
    pub voted: Option<NodeId>,
    /// It was true at some instant from here …
    pub since: Nanos,
    /// … to here.
    pub time: Nanos,
}

impl Evidence {
    /// The generation that it shows `node` to lead, if it does.
    #[must_use]
    pub fn leads(&self) -> Option<u64> {
        self.generation.filter(|_| self.role == Some(Role::Leader))
    }

    /// The generation that it proves `node` to lead, if it does.
    #[must_use]
    pub fn proves_leading(&self) -> Option<u64> {
        self.leads().filter(|_| self.grade.proves())
    }

    /// The generation in which it proves `node` to have given its vote, and for whom.
    #[must_use]
    pub fn proves_vote(&self) -> Option<(u64, NodeId)> {
        self.generation.zip(self.voted).filter(|_| self.grade.proves())
    }

    /// Whether the node told it of itself, or showed it by an acknowledgement. A statement of
    /// another node has no incarnation.
    #[must_use]
    pub fn is_own(&self) -> bool {
        self.source == Source::Ack || self.incarnation.is_some()
    }

    /// Where it comes from, in words.
    #[must_use]
    pub fn source_words(&self) -> &'static str {
        match (self.grade, self.source) {
            (Grade::Hearsay, _) => "hearsay",
            (_, Source::Poll) => "its own answer to a status request",
            (_, Source::Log) => "its own log",
            (_, Source::Ack) => "an operation it acknowledged",
        }
    }
}

/// All evidence of `history`, in the order of its events; none where its nodes are in several groups:
/// generations of two groups are not to be compared, so each is asked for by itself
/// ([`History::of_group`]).
#[must_use]
pub fn evidence(history: &History) -> Vec<Evidence> {
    if history.groups().len() > 1 {
        return Vec::new();
    }
    let mut lives = Lives::default();
    history.others().iter().for_each(|event| lives.add(event));
    let acknowledged =
        history.operations().iter().filter_map(|operation| acknowledged(operation, &lives));
    let mut found: Vec<Evidence> = acknowledged.collect();
    found.extend(history.others().iter().flat_map(observed));
    found.sort_by_key(|evidence| evidence.index);
    found
}

/// What one event tells, if it is an observation: of its node, and maybe of another.
pub(crate) fn observed(event: &Event) -> impl Iterator<Item = Evidence> {
    let EventKind::Observe(seen) = &event.kind else { return None.into_iter().chain(None) };
    let own = Evidence {
        index: event.index,
        node: seen.node,
        role: seen.role,
        generation: seen.generation,
        incarnation: Some(seen.incarnation),
        source: seen.source,
        grade: seen.grade,
        voted: seen.voted,
        since: seen.since,
        time: event.time,
    };
    let other = seen.leader.filter(|leader| *leader != seen.node).map(|leader| {
        let (role, grade) = (Some(Role::Leader), Grade::Hearsay);
        Evidence { node: leader, role, grade, incarnation: None, voted: None, ..own }
    });
    Some(own).into_iter().chain(other)
}

/// What an acknowledged effect tells: its node acted as leader between invocation and answer.
///
/// What only looks has no effect: who answers it need not lead, in a target that serves reads
/// elsewhere, or by mistake. Counter-example: followers that answer reads would all seem to lead.
pub(crate) fn acknowledged(operation: &Operation, lives: &Lives) -> Option<Evidence> {
    let (time, stamp) = changed(operation)?;
    let (node, since) = (stamp.node()?, operation.invoked.1);
    Some(Evidence {
        index: operation.completed.as_ref()?.0,
        node,
        role: Some(Role::Leader),
        generation: stamp.generation(),
        incarnation: lives.during(node, (since, time)),
        source: Source::Ack,
        grade: Grade::Effect,
        voted: None,
        since,
        time,
    })
}

/// The generation and the leader that the answer to `operation` proves, if it proves one: that of
/// an acknowledged change, where the target names both.
#[must_use]
pub fn led(operation: &Operation) -> Option<(u64, NodeId)> {
    let (_, stamp) = changed(operation)?;
    stamp.generation().zip(stamp.node())
}

/// When an operation was acknowledged that changed something, and under whom.
pub(crate) fn changed(operation: &Operation) -> Option<(Nanos, &Stamp)> {
    let (time, outcome, stamp) = operation.ok()?;
    let nothing = match outcome {
        Outcome::Dequeue { value: None } => true,
        Outcome::Txn { ops } => ops.iter().all(|micro| matches!(micro, Micro::Read { .. })),
        _ => outcome.changes_nothing() || operation.op.kind().only_looks(),
    };
    (!nothing).then_some((time, stamp))
}

/// When each node, or one process of it, was started, in order of time, and for which time.
#[derive(Debug, Default)]
pub(crate) struct Lives(BTreeMap<NodeId, Vec<(Nanos, u32)>>);

impl Lives {
    /// Adds the next event, which may be a start.
    pub(crate) fn add(&mut self, event: &Event) {
        if let EventKind::Node { node, incarnation, change } = &event.kind
            && matches!(change, NodeChange::Started | NodeChange::ProcessStarted { .. })
        {
            self.0.entry(*node).or_default().push((event.time, *incarnation));
        }
    }

    /// How much memory they take.
    pub(crate) fn bytes(&self) -> usize {
        self.0.values().map(Vec::capacity).sum::<usize>() * size_of::<(Nanos, u32)>()
    }

    /// The one life that `node` had from `since` to `time`, if it had one throughout.
    fn during(&self, node: NodeId, (since, time): (Nanos, Nanos)) -> Option<u32> {
        let starts = self.0.get(&node)?;
        let begun = starts.partition_point(|(start, _)| *start <= since);
        let (_, life) = starts.get(begun.checked_sub(1)?)?;
        starts.get(begun).is_none_or(|(start, _)| *start > time).then_some(*life)
    }
}

/// The starts with which nodes joined anew after they had been removed: with empty disks, and bound
/// by nothing that they knew before.
#[derive(Debug, Default)]
pub(crate) struct Joins {
    /// The nodes that were removed, and have not been started since.
    removed: BTreeSet<NodeId>,
    starts: BTreeMap<NodeId, Vec<(Nanos, u32)>>,
}

impl Joins {
    /// Those of a whole history.
    pub(crate) fn of(history: &History) -> Self {
        let mut joins = Self::default();
        history.others().iter().for_each(|event| joins.add(event));
        joins
    }

    /// Adds the next event, which may be the removal or the start of a node.
    pub(crate) fn add(&mut self, event: &Event) {
        match &event.kind {
            EventKind::Fault(FaultEvent::Begin { fault, .. }) => {
                self.removed.extend(fault.forgetful());
            }
            EventKind::Node { node, incarnation, change: NodeChange::Started }
                if self.removed.remove(node) =>
            {
                self.starts.entry(*node).or_default().push((event.time, *incarnation));
            }
            _ => {}
        }
    }

    /// How often the node of this evidence had joined anew by then.
    pub(crate) fn before(&self, seen: &Evidence) -> usize {
        let Some(starts) = self.starts.get(&seen.node) else { return 0 };
        match seen.incarnation {
            Some(life) => starts.partition_point(|(_, start)| *start <= life),
            None => starts.partition_point(|(time, _)| *time <= seen.since),
        }
    }

    /// How much memory they take.
    pub(crate) fn bytes(&self) -> usize {
        self.starts.values().map(Vec::capacity).sum::<usize>() * size_of::<(Nanos, u32)>()
    }
}
