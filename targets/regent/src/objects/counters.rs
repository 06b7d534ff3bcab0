//! Counters: numbers that are added to. They begin at 0, and wrap where 64 bits end.

use serde::{Deserialize, Serialize};

use super::object::{Answer, Object, Outcome, Place};

/// A counter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counter {
    value: i64,
}

/// What can be done to a counter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// Adds a number.
    Add {
        /// Which; below 0 to count down.
        by: i64,
    },
    /// A planted bug's: sets it to a sum that was computed before.
    Total {
        /// The sum.
        value: i64,
    },
}

/// What can be asked of a counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Query {
    /// The sum.
    Value,
}

impl Counter {
    /// The sum.
    #[must_use]
    pub fn value(&self) -> i64 {
        self.value
    }
}

impl Object for Counter {
    type Change = Change;
    type Query = Query;

    fn change(&mut self, change: &Change, _: &Place) -> Outcome {
        self.value = match change {
            Change::Add { by } => self.value.wrapping_add(*by),
            Change::Total { value } => *value,
        };
        Ok(Answer::Done {})
    }

    fn look(&self, Query::Value: &Query) -> Answer {
        Answer::Value { value: Some(self.value) }
    }
}
