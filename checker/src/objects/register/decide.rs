//! The near-linear check: the sweep where it can tell, else value by value.

use super::fast::swept_alone;
use super::repeated;
use crate::linearizability::call::Call;
use crate::linearizability::finding::Finding;

/// Decides whether `calls` of one register have a legal order.
pub(super) fn decide(calls: &[Call<'_>]) -> Finding {
    match swept_alone(calls) {
        Finding::Ambiguous => repeated::decide(calls),
        found => found,
    }
}
