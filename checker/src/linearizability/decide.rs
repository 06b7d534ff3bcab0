//! Decides one object, by the cheapest means that can.

use super::call::Call;
use super::hashing::Map;
use super::search::{Found, search};
use super::unambiguous::{self, Finding};
use crate::budget::Budget;
use crate::event::Nanos;
use crate::models::{Model, Register};

/// Decides whether `calls` of one register have a legal order.
///
/// First what needs no search: values that nobody can have written; then, if every value that
/// matters was written once, the sweep; then the search.
pub(crate) fn decide(calls: &[Call<'_>], budget: &Budget<'_>) -> Found {
    if let Some(at) = unwritten(calls).and_then(|reader| calls[reader].end) {
        return Found::Refuted { at };
    }
    match unambiguous::decide(calls) {
        Finding::Legal => Found::Legal,
        Finding::Refuted(_) => Found::Refuted { at: earliest(calls) },
        Finding::Ambiguous => search::<Register>(calls, budget),
    }
}

/// Whether `calls` of one register are known to have no legal order; cheaper than [`decide`],
/// because it need not say since when.
pub(super) fn is_refuted(calls: &[Call<'_>], budget: &Budget<'_>) -> bool {
    unwritten(calls).is_some()
        || match unambiguous::decide(calls) {
            Finding::Legal => false,
            Finding::Refuted(_) => true,
            Finding::Ambiguous => {
                matches!(search::<Register>(calls, budget), Found::Refuted { .. })
            }
        }
}

/// Whether `calls` of one register have a legal order; none if the budget ran out.
#[must_use]
pub fn is_linearizable(calls: &[Call<'_>], budget: &Budget<'_>) -> Option<bool> {
    answer(decide(calls, budget))
}

/// The same question for any model, answered by search alone.
#[must_use]
pub fn search_linearizable<M: Model>(calls: &[Call<'_>], budget: &Budget<'_>) -> Option<bool> {
    answer(search::<M>(calls, budget))
}

fn answer(found: Found) -> Option<bool> {
    match found {
        Found::Legal => Some(true),
        Found::Refuted { .. } => Some(false),
        Found::GaveUp { .. } => None,
    }
}

/// The first call to complete that saw a value whose every write began only after it had ended.
pub(super) fn unwritten(calls: &[Call<'_>]) -> Option<usize> {
    let mut written: Map<Register, Nanos> = Map::default();
    for call in calls {
        if let Some(leaves) = Register::effect(call.op, call.outcome).and_then(|one| one.leaves) {
            let first = written.entry(leaves).or_insert(call.start);
            *first = (*first).min(call.start);
        }
    }
    let unwritten = |place: &usize| {
        let call = &calls[*place];
        let needs = Register::effect(call.op, call.outcome).and_then(|one| one.needs);
        needs.filter(|needs| *needs != Register::default()).is_some_and(|needs| {
            let first = written.get(&needs);
            call.end.is_some_and(|end| first.is_none_or(|first| end < *first))
        })
    };
    (0..calls.len()).filter(unwritten).min_by_key(|place| calls[*place].end)
}

/// The earliest completion by which `calls`, known to be unambiguous and refuted, are refuted.
///
/// What is legal stays legal when its end is cut off, so the completions can be bisected.
fn earliest(calls: &[Call<'_>]) -> Nanos {
    let mut ends: Vec<Nanos> = calls.iter().filter_map(|call| call.end).collect();
    ends.sort_unstable();
    let legal_at = |end: &Nanos| {
        let before: Vec<Call<'_>> = calls.iter().filter_map(|call| call.at(*end)).collect();
        !matches!(unambiguous::decide(&before), Finding::Refuted(_))
    };
    let first = ends.partition_point(legal_at);
    ends.get(first).or(ends.last()).copied().unwrap_or_default()
}
