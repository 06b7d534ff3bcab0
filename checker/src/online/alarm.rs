//! What a watch says.

use crate::identity::Nanos;
use crate::text::Key;

/// Proof that a check would refute what was recorded so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alarm {
    /// The check, by id.
    pub check: &'static str,
    /// The object, where it is about one.
    pub object: Option<Key>,
    /// The index of the event that proves it: a completion, an observation or the end of a server.
    pub index: u64,
    /// When that was recorded.
    pub time: Nanos,
}

/// An object that a watch cannot judge any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blind {
    /// The object; none stands for all objects.
    pub object: Option<Key>,
    /// Why it cannot be judged.
    pub reason: &'static str,
}
