//! Queues whose clients confirm what they were handed: an element may come again, and is never lost.

use crate::exchange::Exchange;
use crate::look::Until;

/// The workload `delivery`.
pub(crate) const DELIVERY: Exchange = Exchange {
    name: "delivery",
    about: "unique elements are enqueued and dequeued, each at least once, and what is left is drained at the end",
    checks: &["delivery/at-least-once"],
    prefix: "delivery-",
    until: Until::Settled,
};
