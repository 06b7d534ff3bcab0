//! Numbers with a version. An update names the version that it replaces; if another came first, it
//! is refused.

use serde::{Deserialize, Serialize};

use super::object::{Answer, Object, Outcome, Place, Refusal};

/// A number with a version; before the first update the version is 0.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Versioned {
    value: Option<i64>,
    version: u64,
}

/// What can be done to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// Sets it, if its version is still that which is expected.
    Update {
        /// The version it must have.
        expected: u64,
        /// Its new value.
        value: i64,
    },
    /// A planted bug's: sets both, for somebody has compared the versions before.
    Put {
        /// Its new version.
        version: u64,
        /// Its new value.
        value: i64,
    },
}

/// What can be asked of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Query {
    /// Number and version.
    Both,
}

impl Versioned {
    /// How often it was set.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }
}

/// Why an update is refused.
pub const ANOTHER_VERSION: Refusal = Refusal::Conflict("it has another version");

impl Object for Versioned {
    type Change = Change;
    type Query = Query;

    fn change(&mut self, change: &Change, _: &Place) -> Outcome {
        match *change {
            Change::Update { expected, .. } if expected != self.version => {
                return Err(ANOTHER_VERSION);
            }
            Change::Update { expected, value } => {
                *self = Self { value: Some(value), version: expected + 1 };
            }
            Change::Put { version, value } => *self = Self { value: Some(value), version },
        }
        Ok(Answer::Version { version: self.version })
    }

    fn look(&self, Query::Both: &Query) -> Answer {
        Answer::Versioned { value: self.value, version: self.version }
    }
}
