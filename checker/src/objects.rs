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
mod unseen;
pub mod versioned;
mod zones;

use std::collections::BTreeMap;

use crate::budget::Budget;
use crate::event::Nanos;
use crate::guarantees::Guarantee;
use crate::history::History;
use crate::linearizability::call::Call;
use crate::linearizability::explain::{Refuted, Told};
use crate::linearizability::finding::Finding;
use crate::linearizability::minimise::{EFFORT, Part, by_parts};
use crate::linearizability::{self, Algorithm};
use crate::models::{
    Bag, Counter, Fencing, Kv, ListAppend, Lock, Model, Mutex, Queue, Register, RwRegister, Set,
    UniqueIds, Versioned,
};
use crate::op::{Key, Op, OpKind, Outcome};
use crate::verdict::CheckResult;

/// What is left of calls, by id, once their condition is dropped; see [`Object::weakened`].
pub type Weakened = BTreeMap<u64, (Op, Outcome)>;

/// A kind of object.
pub trait Object: Model<Op = Op, Outcome = Outcome> {
    /// Its names: the first is its own, the others are what other tools call it.
    const NAMES: &'static [&'static str];

    /// The name of its check.
    const ID: &'static str;

    /// What its check promises, in one sentence.
    const PROMISE: &'static str;

    /// What a verdict rests on, such as “every key starts absent”.
    const ASSUMPTIONS: &'static [&'static str];

    /// The operations it serves; others are not judged.
    const KINDS: &'static [OpKind];

    /// Operations that it does not serve and that change the same objects: an object that one of
    /// them may have changed is not judged.
    const CHANGED_BY: &'static [OpKind] = &[];

    /// Whether these are operations on an object of this kind at all, and not of another, which
    /// another check judges: a lease is no lock, and what a lock guards is no plain register. An
    /// object of another kind is passed over.
    #[must_use]
    fn is_one<'a>(ops: impl Iterator<Item = &'a Op>) -> bool {
        let _ = ops;
        true
    }

    /// Decides in near-linear time, where the history lets it.
    #[must_use]
    fn monitor(calls: &[Call<'_>]) -> Finding {
        let _ = calls;
        Finding::Ambiguous
    }

    /// With which others `call` may be taken away from a refuted set without making a legal one
    /// illegal.
    #[must_use]
    fn part(call: &Call<'_>) -> Part {
        if Self::observes(call.op, call.outcome) { Part::Alone } else { Part::Needed }
    }

    /// Calls that may be replaced by something weaker, by id.
    #[must_use]
    fn weakened(calls: &[Call<'_>]) -> Weakened {
        let _ = calls;
        Weakened::new()
    }

    /// The calls that the refutation of `calls` is about, as weak as it needs them; none where that
    /// is not known. They need not be few, and need not be refuted by themselves.
    #[must_use]
    fn narrowed<'a>(calls: &[Call<'a>], weakened: &'a Weakened) -> Vec<Call<'a>> {
        let _ = (calls, weakened);
        Vec::new()
    }

    /// A small part of `calls` that `refuted` holds of as well.
    #[must_use]
    fn smallest<'a>(
        calls: &[Call<'a>],
        weakened: &'a Weakened,
        refuted: &dyn Fn(&[Call<'a>]) -> bool,
    ) -> Vec<Call<'a>> {
        let _ = weakened;
        by_parts(calls, Self::part, EFFORT, refuted)
    }

    /// The class and the words of a refutation; none where no narrow class fits.
    #[must_use]
    fn told<'a>(refuted: &Refuted<'a>) -> Option<Told<'a>> {
        let _ = refuted;
        None
    }

    /// What the object `key`, which is not linearizable, keeps and breaks besides.
    #[must_use]
    fn guarantees(history: &History, key: Option<&Key>, at: Nanos) -> Vec<Guarantee> {
        let _ = (history, key, at);
        Vec::new()
    }
}

/// Those of `calls` that `weakened` names, each as weak as it says.
fn only<'a>(calls: &[Call<'a>], weakened: &'a Weakened) -> Vec<Call<'a>> {
    let one = |call: &Call<'a>| {
        let (op, outcome) = weakened.get(&call.id)?;
        Some(Call { op, outcome: call.outcome.and(Some(outcome)), ..*call })
    };
    calls.iter().filter_map(one).collect()
}

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
    Kind::of::<Versioned>(),
    Kind::of::<ListAppend>(),
    Kind::of::<RwRegister>(),
];

/// The kind of this name.
#[must_use]
pub fn named(name: &str) -> Option<&'static Kind> {
    OBJECTS.iter().find(|kind| kind.names.contains(&name))
}
