//! Whether the calls of one object have a legal order, without asking since when they have none.

use super::algorithm::Algorithm;
use super::brute;
use super::call::Call;
use super::finding::Finding;
use super::object::Object;
use super::question::{Aim, Decision, GaveUp, Portfolio};
use super::search::search;
use crate::budget::Budget;
use crate::models::Model;

/// Whether `calls` of one object have a legal order, without asking since when they have none; none
/// if it was not decided.
pub(crate) fn answer<K: Object>(
    calls: &[Call<'_>],
    algorithm: Algorithm,
    budget: &Budget<'_>,
) -> Option<bool> {
    let finding = match algorithm {
        Algorithm::Auto | Algorithm::NearLinear => K::decide_fast(calls),
        _ => Finding::Ambiguous,
    };
    match finding {
        Finding::Legal => Some(true),
        Finding::Refuted(_) => Some(false),
        Finding::Ambiguous => search_by::<K>(calls, algorithm, budget).answer(),
    }
}

/// Decides by search alone.
pub(super) fn search_by<M: Model>(
    calls: &[Call<'_, M::Op, M::Outcome>],
    algorithm: Algorithm,
    budget: &Budget<'_>,
) -> Decision {
    let by = |portfolio| search::<M>(calls, Aim { portfolio, earliest: true }, budget);
    match algorithm {
        Algorithm::Auto => by(Portfolio::All),
        Algorithm::Frontier => by(Portfolio::Frontier),
        Algorithm::DepthFirst => by(Portfolio::DepthFirst),
        Algorithm::BruteForce => brute::search::<M>(calls, budget),
        Algorithm::NearLinear => Decision::GaveUp { at: 0, completed: 0, why: GaveUp::Ambiguous },
    }
}

/// Whether `calls` of one object are known to have no legal order; cheaper than a decision,
/// because it need not say since when.
pub(super) fn is_refuted<K: Object>(calls: &[Call<'_>], budget: &Budget<'_>) -> bool {
    let aim = Aim { portfolio: Portfolio::All, earliest: false };
    match K::decide_fast(calls) {
        Finding::Legal => false,
        Finding::Refuted(_) => true,
        Finding::Ambiguous => matches!(search::<K>(calls, aim, budget), Decision::Refuted { .. }),
    }
}

/// Whether `calls` of one object have a legal order; none if the budget ran out.
#[must_use]
pub fn is_linearizable<K: Object>(calls: &[Call<'_>], budget: &Budget<'_>) -> Option<bool> {
    answer::<K>(calls, Algorithm::Auto, budget)
}

/// The same question for any model, answered by search alone.
#[must_use]
pub fn search_linearizable<M: Model>(
    calls: &[Call<'_, M::Op, M::Outcome>],
    budget: &Budget<'_>,
) -> Option<bool> {
    search_linearizable_by::<M>(calls, Algorithm::Auto, budget)
}

/// The same, by one of the searches; none if the budget ran out or it cannot tell.
#[must_use]
pub fn search_linearizable_by<M: Model>(
    calls: &[Call<'_, M::Op, M::Outcome>],
    algorithm: Algorithm,
    budget: &Budget<'_>,
) -> Option<bool> {
    search_by::<M>(calls, algorithm, budget).answer()
}
