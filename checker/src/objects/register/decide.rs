//! The near-linear check: the sweep where it can tell, else value by value.

use super::fast::swept_alone;
use super::repeated;
use crate::catalogue;
use crate::linearizability::call::Call;
use crate::linearizability::finding::Finding;
use crate::objects::repeated::Answer;

/// Decides whether `calls` of one register have a legal order.
pub(super) fn decide(calls: &[Call<'_>]) -> Finding {
    match swept_alone(calls) {
        Finding::Ambiguous => match repeated::decide(calls) {
            Answer::Legal => Finding::Legal,
            Answer::Ambiguous => Finding::Ambiguous,
            Answer::Refuted => Finding::refuted(catalogue::NON_LINEARIZABLE, Vec::new()),
        },
        found => found,
    }
}
