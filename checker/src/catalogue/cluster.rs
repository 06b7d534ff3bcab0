//! The cluster as a whole: does it come back, do its servers endure.

use super::Class;

/// The cluster did not answer in time after the last heal.
pub const NO_RECOVERY: &str = "no-recovery";
/// The nodes did not agree on one leader after the last heal.
pub const NO_SINGLE_LEADER_AFTER_HEAL: &str = "no-single-leader-after-heal";
/// A server ended by itself.
pub const NODE_CRASHED: &str = "node-crashed";

/// The classes of this family.
pub(super) const CLUSTER: &[Class] = &[
    Class {
        name: NO_RECOVERY,
        meaning: "After the last fault had healed, no operation that began then succeeded within \
                  the bound. The cluster is whole again but serves nobody. Elections that never \
                  end, or nodes that do not join again, have this shape.",
        example: "the last fault heals\nthe bound passes\nno operation invoked since has succeeded",
    },
    Class {
        name: NO_SINGLE_LEADER_AFTER_HEAL,
        meaning: "After the last fault had healed, the nodes did not come to agree on exactly one \
                  leader within the bound, or a deposed leader still took itself for one after \
                  it. Clients that meet the wrong node go on being refused or misled.",
        example: "the last fault heals\nthe bound passes\nn1 leads generation 6, and n2 still claims \
                  to lead generation 5",
    },
    Class {
        name: NODE_CRASHED,
        meaning: "A server ended by itself, though no fault asked for it: it broke an assertion, \
                  ran out of something, or gave up. Whatever the cluster made of it, the server \
                  did not endure what its target file says it endures.",
        example: "n2 starts\nthe server of n2 ends with status 101",
    },
];
