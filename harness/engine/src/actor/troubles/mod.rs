//! Troubles: what it takes to bring a fault about, to measure it, and to mend it. One kind a file.
//!
//! A trouble changes the cluster and nothing else; the actor says when, and writes down what came
//! of it.

mod clock;
mod disk;
mod kill;
mod links;
mod partition;
mod pause;
mod power;
mod starve;

use std::fmt;

use fracas_checker::event::NodeId;
use fracas_checker::fault::{Fault, Measurement, Stage};

use crate::cluster::Cluster;
use fracas_lab::LabError;

/// One fault, as it can be done to a cluster.
pub trait Trouble: Send {
    /// By what means: `nft-bridge`, `sigstop`, `vdso-redirect`.
    fn mechanism(&self, cluster: &Cluster) -> String;

    /// Brings it about. What could not be done is returned, a sentence each.
    fn inject(&mut self, cluster: &Cluster) -> Vec<String>;

    /// Measures whether it is in effect, or gone.
    ///
    /// # Errors
    /// When nothing could be measured.
    fn measure(&mut self, cluster: &Cluster, stage: Stage) -> Result<Vec<Measurement>, LabError>;

    /// Mends it. What could not be done is returned, a sentence each.
    fn heal(&mut self, cluster: &Cluster) -> Vec<String>;
}

/// What it takes to do the fault of this number.
#[must_use]
pub fn trouble(id: u32, fault: &Fault) -> Box<dyn Trouble> {
    match fault.clone() {
        Fault::Partition { cut, .. } => Box::new(partition::Partition::new(id, cut)),
        Fault::Pause { nodes } => Box::new(pause::Pause(nodes)),
        Fault::Kill { nodes, again } => Box::new(kill::Kill::new(nodes, again)),
        Fault::Clock { nodes, change } => Box::new(clock::Wrong { nodes, change }),
        Fault::Slow { pairs, link } | Fault::Lossy { pairs, link } => {
            Box::new(links::Links { id, pairs, link })
        }
        Fault::Power { nodes, loss } => Box::new(power::Power::new(id, nodes, loss)),
        Fault::Disk { nodes, trouble } => Box::new(disk::Troubled::new(nodes, trouble)),
        Fault::Starve { nodes, scarcity } => Box::new(starve::Starve { nodes, scarcity }),
    }
}

/// Does something to each node; what fails is told.
fn each<T, E: fmt::Display>(
    nodes: &[NodeId],
    what: &str,
    act: impl Fn(NodeId) -> Result<T, E>,
) -> Vec<String> {
    let refused = nodes.iter().filter_map(|node| Some((node, act(*node).err()?)));
    refused.map(|(node, error)| format!("failed to {what} {node}: {error}")).collect()
}

/// What failed, as a list of none or one.
fn refused<T, E: fmt::Display>(what: &str, done: Result<T, E>) -> Vec<String> {
    done.err().map(|error| format!("failed to {what}: {error}")).into_iter().collect()
}
