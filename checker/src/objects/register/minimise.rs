//! Takes away from a refuted set of calls whatever the refutation does not need.
//!
//! Only what cannot make a legal history illegal may go, so that what is left proves something of
//! the whole:
//!
//! - an operation that only looks (a read);
//! - a write, once nothing that is left looks at its value: in a legal order nothing rests on it;
//! - a write that ended before another write of its value began, which in turn ended before
//!   anything that looks at the value began: nothing rests on the first;
//! - the condition of a compare-and-set, or what a swap found: either then counts as a write.
//!
//! A compare-and-set that was refused because the register did not hold `old` may rest on a write
//! that nobody looked at: on any but those of `old`, those that began after it had ended, and those
//! that had ended before `old` was first written. It goes together with what it may rest on.
//!
//! And a whole beginning may go, see [`Unconditional::from`].
//!
//! Counterexample to taking away more: write 1, write 2, write 1, read 1 is legal, and without
//! the second write of 1 it is not.

use super::facts::Fact;
use super::fast;
use super::proof::Proof;
use crate::event::Nanos;
use crate::hashing::Map;
use crate::linearizability::call::Call;
use crate::linearizability::finding::Finding;
use crate::linearizability::object::Weakened;
use crate::op::{Op, Outcome, Value};

/// How many calls may be looked at while making a set smaller, where the sweep decides …
const SWEPT: usize = 50_000_000;

/// … and where a search does, which is slower per call.
const SEARCHED: usize = 2_000_000;

