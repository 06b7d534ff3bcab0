//! What a file leaves open, although it can be read, and a verdict may rest on.
//!
//! Readers note it; what it does to a verdict is said by [`crate::recorded`].

use crate::history::History;

/// What a file leaves open.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Doubts {
    /// What an object holds before its first write is not told, neither by the format nor by the
    /// caller.
    pub initial: bool,
    /// The history in the order of its times, where they contradict the order of the list.
    pub by_times: Option<Box<History>>,
    /// Only completions are in it: when each operation began is not told.
    pub only_completions: bool,
    /// Something is added, and nothing that was read tells whether to a set or to a counter.
    pub adds: bool,
    /// Not every record has a time: only the order of the events is known.
    pub timeless: bool,
    /// The elements of its sets were broadcast: they only have to arrive some time.
    pub broadcast: bool,
    /// Its values are texts, of a store whose keys start with the empty one.
    pub texts: bool,
    /// How many `drain` overlapped with other operations: in which order their elements were taken
    /// is not in the history.
    pub drains: usize,
    /// Whether two of these drains overlap each other: then no way to place their elements is tried.
    pub drains_overlap: bool,
    /// The history with the elements of these drains taken one after the other, in every way that
    /// matters; empty where there are too many, or where drains overlap each other.
    pub drained: Vec<History>,
}

/// What the reader of another tool's format found.
#[derive(Debug)]
pub(super) struct Foreign {
    pub(super) history: History,
    /// What was left out or assumed, each a lowercase fragment.
    pub(super) notes: Vec<String>,
    pub(super) doubts: Doubts,
}
