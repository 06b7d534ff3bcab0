//! Takes away from a refuted queue whatever the refutation does not need.
//!
//! An element may go with all calls on it: in a legal order nothing rests on it, and an unseen
//! dequeue that took it is left out as well. An empty answer may go. An unseen dequeue may not go
//! by itself, because it may have taken an element; but
//!
//! - one that began after all others had ended can have taken nothing in time;
//! - of the others only as many matter as there are elements that nobody is known to have taken,
//!   and of all of them those that began first: whatever another does, one of them can do instead.

use crate::event::Nanos;
use crate::linearizability::call::Call;
use crate::linearizability::minimise::{EFFORT, Part, by_parts};
use crate::op::{Op, Outcome, Value};

/// With what `call` may be taken away.
pub(crate) fn part(call: &Call<'_>) -> Part {
    match (element(call), call.outcome) {
        (Some(value), _) => Part::Element(value.clone()),
        (None, Some(_)) => Part::Alone,
        (None, None) => Part::Needed,
    }
}

/// The element that `call` is about, if it is known.
fn element<'a>(call: &Call<'a>) -> Option<&'a Value> {
    match (call.op, call.outcome) {
        (Op::Enqueue { value, .. }, _)
        | (Op::Dequeue { .. }, Some(Outcome::Dequeue { value: Some(value) })) => Some(value),
        _ => None,
    }
}

/// A small part of `calls` that `refuted` holds of as well.
pub(crate) fn smallest<'a>(
    calls: &[Call<'a>],
    refuted: &dyn Fn(&[Call<'a>]) -> bool,
) -> Vec<Call<'a>> {
    let small = by_parts(calls, part, EFFORT, refuted);
    let end = small.iter().filter_map(|call| call.end).max().unwrap_or_default();
    let enqueued = small.iter().filter(|call| matches!(call.op, Op::Enqueue { .. }));
    let taken = |value| small.iter().any(|call| is_dequeue(call) && element(call) == Some(value));
    let left = enqueued.filter_map(element).filter(|value| !taken(value)).count();
    let unseen = |call: &&Call<'_>| is_dequeue(call) && call.outcome.is_none();
    let mut began: Vec<(Nanos, u64)> =
        small.iter().filter(unseen).map(|call| (call.start, call.id)).collect();
    began.retain(|(start, _)| *start <= end);
    began.sort_unstable();
    began.truncate(left);
    small
        .into_iter()
        .filter(|call| !unseen(&call) || began.contains(&(call.start, call.id)))
        .collect()
}

fn is_dequeue(call: &Call<'_>) -> bool {
    matches!(call.op, Op::Dequeue { .. })
}