/// The writes that changes count as, once it is dropped what they found; by invocation.
pub(super) fn weakened(calls: &[Call<'_>]) -> Weakened {
    let write = |call: &Call<'_>| match (Fact::of(call), call.op.key()) {
        (Fact::Changes { new, .. }, Some(key)) => {
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
    let proof = fast::proof(calls).map(|proof| unconditional.proof(calls, &proof));
    if let Some(proof) = proof.filter(|proof| refuted(proof)) {
        return minimise(proof, &unconditional, SWEPT, refuted);
    }
    if fast::swept_alone(calls) != Finding::Ambiguous {
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

    /// The calls of a proof, without the conditions that prove nothing.
    fn proof(&self, calls: &[Call<'a>], proof: &Proof) -> Vec<Call<'a>> {
        let call = |place: &usize| {
            let loose = proof.loose.contains(place);
            let weakened = loose.then(|| self.weakened(&calls[*place])).flatten();
            weakened.unwrap_or(calls[*place])
        };
        proof.places.iter().map(call).collect()
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
        let mut last: Map<&Value, usize> = Map::default();
        for (place, call) in calls.iter().enumerate() {
            if let (true, Some(value)) = (ended_before(call, time), Fact::of(call).leaves()) {
                last.insert(value, place);
            }
        }
        let keep = |(place, call): (usize, &Call<'a>)| {
            if ended_before(call, time) {
                let value = Fact::of(call).leaves()?;
                let write = self.weakened(call).unwrap_or(*call);
                let write = Call { start: 0, end: Some(time - 1), ..write };
                (last.get(value) == Some(&place)).then_some(write)
            } else if call.start < time {
                Fact::of(call).leaves().map(|_| self.weakened(call).unwrap_or(*call))
            } else {
                Some(*call)
            }
        };
        calls.iter().enumerate().filter_map(keep).collect()
    }

    /// `calls` without those in `gone`, and without what looked at their values or rests on there
    /// having been another one.
    fn without(&self, calls: &[Call<'a>], gone: std::ops::Range<usize>) -> Vec<Call<'a>> {
        let written = |call: &Call<'a>| Fact::of(call).leaves();
        let mut values: Map<&Value, ()> = Map::default();
        for call in &calls[gone.clone()] {
            if let Some(value) = written(call)
                && (gone.len() > 1 || !is_hidden(value, call, calls))
            {
                values.insert(value, ());
            }
        }
        let mut kept = Vec::with_capacity(calls.len());
        for (place, call) in calls.iter().enumerate() {
            let fact = Fact::of(call);
            let rests = matches!(fact, Fact::Differs(old) if may_rest(call, old, (calls, &gone)));
            if gone.contains(&place) || rests {
                continue;
            }
            if fact.needs().flatten().is_some_and(|needed| values.contains_key(needed)) {
                kept.extend(self.weakened(call));
            } else {
                kept.push(*call);
            }
        }
        kept
    }
}

/// Whether nothing can rest on a write of `value` because a later one of it stands before all that
/// look at it.
fn is_hidden(value: &Value, write: &Call<'_>, calls: &[Call<'_>]) -> bool {
    let lookers = || calls.iter().filter(|call| Fact::of(call).needs() == Some(Some(value)));
    calls.iter().any(|other| {
        Fact::of(other).leaves() == Some(value)
            && write.precedes(other)
            && lookers().all(|looker| other.precedes(looker))
    })
}

/// How many calls may go at once for it to be worth asking what rests on them.
const FEW: usize = 8;

/// Whether the refusal of `old` may rest on a write in `gone`; see the head of this file.
fn may_rest(
    refusal: &Call<'_>,
    old: &Value,
    (calls, gone): (&[Call<'_>], &std::ops::Range<usize>),
) -> bool {
    let mut writes = calls[gone.clone()].iter().filter(|call| {
        let value = Fact::of(call).leaves();
        value.is_some_and(|value| value != old)
    });
    if gone.len() > FEW {
        return writes.next().is_some();
    }
    let writes_old = |call: &&Call<'_>| Fact::of(call).leaves() == Some(old);
    writes.any(|write| {
        let before = || calls.iter().filter(writes_old).all(|other| write.precedes(other));
        !refusal.precedes(write) && !before()
    })
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

#[cfg(test)]
mod tests {
    use super::super::drawn::{Dice, calls, execution, spoilt};
    use super::*;
    use crate::budget::Budget;
    use crate::linearizability::{is_linearizable, search_linearizable};
    use crate::models::Register;

    fn is_legal(calls: &[Call<'_>]) -> bool {
        let budget = Budget::unlimited_time();
        search_linearizable::<Register>(calls, &budget).expect("few calls are decided")
    }

    /// How many histories are drawn.
    const HISTORIES: usize = 3_000;

    #[test]
    fn what_may_be_taken_away_makes_nothing_illegal() {
        let mut dice = Dice(41);
        for round in 0..HISTORIES {
            let drawn = execution(&mut dice, 9, (round % 2 == 0).then_some(3));
            let calls = calls(&drawn);
            assert!(is_legal(&calls), "{calls:#?}");
            let weakened = weakened(&calls);
            let unconditional = Unconditional(&weakened);
            for place in 0..calls.len() {
                for size in [1, 2, 12] {
                    let gone = place..calls.len().min(place + size);
                    let left = unconditional.without(&calls, gone.clone());
                    assert!(is_legal(&left), "{gone:?} of {calls:#?}");
                }
                let late = unconditional.from(&calls, calls[place].start);
                assert!(is_legal(&late), "from {} of {calls:#?}", calls[place].start);
            }
        }
    }

    #[test]
    fn what_is_left_cannot_be_made_smaller() {
        let (mut dice, mut refuted) = (Dice(43), 0);
        for round in 0..HISTORIES {
            let drawn = execution(&mut dice, 12, (round % 3 == 0).then_some(4));
            let drawn = spoilt(&mut dice, drawn);
            let calls = calls(&drawn);
            if is_legal(&calls) {
                continue;
            }
            refuted += 1;
            let weakened = weakened(&calls);
            let judged = |calls: &[Call<'_>]| {
                is_linearizable::<Register>(calls, &Budget::unlimited_time()) == Some(false)
            };
            let small = smallest(&calls, &weakened, &judged);
            assert!(!is_legal(&small), "{small:#?} of {calls:#?}");
            for place in 0..small.len() {
                let less = Unconditional(&weakened).without(&small, place..place + 1);
                assert!(is_legal(&less), "{place} of {small:#?} of {calls:#?}");
            }
        }
        assert!(refuted > HISTORIES / 4, "{refuted}");
    }
}
