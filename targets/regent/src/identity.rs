//! The numbers and names that all else speaks of. No behaviour.

use serde::{Deserialize, Serialize};

/// The name of a node: `n1`.
pub type NodeId = String;

/// The number of a leader's reign. 0 is before the first election.
pub type Generation = u64;

/// A position in the log. The first entry is at 1; 0 means "before the first entry".
pub type Index = u64;

/// The client that holds a lock or a mutex, as clients name themselves.
pub type Holder = u64;

/// What shows that a lock was granted: the index of the grant in the log, so it only ever grows.
pub type FencingToken = u64;

/// One life of a node, by a number drawn at its start: whoever starts again is somebody else.
pub type Session = u64;

/// Which request of which session put an entry into the log. The entry may be there more than once;
/// by this only the first has an effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestId {
    /// Who asked.
    pub session: Session,
    /// Its number in that session.
    pub number: u64,
    /// The lowest number that the session still waited for when it asked: what is below, if it
    /// comes once more, is not wanted any more.
    pub floor: u64,
}
