//! The load that is asked for, and how a workload spreads its part of it over clients and readers.

use std::collections::BTreeSet;

use fracas_checker::event::{NodeId, OpKind};

/// The readers' share of the rate that the user chooses.
pub(crate) const READS_SHARE: f64 = 1.0 / 3.0;

/// The most reads per second on each node, however fast clients are to be.
const READS_MOST: f64 = 50.0;

/// The load that is asked for.
#[derive(Debug, Clone)]
pub struct Load {
    /// The nodes of the cluster.
    pub nodes: Vec<NodeId>,
    /// Clients for workloads whose load the user chooses, beside a reader on each node.
    pub clients: u16,
    /// Operations per second of those clients and readers together; `None` is as fast as possible.
    pub rate: Option<f64>,
    /// Objects to spread over.
    pub keys: u16,
    /// What the target serves; a workload leaves out what it can do without.
    pub serves: BTreeSet<OpKind>,
}

impl Load {
    /// Whether the target serves operations of this kind.
    pub(crate) fn has(&self, kind: OpKind) -> bool {
        self.serves.contains(&kind)
    }

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

    /// Operations per second of each client where there are no readers.
    pub(crate) fn rate_without_readers(&self) -> Option<f64> {
        self.rate.map(|rate| rate / f64::from(self.clients.max(1)))
    }

    /// Operations per second for each of `clients` clients of a workload that is light: `rate`, or
    /// less where the user asks for less in all.
    pub(crate) fn light_rate(&self, rate: f64, clients: usize) -> f64 {
        self.rate.map_or(rate, |asked| rate.min(asked / clients.max(1) as f64))
    }
}
