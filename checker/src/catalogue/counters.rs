//! Counters, ids and versioned configurations.

use super::class::Class;

/// A counter showed less than was acknowledged, or more than was asked for.
pub(crate) const COUNTER_OUT_OF_BOUNDS: &str = "counter-out-of-bounds";
/// An id was given twice.
pub(crate) const DUPLICATE_ID: &str = "duplicate-id";
/// A timestamp is not greater than one that had been given before it was asked for.
pub(crate) const TIMESTAMP_WENT_BACK: &str = "timestamp-went-back";
/// An update was given a generation that is not higher than those before it.
pub(crate) const VERSION_WENT_BACK: &str = "version-went-back";
/// One generation of a configuration was seen with two contents.
pub(crate) const VERSION_FORKED: &str = "version-forked";

/// The classes of this family.
pub(super) const COUNTERS: &[Class] = &[
    Class {
        name: COUNTER_OUT_OF_BOUNDS,
        meaning: "A read of a counter showed less than the increments that had been acknowledged \
                  before it began, or more than all that had been asked for when it ended. Either \
                  an acknowledged increment is gone, or one was counted twice. Typical cause: a \
                  retry of a request that had been carried out.",
        example: "increment c by 1 is acknowledged\nread c begins and returns 0",
    },
    Class {
        name: DUPLICATE_ID,
        meaning: "A generator of ids gave the same id to two clients. Whatever they name by it is \
                  now one thing to the one and another to the other. Typical cause: two leaders \
                  that hand out the same range, or a range that is handed out anew after a \
                  restart.",
        example: "process 1 is given id 7\nprocess 2 is given id 7",
    },
    Class {
        name: TIMESTAMP_WENT_BACK,
        meaning: "A timestamp oracle gave a timestamp that is not greater than one that it had given \
                  before it was asked. Whoever orders transactions by timestamps now has a later one \
                  before an earlier one. Typical cause: a new leader that does not know how far the \
                  old one had come, or nodes that give timestamps from ranges of their own.",
        example: "process 1 is given 7\nprocess 2 asks, and is given 5",
    },
    Class {
        name: VERSION_WENT_BACK,
        meaning: "The generation of a configuration went down: an update made one that is not \
                  higher than the one it replaced, or one was seen that lies between what an \
                  update replaced and what it made. Whoever compares generations will take the \
                  newer content for the older.",
        example: "read c shows generation 4\nupdate c from generation 4 makes generation 3",
    },
    Class {
        name: VERSION_FORKED,
        meaning: "One generation of a configuration was seen with two contents, or with another \
                  than was written to make it. A generation stands for one content for ever; \
                  whoever keeps a copy and asks by generation whether it is current is misled.",
        example: "read c shows 1 in generation 4\nread c shows 2 in generation 4",
    },
];
