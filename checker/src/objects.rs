//! The kinds of objects that can be judged, one per file.
//!
//! A kind is a sequential specification (in [`crate::models`]) with what is known of it beyond
//! that: a near-linear check for unambiguous histories, what may be left out of a witness, and how
//! a refutation is named. Adding a kind costs a model, a file here and a line in [`OBJECTS`].

pub mod bag;
pub mod counter;
pub mod fencing;
pub mod ids;
pub mod kv;
pub mod list_append;
pub mod lock;
pub mod mutex;
mod precedence;
pub mod queue;
pub mod register;
mod repeated;
pub mod rw_register;
pub mod set;
pub mod timestamps;
mod unseen;
pub mod versioned;
mod zones;

use crate::budget::Budget;
use crate::history::History;
use crate::linearizability::call::Call;
pub use crate::linearizability::object::{Object, Weakened};
use crate::linearizability::{self, Algorithm};
use crate::models::{
    Bag, Counter, Fencing, Kv, ListAppend, Lock, Mutex, Queue, Register, RwRegister, Set,
    Timestamps, UniqueIds, Versioned,
};
use crate::op::OpKind;
use crate::verdict::CheckResult;

/// A kind of object, as a row of a table.
#[derive(Clone, Copy)]
pub struct Kind {
    /// Its names: the first is its own, the others are what other tools call it.
    pub names: &'static [&'static str],
    /// The name of its check.
    pub id: &'static str,
    /// What its check promises, in one sentence.
    pub promise: &'static str,
    /// The operations it serves.
    pub serves: &'static [OpKind],
    pub(crate) check: fn(&History, &Budget<'_>, Algorithm) -> CheckResult,
    pub(crate) answer: fn(&[Call<'_>], Algorithm, &Budget<'_>) -> Option<bool>,
}

impl std::fmt::Debug for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kind").field("names", &self.names).field("id", &self.id).finish()
    }
}

impl Kind {
    /// The row of `K`.
    #[must_use]
    pub const fn of<K: Object>() -> Self {
        Self {
            names: K::NAMES,
            id: K::ID,
            promise: K::PROMISE,
            serves: K::KINDS,
            check: linearizability::check::<K>,
            answer: linearizability::answer::<K>,
        }
    }

    /// Decides whether `calls` of one object of this kind have a legal order; none if the budget
    /// ran out, or the forced algorithm cannot tell.
    #[must_use]
    pub fn is_linearizable(
        &self,
        calls: &[Call<'_>],
        algorithm: Algorithm,
        budget: &Budget<'_>,
    ) -> Option<bool> {
        (self.answer)(calls, algorithm, budget)
    }
}

/// Every kind of object, in the order in which lists show them.
pub const OBJECTS: &[Kind] = &[
    Kind::of::<Register>(),
    Kind::of::<Kv>(),
    Kind::of::<Set>(),
    Kind::of::<Queue>(),
    Kind::of::<Bag>(),
    Kind::of::<Mutex>(),
    Kind::of::<Lock>(),
    Kind::of::<Fencing>(),
    Kind::of::<Counter>(),
    Kind::of::<UniqueIds>(),
    Kind::of::<Timestamps>(),
    Kind::of::<Versioned>(),
    Kind::of::<ListAppend>(),
    Kind::of::<RwRegister>(),
];

/// The kind of this name.
#[must_use]
pub fn named(name: &str) -> Option<&'static Kind> {
    OBJECTS.iter().find(|kind| kind.names.contains(&name))
}
