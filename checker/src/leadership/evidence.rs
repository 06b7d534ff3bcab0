//! Everything in a history that tells of role and generation, in one list.
//!
//! Nothing is judged here. What a node says of *another* is hearsay whatever the grade of the
//! answer it stands in; a role without a generation says nothing of who leads which.

use crate::event::{EventKind, Nanos, NodeId, OpKind};
use crate::history::History;
use crate::observation::{Grade, Role, Source};

/// That `node` was seen in a generation, at some instant in `since`‥`time`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Evidence {
    /// The event that tells it.
    pub index: u64,
    /// Of whom.
    pub node: NodeId,
    /// Its role, where told.
    pub role: Option<Role>,
    /// Its generation, where told.
    pub generation: Option<u64>,
    /// How many times the harness had started it, where known.
    pub incarnation: Option<u32>,
    /// From where.
    pub source: Source,
    /// What it can carry.
    pub grade: Grade,
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

/// All evidence of `history`, in the order of its events.
#[must_use]
pub fn evidence(history: &History) -> Vec<Evidence> {
    let mut found: Vec<Evidence> = acknowledged(history).collect();
    for event in history.events() {
        let EventKind::Observe(seen) = &event.kind else { continue };
        let own = Evidence {
            index: event.index,
            node: seen.node,
            role: seen.role,
            generation: seen.generation,
            incarnation: Some(seen.incarnation),
            source: seen.source,
            grade: seen.grade,
            since: seen.since,
            time: event.time,
        };
        found.push(own);
        if let Some(leader) = seen.leader.filter(|leader| *leader != seen.node) {
            let (role, grade) = (Some(Role::Leader), Grade::Hearsay);
            found.push(Evidence { node: leader, role, grade, incarnation: None, ..own });
        }
    }
    found.sort_by_key(|evidence| evidence.index);
    found
}

/// What acknowledged effects tell: their node acted as leader between invocation and answer.
///
/// A read has no effect: who answers one need not lead, in a target that serves reads elsewhere,
/// or by mistake. Counter-example: followers that answer reads would all seem to lead.
fn acknowledged(history: &History) -> impl Iterator<Item = Evidence> {
    let changes = history.operations().iter().filter(|one| one.op.kind() != OpKind::Read);
    changes.filter_map(|operation| {
        let (time, _, stamp) = operation.ok()?;
        Some(Evidence {
            index: operation.completed.as_ref()?.0,
            node: stamp.node?,
            role: Some(Role::Leader),
            generation: stamp.generation,
            incarnation: None,
            source: Source::Ack,
            grade: Grade::Effect,
            since: operation.invoked.1,
            time,
        })
    })
}
