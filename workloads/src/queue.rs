//! Queues that hand out their elements in any order.

use crate::exchange::Exchange;
use crate::look::Until;

/// The workload `queue`.
pub(crate) const QUEUE: Exchange = Exchange {
    name: "queue",
    about: "unique elements are enqueued and dequeued in any order, and what is left is drained at the end",
    checks: &["multiset-queue/linearizable"],
    prefix: "queue-",
    until: Until::Empty,
};
