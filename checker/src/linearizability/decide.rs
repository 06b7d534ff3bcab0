//! Decides one object, by the cheapest means that can, and since when it is refuted.

use super::algorithm::Algorithm;
use super::answer::search_by;
use super::call::Call;
use super::earliest::{as_known, earliest};
use super::finding::Finding;
use super::object::Object;
use super::question::Decision;
use crate::budget::Budget;

/// Decides whether `calls` of one object have a legal order.
#[cfg(test)]
pub(crate) fn decide<K: Object>(
    calls: &[Call<'_>],
    algorithm: Algorithm,
    budget: &Budget<'_>,
) -> Decision {
    decided::<K>(calls, algorithm, budget).0
}

/// The same, with the few calls that show a refutation, where the near-linear check knows them: as
/// they stood at the completion that shows it.
pub(super) fn decided<'a, K: Object>(
    calls: &[Call<'a>],
    algorithm: Algorithm,
    budget: &Budget<'_>,
) -> (Decision, Vec<Call<'a>>) {
    let finding = match algorithm {
        Algorithm::Auto | Algorithm::NearLinear => K::decide_fast(calls),
        _ => Finding::Ambiguous,
    };
    match finding {
        Finding::Legal => (Decision::Legal, Vec::new()),
        Finding::Refuted(by) => {
            let (at, few) = earliest::<K>(calls, &by, budget);
            (Decision::Refuted { at }, few)
        }
        Finding::Ambiguous => match search_by::<K>(calls, algorithm, budget) {
            Decision::Refuted { at } => {
                (Decision::Refuted { at: as_known::<K>(calls, at, budget) }, Vec::new())
            }
            found => (found, Vec::new()),
        },
    }
}
