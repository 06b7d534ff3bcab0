//! Sets: elements are added and removed, asked for one by one, and read all at once.

mod class;
mod decide;
mod elements;
mod fast;
mod minimise;
mod repeated;
mod rule;

use crate::linearizability::call::Call;
use crate::linearizability::finding::Finding;
use crate::linearizability::object::{Object, Weakened, only};
use crate::linearizability::refuted::{Explanation, Refuted};
use crate::models::Set;
use crate::op::OpKind;

impl Object for Set {
    const NAMES: &'static [&'static str] = &["set"];
    const ID: &'static str = "set/linearizable";
    const PROMISE: &'static str = "an element is in the set from its add to its removal, for \
         everybody who looks, as if there were one copy";
    const ASSUMPTIONS: &'static [&'static str] = &["every set starts empty"];
    const KINDS: &'static [OpKind] =
        &[OpKind::Add, OpKind::Remove, OpKind::Contains, OpKind::ReadAll];

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
