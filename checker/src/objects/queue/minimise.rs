//! Takes away from a refuted queue whatever the refutation does not need.
//!
//! An element may go with all calls on it: in a legal order nothing rests on it, and an unseen
//! dequeue that took it is left out as well. Of an element that nobody is known to have taken, and
//! that was put in more than once, each enqueue may go by itself. An empty answer may go. An unseen dequeue may not go
//! by itself, because it may have taken an element; but
//!
//! - one that began after all others had ended can have taken nothing in time;
//! - of the others only as many matter as there are elements that nobody is known to have taken,
//!   and of all of them those that began first: whatever another does, one of them can do instead;
//! - the one that began last may go together with an element that was *owed*: that must have been
//!   taken by some unseen dequeue, because the queue was called empty later, or because it keeps the
//!   order and an element that came later was taken. In a legal order the dequeue that took it is
//!   free once the element is gone, and as it began no later it can do what the last one did. So of
//!   a hundred elements that are gone, where ninety-nine can have been taken, one is left. An
//!   element that is not owed must not go so: nobody need have taken it, and what the last dequeue
//!   took would stay for good.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use crate::event::Nanos;
use crate::hashing::Map;
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
pub(crate) fn element<'a>(call: &Call<'a>) -> Option<&'a Value> {
    match (call.op, call.outcome) {
        (Op::Enqueue { value, .. }, _)
        | (Op::Dequeue { .. }, Some(Outcome::Dequeue { value: Some(value) })) => Some(value),
        _ => None,
    }
}

/// A small part of `calls` that `refuted` holds of as well, of a queue that keeps the order or not.
pub(crate) fn smallest<'a>(
    calls: &[Call<'a>],
    ordered: bool,
    refuted: &dyn Fn(&[Call<'a>]) -> bool,
) -> Vec<Call<'a>> {
    let few = without_pairs(calls, ordered, refuted);
    let taken: BTreeSet<&Value> =
        few.iter().filter(|call| is_dequeue(call)).filter_map(element).collect();
    let part = |call: &Call<'a>| match element(call) {
        Some(value) if !taken.contains(value) => Part::Alone,
        _ => part(call),
    };
    without_late(by_parts(&few, part, EFFORT, refuted))
}

/// The unseen dequeues, the last to begin first, and the enqueues of elements that are owed, the
/// first to end first.
struct Owed<'a> {
    unseen: Vec<Call<'a>>,
    enqueues: Vec<Call<'a>>,
}

