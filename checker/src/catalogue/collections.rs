//! Sets, queues and lists: elements that are gone, come back, or come out wrong.

use super::class::Class;

/// An acknowledged element is missing.
pub(crate) const LOST_ELEMENT: &str = "lost-element";
/// An element was seen that nobody can have put there.
pub(crate) const PHANTOM_ELEMENT: &str = "phantom-element";
/// An element was seen after its removal had been acknowledged.
pub(crate) const RESURRECTED_ELEMENT: &str = "resurrected-element";
/// An element of a queue was handed out twice.
pub(crate) const DUPLICATE_DEQUEUE: &str = "duplicate-dequeue";
/// An element of a queue was handed out before one that was ahead of it.
pub(crate) const OUT_OF_ORDER_DEQUEUE: &str = "out-of-order-dequeue";
/// A queue was called empty that was not.
pub(crate) const FALSE_EMPTY: &str = "false-empty";
/// A transaction does not agree with itself.
pub(crate) const INTERNAL_INCONSISTENCY: &str = "internal-inconsistency";
/// Two reads of a list of which neither is the beginning of the other.
pub(crate) const INCOMPATIBLE_READS: &str = "incompatible-reads";

/// The classes of this family.
pub(super) const COLLECTIONS: &[Class] = &[
    Class {
        name: LOST_ELEMENT,
        meaning: "An element was acknowledged and is gone, though nobody took it away: a later \
                  read of the set misses it, or the queue is empty or has moved on without ever \
                  handing it out. Typical cause: acknowledging before a quorum or the disk has the \
                  element.",
        example: "add 1 to s is acknowledged\nread all of s begins and returns nothing, and so does \
                  every later read",
    },
    Class {
        name: PHANTOM_ELEMENT,
        meaning: "An element was seen that nobody can have put there by then: nobody ever did, \
                  every attempt had failed for certain, or the first attempt began only later. \
                  Either the cluster makes elements up, or it called an operation failed that took \
                  effect after all.",
        example: "enqueue 1 to q fails\ndequeue from q returns 1",
    },
    Class {
        name: RESURRECTED_ELEMENT,
        meaning: "An element was seen after its removal had been acknowledged, and nobody added it \
                  again. Typical causes: a replica that missed the removal and is asked, or wins \
                  an election; a merge of two copies that keeps whatever either has.",
        example: "add 1 to s is acknowledged\nremove 1 from s is acknowledged\nread all of s begins \
                  and returns 1",
    },
    Class {
        name: DUPLICATE_DEQUEUE,
        meaning: "An element came out of a queue more often than it was put in. Two clients now \
                  work on the same job. Typical cause: a queue that hands an element out and loses \
                  the note of it in a fail-over.",
        example: "enqueue 1 to q is acknowledged\ndequeue from q returns 1\ndequeue from q returns 1",
    },
    Class {
        name: OUT_OF_ORDER_DEQUEUE,
        meaning: "An element came out of a first-in-first-out queue before another that had been \
                  put in ahead of it. Typical cause: two leaders that each order elements on their \
                  own, or an element that was put back at the end.",
        example: "enqueue 1 to q is acknowledged\nenqueue 2 to q is acknowledged\ndequeue from q \
                  returns 2\ndequeue from q returns 1",
    },
    Class {
        name: FALSE_EMPTY,
        meaning: "A dequeue was told that the queue is empty, though at every instant of it some \
                  element was certainly there, and came out later. Typical cause: a replica that \
                  lags behind and answers on its own.",
        example: "enqueue 1 to q is acknowledged\ndequeue from q finds it empty\ndequeue from q \
                  returns 1",
    },
    Class {
        name: INTERNAL_INCONSISTENCY,
        meaning: "A transaction does not agree with itself: it does not see what it has written, \
                  or reads the same object twice and sees a change that it did not make. Whatever \
                  the others did, this one did not run as a whole.",
        example: "a transaction appends 1 to x and then reads x as empty",
    },
    Class {
        name: INCOMPATIBLE_READS,
        meaning: "Two reads of a list disagree on its order: neither is the beginning of the \
                  other. A list only ever grows at its end, so there were two versions of it. \
                  Typical cause: two leaders that each append on their own.",
        example: "a transaction reads x as [1 2]\na transaction reads x as [2 1]",
    },
];
