//! Queues that promise no order: every element is handed out once, to somebody, at some time.
//!
//! Without empty answers each value is judged by itself, however often it was enqueued: it must at
//! no instant have been handed out more often than it can have come in. With them, and with values
//! that were enqueued once, the argument of `super::queue::emptiness` is exact: place every
//! element as late as its enqueue and as early as its dequeue allow, or both at one instant where
//! they overlap; at one instant dequeues come first, then empty answers, then enqueues. Of a value
//! that was enqueued twice in a history with empty answers it is tried which one was taken when.

use super::queue::elements::{Conflict, Elements};
use super::queue::emptiness::not_empty;
use super::queue::{class, minimise, repeated};
use crate::linearizability::call::Call;
use crate::linearizability::finding::Finding;
use crate::linearizability::minimise::Part;
use crate::linearizability::object::{Object, Weakened};
use crate::linearizability::refuted::{Explanation, Refuted};
use crate::models::Bag;
use crate::op::OpKind;

impl Object for Bag {
    const NAMES: &'static [&'static str] = &["multiset-queue", "bag", "unordered-queue"];
    const ID: &'static str = "multiset-queue/linearizable";
    const PROMISE: &'static str = "every element of a queue is handed out once, in any order, and \
         only an empty queue is called empty";
    const ASSUMPTIONS: &'static [&'static str] = &[
        "every queue starts empty",
        "a dequeue whose end is unknown may have taken any one element",
    ];
    const KINDS: &'static [OpKind] = &[OpKind::Enqueue, OpKind::Dequeue];

    fn decide_fast(calls: &[Call<'_>]) -> Finding {
        match decide(calls) {
            Finding::Ambiguous => repeated::decide(calls, decide),
            found => found,
        }
    }

    fn part(call: &Call<'_>) -> Part {
        minimise::part(call)
    }

    fn smallest<'a>(
        calls: &[Call<'a>],
        _: &'a Weakened,
        refuted: &dyn Fn(&[Call<'a>]) -> bool,
    ) -> Vec<Call<'a>> {
        minimise::smallest(calls, false, refuted)
    }

    fn explanation<'a>(refuted: &Refuted<'a>) -> Option<Explanation<'a>> {
        class::explanation(refuted, conflict(&refuted.small, &Elements::of(&refuted.small)?)?)
    }
}

/// Decides where every element was put in once, or no queue was called empty.
fn decide(calls: &[Call<'_>]) -> Finding {
    let Some(elements) = Elements::of(calls) else { return Finding::Ambiguous };
    match conflict(calls, &elements) {
        Some(conflict) => Finding::Refuted(conflict.violation(&elements)),
        None if elements.empties.is_empty() || elements.times().is_some() => Finding::Legal,
        None => Finding::Ambiguous,
    }
}

fn conflict(calls: &[Call<'_>], elements: &Elements<'_>) -> Option<Conflict> {
    elements.unbalanced().or_else(|| {
        let empty = not_empty(calls, elements, &elements.times()?)?;
        Some(Conflict::NotEmpty { empty })
    })
}
