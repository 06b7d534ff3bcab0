//! What a workload is: everything that there is to know of one, and nothing of any target.

use std::collections::BTreeSet;
use std::time::Duration;

use fracas_checker::Completion;
use fracas_checker::event::{Key, NodeId, Op, OpKind};

use crate::draw::Draw;
use crate::load::Load;
use crate::look::Look;

/// What clients ask, whole: as data and seeded streams.
pub trait Workload: Sync {
    /// The name used on the command line.
    fn name(&self) -> &'static str;

    /// What it is for, in one line.
    fn about(&self) -> &'static str;

    /// The operations that a target must serve.
    fn needs(&self) -> &'static [OpKind];

    /// Operations that it asks as well where a target serves them.
    fn uses(&self) -> &'static [OpKind] {
        &[]
    }

    /// The checks that judge it, by id; a target's promises choose among them.
    fn checks(&self) -> &'static [&'static str];

    /// How the names of its objects begin. Of two prefixes that fit a name the longer one counts.
    fn prefix(&self) -> &'static str;

    /// The checks that judge its objects, by id, for the header of the history.
    fn kinds(&self) -> &'static [&'static str] {
        self.checks()
    }

    /// How much must have been seen for a pass, where enough is asked.
    fn least(&self) -> Least;

    /// Its part of the load that the user asks for.
    fn part(&self) -> Part {
        Part::Shared
    }

    /// What shows that a cluster answers, before any client has begun, on an object that no client
    /// uses; none if there is nothing that can be asked again and again.
    fn probe(&self) -> Option<Op>;

    /// One lane for every client that it wants.
    fn lanes(&self, load: &Load) -> Vec<Lane>;

    /// How to look at `keys`, which clients have used, before anybody changes them again, once all
    /// faults are over.
    fn looks(&self, keys: &[Key]) -> Vec<Look>;

    /// What is asked of `keys` at the end.
    fn finals(&self, keys: &[Key]) -> Vec<Look> {
        self.looks(keys)
    }

    /// The operations that it really asks of a target that serves these.
    fn asks(&self, serves: &BTreeSet<OpKind>) -> BTreeSet<OpKind> {
        let used = self.uses().iter().filter(|kind| serves.contains(kind));
        self.needs().iter().chain(used).copied().collect()
    }
}

/// How much must have been seen under load for a pass to mean something.
#[derive(Debug, Clone, Copy)]
pub struct Least {
    /// Operations of each kind that succeeded.
    pub ok: &'static [(OpKind, u64)],
    /// Locks that went from one holder to another.
    pub handovers: u64,
    /// Generations that came to be led, where there are faults.
    pub elections: u64,
}

impl Least {
    /// These operations, and nothing else.
    #[must_use]
    pub const fn of(ok: &'static [(OpKind, u64)]) -> Self {
        Self { ok, handovers: 0, elections: 0 }
    }
}

/// A workload's part of the load that the user asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// All of it, whatever else is asked.
    Whole,
    /// All of it, or its share among others like it; beside one that has the whole a light load.
    Shared,
    /// A light load of its own, whatever the user asks for.
    Light,
}

/// What one client does.
pub struct Lane {
    /// The node it belongs to.
    pub node: NodeId,
    /// Operations per second; `None` is as fast as possible.
    pub rate: Option<f64>,
    /// Whether it asks the leader, where the target lets clients follow it; else it asks its own
    /// node, whatever its role.
    pub seeks_leader: bool,
    /// Whether it goes on while earlier operations are open. Only for what may stay open for ever
    /// and disturb nobody.
    pub overlaps: bool,
    /// What it asks, one operation after the other.
    pub stream: Box<dyn Stream>,
}

/// A seeded stream of operations.
///
/// The choices (kind, key, new value) are a pure function of the seed and of what the client was
/// answered: a compare-and-set expects the value that it has seen last, because no value drawn
/// blindly would ever match when every value is written once, and a lock can be given back only
/// once it was granted.
pub trait Stream: Send {
    /// The next operation. All randomness comes from `draw`.
    fn next(&mut self, draw: &mut Draw) -> Op;

    /// Takes notice of how an operation ended.
    fn learn(&mut self, op: &Op, completion: &Completion) {
        let _ = (op, completion);
    }

    /// How long the client rests before its next operation, whatever its rate.
    fn rest(&mut self) -> Duration {
        Duration::ZERO
    }
}
