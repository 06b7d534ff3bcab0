//! What is known of a kind of object beyond its sequential specification.

use std::collections::BTreeMap;

use super::call::Call;
use super::finding::Finding;
use super::minimise::{EFFORT, Part, by_parts};
use super::refuted::{Explanation, Refuted};
use crate::cause::Suspects;
use crate::guarantees::Guarantee;
use crate::history::History;
use crate::identity::Nanos;
use crate::models::Model;
use crate::op::{Op, OpKind, Outcome};
use crate::text::Key;

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
    fn decide_fast(calls: &[Call<'_>]) -> Finding {
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
    fn explanation<'a>(refuted: &Refuted<'a>) -> Option<Explanation<'a>> {
        let _ = refuted;
        None
    }

    /// What a likely cause is looked for by: the operations that the explanation names, unless more
    /// is known.
    #[must_use]
    fn suspects<'a>(refuted: &Refuted<'a>, explanation: &Explanation<'a>) -> Suspects<'a> {
        let _ = refuted;
        Suspects { late: explanation.late, done: explanation.done }
    }

    /// What the object `key`, which is not linearizable, keeps and breaks besides.
    #[must_use]
    fn guarantees(history: &History, key: Option<&Key>, at: Nanos) -> Vec<Guarantee> {
        let _ = (history, key, at);
        Vec::new()
    }
}

/// Those of `calls` that `weakened` names, each as weak as it says.
pub(crate) fn only<'a>(calls: &[Call<'a>], weakened: &'a Weakened) -> Vec<Call<'a>> {
    let weaken = |call: &Call<'a>| {
        let (op, outcome) = weakened.get(&call.id)?;
        Some(Call { op, outcome: call.outcome.and(Some(outcome)), ..*call })
    };
    calls.iter().filter_map(weaken).collect()
}
