//! Decides a set in near-linear time, where its history lets it; where elements repeat, by choosing
//! in which order they came and went.

use super::elements::Elements;
use super::fast::{Conflict, FastDecision, decision};
use super::repeated;
use super::rule::{Rule, rule};
use crate::catalogue;
use crate::linearizability::call::Call;
use crate::linearizability::finding::Finding;

/// Decides whether `calls` of one set have a legal order.
pub(super) fn decide(calls: &[Call<'_>]) -> Finding {
    let Some(elements) = Elements::of(calls) else { return Finding::Ambiguous };
    match decision(calls, &elements) {
        FastDecision::Legal => Finding::Legal,
        FastDecision::Ambiguous => repeated::decide(calls, &elements),
        // Whoever read everything rests on the adds of all that it showed, and a clash on all that
        // is known of its elements: no few calls prove it.
        FastDecision::Refuted(Conflict::Phantom { .. }) => {
            Finding::refuted(catalogue::PHANTOM_ELEMENT, Vec::new())
        }
        FastDecision::Refuted(Conflict::Clash(clash)) => {
            let class =
                rule(calls, &elements, &clash).map_or(catalogue::NON_LINEARIZABLE, Rule::class);
            Finding::refuted(class, Vec::new())
        }
    }
}
