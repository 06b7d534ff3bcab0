//! Stores of texts: each key is read, written and appended to.

mod class;
mod conflict;
mod minimise;
mod parse;
mod repeated;
mod sweep;

use conflict::Doubt;

use crate::linearizability::call::Call;
use crate::linearizability::finding::Finding;
use crate::linearizability::object::{Object, Weakened, only};
use crate::linearizability::refuted::{Explanation, Refuted};
use crate::models::Kv;
use crate::op::OpKind;

impl Object for Kv {
    const NAMES: &'static [&'static str] = &["kv", "store"];
    const ID: &'static str = "kv/linearizable";
    const PROMISE: &'static str = "a key holds what was last written to it and all that was appended \
         since, for everybody who reads it, as if there were one copy";
    const ASSUMPTIONS: &'static [&'static str] = &["every key starts with the empty text"];
    const KINDS: &'static [OpKind] = &[OpKind::Read, OpKind::Write, OpKind::Append];

    fn decide_fast(calls: &[Call<'_>]) -> Finding {
        match sweep::decide(calls) {
            Ok(()) => Finding::Legal,
            Err(Doubt::Ambiguous) => repeated::decide(calls),
            Err(Doubt::Conflict(conflict)) => Finding::Refuted(conflict.violation()),
        }
    }

    fn weakened(calls: &[Call<'_>]) -> Weakened {
        minimise::weakened(calls)
    }

    fn narrowed<'a>(calls: &[Call<'a>], weakened: &'a Weakened) -> Vec<Call<'a>> {
        only(calls, weakened)
    }

    fn smallest<'a>(
        calls: &[Call<'a>],
        weakened: &'a Weakened,
        refuted: &dyn Fn(&[Call<'a>]) -> bool,
    ) -> Vec<Call<'a>> {
        minimise::smallest(calls, weakened, refuted)
    }

    fn explanation<'a>(refuted: &Refuted<'a>) -> Option<Explanation<'a>> {
        class::explanation(refuted)
    }
}
