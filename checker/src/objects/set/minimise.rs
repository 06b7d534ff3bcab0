//! Takes away from a refuted set whatever the refutation does not need.
//!
//! What may go without making a legal history illegal:
//!
//! - whoever only looked;
//! - an add of an element that nobody who is left saw: without it there is less in the set, which
//!   only those notice who see the element;
//! - a removal of an element that nobody who is left missed, likewise;
//! - a removal that ended before every add of the element began: it changed nothing;
//! - an element, with all calls on it and out of every answer: elements do not know of each other.
//!
//! Other adds and removals may not go by themselves.

use std::collections::BTreeSet;

use super::decide::decide;
use super::elements::Elements;
use super::fast::{Conflict, FastDecision, decision};
use crate::linearizability::call::Call;
use crate::linearizability::minimise::{EFFORT, Part, by_parts};
use crate::linearizability::object::{Weakened, only};
use crate::op::{Op, Outcome, Value};

/// The elements that the refutation of `calls` is about, sorted; none if only a search sees it.
fn guilty(calls: &[Call<'_>]) -> Option<Vec<Value>> {
    let elements = Elements::of(calls)?;
    let mut values: Vec<Value> = match decision(calls, &elements) {
        FastDecision::Refuted(Conflict::Phantom { seen_by }) => {
            let unfounded = elements.list.iter().enumerate().filter(|(_, element)| {
                elements.seen_by(element).any(|place| place == seen_by)
                    && element.adds.iter().all(|add| calls[seen_by].precedes(&calls[*add]))
            });
            unfounded.map(|(number, _)| elements.values[number].clone()).take(1).collect()
        }
        FastDecision::Refuted(Conflict::Clash(clash)) => {
            clash.elements.iter().map(|number| elements.values[*number].clone()).collect()
        }
        FastDecision::Legal | FastDecision::Ambiguous => return None,
    };
    values.sort_unstable();
    Some(values)
}

/// The calls on the elements of the refutation, and the reads of everything as if there were no
/// others; by invocation.
pub(super) fn weakened(calls: &[Call<'_>]) -> Weakened {
    let Some(guilty) = guilty(calls).or_else(|| alone(calls)) else { return Weakened::new() };
    on(calls, &guilty)
}

/// How many calls may be looked at to find an element that shows the refutation alone.
const LOOKED_AT: usize = 1_000_000;

/// An element that shows by itself that `calls` have no legal order, though all together leave it
/// to a search.
fn alone(calls: &[Call<'_>]) -> Option<Vec<Value>> {
    let elements = Elements::of(calls)?;
    let tried = elements.values.iter().take(LOOKED_AT / calls.len().max(1));
    let shows = |value: &&&Value| {
        let about = [(**value).clone()];
        decide(&only(calls, &on(calls, &about))).is_refuted()
    };
    tried.into_iter().find(shows).map(|value| vec![(*value).clone()])
}

/// What `calls` say of the elements in `about`, which are sorted.
fn on(calls: &[Call<'_>], about: &[Value]) -> Weakened {
    let kept = |value: &Value| about.binary_search(value).is_ok();
    let narrowed = |call: &Call<'_>| {
        let outcome = match (call.outcome, element(call)) {
            (Some(Outcome::ReadAll { values }), _) => {
                let values = values.iter().filter(|value| kept(value)).cloned().collect();
                Outcome::ReadAll { values }
            }
            // Without an answer none is given.
            (outcome, Some(value)) if kept(value) => outcome.cloned().unwrap_or(Outcome::Add),
            _ => return None,
        };
        Some((call.id, (call.op.clone(), outcome)))
    };
    calls.iter().filter_map(narrowed).collect()
}

/// A small part of `calls` that `refuted` holds of as well.
pub(super) fn smallest<'a>(
    calls: &[Call<'a>],
    weakened: &'a Weakened,
    refuted: &dyn Fn(&[Call<'a>]) -> bool,
) -> Vec<Call<'a>> {
    let few = only(calls, weakened);
    let mut small = if !few.is_empty() && refuted(&few) { few } else { calls.to_vec() };
    for _ in 0..ROUNDS {
        let before = small.len();
        let (shown, missed) = seen(&small);
        let part = |call: &Call<'a>| match (call.op, element(call)) {
            (Op::Add { .. }, Some(value)) if shown.contains(value) => Part::Needed,
            (Op::Remove { .. }, Some(value)) if missed.contains(value) => {
                let adds = |add: &&Call<'a>| {
                    matches!(add.op, Op::Add { .. }) && element(add) == Some(value)
                };
                let before = small.iter().filter(adds).all(|add| call.precedes(add));
                if before { Part::Alone } else { Part::Needed }
            }
            _ => Part::Alone,
        };
        small = without_unseen(by_parts(&small, part, EFFORT, refuted), refuted);
        if small.len() == before {
            break;
        }
    }
    small
}

/// How often what became unseen is looked for again.
const ROUNDS: usize = 8;

/// The elements that some of `calls` saw, and those that some of them missed.
fn seen<'a>(calls: &[Call<'a>]) -> (BTreeSet<&'a Value>, BTreeSet<&'a Value>) {
    let (mut shown, mut missed) = (BTreeSet::new(), BTreeSet::new());
    let all: BTreeSet<&Value> = calls.iter().filter_map(element).collect();
    for call in calls {
        match (call.outcome, element(call)) {
            (Some(Outcome::ReadAll { values }), _) => {
                let read: BTreeSet<&Value> = values.iter().collect();
                missed.extend(all.difference(&read).copied());
                shown.extend(read);
            }
            (Some(Outcome::Contains { present }), Some(value)) => {
                if *present { &mut shown } else { &mut missed }.insert(value);
            }
            _ => {}
        }
    }
    (shown, missed)
}

/// The element that `call` is about; none for a read of everything.
fn element<'a>(call: &Call<'a>) -> Option<&'a Value> {
    match call.op {
        Op::Add { value, .. } | Op::Remove { value, .. } | Op::Contains { value, .. } => {
            Some(value)
        }
        _ => None,
    }
}

/// Without elements that nobody who is left has seen, where the refutation can do without them.
fn without_unseen<'a>(
    mut small: Vec<Call<'a>>,
    refuted: &dyn Fn(&[Call<'a>]) -> bool,
) -> Vec<Call<'a>> {
    let mut unseen: Vec<&Value> = small.iter().filter_map(element).collect();
    unseen.sort_unstable();
    unseen.dedup();
    unseen.retain(|value| !small.iter().any(|call| shows(call, value)));
    let mut effort = EFFORT;
    for value in unseen {
        if effort < small.len() {
            break;
        }
        effort -= small.len();
        let others = |call: &&Call<'_>| element(call) != Some(value);
        let fewer: Vec<Call<'a>> = small.iter().filter(others).copied().collect();
        if refuted(&fewer) {
            small = fewer;
        }
    }
    small
}

fn shows(call: &Call<'_>, value: &Value) -> bool {
    match call.outcome {
        Some(Outcome::ReadAll { values }) => values.contains(value),
        Some(Outcome::Contains { present }) => *present && element(call) == Some(value),
        _ => false,
    }
}