impl<'a> Owed<'a> {
    fn of(calls: &[Call<'a>], ordered: bool) -> Self {
        let mut unseen: Vec<Call<'a>> =
            calls.iter().filter(|call| is_unseen(call)).copied().collect();
        unseen.sort_by_key(|call| Reverse((call.start, call.id)));
        // For each element: its enqueue, how many there are, and whether it was taken.
        let mut elements: Map<&Value, (Option<Call<'a>>, usize, bool)> = Map::default();
        let mut last_empty = None;
        for call in calls {
            match element(call) {
                Some(value) if is_dequeue(call) => elements.entry(value).or_default().2 = true,
                Some(value) => {
                    let known = elements.entry(value).or_default();
                    (known.0, known.1) = (Some(*call), known.1 + 1);
                }
                None if call.end.is_some() => last_empty = last_empty.max(Some(call.start)),
                None => {}
            }
        }
        let once = || elements.values().filter(|(_, count, _)| *count == 1);
        let behind = once()
            .filter(|element| ordered && element.2)
            .filter_map(|element| Some(element.0?.start));
        let last = behind.max().max(last_empty);
        let is_owed = |call: &Call<'a>| call.end.is_some_and(|end| Some(end) < last);
        let mut enqueues: Vec<Call<'a>> = once()
            .filter(|element| !element.2)
            .filter_map(|element| element.0)
            .filter(is_owed)
            .collect();
        enqueues.sort_by_key(|call| (call.end, call.id));
        Self { unseen, enqueues }
    }
}

/// What is left without as many pairs as can go of an unseen dequeue and an element that is owed.
fn without_pairs<'a>(
    calls: &[Call<'a>],
    ordered: bool,
    refuted: &dyn Fn(&[Call<'a>]) -> bool,
) -> Vec<Call<'a>> {
    let Owed { mut unseen, mut enqueues } = Owed::of(calls, ordered);
    let mut small = calls.to_vec();
    let mut count = unseen.len().min(enqueues.len());
    while count > 0 {
        let both = || unseen[..count].iter().chain(&enqueues[..count]);
        let gone: BTreeSet<u64> = both().map(|call| call.id).collect();
        let left = |call: &&Call<'a>| !gone.contains(&call.id);
        let fewer: Vec<Call<'a>> = small.iter().filter(left).copied().collect();
        if refuted(&fewer) {
            small = fewer;
            unseen.drain(..count);
            enqueues.drain(..count);
            count = count.min(unseen.len()).min(enqueues.len());
        } else {
            count /= 2;
        }
    }
    small
}

/// Without unseen dequeues that began too late to matter.
fn without_late(small: Vec<Call<'_>>) -> Vec<Call<'_>> {
    let end = small.iter().filter_map(|call| call.end).max().unwrap_or_default();
    let enqueued = small.iter().filter(|call| matches!(call.op, Op::Enqueue { .. }));
    let taken = |value| small.iter().any(|call| is_dequeue(call) && element(call) == Some(value));
    let left = enqueued.filter_map(element).filter(|value| !taken(value)).count();
    let unseen = small.iter().filter(|call| is_unseen(call));
    let mut began: Vec<(Nanos, u64)> = unseen.map(|call| (call.start, call.id)).collect();
    began.retain(|(start, _)| *start <= end);
    began.sort_unstable();
    began.truncate(left);
    small
        .into_iter()
        .filter(|call| !is_unseen(call) || began.contains(&(call.start, call.id)))
        .collect()
}

fn is_dequeue(call: &Call<'_>) -> bool {
    matches!(call.op, Op::Dequeue { .. })
}

/// Whether it is a dequeue of which nobody saw the answer.
fn is_unseen(call: &Call<'_>) -> bool {
    is_dequeue(call) && call.outcome.is_none()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::Budget;
    use crate::linearizability::object::Object;
    use crate::linearizability::{Algorithm, answer};
    use crate::models::{Bag, Queue};
    use crate::objects::register::drawn::Dice;
    use crate::op::Outcome;

    /// A few enqueues of unique elements and dequeues, half of which nobody saw the answer of.
    fn draw(dice: &mut Dice) -> Vec<(Op, Option<Outcome>, Nanos, Nanos)> {
        let (mut inside, mut drawn) = (Vec::new(), Vec::new());
        for place in 0..7_u64 {
            let (key, now) = ("q".into(), 10 * place + 20);
            let (start, end) = (now - dice.below(20), now + dice.below(20));
            let value = Value::Int(place as i64);
            if dice.below(2) == 0 {
                inside.push(value.clone());
                drawn.push((Op::Enqueue { key, value }, Some(Outcome::Enqueue), start, end));
            } else {
                let value = (!inside.is_empty()).then(|| inside.remove(0));
                let seen = dice.below(2) == 0;
                let outcome = seen.then_some(Outcome::Dequeue { value });
                drawn.push((Op::Dequeue { key }, outcome, start, end));
            }
        }
        drawn
    }

    /// How many histories `K` allows of which a pair went, and that it still allows.
    fn pairs_of<K: Object>(ordered: bool) -> usize {
        let (mut dice, mut went) = (Dice(5), 0);
        for _ in 0..20_000 {
            let drawn = draw(&mut dice);
            let call = |(id, drawn): (u64, _)| {
                let (op, outcome, start, end): &(Op, Option<Outcome>, Nanos, Nanos) = drawn;
                let end = outcome.as_ref().map(|_| *end);
                Call { id, op, outcome: outcome.as_ref(), start: *start, end }
            };
            let calls: Vec<Call<'_>> = (0..).zip(&drawn).map(call).collect();
            let budget = Budget::unlimited_time();
            let legal = |calls: &[Call<'_>]| answer::<K>(calls, Algorithm::BruteForce, &budget);
            let Owed { unseen, enqueues } = Owed::of(&calls, ordered);
            for enqueue in &enqueues {
                let Some(last) = unseen.first() else { break };
                if legal(&calls) == Some(true) {
                    let left = |call: &&Call<'_>| call.id != enqueue.id && call.id != last.id;
                    let fewer: Vec<Call<'_>> = calls.iter().filter(left).copied().collect();
                    assert_eq!(legal(&fewer), Some(true), "without {enqueue:?}: {calls:#?}");
                    went += 1;
                }
            }
        }
        went
    }

    #[test]
    fn what_is_owed_may_go_with_the_last_unseen_dequeue() {
        let (queue, bag) = (pairs_of::<Queue>(true), pairs_of::<Bag>(false));
        assert!(queue > 500 && bag > 100, "{queue} {bag}");
    }
}
