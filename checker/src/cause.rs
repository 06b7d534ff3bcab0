//! Likely causes, from a fixed table of rules. A cause is a hint, never a fact, and no verdict
//! rests on one.
//!
//! A rule says what must hold for it and what refutes it, and looks for both in the events. Where
//! it lacks the one or finds the other it says nothing: a wrong hint costs more than none.

mod answers;
mod context;
mod elections;
mod numbers;
mod retried;
mod sums;

use crate::history::{History, Operation};
use crate::identity::Nanos;
use crate::leadership::evidence::{Evidence, evidence};
pub(crate) use answers::outlived;
pub(crate) use context::Suspects;
use context::{About, Context};

/// The rules, the most specific first. Each has its table of cases in the tests: a history that it
/// must explain, and the nearest ones that it must not.
const RULES: [fn(&Context<'_>) -> Option<String>; 14] = [
    retried::executed_again,
    sums::counted_twice,
    numbers::begun_anew,
    answers::old_leader,
    answers::answered_alone,
    answers::acknowledged_alone,
    answers::lost_in_restart,
    sums::acknowledged_alone,
    sums::lost_in_restart,
    answers::wrong_clock,
    elections::forgot,
    elections::voted_twice,
    elections::voter_restarted,
    elections::no_majority,
];

/// The first cause that fits.
fn guess(history: &History, about: About<'_>) -> Option<String> {
    let nodes = &history.header().nodes;
    let (faults, evidence) = (history.faults(), evidence(history));
    let context = Context { about, history, nodes, faults, evidence };
    RULES.iter().find_map(|rule| rule(&context))
}

/// Why an answer misses what had been acknowledged.
pub(crate) fn likely(history: &History, suspects: Suspects<'_>) -> Option<String> {
    guess(history, About::Answer(suspects))
}

/// Why a node told `first`, and later what contradicts it.
pub(crate) fn forgot(history: &History, first: &Evidence, later: &Evidence) -> Option<String> {
    guess(history, About::Forgot(first, later))
}

/// Why one generation had two leaders.
pub(crate) fn elected_twice(
    history: &History,
    first: &Evidence,
    second: &Evidence,
) -> Option<String> {
    guess(history, About::Elected(first, second))
}

/// Why leases of two holders overlap.
pub(crate) fn overlapping(history: &History, requests: &[&Operation]) -> Option<String> {
    guess(history, About::Leases(requests))
}

/// Why a cluster serves nobody at `moment`.
pub(crate) fn silent(history: &History, moment: Nanos) -> Option<String> {
    guess(history, About::Silent(moment))
}
