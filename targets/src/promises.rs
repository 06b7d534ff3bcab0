//! What a target can promise, and the check that each promise chooses.
//!
//! A promise of objects is one line in a table. It deliberately judges nothing: the checks do.

use std::collections::BTreeSet;
use std::time::Duration;

use fracas_checker::OpKind;
use fracas_checker::fault::Hardship;

/// Something that a target can promise of its objects or leaders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Promise {
    /// The key of the target file.
    pub key: &'static str,
    /// The word that stands there.
    pub word: &'static str,
    /// The check that it chooses.
    pub check: &'static str,
    /// The operations without which nothing could show it broken.
    pub needs: &'static [OpKind],
}

use OpKind::{
    Acquire, Add, Append, Dequeue, Enqueue, Generate, GuardedWrite, Increment, Read, ReadAll,
    ReadVersion, Release, Txn, Update,
};

/// One line of the table.
const fn promise(
    key: &'static str,
    word: &'static str,
    check: &'static str,
    needs: &'static [OpKind],
) -> Promise {
    Promise { key, word, check, needs }
}

/// Every promise, in the order in which their checks run.
pub const PROMISES: &[Promise] = &[
    promise("registers", "linearizable", "register/linearizable", &[Read]),
    promise("sets", "linearizable", "set/linearizable", &[Add, ReadAll]),
    promise("queues", "linearizable", "multiset-queue/linearizable", &[Enqueue, Dequeue]),
    promise("queues", "fifo", "queue/linearizable", &[Enqueue, Dequeue]),
    promise("queues", "at-least-once", "delivery/at-least-once", &[Enqueue, Dequeue]),
    promise("counters", "linearizable", "counter/linearizable", &[Increment, Read]),
    promise("ids", "unique", "unique-ids/unique", &[Generate]),
    promise("timestamps", "increasing", "timestamps/increasing", &[Generate]),
    promise("mutexes", "exclusive", "mutex/linearizable", &[Acquire, Release]),
    promise("versions", "linearizable", "versioned/linearizable", &[ReadVersion, Update]),
    promise("texts", "linearizable", "kv/linearizable", &[Read, Append]),
    promise("lists", "strict-serializable", "list-append/linearizable", &[Txn]),
    promise("transactions", "strict-serializable", "rw-register/linearizable", &[Txn]),
    promise(LEADERS, "one-per-generation", "leader/one-per-generation", &[]),
    promise("locks", "exclusive", "lock/linearizable", &[Acquire, Release]),
    promise(LEASES, "exclusive", "lease/exclusive", &[Acquire]),
    promise(TOKENS, "fencing", "fencing/linearizable", &[Acquire, GuardedWrite, Read]),
];

/// Checks that are promised with another: a queue that keeps its order hands out each element once, so
/// its users may also ask whether it does that.
const IMPLIED: [(&str, &str); 1] = [("queue/linearizable", "multiset-queue/linearizable")];

/// The promise that needs somebody to tell of leaders.
pub(crate) const LEADERS: &str = "leaders";

/// The promise that clocks may bend.
pub(crate) const LEASES: &str = "leases";

/// The promise that needs grants to have tokens.
pub(crate) const TOKENS: &str = "tokens";

/// The word of a key that promises nothing: so a setting can choose whether something is promised.
pub(crate) const UNPROMISED: &str = "none";

/// What a pass means: the checks are chosen from this.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Promises {
    /// What is promised of objects and leaders.
    pub made: Vec<Promise>,
    /// By how much leases may overlap because of clocks; not at all if it does not say.
    pub clock_error: Option<Duration>,
    /// Within which time a leader without a majority stops to claim that it leads, if it says.
    pub step_down: Option<Duration>,
    /// Within which time a new leader leads where a fault hit the last one and left a majority, if it
    /// says.
    pub new_leader: Option<Duration>,
    /// Within which time it answers again after the last fault has healed, if it says.
    pub recovery: Option<Duration>,
    /// While it endures which of these a server may end by itself, if the target says.
    pub gives_up_on: Option<BTreeSet<Hardship>>,
}

impl Promises {
    /// The checks that these promises call for, by id, those that others imply included.
    #[must_use]
    pub fn checks(&self) -> Vec<&'static str> {
        let made = self.made.iter().map(|promise| promise.check);
        let implied = IMPLIED.iter().filter(|(promised, _)| made.clone().any(|id| id == *promised));
        made.clone().chain(implied.map(|(_, implied)| *implied)).collect()
    }
}

#[cfg(test)]
mod tests {
    use fracas_checker::judge::checks;

    use super::*;

    #[test]
    fn every_promise_chooses_a_check_that_exists() {
        let known: Vec<&str> = checks().map(|check| check.id).collect();
        for promise in PROMISES {
            assert!(known.contains(&promise.check), "{promise:?}: expected one of {known:?}");
        }
        for (promised, implied) in IMPLIED {
            assert!(known.contains(&promised) && known.contains(&implied), "{implied}");
        }
    }

    #[test]
    fn a_queue_that_keeps_its_order_loses_and_doubles_nothing() {
        let queues = |word| {
            let made =
                PROMISES.iter().filter(|promise| promise.key == "queues" && promise.word == word);
            Promises { made: made.copied().collect(), ..Promises::default() }.checks()
        };
        assert_eq!(queues("fifo"), ["queue/linearizable", "multiset-queue/linearizable"]);
        assert_eq!(queues("linearizable"), ["multiset-queue/linearizable"]);
    }
}
