//! Brute force: every order of a few calls, and every choice of indeterminate ones.
//!
//! It shares nothing with the searches, so that they can be held against it.

use super::call::Call;
use super::question::{Decision, GaveUp};
use crate::budget::Budget;
use crate::event::Nanos;
use crate::models::Model;

/// The most calls that are put in order.
const LIMIT: usize = 10;

/// Decides whether a few `calls` have a legal order.
pub(crate) fn search<M: Model>(
    calls: &[Call<'_, M::Op, M::Outcome>],
    budget: &Budget<'_>,
) -> Decision {
    if calls.len() > LIMIT {
        return Decision::GaveUp { at: 0, completed: 0, why: GaveUp::Many };
    }
    let mut ends: Vec<Nanos> = calls.iter().filter_map(|call| call.end).collect();
    ends.sort_unstable();
    for (completed, end) in ends.iter().enumerate() {
        let before: Vec<_> = calls
            .iter()
            .filter(|call| call.start <= *end)
            .map(|call| Call { end: call.end.filter(|ended| ended <= end), ..*call })
            .collect();
        match has_order::<M>(&before, budget) {
            Some(true) => {}
            Some(false) => return Decision::Refuted { at: *end },
            None => return Decision::GaveUp { at: *end, completed, why: GaveUp::Time },
        }
    }
    Decision::Legal
}

/// Whether some order of `calls` is legal; none if the time ran out.
fn has_order<M: Model>(calls: &[Call<'_, M::Op, M::Outcome>], budget: &Budget<'_>) -> Option<bool> {
    let mut work = vec![(0_u32, M::default())];
    while let Some((placed, state)) = work.pop() {
        let open: Vec<usize> = (0..calls.len()).filter(|place| placed & 1 << place == 0).collect();
        if open.iter().all(|place| calls[*place].end.is_none()) {
            return Some(true);
        }
        if budget.expired() {
            return None;
        }
        for place in &open {
            let call = &calls[*place];
            // Intervals are closed: only what ended strictly earlier has to come first.
            if open.iter().all(|other| !calls[*other].precedes(call)) {
                let next = state.step(call.op, call.outcome);
                work.extend(next.map(|next| (placed | 1 << place, next)));
            }
        }
    }
    Some(false)
}
