//! Texts that are written and appended to. What is appended to a text that was never written is
//! the whole text then.

use serde::{Deserialize, Serialize};

use super::object::{Answer, Object, Outcome, Place};

/// A text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Text {
    value: Option<String>,
}

/// What can be done to a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// Sets it.
    Put {
        /// What it is then.
        value: String,
    },
    /// Adds to its end.
    Append {
        /// What is added.
        value: String,
    },
}

/// What can be asked of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Query {
    /// All of it.
    Value,
}

impl Object for Text {
    type Change = Change;
    type Query = Query;

    fn change(&mut self, change: &Change, _: &Place) -> Outcome {
        match change {
            Change::Put { value } => self.value = Some(value.clone()),
            Change::Append { value } => self.value.get_or_insert_default().push_str(value),
        }
        Ok(Answer::Done {})
    }

    fn look(&self, Query::Value: &Query) -> Answer {
        Answer::Text { value: self.value.clone() }
    }
}
