//! Takes away, from a refuted set of calls, those that left no trace in what the others saw.
//!
//! It serves kinds of objects in which nothing rests on a write that nobody sees: in a legal order
//! it can be left out, because nobody looked between it and the next write.

use std::collections::BTreeSet;

use crate::linearizability::call::Call;
use crate::linearizability::minimise::{EFFORT, Part, by_parts};

/// What a call put there, and what it saw of others.
pub(super) struct Traces<T> {
    pub(super) put: Vec<T>,
    pub(super) saw: Vec<T>,
}

/// How often what became unseen is looked for again.
const ROUNDS: usize = 8;

/// A small part of `calls` that `refuted` holds of as well. Whoever only looked may go, and so may
/// those of which nobody else who is left has seen anything.
pub(super) fn without_unseen<'a, T: Ord>(
    calls: &[Call<'a>],
    traces: impl Fn(&Call<'a>) -> Traces<T>,
    refuted: &dyn Fn(&[Call<'a>]) -> bool,
) -> Vec<Call<'a>> {
    let mut small = calls.to_vec();
    for _ in 0..ROUNDS {
        let seen: BTreeSet<T> = small.iter().flat_map(|call| traces(call).saw).collect();
        let part = |call: &Call<'a>| {
            let unseen = traces(call).put.iter().all(|put| !seen.contains(put));
            if unseen { Part::Alone } else { Part::Needed }
        };
        let fewer = by_parts(&small, part, EFFORT, refuted);
        let done = fewer.len() == small.len();
        small = fewer;
        if done {
            break;
        }
    }
    small
}
