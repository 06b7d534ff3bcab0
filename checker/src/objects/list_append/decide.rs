//! The near-linear check: by the order of elements where none repeats, else element by element.

use super::fast::{FastDecision, decision};
use super::repeated;
use crate::catalogue;
use crate::linearizability::call::Call;
use crate::linearizability::finding::Finding;
use crate::objects::repeated::Answer;

/// Decides whether `calls` have a legal order.
pub(super) fn decide(calls: &[Call<'_>]) -> Finding {
    match decision(calls) {
        FastDecision::Legal => Finding::Legal,
        FastDecision::Ambiguous => match repeated::decide(calls) {
            Answer::Legal => Finding::Legal,
            Answer::Ambiguous => Finding::Ambiguous,
            Answer::Refuted => Finding::refuted(catalogue::NON_LINEARIZABLE, Vec::new()),
        },
        FastDecision::Refuted(conflict) => Finding::Refuted(conflict.violation()),
    }
}
