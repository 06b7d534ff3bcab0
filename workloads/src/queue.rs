//! Queues that hand out their elements in any order.

use fracas_checker::event::{Key, Op, OpKind};

use crate::look::{self, Look};
use crate::workload::Least;
use crate::{Lane, Size, Workload, exchange};

const PREFIX: &str = "queue-";

/// The workload `queue`.
pub(crate) struct Queue;

impl Workload for Queue {
    fn name(&self) -> &'static str {
        "queue"
    }

    fn about(&self) -> &'static str {
        "unique elements are enqueued and dequeued in any order, and what is left is drained at the end"
    }

    fn needs(&self) -> &'static [OpKind] {
        exchange::NEEDS
    }

    fn checks(&self) -> &'static [&'static str] {
        &["multiset-queue/linearizable"]
    }

    fn prefix(&self) -> &'static str {
        PREFIX
    }

    fn least(&self) -> Least {
        exchange::LEAST
    }

    fn probe(&self) -> Option<Op> {
        Some(Op::Dequeue { key: "queue-ready".into() })
    }

    fn lanes(&self, size: &Size) -> Vec<Lane> {
        exchange::lanes(size, PREFIX)
    }

    /// Nothing: no later element hides that one is gone.
    fn looks(&self, _: &[Key]) -> Vec<Look> {
        Vec::new()
    }

    fn finals(&self, keys: &[Key]) -> Vec<Look> {
        look::drains(keys)
    }
}
