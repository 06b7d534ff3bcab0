//! The longest legal order of a few calls, and why none of the others can come next.
//!
//! It explains what was refuted elsewhere and never decides anything, so it may give up.

use super::call::Call;
use crate::hashing::Map;
use crate::models::Model;
use crate::verdict::{Placed, Refutation};

/// The most calls that are put in order: the bits of the set of those already placed.
const CALL_LIMIT: usize = 128;

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
    let mut walk = Walk { calls, seen: Map::default(), steps: 0, best: (0, Vec::new()) };
    walk.from(0, &M::default(), &mut Vec::new());
    let (_, order) = walk.best;
    replay::<M>(calls, &order)
}

struct Walk<'a, M: Model> {
    calls: &'a [Call<'a, M::Op, M::Outcome>],
    seen: Map<(u128, M), ()>,
    steps: usize,
    /// The best order so far, by how many definite calls it has.
    best: (usize, Vec<usize>),
}

impl<M: Model> Walk<'_, M> {
    /// Tries everything that can follow `order`. As deep as there are calls, so it cannot overflow.
    fn from(&mut self, placed: u128, state: &M, order: &mut Vec<usize>) {
        self.steps += 1;
        if self.steps > STEP_LIMIT || self.seen.insert((placed, state.clone()), ()).is_some() {
            return;
        }
        let definite = order.iter().filter(|place| self.calls[**place].end.is_some()).count();
        if definite > self.best.0 {
            self.best = (definite, order.clone());
        }
        for place in candidates(self.calls, placed) {
            let call = self.calls[place];
            if let Ok(next) = state.step(call.op, call.outcome) {
                order.push(place);
                self.from(placed | 1 << place, &next, order);
                order.pop();
            }
        }
    }
}

/// The calls that no other unplaced call has to come before.
fn candidates<O, R>(calls: &[Call<'_, O, R>], placed: u128) -> Vec<usize> {
    let left = |place: &usize| placed & 1 << place == 0;
    let free = |place: &usize| {
        (0..calls.len()).filter(left).all(|other| !calls[other].precedes(&calls[*place]))
    };
    (0..calls.len()).filter(left).filter(free).collect()
}

fn replay<M: Model>(
    calls: &[Call<'_, M::Op, M::Outcome>],
    order: &[usize],
) -> (Vec<Placed>, Vec<Refutation>) {
    let (mut state, mut placed, mut prefix) = (M::default(), 0, Vec::new());
    for place in order {
        let call = calls[*place];
        if let Ok(next) = state.step(call.op, call.outcome) {
            prefix.push(Placed { op: call.id, state: next.to_string() });
            (state, placed) = (next, placed | 1 << place);
        }
    }
    let refused = candidates(calls, placed).into_iter().filter_map(|place| {
        let call = calls[place];
        let reason = state.step(call.op, call.outcome).err()?;
        Some(Refutation { op: call.id, reason: reason.0 })
    });
    (prefix, refused.collect())
}
