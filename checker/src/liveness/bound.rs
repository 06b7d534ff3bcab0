//! The time that a cluster has to come back.

use crate::identity::Nanos;

pub(super) const MILLI: u64 = 1_000_000;

/// The time that the cluster has to come back.
#[derive(Clone, Copy)]
pub(super) struct Bound {
    /// When the last fault had healed.
    pub(super) healed: Nanos,
    /// When the cluster must have come back.
    pub(super) deadline: Nanos,
    /// When the nodes were stopped, or the history ends: nothing later counts.
    pub(super) stopped: Nanos,
}
