//! Leaders and their generations.

use super::class::Class;

/// Two nodes led the same generation.
pub(crate) const SPLIT_BRAIN: &str = "split-brain";
/// A node's generation decreased.
pub(crate) const GENERATION_WENT_BACK: &str = "generation-went-back";
/// A deposed leader acknowledged a write that is lost.
pub(crate) const STALE_LEADER_ACK_LOST: &str = "stale-leader-ack-lost";
/// A node voted for two candidates in one generation.
pub(crate) const DOUBLE_VOTE: &str = "double-vote";
/// A read under an old generation missed what a higher one had acknowledged.
pub(crate) const STALE_LEADER_READ: &str = "stale-leader-read";
/// A read under a new generation missed what a lower one had acknowledged.
pub(crate) const LOST_ACROSS_GENERATIONS: &str = "lost-across-generations";
/// Two nodes hold different committed entries at one index.
pub(crate) const LOG_DIVERGENCE: &str = "log-divergence";

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
                  it can vote twice in the same generation, and then two leaders win it. Typical \
                  cause: a vote file that was not synced.",
        example: "n1 is in generation 5\nn1 is killed and started\nn1 is in generation 4",
    },
    Class {
        name: STALE_LEADER_ACK_LOST,
        meaning: "A leader of an older generation acknowledged a write that was invoked after a \
                  higher generation had already acknowledged something, and the write is gone. The \
                  old leader had been deposed and did not know; its acknowledgement was worth \
                  nothing. Typical cause: a leader that acknowledges before a quorum has agreed.",
        example: "n2 acknowledges a write under generation 5\nwrite k = 1 begins and n1 acknowledges \
                  it under generation 4\nlater reads of k show what was there before",
    },
    Class {
        name: DOUBLE_VOTE,
        meaning: "A node voted for two candidates in the same generation. Each of them may count \
                  that vote, and then both win. A node must have its vote on disk before it \
                  answers. It is wrong even where, by luck, only one candidate won. Typical cause: \
                  a vote that is kept in memory, or lapses with time.",
        example: "n3 votes for n1 in generation 5\nn3 is killed and started\nn3 votes for n2 in \
                  generation 5",
    },
    Class {
        name: STALE_LEADER_READ,
        meaning: "A read was answered under an older generation than that of a write which had \
                  been acknowledged before the read began, and it missed that write. Whoever \
                  answered it did not know that the generation was over. Typical cause: a leader \
                  that answers reads from its own state, without asking a quorum whether it still \
                  leads.",
        example: "n1 acknowledges write k = 1 under generation 4\nn2 acknowledges write k = 2 under \
                  generation 5\nread k begins and n1 answers 1 under generation 4",
    },
    Class {
        name: LOST_ACROSS_GENERATIONS,
        meaning: "A write was acknowledged under one generation, and a read under a higher one \
                  that began later did not see it. The new leader lacked, for the moment or for \
                  ever, what the old one had acknowledged. Typical causes: voters that do not \
                  compare logs; leaders that answer before they know what is committed.",
        example: "n1 acknowledges write k = 1 under generation 4\nn1 acknowledges write k = 2 under \
                  generation 4\nread k begins and n2 answers 1 under generation 5",
    },
    Class {
        name: LOG_DIVERGENCE,
        meaning: "Two nodes told of different entries at the same place of the replicated log, \
                  both committed. What is committed stays, on every node and in every generation; \
                  from here on the copies are different systems. Typical cause: a follower that \
                  takes over entries without comparing what comes before them.",
        example: "n1 holds entry 7 of generation 4, committed, at index 9\nn2 holds entry 8 of \
                  generation 5, committed, at index 9",
    },
];
