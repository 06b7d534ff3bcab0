//! Which requests of clients have had their effect. A request that was handed on to another leader
//! may be in the log twice, and must count once.

use std::collections::{BTreeMap, BTreeSet};

use crate::identity::{RequestId, Session};

/// What is known of every session. A session is a life of a node, and lives are few.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Requests(BTreeMap<Session, Seen>);

/// What is known of one session. What is below the floor is not wanted any more, whether it was
/// seen or not, so only what is above has to be remembered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Seen {
    floor: u64,
    numbers: BTreeSet<u64>,
}

impl Requests {
    /// Takes notice of a request; whether it is to have an effect.
    pub(super) fn is_first(&mut self, request: &RequestId) -> bool {
        let seen = self.0.entry(request.session).or_default();
        if request.floor > seen.floor {
            seen.floor = request.floor;
            seen.numbers = seen.numbers.split_off(&request.floor);
        }
        request.number >= seen.floor && seen.numbers.insert(request.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_counts_once_and_not_when_it_is_over() {
        let mut requests = Requests::default();
        let steps = [
            ((1, 1, 1), true),
            ((1, 1, 1), false),
            ((2, 1, 1), true), // another session's first
            ((1, 3, 1), true),
            ((1, 2, 1), true),
            ((1, 5, 4), true),
            ((1, 3, 1), false),
            ((1, 2, 1), false),
            ((1, 4, 4), true),
            ((1, 6, 6), true),
            ((1, 5, 4), false),
        ];
        for ((session, number, floor), expect) in steps {
            let request = RequestId { session, number, floor };
            assert_eq!(requests.is_first(&request), expect, "{request:?}");
        }
        assert_eq!(requests.0[&1].numbers.len(), 1, "what is below the floor is forgotten");
    }
}
