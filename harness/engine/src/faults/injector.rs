//! What every kind of fault can do, and what is said of what fails.

use std::fmt;

use fracas_checker::event::NodeId;
use fracas_checker::fault::{Effect, Measurement, Stage};
use fracas_lab::LabError;

use crate::cluster::Cluster;

/// One fault, as it can be done to a cluster.
pub trait Injector: Send {
    /// By what means: `nft-bridge`, `sigstop`, `vdso-redirect`.
    fn mechanism(&self, cluster: &Cluster) -> String;

    /// The effects that the history records, which may hang on the target.
    fn effects(&self, _: &Cluster, planned: Vec<Effect>) -> Vec<Effect> {
        planned
    }

    /// Brings it about. What could not be done is returned, a sentence each.
    fn inject(&mut self, cluster: &Cluster) -> Vec<String>;

    /// Measures whether it is in effect, or gone.
    ///
    /// # Errors
    /// When nothing could be measured.
    fn measure(&mut self, cluster: &Cluster, stage: Stage) -> Result<Vec<Measurement>, LabError>;

    /// Heals it. What could not be done is returned, a sentence each.
    fn heal(&mut self, cluster: &Cluster) -> Vec<String>;
}

/// Does something to each node; what fails is told.
pub(super) fn each<T, E: fmt::Display>(
    nodes: &[NodeId],
    attempt: &str,
    act: impl Fn(NodeId) -> Result<T, E>,
) -> Vec<String> {
    let refused = nodes.iter().filter_map(|node| Some((node, act(*node).err()?)));
    refused.map(|(node, error)| format!("failed to {attempt} {node}: {error}")).collect()
}

/// What failed, as a list of none or one.
pub(super) fn refused<T, E: fmt::Display>(attempt: &str, done: Result<T, E>) -> Vec<String> {
    done.err().map(|error| format!("failed to {attempt}: {error}")).into_iter().collect()
}
