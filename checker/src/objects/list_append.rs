//! Lists that transactions read and append to, judged as one object: strict serializability.
//!
//! Weaker isolation, and which of Adya's anomalies a history shows, is not asked here.

pub(super) mod class;
mod conflict;
mod decide;
mod fast;
pub(super) mod lists;
pub(super) mod minimise;
mod repeated;

use crate::linearizability::call::Call;
use crate::linearizability::finding::Finding;
use crate::linearizability::object::{Object, Weakened, only};
use crate::linearizability::refuted::{Explanation, Refuted};
use crate::models::ListAppend;
use crate::op::OpKind;

impl Object for ListAppend {
    const NAMES: &'static [&'static str] = &["list-append"];
    const ID: &'static str = "list-append/linearizable";
    const PROMISE: &'static str = "every transaction takes effect at one instant between its \
         invocation and its answer, as if there were one copy of all lists";
    const ASSUMPTIONS: &'static [&'static str] = &["every list starts empty"];
    const KINDS: &'static [OpKind] = &[OpKind::Txn];

    fn decide_fast(calls: &[Call<'_>]) -> Finding {
        decide::decide(calls)
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
