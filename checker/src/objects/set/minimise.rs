//! Takes away from a refuted set whatever the refutation does not need.
//!
//! What may go without making a legal history illegal:
//!
//! - whoever only looked;
//! - an element, with all calls on it and out of every answer: elements do not know of each other.
//!
//! A removal may not go by itself, nor may an add.

use super::elements::Elements;
use super::monitor::{Conflict, Decision, decision};
use crate::linearizability::call::Call;
use crate::linearizability::minimise::{EFFORT, Part, by_parts};
use crate::objects::{Weakened, only};
use crate::op::{Op, Outcome, Value};

/// The elements that the refutation of `calls` is about, sorted; none if only a search sees it.
fn guilty(calls: &[Call<'_>]) -> Option<Vec<Value>> {
    let elements = Elements::of(calls)?;
    let mut values: Vec<Value> = match decision(calls, &elements) {
        Decision::Refuted(Conflict::Phantom { seen_by }) => {
            let unfounded = elements.list.iter().enumerate().filter(|(_, one)| {
                elements.seen_by(one).any(|place| place == seen_by)
                    && one.adds.iter().all(|add| calls[seen_by].precedes(&calls[*add]))
            });
            unfounded.map(|(number, _)| elements.values[number].clone()).take(1).collect()
        }
        Decision::Refuted(Conflict::Clash(clash)) => {
            clash.elements.iter().map(|number| elements.values[*number].clone()).collect()
        }
        Decision::Legal | Decision::Ambiguous => return None,
    };
    values.sort_unstable();
    Some(values)
}

/// The calls on the elements of the refutation, and the reads of everything as if there were no
/// others; by invocation.
pub(super) fn weakened(calls: &[Call<'_>]) -> Weakened {
    let Some(guilty) = guilty(calls) else { return Weakened::new() };
    let kept = |value: &Value| guilty.binary_search(value).is_ok();
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
    let start = if !few.is_empty() && refuted(&few) { few } else { calls.to_vec() };
    let small = by_parts(&start, part, EFFORT, refuted);
    without_unseen(small, refuted)
}

fn part(call: &Call<'_>) -> Part {
    if call.op.kind().only_looks() { Part::Alone } else { Part::Needed }
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
