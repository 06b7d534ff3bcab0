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

use super::sweep;
use crate::event::Nanos;
use crate::hashing::Map;
use crate::linearizability::call::Call;
use crate::linearizability::finding::Finding;
use crate::models::{Model, Register};
use crate::objects::Weakened;
use crate::op::{Op, Outcome};

/// How many calls may be looked at while making a set smaller, where the sweep decides …
const SWEPT: usize = 50_000_000;

/// … and where a search does, which is slower per call.
const SEARCHED: usize = 2_000_000;

/// The writes that compare-and-sets count as, once their condition is dropped; by invocation.
pub(super) fn weakened(calls: &[Call<'_>]) -> Weakened {
    let write = |call: &Call<'_>| match call.op {
        Op::Cas { key, new, .. } if leaves(call).is_some() => {
            let op = Op::Write { key: key.clone(), value: new.clone() };
            Some((call.id, (op, Outcome::Write)))
        }
        _ => None,
    };
    calls.iter().filter_map(write).collect()
}

/// A small part of `calls` that `refuted` holds of as well; see the head of this file.
pub(super) fn smallest<'a>(
    calls: &[Call<'a>],
    weakened: &'a Weakened,
    refuted: &dyn Fn(&[Call<'a>]) -> bool,
) -> Vec<Call<'a>> {
    let unconditional = Unconditional(weakened);
    if let Some(reader) = sweep::unwritten(calls) {
        return vec![calls[reader]];
    }
    if sweep::decide(calls) != Finding::Ambiguous {
        return minimise(calls.to_vec(), &unconditional, SWEPT, refuted);
    }
    let late = without_beginning(calls, &unconditional, refuted);
    let mut small = minimise(late, &unconditional, SEARCHED, refuted);
    // What stood for the beginning gets its own times back: they say more, and may need less.
    for call in &mut small {
        if let Some(own) = calls.iter().find(|own| own.id == call.id) {
            (call.start, call.end) = (own.start, own.end);
        }
    }
    minimise(small, &unconditional, SEARCHED, refuted)
}

struct Unconditional<'a>(&'a Weakened);

impl<'a> Unconditional<'a> {
    /// `call` without its condition; none if it only looked.
    fn weakened(&self, call: &Call<'a>) -> Option<Call<'a>> {
        let (op, outcome) = self.0.get(&call.id)?;
        Some(Call { op, outcome: call.outcome.and(Some(outcome)), ..*call })
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
    fn from(&self, calls: &[Call<'a>], time: Nanos) -> Vec<Call<'a>> {
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

    /// `calls` without those in `gone`, and without what looked at their values or rests on there
    /// having been another one.
    fn without(&self, calls: &[Call<'a>], gone: std::ops::Range<usize>) -> Vec<Call<'a>> {
        let values: Vec<Register> = calls[gone.clone()]
            .iter()
            .filter(|call| gone.len() > 1 || !is_hidden(call, calls))
            .filter_map(leaves)
            .collect();
        let mut kept = Vec::with_capacity(calls.len());
        for (place, call) in calls.iter().enumerate() {
            let differs = call.outcome == Some(&Outcome::CasDiffers) && !values.is_empty();
            if gone.contains(&place) || differs {
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
    let value = leaves(write);
    let lookers = || calls.iter().filter(|call| needs(call) == value);
    value.is_some()
        && calls.iter().any(|other| {
            leaves(other) == value
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
fn without_beginning<'a>(
    calls: &[Call<'a>],
    unconditional: &Unconditional<'a>,
    refuted: &dyn Fn(&[Call<'a>]) -> bool,
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
fn minimise<'a>(
    mut calls: Vec<Call<'a>>,
    unconditional: &Unconditional<'a>,
    mut effort: usize,
    refuted: &dyn Fn(&[Call<'a>]) -> bool,
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
