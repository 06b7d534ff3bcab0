//! The anomalies that a verdict can name: what each means, with its smallest example.
//!
//! The catalogue is text. What is found is decided by the checks, which take their names from here.
//! Every class has a golden pair among the tests: a history that shows it, and its nearest valid
//! neighbour.

mod class;
mod cluster;
mod collections;
mod counters;
mod generations;
mod locks;
mod registers;

pub use class::Class;
pub(crate) use cluster::*;
pub(crate) use collections::*;
pub(crate) use counters::*;
pub(crate) use generations::*;
pub(crate) use locks::*;
pub(crate) use registers::*;

/// Every family of classes, in the order in which lists show them.
const FAMILIES: &[&[Class]] = &[REGISTERS, COLLECTIONS, LOCKS, COUNTERS, GENERATIONS, CLUSTER];

/// Every class, in the order in which lists show them.
pub fn classes() -> impl Iterator<Item = &'static Class> {
    FAMILIES.iter().copied().flatten()
}

/// Every class from the gravest to the least, as reports list them: first what breaks the cluster's
/// promises about leaders and explains the rest, then what clients lost, then what they were told
/// wrongly, then what has harmed nobody yet, then servers that ended, and last a cluster that does
/// not come back, which a crash may explain.
const GRAVITY: [&str; 37] = [
    // Two histories of the cluster, and what was acknowledged is gone.
    SPLIT_BRAIN,
    LOG_DIVERGENCE,
    STALE_LEADER_ACK_LOST,
    LOST_WRITE,
    LOST_ELEMENT,
    LOST_UPDATE,
    // What was never there, or was there twice.
    READ_OF_UNWRITTEN,
    PHANTOM_ELEMENT,
    RESURRECTED_ELEMENT,
    DUPLICATE_DEQUEUE,
    DUPLICATE_ID,
    TIMESTAMP_WENT_BACK,
    VERSION_FORKED,
    VERSION_WENT_BACK,
    COUNTER_OUT_OF_BOUNDS,
    // Exclusion that did not exclude.
    STALE_TOKEN_ACCEPTED,
    TOKEN_REUSED,
    TOKEN_WENT_BACK,
    LOCK_HELD_TWICE,
    LEASE_OVERLAP,
    RELEASE_NOT_HELD,
    // Wrong answers.
    INCOMPATIBLE_READS,
    INTERNAL_INCONSISTENCY,
    STALE_READ,
    STALE_LEADER_READ,
    LOST_ACROSS_GENERATIONS,
    OUT_OF_ORDER_DEQUEUE,
    FALSE_EMPTY,
    NON_LINEARIZABLE,
    SPURIOUS_REFUSAL,
    // Promises that protect from the above.
    DOUBLE_VOTE,
    GENERATION_WENT_BACK,
    // Servers that end, and clusters that do not serve.
    NODE_CRASHED,
    DEPOSED_LEADER_LINGERS,
    NO_SINGLE_LEADER_AFTER_HEAL,
    NO_LEADER_IN_TIME,
    NO_RECOVERY,
];

/// The place of a class in the order of gravity: 0 is the gravest; a class that is not known comes
/// last.
#[must_use]
pub(crate) fn gravity(class: &str) -> usize {
    GRAVITY.iter().position(|known| *known == class).unwrap_or(GRAVITY.len())
}

/// The class of that name.
#[must_use]
pub fn explain(class: &str) -> Option<&'static Class> {
    classes().find(|known| known.name == class)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_has_one_place_in_the_order_of_gravity() {
        let mut ordered = GRAVITY.to_vec();
        let mut all: Vec<&str> = classes().map(|class| class.name).collect();
        ordered.sort_unstable();
        all.sort_unstable();
        assert_eq!(ordered, all);
    }

    #[test]
    fn what_explains_or_is_worse_comes_first() {
        let first = |lighter: &str, graver: &str| {
            assert!(gravity(lighter) < gravity(graver), "{lighter} {graver}");
        };
        first(SPLIT_BRAIN, DOUBLE_VOTE);
        first(NODE_CRASHED, NO_RECOVERY);
        first(LOST_WRITE, STALE_READ);
        first(STALE_READ, NODE_CRASHED);
        first(NO_RECOVERY, "unheard-of");
    }
}
