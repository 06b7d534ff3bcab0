//! The longest legal order of a few calls, and why none of the others can come next.
//!
//! It explains what was refuted elsewhere and never decides anything, so it may give up.

use super::call::Call;
use super::slots::{Slot, Slots};
use crate::event::Nanos;
use crate::hashing::Map;
use crate::models::Model;
use crate::verdict::{Placed, Refutation};

/// The calls already placed.
type Set = Slots<8>;

/// The most calls that are put in order: the bits of [`Set`].
const CALL_LIMIT: usize = 512;

/// The most partial orders that are looked at.
const STEP_LIMIT: usize = 20_000;

/// The longest legal order found, with the state after each call, and the reasons why none of the
/// calls that real time would let come next can. Empty if there are too many calls.
pub(crate) fn longest<M: Model>(
    calls: &[Call<'_, M::Op, M::Outcome>],
) -> (Vec<Placed>, Vec<Refutation>) {
    if calls.len() > CALL_LIMIT {
        return (Vec::new(), Vec::new());
    }
    replay::<M>(calls, &order::<M>(calls))
}

/// A partial order: one call more than another.
#[derive(Clone, Copy)]
struct Partial {
    before: usize,
    place: Slot,
    /// How many definite calls it has.
    definite: usize,
}

/// A legal order of as many definite calls as can be, depth first.
fn order<M: Model>(calls: &[Call<'_, M::Op, M::Outcome>]) -> Vec<Slot> {
    let (mut partials, mut best) = (vec![Partial { before: 0, place: 0, definite: 0 }], 0);
    let mut seen: Map<(Set, M), ()> = Map::default();
    let mut work = vec![(0, Set::NONE, M::default())];
    let mut steps = 0;
    while let Some((number, placed, state)) = work.pop() {
        steps += 1;
        if steps > STEP_LIMIT || seen.insert((placed, state.clone()), ()).is_some() {
            continue;
        }
        if partials[number].definite > partials[best].definite {
            best = number;
        }
        // The first to be tried is put there last.
        for place in candidates(calls, &placed).into_iter().rev() {
            let call = &calls[usize::from(place)];
            if let Ok(next) = state.step(call.op, call.outcome) {
                let definite = partials[number].definite + usize::from(call.end.is_some());
                let mut placed = placed;
                placed.add(place);
                work.push((partials.len(), placed, next));
                partials.push(Partial { before: number, place, definite });
            }
        }
    }
    let mut order = Vec::new();
    while best != 0 {
        order.push(partials[best].place);
        best = partials[best].before;
    }
    order.reverse();
    order
}

/// The calls that no other unplaced call has to come before.
fn candidates<O, R>(calls: &[Call<'_, O, R>], placed: &Set) -> Vec<Slot> {
    let left = || (0..).zip(calls).filter(|(place, _)| !placed.has(*place));
    let first: Option<Nanos> = left().filter_map(|(_, call)| call.end).min();
    let free = |call: &Call<'_, O, R>| first.is_none_or(|first| call.start <= first);
    left().filter(|(_, call)| free(call)).map(|(place, _)| place).collect()
}

fn replay<M: Model>(
    calls: &[Call<'_, M::Op, M::Outcome>],
    order: &[Slot],
) -> (Vec<Placed>, Vec<Refutation>) {
    let (mut state, mut placed, mut prefix) = (M::default(), Set::NONE, Vec::new());
    for place in order {
        let call = calls[usize::from(*place)];
        if let Ok(next) = state.step(call.op, call.outcome) {
            prefix.push(Placed { op: call.id, state: next.to_string() });
            state = next;
            placed.add(*place);
        }
    }
    let refused = candidates(calls, &placed).into_iter().filter_map(|place| {
        let call = calls[usize::from(place)];
        let reason = state.step(call.op, call.outcome).err()?;
        Some(Refutation { op: call.id, reason: reason.0 })
    });
    (prefix, refused.collect())
}
