//! Queues that hand out first what came in first.

use crate::exchange::Exchange;
use crate::look::Until;

/// The workload `fifo`.
pub(crate) const FIFO: Exchange = Exchange {
    name: "fifo",
    about: "unique elements are enqueued and dequeued in their order, and what is left is drained at the end",
    checks: &["queue/linearizable"],
    prefix: "fifo-",
    until: Until::Empty,
};
