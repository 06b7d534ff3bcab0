//! Near-linear decision for queues in which every element was enqueued once.
//!
//! After the violations of Bouajjani, Emmi, Enea and Hamza (“On reducing linearizability to state
//! reachability”, ICALP 2015; Abdulla and others and Lee and Mathur, both 2025, decide them by
//! sorting): a queue of unique elements has a legal order iff
//!
//! 1. nothing is dequeued before its enqueue began, nor twice;
//! 2. no element overtakes another: if `a` was enqueued before `b`, then `b` is not dequeued before
//!    `a` is;
//! 3. every empty answer has an instant at which no element was certainly in the queue.
//!
//! *Indeterminate enqueues* count if their element was dequeued; they have no completion of their
//! own. *Indeterminate dequeues* may each have taken one element that nobody else is known to have
//! taken, at any time since they began, or none. Such an element `a` must be gone by the first
//! completed dequeue of an element that was enqueued after `a`: that is its deadline. By rule 2 it
//! asks for nothing else, because a dequeue that never ends overtakes nothing. So all elements with
//! a deadline must find a dequeue of their own that began by then, and they can iff for every
//! instant at most as many deadlines have passed as unseen dequeues have begun: in sorted order,
//! the k-th dequeue began by the k-th deadline. Rule 3 is extended likewise in
//! [`super::emptiness`]. The two together ask for no more than each does: an earlier element has
//! the earlier deadline, so at `x` the elements that must be gone are the first few of all, and
//! their number is the larger of the two counts.

use super::elements::{Conflict, Elements, NEVER, Times};
use super::emptiness::not_empty;
use crate::event::Nanos;
use crate::linearizability::call::Call;
use crate::linearizability::finding::Finding;

/// Decides whether `calls` of one queue have a legal order.
pub(super) fn decide(calls: &[Call<'_>]) -> Finding {
    let Some(elements) = Elements::of(calls) else { return Finding::Ambiguous };
    match (elements.unbalanced(), elements.times()) {
        (Some(conflict), _) => Finding::Refuted(conflict.violation(&elements)),
        (None, None) => Finding::Ambiguous,
        (None, Some(times)) => match ordered(calls, &elements, &times) {
            Some(conflict) => Finding::Refuted(conflict.violation(&elements)),
            None => Finding::Legal,
        },
    }
}

/// Why `calls` have no legal order, if the rules can tell.
pub(super) fn conflict(calls: &[Call<'_>]) -> Option<Conflict> {
    let elements = Elements::of(calls)?;
    elements.unbalanced().or_else(|| ordered(calls, &elements, &elements.times()?))
}

fn ordered(calls: &[Call<'_>], elements: &Elements<'_>, times: &[Times]) -> Option<Conflict> {
    overtaken(times)
        .or_else(|| skipped(times, &elements.unseen))
        .or_else(|| Some(Conflict::NotEmpty { empty: not_empty(calls, elements, times)? }))
}

/// Two elements whose dequeues are known, in the wrong order.
fn overtaken(times: &[Times]) -> Option<Conflict> {
    let mut ahead: Vec<&Times> = times.iter().filter(|times| times.going < NEVER).collect();
    let mut behind = ahead.clone();
    ahead.sort_unstable_by_key(|times| times.there);
    behind.sort_unstable_by_key(|times| times.coming);
    let (mut ahead, mut last) = (ahead.into_iter().peekable(), None::<&Times>);
    for behind in behind {
        while let Some(next) = ahead.next_if(|times| times.there < behind.coming) {
            last = last.filter(|last| last.going >= next.going).or(Some(next));
        }
        if let Some(ahead) = last.filter(|ahead| behind.gone < ahead.going) {
            return Some(Conflict::Overtaken { ahead: *ahead, behind: *behind });
        }
    }
    None
}

/// An element that must have been taken by some instant, by which too few unseen dequeues began.
fn skipped(times: &[Times], unseen: &[Nanos]) -> Option<Conflict> {
    let mut left: Vec<&Times> = times.iter().filter(|times| times.going == NEVER).collect();
    let mut taken: Vec<&Times> = times.iter().filter(|times| times.going < NEVER).collect();
    left.sort_unstable_by_key(|times| std::cmp::Reverse(times.there));
    taken.sort_unstable_by_key(|times| std::cmp::Reverse(times.coming));
    let (mut taken, mut first) = (taken.into_iter().peekable(), None::<&Times>);
    // From the last element to the first: the deadlines only get earlier.
    let mut deadlines: Vec<(&Times, &Times)> = Vec::new();
    for ahead in left {
        while let Some(next) = taken.next_if(|times| times.coming > ahead.there) {
            first = first.filter(|first| first.gone <= next.gone).or(Some(next));
        }
        deadlines.extend(first.map(|behind| (ahead, behind)));
    }
    let mut unseen = unseen.iter();
    let late = deadlines
        .into_iter()
        .rev()
        .find(|(_, behind)| unseen.next().is_none_or(|began| *began > behind.gone));
    late.map(|(ahead, behind)| Conflict::Overtaken { ahead: *ahead, behind: *behind })
}
