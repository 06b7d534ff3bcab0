//! What a workload is, and what its lanes and streams are.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use fracas_checker::Completion;
use fracas_checker::event::{Key, NodeId, Op, OpKind, Value};

use crate::draw::Draw;

/// The readers' share of the rate that the user chooses.
pub(crate) const READS_SHARE: f64 = 1.0 / 3.0;

/// The most reads per second on each node, however fast clients are to be.
const READS_MOST: f64 = 50.0;

/// What clients ask, as data and seeded streams.
pub trait Workload: Sync {
    /// The name used on the command line.
    fn name(&self) -> &'static str;

    /// What it is for, in one line.
    fn about(&self) -> &'static str;

    /// The operations that a target must serve.
    fn needs(&self) -> &'static [OpKind];

    /// The operations that it really asks of a target that serves these.
    fn asks(&self, serves: &BTreeSet<OpKind>) -> BTreeSet<OpKind> {
        let _ = serves;
        self.needs().iter().copied().collect()
    }

    /// The checks that judge it, by id; a target's promises choose among them.
    fn checks(&self) -> &'static [&'static str];

    /// Every register that its lanes may touch.
    fn keys(&self, size: &Size) -> Vec<Key>;

    /// How to look at every object before anybody changes it again, once all faults are over: for
    /// each object operations of which every one is asked only if the one before was not refused.
    fn looks(&self, size: &Size) -> Vec<Vec<Op>> {
        self.keys(size).into_iter().map(|key| vec![Op::Read { key }]).collect()
    }

    /// One lane for every client that it wants.
    fn lanes(&self, size: &Size) -> Vec<Lane>;
}

/// How large a load is asked for.
#[derive(Debug, Clone)]
pub struct Size {
    /// The nodes of the cluster.
    pub nodes: Vec<NodeId>,
    /// Clients for workloads whose load the user chooses, beside a reader on each node.
    pub clients: u16,
    /// Operations per second of those clients and readers together; `None` is as fast as possible.
    pub rate: Option<f64>,
    /// Registers to spread over.
    pub keys: u16,
    /// What the target serves; a workload leaves out what it can do without.
    pub serves: BTreeSet<OpKind>,
}

impl Size {
    /// Reads per second of the reader on each node, of the rate that the user chooses.
    pub(crate) fn reads_per_node(&self) -> f64 {
        let nodes = self.nodes.len().max(1) as f64;
        self.rate.map_or(READS_MOST, |rate| READS_MOST.min(rate * READS_SHARE / nodes))
    }

    /// Operations per second of each client beside the readers; `None` is as fast as possible.
    pub(crate) fn rate_of_clients(&self) -> Option<f64> {
        let reads = self.reads_per_node() * self.nodes.len() as f64;
        self.rate.map(|rate| (rate - reads) / f64::from(self.clients.max(1)))
    }

    /// Operations per second for each of `clients` clients of a workload that is light: `rate`, or
    /// less where the user asks for less in all.
    pub(crate) fn light_rate(&self, rate: f64, clients: usize) -> f64 {
        self.rate.map_or(rate, |asked| rate.min(asked / clients.max(1) as f64))
    }
}

/// What one client does.
pub struct Lane {
    /// The node it belongs to.
    pub node: NodeId,
    /// Operations per second; `None` is as fast as possible.
    pub rate: Option<f64>,
    /// Whether it asks the leader, where the target lets clients follow it; else it asks its own
    /// node, whatever its role.
    pub seeks_leader: bool,
    /// Whether it goes on while earlier operations are open. Only for what changes nothing.
    pub overlaps: bool,
    /// What it asks, one operation after the other.
    pub stream: Box<dyn Stream>,
}

/// The last value that this client saw in each register: what a compare-and-set starts from.
pub type Seen = BTreeMap<Key, Value>;

/// A seeded stream of operations.
///
/// The choices (kind, key, new value) are a pure function of the seed and of what the client was
/// answered: a compare-and-set expects the value that it has seen last, because no value drawn
/// blindly would ever match when every value is written once, and a lock can be given back only
/// once it was granted.
pub trait Stream: Send {
    /// The next operation. All randomness comes from `draw`.
    fn next(&mut self, draw: &mut Draw, seen: &Seen) -> Op;

    /// Takes notice of how an operation ended.
    fn learn(&mut self, op: &Op, completion: &Completion) {
        let _ = (op, completion);
    }

    /// How long the client rests before its next operation, whatever its rate.
    fn rest(&mut self) -> Duration {
        Duration::ZERO
    }
}
