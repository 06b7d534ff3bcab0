//! Takes away from a refuted set of calls whatever the refutation does not need.
//!
//! Only what cannot make a legal history illegal may go, so that what is left proves something of
//! the whole:
//!
//! - an operation that only looks (a read);
//! - a write, once nothing that is left looks at its value: in a legal order nothing rests on it;
//! - a write that ended before another write of its value began, which in turn ended before
//!   anything that looks at the value began: nothing rests on the first;
//! - the condition of a compare-and-set, which then counts as a write.
//!
//! And a whole beginning may go, see [`Unconditional::from`].
//!
//! Counterexample to taking away more: write 1, write 2, write 1, read 1 is legal, and without
//! the second write of 1 it is not.

use std::collections::BTreeMap;

use super::call::Call;
use super::hashing::Map;
use crate::event::{Nanos, Op, Outcome};
use crate::models::{Model, Register};

/// How many calls may be looked at while making a set smaller, where the sweep decides …
pub(crate) const SWEPT: usize = 50_000_000;

/// … and where a search does, which is slower per call.
pub(crate) const SEARCHED: usize = 2_000_000;

/// The writes that compare-and-sets count as, once their condition is dropped; by invocation.
pub(crate) struct Unconditional(BTreeMap<u64, Op>);

impl Unconditional {
    pub(crate) fn new(calls: &[Call<'_>]) -> Self {
        let write = |call: &Call<'_>| match call.op {
            Op::Cas { key, new, .. } => {
                Some((call.id, Op::Write { key: key.clone(), value: *new }))
            }
            _ => None,
        };
        Self(calls.iter().filter_map(write).collect())
    }

    /// `call` without its condition; none if it only looked.
    fn weakened<'a>(&'a self, call: &Call<'a>) -> Option<Call<'a>> {
        let op = self.0.get(&call.id)?;
        Some(Call { op, outcome: Outcome::Write, ..*call })
    }

    /// What of `calls` is left if all that ended before `time` is forgotten but for the value it may
    /// have left: one write of each value, in any order, all done by `time`.
    ///
    /// Take a legal order of all calls, and in it the last one that ended before `time`. What comes
    /// after it is legal from the state that it left, and holds every call that began at `time` or
    /// later. Those that were open at `time` may stand on either side, so they lose their
    /// conditions. Then this order of what is left is legal: open ones that came before, the one
    /// write of each value with that of the state last, and the rest as it was. If what is left has
    /// no legal order, then neither have all calls.
    fn from<'a>(&'a self, calls: &[Call<'a>], time: Nanos) -> Vec<Call<'a>> {
        let mut last: Map<Register, usize> = Map::default();
        for (place, call) in calls.iter().enumerate() {
            if let (true, Some(value)) = (ended_before(call, time), leaves(call)) {
                last.insert(value, place);
            }
        }
        let keep = |(place, call): (usize, &Call<'a>)| {
            if ended_before(call, time) {
                let value = leaves(call)?;
                let write = self.weakened(call).unwrap_or(*call);
                let write = Call { start: 0, end: Some(time - 1), ..write };
                (last.get(&value) == Some(&place)).then_some(write)
            } else if call.start < time {
                leaves(call).map(|_| self.weakened(call).unwrap_or(*call))
            } else {
                Some(*call)
            }
        };
        calls.iter().enumerate().filter_map(keep).collect()
    }

    /// `calls` without those in `gone`, and without what looked at their values.
    fn without<'a>(&'a self, calls: &[Call<'a>], gone: std::ops::Range<usize>) -> Vec<Call<'a>> {
        let values: Vec<Register> = calls[gone.clone()]
            .iter()
            .filter(|call| gone.len() > 1 || !is_hidden(call, calls))
            .filter_map(leaves)
            .collect();
        let mut kept = Vec::with_capacity(calls.len());
        for (place, call) in calls.iter().enumerate() {
            if gone.contains(&place) {
                continue;
            }
            if needs(call).is_some_and(|needed| values.contains(&needed)) {
                kept.extend(self.weakened(call));
            } else {
                kept.push(*call);
            }
        }
        kept
    }
}

/// Whether nothing can rest on a write because a later one of the same value stands before all
/// that look at it.
fn is_hidden(write: &Call<'_>, calls: &[Call<'_>]) -> bool {
    let Some(value) = leaves(write) else { return false };
    let lookers = || calls.iter().filter(|call| needs(call) == Some(value));
    calls.iter().any(|other| {
        leaves(other) == Some(value)
            && write.precedes(other)
            && lookers().all(|looker| other.precedes(looker))
    })
}

fn leaves(call: &Call<'_>) -> Option<Register> {
    Register::effect(call.op, call.outcome).and_then(|effect| effect.leaves)
}

fn needs(call: &Call<'_>) -> Option<Register> {
    Register::effect(call.op, call.outcome).and_then(|effect| effect.needs)
}

fn ended_before(call: &Call<'_>, time: Nanos) -> bool {
    call.end.is_some_and(|end| end < time)
}

/// As little of the beginning of `calls` as `refuted` still holds of.
pub(crate) fn without_beginning<'a>(
    calls: &[Call<'a>],
    unconditional: &'a Unconditional,
    refuted: impl Fn(&[Call<'a>]) -> bool,
) -> Vec<Call<'a>> {
    let mut times: Vec<Nanos> = calls.iter().map(|call| call.start).collect();
    times.sort_unstable();
    times.dedup();
    let still = times.partition_point(|time| refuted(&unconditional.from(calls, *time)));
    match still.checked_sub(1).and_then(|last| times.get(last)) {
        Some(time) => unconditional.from(calls, *time),
        None => calls.to_vec(),
    }
}

/// A set that `refuted` still holds of, and that taking away one more would spoil; or the smallest
/// found before `effort` calls were looked at.
pub(crate) fn minimise<'a>(
    mut calls: Vec<Call<'a>>,
    unconditional: &'a Unconditional,
    mut effort: usize,
    refuted: impl Fn(&[Call<'a>]) -> bool,
) -> Vec<Call<'a>> {
    let mut size = calls.len().div_ceil(2).max(1);
    loop {
        let before = calls.len();
        let mut place = 0;
        while place < calls.len() && effort > 0 {
            effort = effort.saturating_sub(calls.len());
            let smaller = unconditional.without(&calls, place..calls.len().min(place + size));
            if refuted(&smaller) {
                calls = smaller;
            } else {
                place += size;
            }
        }
        if effort == 0 || (size == 1 && calls.len() == before) {
            return calls;
        }
        size = (size / 2).max(1);
    }
}
