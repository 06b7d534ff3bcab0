//! The near-linear check: by the order of elements where none repeats, else element by element.

use super::fast::{FastDecision, decision};
use super::repeated;
use crate::linearizability::call::Call;
use crate::linearizability::finding::Finding;

/// Decides whether `calls` have a legal order.
pub(super) fn decide(calls: &[Call<'_>]) -> Finding {
    match decision(calls) {
        FastDecision::Legal => Finding::Legal,
        FastDecision::Ambiguous => repeated::decide(calls),
        FastDecision::Refuted(conflict) => Finding::Refuted(conflict.violation()),
    }
}
