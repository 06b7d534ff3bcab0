//! Decides one object, by the cheapest means that can.

use super::call::Call;
use super::finding::Finding;
use super::search::{Found, GaveUp, search};
use crate::budget::Budget;
use crate::event::Nanos;
use crate::models::Model;
use crate::objects::Object;

/// How a decision is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Algorithm {
    /// The near-linear check where the history is unambiguous, else the general search.
    #[default]
    Auto,
    /// The near-linear check or nothing.
    NearLinear,
    /// The general search, even where a cheaper check could tell.
    Search,
}

impl Algorithm {
    /// Every algorithm by its name.
    pub const NAMES: &'static [(&'static str, Self)] =
        &[("auto", Self::Auto), ("near-linear", Self::NearLinear), ("search", Self::Search)];
}

impl std::str::FromStr for Algorithm {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let named = Self::NAMES.iter().find(|(name, _)| *name == word);
        named.map(|(_, algorithm)| *algorithm).ok_or_else(|| format!("`{word}` is no algorithm"))
    }
}

/// Decides whether `calls` of one object have a legal order.
pub(crate) fn decide<K: Object>(
    calls: &[Call<'_>],
    algorithm: Algorithm,
    budget: &Budget<'_>,
) -> Found {
    if algorithm == Algorithm::Search {
        return search::<K>(calls, budget);
    }
    match K::monitor(calls) {
        Finding::Legal => Found::Legal,
        Finding::Refuted(_) => Found::Refuted { at: earliest::<K>(calls) },
        Finding::Ambiguous if algorithm == Algorithm::NearLinear => {
            Found::GaveUp { at: 0, completed: 0, why: GaveUp::Ambiguous }
        }
        Finding::Ambiguous => search::<K>(calls, budget),
    }
}

/// Whether `calls` of one object are known to have no legal order; cheaper than [`decide`],
/// because it need not say since when.
pub(super) fn is_refuted<K: Object>(calls: &[Call<'_>], budget: &Budget<'_>) -> bool {
    match K::monitor(calls) {
        Finding::Legal => false,
        Finding::Refuted(_) => true,
        Finding::Ambiguous => matches!(search::<K>(calls, budget), Found::Refuted { .. }),
    }
}

/// Whether `calls` of one object have a legal order; none if the budget ran out.
#[must_use]
pub fn is_linearizable<K: Object>(calls: &[Call<'_>], budget: &Budget<'_>) -> Option<bool> {
    decide::<K>(calls, Algorithm::Auto, budget).answer()
}

/// The same question for any model, answered by search alone.
#[must_use]
pub fn search_linearizable<M: Model>(
    calls: &[Call<'_, M::Op, M::Outcome>],
    budget: &Budget<'_>,
) -> Option<bool> {
    search::<M>(calls, budget).answer()
}

/// The earliest completion by which `calls`, known to be unambiguous and refuted, are refuted.
///
/// What is legal stays legal when its end is cut off, so the completions can be bisected.
fn earliest<K: Object>(calls: &[Call<'_>]) -> Nanos {
    let mut ends: Vec<Nanos> = calls.iter().filter_map(|call| call.end).collect();
    ends.sort_unstable();
    let legal_at = |end: &Nanos| {
        let before: Vec<Call<'_>> = calls.iter().filter_map(|call| call.at(*end)).collect();
        !K::monitor(&before).is_refuted()
    };
    let first = ends.partition_point(legal_at);
    ends.get(first).or(ends.last()).copied().unwrap_or_default()
}
