//! Sets of numbers.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::object::{Answer, Object, Outcome, Place};

/// A set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Set(BTreeSet<i64>);

/// What can be done to a set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// Puts an element in; if it is there, it stays.
    Add {
        /// The element.
        value: i64,
    },
    /// Takes an element out, if it is there.
    Remove {
        /// The element.
        value: i64,
    },
}

/// What can be asked of a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Query {
    /// Whether an element is in it.
    Contains {
        /// The element.
        value: i64,
    },
    /// All its elements.
    All,
}

impl Object for Set {
    type Change = Change;
    type Query = Query;

    fn change(&mut self, change: &Change, _: &Place) -> Outcome {
        match change {
            Change::Add { value } => self.0.insert(*value),
            Change::Remove { value } => self.0.remove(value),
        };
        Ok(Answer::Done {})
    }

    fn look(&self, query: &Query) -> Answer {
        match query {
            Query::Contains { value } => Answer::Present { present: self.0.contains(value) },
            Query::All => Answer::Values { values: self.0.iter().copied().collect() },
        }
    }
}
