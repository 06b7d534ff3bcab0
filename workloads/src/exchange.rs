//! Workloads of queues, in whatever order these hand out: elements go in and come out.
//!
//! Every element is enqueued once. As many are taken as put, so that queues are short and often
//! empty; what is left at the end is taken through all nodes until nothing is left.

use fracas_checker::event::{Key, Op, OpKind};

use crate::look::{self, Look, Until};
use crate::workload::Least;
use crate::{Draw, Lane, Load, Stream, Workload, clients, names};

/// A workload of queues, as a row of a table.
pub(crate) struct Exchange {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) checks: &'static [&'static str],
    pub(crate) prefix: &'static str,
    /// How what is left at the end is taken.
    pub(crate) until: Until,
}

impl Workload for Exchange {
    fn name(&self) -> &'static str {
        self.name
    }

    fn about(&self) -> &'static str {
        self.about
    }

    fn needs(&self) -> &'static [OpKind] {
        &[OpKind::Enqueue, OpKind::Dequeue]
    }

    fn checks(&self) -> &'static [&'static str] {
        self.checks
    }

    fn prefix(&self) -> &'static str {
        self.prefix
    }

    fn least(&self) -> Least {
        Least::of(&[(OpKind::Enqueue, 10), (OpKind::Dequeue, 10)])
    }

    fn probe(&self) -> Option<Op> {
        Some(Op::Dequeue { key: names::ready(self.prefix) })
    }

    fn lanes(&self, load: &Load) -> Vec<Lane> {
        let keys = || names::all(self.prefix, load);
        clients::lanes(load, false, |_| Box::new(Client { keys: keys() }))
    }

    /// Nothing: no later element hides that one is gone.
    fn looks(&self, _: &[Key]) -> Vec<Look> {
        Vec::new()
    }

    fn finals(&self, keys: &[Key]) -> Vec<Look> {
        look::drains(keys, self.until)
    }
}

/// One client.
struct Client {
    keys: Vec<Key>,
}

impl Stream for Client {
    fn next(&mut self, draw: &mut Draw) -> Op {
        let (key, value) = (draw.one_of(&self.keys).clone(), draw.fresh_value());
        match draw.below(2) {
            0 => Op::Enqueue { key, value },
            _ => Op::Dequeue { key },
        }
    }
}
