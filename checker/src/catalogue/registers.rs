//! Registers: what is wrong with reads, writes, compare-and-sets and swaps.

use super::class::Class;

/// A read returned a value that had been overwritten before it began.
pub(crate) const STALE_READ: &str = "stale-read";
/// A value was seen that nothing can have written.
pub(crate) const READ_OF_UNWRITTEN: &str = "read-of-unwritten";
/// An acknowledged write is gone.
pub(crate) const LOST_WRITE: &str = "lost-write";
/// Two changes succeeded from the same write.
pub(crate) const LOST_UPDATE: &str = "lost-update";
/// A compare-and-set was refused although the register held what it asked for.
pub(crate) const SPURIOUS_REFUSAL: &str = "spurious-refusal";
/// No legal order exists, and no narrower class fits.
pub(crate) const NON_LINEARIZABLE: &str = "non-linearizable";

/// The classes of this family.
pub(super) const REGISTERS: &[Class] = &[
    Class {
        name: STALE_READ,
        meaning: "A read returned a value although a newer one had been acknowledged, or had \
                  already been read, before that read began. To its client the register went back \
                  in time. Typical cause: reads that a deposed leader or a lagging follower \
                  answers on its own.",
        example: "write k = 1 is acknowledged\nwrite k = 2 is acknowledged\nread k begins and \
                  returns 1",
    },
    Class {
        name: READ_OF_UNWRITTEN,
        meaning: "A value was seen that nothing can have written by then: it was never written, or \
                  every write of it had failed for certain, or its write began only later. Either \
                  the cluster makes values up, or it called a write failed that took effect after \
                  all, or it executed a swap twice, which then found what it wrote itself.",
        example: "write k = 1 fails\nread k returns 1",
    },
    Class {
        name: LOST_WRITE,
        meaning: "A write was acknowledged, nothing ever saw it, and at the end the register still \
                  holds what was there before. Nothing overwrote it: it is gone. Typical cause: \
                  acknowledging before a quorum or the disk has the write.",
        example: "write k = 1 is acknowledged\nwrite k = 2 is acknowledged\nread k returns 1, and \
                  so does every later read",
    },
    Class {
        name: LOST_UPDATE,
        meaning: "A compare-and-set or a swap found a value that had been replaced: by another one \
                  that found the same write, or by a write that was acknowledged or read before it \
                  began. It must not have found that value; one of the two changes is lost. Typical \
                  cause: two leaders that each decide on their own copy.",
        example: "write k = 1 is acknowledged\ncas k from 1 to 2 succeeds\ncas k from 1 to 3 succeeds",
    },
    Class {
        name: SPURIOUS_REFUSAL,
        meaning: "A compare-and-set was refused because the register did not hold the value that \
                  it asked for, but the register held it all the time. Typical causes: a lagging \
                  copy that compares on its own; a client that calls a refusal for want of a \
                  quorum “not equal”.",
        example: "write k = 1 is acknowledged\ncas k from 1 to 2 is refused: not 1\nread k returns 1",
    },
    Class {
        name: NON_LINEARIZABLE,
        meaning: "No order of the operations both respects real time and gives the answers that \
                  one copy of the register would give. This is the general case: no narrower class \
                  of this list describes it. The witness is a small set of operations that already \
                  has no legal order.",
        example: "two writes of k = 1 and one of k = 2 overlap, and so do four reads of k, one after the \
                  other\nthey return 1, 2, 1 and 2",
    },
];
