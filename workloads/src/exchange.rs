//! What clients ask of queues, in whatever order these hand out: elements go in and come out.
//!
//! Every element is enqueued once. As many are taken as put, so that queues are short and often
//! empty; what is left at the end is taken through all nodes until nothing is left.

use fracas_checker::event::{Key, Op, OpKind};

use crate::workload::Least;
use crate::{Draw, Lane, Size, Stream, clients, names};

/// What they need.
pub(crate) const NEEDS: &[OpKind] = &[OpKind::Enqueue, OpKind::Dequeue];

/// How much must have been seen of them.
pub(crate) const LEAST: Least = Least::of(&[(OpKind::Enqueue, 10), (OpKind::Dequeue, 10)]);

/// One lane for each client.
pub(crate) fn lanes(size: &Size, prefix: &'static str) -> Vec<Lane> {
    clients::lanes(size, false, |_| Box::new(Client { keys: names::all(prefix, size) }))
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
