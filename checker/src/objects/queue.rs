//! Queues: first in, first out.
//!
//! The decision stands in `fifo`, what it has in common with queues without order in `elements`
//! and `emptiness`, and the words in `class`.

pub(super) mod class;
pub(super) mod elements;
pub(super) mod emptiness;
mod fifo;
pub(super) mod minimise;
pub(super) mod repeated;

use crate::linearizability::call::Call;
use crate::linearizability::finding::Finding;
use crate::linearizability::minimise::Part;
use crate::linearizability::object::{Object, Weakened};
use crate::linearizability::refuted::{Explanation, Refuted};
use crate::models::Queue;
use crate::op::OpKind;

impl Object for Queue {
    const NAMES: &'static [&'static str] = &["queue", "fifo-queue"];
    const ID: &'static str = "queue/linearizable";
    const PROMISE: &'static str = "every element of a queue is handed out once, in the order in which \
         it came in, and only an empty queue is called empty";
    const ASSUMPTIONS: &'static [&'static str] = &[
        "every queue starts empty",
        "a dequeue whose end is unknown may have taken the element at the front",
    ];
    const KINDS: &'static [OpKind] = &[OpKind::Enqueue, OpKind::Dequeue];

    fn decide_fast(calls: &[Call<'_>]) -> Finding {
        match fifo::decide(calls) {
            Finding::Ambiguous => repeated::decide(calls, fifo::decide),
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
        minimise::smallest(calls, true, refuted)
    }

    fn explanation<'a>(refuted: &Refuted<'a>) -> Option<Explanation<'a>> {
        class::explanation(refuted, fifo::conflict(&refuted.small)?)
    }
}
