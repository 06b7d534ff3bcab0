//! Leaders and their generations.

use super::Class;

/// Two nodes led the same generation.
pub const SPLIT_BRAIN: &str = "split-brain";
/// A node's generation decreased.
pub const GENERATION_WENT_BACK: &str = "generation-went-back";
/// A deposed leader acknowledged a write that is lost.
pub const STALE_LEADER_ACK_LOST: &str = "stale-leader-ack-lost";

/// The classes of this family.
pub(super) const GENERATIONS: &[Class] = &[
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
];
