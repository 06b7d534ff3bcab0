//! Counters of which every increment is by the same number: decided exactly.
//!
//! In steps the counter only goes up, and all steps are alike. So they are taken as late as possible:
//! one when it completes, or when a read completes that shows more. Of those that are open the one
//! that completes first goes, and an indeterminate one only where there is no other.
//! A read takes effect as soon as the counter stands at what it shows.
//!
//! *Why nothing is lost.* In every legal order the counter has at any time gone at least as far as
//! it has here: each step here was forced by a completion, of itself or of a read, and taking those
//! first that complete first leaves as few as can be to be forced later. So a read that is asked for
//! when the counter has gone beyond what it shows has no place in any order. And as far as a read
//! demands the counter can go in any order only by steps that have been asked for, all of which
//! are used here.

use std::collections::BTreeSet;

use super::fact::Fact;
use crate::event::Nanos;
use crate::linearizability::call::Call;

/// By how much every increment goes; none if they differ. Those by nothing do not count.
pub(super) fn size(facts: &[Fact]) -> Option<i128> {
    let mut sizes = facts.iter().filter_map(|fact| match fact {
        Fact::Increment(by) if *by != 0 => Some(*by),
        _ => None,
    });
    // Without any, every size will do.
    let size = sizes.next().unwrap_or(1);
    sizes.all(|other| other == size).then_some(size)
}

/// Whether `calls` with increments by `size` have a legal order.
pub(super) fn have_an_order(calls: &[Call<'_>], facts: &[Fact], size: i128) -> bool {
    let mut moments = Vec::with_capacity(2 * calls.len());
    for (place, call) in calls.iter().enumerate() {
        moments.push((call.start, false, place));
        moments.extend(call.end.map(|end| (end, true, place)));
    }
    moments.sort_unstable();
    let mut steps = Steps::default();
    moments.into_iter().all(|(_, completes, place)| {
        let end = calls[place].end;
        match (facts[place], completes) {
            (Fact::Increment(0), _) => true,
            (Fact::Increment(_), false) => steps.ask(end, place),
            (Fact::Increment(_), true) => steps.done(end, place),
            (Fact::Read(shown), _) => {
                let rank = shown.filter(|shown| shown % size == 0).map(|shown| shown / size);
                rank.is_some_and(|rank| steps.read(rank, completes))
            }
        }
    })
}

/// How far the counter has gone, and what is open.
#[derive(Default)]
struct Steps {
    taken: i128,
    /// Steps that were asked for and not taken, by completion.
    definite: BTreeSet<(Nanos, usize)>,
    indeterminate: usize,
}

impl Steps {
    fn ask(&mut self, end: Option<Nanos>, place: usize) -> bool {
        match end {
            Some(end) => drop(self.definite.insert((end, place))),
            None => self.indeterminate += 1,
        }
        true
    }

    fn done(&mut self, end: Option<Nanos>, place: usize) -> bool {
        if end.is_some_and(|end| self.definite.remove(&(end, place))) {
            self.taken += 1;
        }
        true
    }

    /// Takes one step of those that are open, if there is any.
    fn go(&mut self) -> bool {
        if self.definite.pop_first().is_none() {
            match self.indeterminate.checked_sub(1) {
                Some(left) => self.indeterminate = left,
                None => return false,
            }
        }
        self.taken += 1;
        true
    }

    /// A read that shows `rank` begins or completes: whether there is a place for it. Going step by
    /// step, the counter cannot pass a rank without standing at it.
    fn read(&mut self, rank: i128, completes: bool) -> bool {
        while completes && self.taken < rank {
            if !self.go() {
                return false;
            }
        }
        completes || rank >= self.taken
    }
}
