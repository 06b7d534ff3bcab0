//! The cluster as a whole: does it come back, do its servers endure.

use super::class::Class;

/// The cluster did not answer in time after the last heal.
pub(crate) const NO_RECOVERY: &str = "no-recovery";
/// The nodes did not agree on one leader after the last heal.
pub(crate) const NO_SINGLE_LEADER_AFTER_HEAL: &str = "no-single-leader-after-heal";
/// A leader without a quorum went on claiming to lead.
pub(crate) const DEPOSED_LEADER_LINGERS: &str = "deposed-leader-lingers";
/// No new leader came within the budget.
pub(crate) const NO_LEADER_IN_TIME: &str = "no-leader-in-time";
/// A server ended by itself.
pub(crate) const NODE_CRASHED: &str = "node-crashed";

/// The classes of this family.
pub(super) const CLUSTER: &[Class] = &[
    Class {
        name: NO_RECOVERY,
        meaning: "After the last fault had healed, no operation that began then succeeded within \
                  the bound. The cluster is whole again but serves nobody. Typical cause: \
                  elections that never end, or nodes that do not join again.",
        example: "the last fault heals\nthe bound passes\nno operation invoked since has succeeded",
    },
    Class {
        name: NO_SINGLE_LEADER_AFTER_HEAL,
        meaning: "After the last fault had healed, the nodes did not come to agree on exactly one \
                  leader within the bound, or a deposed leader still took itself for one after it. \
                  Clients that meet the wrong node go on being refused or misled.",
        example: "the last fault heals\nthe bound passes\nn1 leads generation 6, and n2 still claims \
                  to lead generation 5",
    },
    Class {
        name: DEPOSED_LEADER_LINGERS,
        meaning: "A node was cut from its quorum, provably and all the time, for longer than the \
                  plan allows, and still claimed to lead. As long as it can commit nothing that is \
                  safe, but clients that believe it wait in vain, and whatever it does on the \
                  strength of leading alone is wrong. Typical cause: a leader that never counts \
                  whom it hears.",
        example: "n1 leads generation 4\nn1 is cut from n2 and n3\nthe bound passes\nn1 still \
                  claims to lead generation 4",
    },
    Class {
        name: NO_LEADER_IN_TIME,
        meaning: "A fault stopped the leader or cut it off, a majority was left undisturbed, and \
                  within the budget of the plan nobody led a higher generation. The cluster was \
                  without a leader for longer than its operators accept. Typical causes: elections \
                  that are tied again and again; time-outs that are too long.",
        example: "n1 leads generation 4\nn1 is killed\nthe budget passes\nn2 and n3 answer that \
                  they follow nobody",
    },
    Class {
        name: NODE_CRASHED,
        meaning: "A server ended by itself, though no fault asked for it: it broke an assertion, \
                  ran out of something, or gave up. Whatever the cluster made of it, the server \
                  did not endure what its target file says it endures.",
        example: "n2 starts\nthe server of n2 ends with status 101",
    },
];
