//! Timestamps: an oracle is asked for one after the other, on every node.
//!
//! What is asked on one node after another node has answered must be greater, so every node asks the
//! same few oracles.

use crate::generators::Generators;

/// The workload `timestamps`.
pub(crate) const TIMESTAMPS: Generators = Generators {
    name: "timestamps",
    about: "timestamps are asked for on every node, each to be greater than all that were given before",
    checks: &["timestamps/increasing"],
    prefix: "timestamps-",
};
