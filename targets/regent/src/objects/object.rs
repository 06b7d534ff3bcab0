//! What all kinds of objects have in common: they are changed by committed entries, in order, and
//! looked at. They know neither who asked nor what time it is.

use serde::Serialize;

use crate::bugs::Bug;
use crate::identity::{FencingToken, Index, Session};

/// One kind of object. A key that was never changed holds the default.
pub trait Object: Default {
    /// What can be done to it.
    type Change;
    /// What can be asked of it without changing it.
    type Query;

    /// Does it, or refuses and changes nothing.
    fn change(&mut self, change: &Self::Change, place: &Place) -> Outcome;

    /// Answers.
    fn look(&self, query: &Self::Query) -> Answer;
}

/// Objects of this kind are only changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Never {}

/// Where an entry stands, for what objects need of that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Its index in the log.
    pub index: Index,
    /// Whose request it was, if it was a client's.
    pub session: Option<Session>,
    /// Whether it stood in the log already when this node started. Only a planted bug asks.
    pub found: bool,
    /// The planted bug, if any.
    pub bug: Option<Bug>,
}

/// What an entry came to, or why it was refused.
pub type Outcome = Result<Answer, Refusal>;

/// What a client is told, in the shape in which it is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// It is done, and there is nothing more to say.
    Done {},
    /// Whether the register held the old value, and so was set.
    Swapped {
        /// True if so.
        swapped: bool,
    },
    /// The lock was granted.
    Granted {
        /// What shows it.
        token: FencingToken,
    },
    /// A number; none if there is none.
    Value {
        /// The number.
        value: Option<i64>,
    },
    /// A text; none if there is none.
    Text {
        /// The text.
        value: Option<String>,
    },
    /// Whether an element is in the set.
    Present {
        /// True if so.
        present: bool,
    },
    /// All elements.
    Values {
        /// In order.
        values: Vec<i64>,
    },
    /// A number with its version.
    Versioned {
        /// The number; none if none was ever set.
        value: Option<i64>,
        /// How often it was set.
        version: u64,
    },
    /// The version that an update made.
    Version {
        /// How often the number was set, this time included.
        version: u64,
    },
    /// One result for each part of a transaction.
    Results {
        /// Of a read what it found; else none.
        results: Vec<Option<Content>>,
    },
}

/// What a key of transactions holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(untagged)]
pub enum Content {
    /// A register.
    Number(i64),
    /// A list.
    List(Vec<i64>),
}

/// Why nothing was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The object is not in the state for it.
    Conflict(&'static str),
    /// It never makes sense of this object.
    Invalid(&'static str),
    /// The very request had its effect already, or is not wanted any more.
    Repeated,
}
