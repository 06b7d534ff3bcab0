//! Can a queue have been empty when it said so?
//!
//! An element is certainly in the queue between the completion of its enqueue and the invocation of
//! its dequeue, without the two instants themselves: what takes effect at one of them may come on
//! the right side of it. An element that nobody is known to have taken may have been taken by an
//! unseen dequeue, at any time since that began.
//!
//! So the queue can have been empty at `x` only if no element was certainly in it whose dequeue is
//! known, and if at most as many of the others had certainly come before `x` as unseen dequeues had
//! begun by then. For every empty answer there must be such an instant in its interval.
//!
//! That is also enough, for all empty answers together. Give the elements to the unseen dequeues in
//! the order in which they came, those to the dequeue that began first. An empty answer at `x` asks
//! that all elements that had come before it be gone: the first `k`, say, and `k` dequeues had begun
//! by `x`, whatever the other empty answers ask.

use super::elements::{Elements, NEVER, Times};
use crate::event::Nanos;
use crate::linearizability::call::Call;

/// When elements were certainly there, sorted.
struct Presence<'a> {
    /// When those certainly came whose going is known …
    came: Vec<Nanos>,
    /// … and when they may first have gone.
    went: Vec<Nanos>,
    /// When the others certainly came.
    owed: Vec<Nanos>,
    unseen: &'a [Nanos],
}

impl Presence<'_> {
    fn may_be_empty(&self, x: Nanos) -> bool {
        before(&self.came, x) == until(&self.went, x)
            && before(&self.owed, x) <= until(self.unseen, x)
    }
}

/// How many of `times` are before `x`.
fn before(times: &[Nanos], x: Nanos) -> usize {
    times.partition_point(|time| *time < x)
}

/// How many of `times` are not after `x`.
fn until(times: &[Nanos], x: Nanos) -> usize {
    times.partition_point(|time| *time <= x)
}

fn sorted(times: impl Iterator<Item = Nanos>) -> Vec<Nanos> {
    let mut times: Vec<Nanos> = times.collect();
    times.sort_unstable();
    times
}

/// The first empty answer that cannot have been true.
///
/// Only few instants need a look. Going back in time from one that will do, the next one will do as
/// well unless the answer begins there, an element began to go there, or an unseen dequeue began.
pub(crate) fn not_empty(
    calls: &[Call<'_>],
    elements: &Elements<'_>,
    times: &[Times],
) -> Option<usize> {
    let known = || times.iter().filter(|times| times.there < times.going && times.going < NEVER);
    let owed = times.iter().filter(|times| times.going == NEVER);
    let presence = Presence {
        came: sorted(known().map(|times| times.there)),
        went: sorted(known().map(|times| times.going)),
        owed: sorted(owed.map(|times| times.there)),
        unseen: &elements.unseen,
    };
    let instants = presence.went.iter().chain(presence.unseen).copied();
    let instants = sorted(instants.filter(|x| presence.may_be_empty(*x)));
    elements.empties.iter().copied().find(|empty| {
        let call = &calls[*empty];
        let next = instants.get(before(&instants, call.start));
        let later = next.is_some_and(|x| call.end.is_none_or(|end| *x <= end));
        !later && !presence.may_be_empty(call.start)
    })
}
