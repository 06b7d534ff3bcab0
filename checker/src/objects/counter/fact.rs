//! What calls do to a counter.

use crate::linearizability::call::Call;
use crate::models::Counter;
use crate::op::{Op, Outcome};

/// What a call does to a counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fact {
    Increment(i128),
    /// What it showed; none if that is no number.
    Read(Option<i128>),
}

/// What the calls do; none if one is not one on a counter.
pub(super) fn facts(calls: &[Call<'_>]) -> Option<Vec<Fact>> {
    let fact = |call: &Call<'_>| match (call.op, call.outcome) {
        (Op::Increment { by, .. }, Some(Outcome::Increment) | None) => {
            Some(Fact::Increment(i128::from(*by)))
        }
        (Op::Read { .. }, Some(Outcome::Read { value })) => {
            Some(Fact::Read(Counter::shown(value.as_ref())))
        }
        _ => None,
    };
    calls.iter().map(fact).collect()
}
