//! The anomalies that a verdict can name: what each means, with its smallest example.
//!
//! The catalogue is text. What is found is decided by the checks, which take their names from here.

/// A read returned a value that had been overwritten before it began.
pub const STALE_READ: &str = "stale-read";
/// A value was seen that nothing can have written.
pub const READ_OF_UNWRITTEN: &str = "read-of-unwritten";
/// An acknowledged write is gone.
pub const LOST_WRITE: &str = "lost-write";
/// Two compare-and-sets succeeded from the same write.
pub const LOST_UPDATE: &str = "lost-update";
/// No legal order exists, and no narrower class fits.
pub const NON_LINEARIZABLE: &str = "non-linearizable";
/// Two nodes led the same generation.
pub const SPLIT_BRAIN: &str = "split-brain";
/// A node's generation decreased.
pub const GENERATION_WENT_BACK: &str = "generation-went-back";
/// A deposed leader acknowledged a write that is lost.
pub const STALE_LEADER_ACK_LOST: &str = "stale-leader-ack-lost";
/// The cluster did not answer in time after the last heal.
pub const NO_RECOVERY: &str = "no-recovery";
/// The nodes did not agree on one leader after the last heal.
pub const NO_SINGLE_LEADER_AFTER_HEAL: &str = "no-single-leader-after-heal";
/// A server ended by itself.
pub const NODE_CRASHED: &str = "node-crashed";

/// One class of anomalies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Class {
    /// Its stable name.
    pub name: &'static str,
    /// What it means, and why it matters.
    pub meaning: &'static str,
    /// The smallest history that shows it, one step per line, in order of time.
    pub example: &'static str,
}

/// Every class, in the order in which lists show them.
pub const CLASSES: [Class; 11] = [
    Class {
        name: STALE_READ,
        meaning: "A read returned a value although a newer one had been acknowledged, or had \
                  already been read, before that read began. To its client the register went \
                  back in time. Reads that a deposed leader or a lagging follower answers on its \
                  own have this shape.",
        example: "write k = 1 is acknowledged\nwrite k = 2 is acknowledged\nread k begins and \
                  returns 1",
    },
    Class {
        name: READ_OF_UNWRITTEN,
        meaning: "A value was seen that nothing can have written by then: it was never written, \
                  or every write of it had failed for certain, or its write began only later. \
                  Either the cluster makes values up, or it called a write failed that took \
                  effect after all.",
        example: "write k = 1 fails\nread k returns 1",
    },
    Class {
        name: LOST_WRITE,
        meaning: "A write was acknowledged, nothing ever saw it, and at the end the register \
                  still holds what was there before. Nothing overwrote it: it is gone. \
                  Acknowledging before a quorum or the disk has the write has this shape.",
        example: "write k = 1 is acknowledged\nwrite k = 2 is acknowledged\nread k returns 1, and \
                  so does every later read",
    },
    Class {
        name: LOST_UPDATE,
        meaning: "Two compare-and-sets succeeded from the same write. The first one replaced the \
                  value, so the second must not have found it; one of the two changes is lost. \
                  Two leaders that each decide on their own copy have this shape.",
        example: "write k = 1 is acknowledged\ncas k from 1 to 2 succeeds\ncas k from 1 to 3 succeeds",
    },
    Class {
        name: NON_LINEARIZABLE,
        meaning: "No order of the operations both respects real time and gives the answers that \
                  one copy of the register would give. This is the general case: no narrower \
                  class of this list describes it. The witness is a small set of operations that \
                  already has no legal order.",
        example: "write k = 1 and write k = 2 overlap\nprocess 1 reads k = 1, then 2\nprocess 2 \
                  reads k = 2, then 1",
    },
    Class {
        name: SPLIT_BRAIN,
        meaning: "Two nodes led the same generation. A generation belongs to one leader for ever, \
                  restarts included; two leaders of different generations at the same moment are \
                  legal, because the older one can no longer commit. With two leaders in one \
                  generation nothing tells their decisions apart.",
        example: "n1 claims to lead generation 4\nn2 claims to lead generation 4",
    },
    Class {
        name: GENERATION_WENT_BACK,
        meaning: "A node was in a generation, and later in a lower one. A node must remember the \
                  highest generation it has seen through restarts and power loss; one that forgets \
                  it can vote twice in the same generation, and then two leaders win it. A vote \
                  file that was not synced has this shape.",
        example: "n1 is in generation 5\nn1 is killed and started\nn1 is in generation 4",
    },
    Class {
        name: STALE_LEADER_ACK_LOST,
        meaning: "A leader of an older generation acknowledged a write that was invoked after a \
                  higher generation had already acknowledged something, and the write is gone. \
                  The old leader had been deposed and did not know; its acknowledgement was worth \
                  nothing. A leader that acknowledges before a quorum has agreed has this shape.",
        example: "n2 acknowledges a write under generation 5\nwrite k = 1 begins and n1 acknowledges \
                  it under generation 4\nlater reads of k show what was there before",
    },
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

/// The class of that name.
#[must_use]
pub fn explain(class: &str) -> Option<&'static Class> {
    CLASSES.iter().find(|known| known.name == class)
}
