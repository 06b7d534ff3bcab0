//! Registers: numbers that are read, written, compared and swapped. A register may be guarded by a lock of
//! the same name; then writes show the token of their grant.

use serde::{Deserialize, Serialize};

use super::object::{Answer, Object, Outcome, Place, Refusal};
use crate::bugs::Bug;
use crate::identity::FencingToken;

/// A register.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Register {
    value: Option<i64>,
    /// The highest token that was shown to it.
    shown: FencingToken,
}

/// What can be done to a register.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// Sets it.
    Put {
        /// Its new value.
        value: i64,
    },
    /// Sets it if it holds a given value.
    Cas {
        /// The value it must hold; `None` is a register never written.
        old: Option<i64>,
        /// Its new value.
        new: i64,
    },
    /// Sets it, and tells what it held.
    Swap {
        /// Its new value.
        value: i64,
    },
    /// Sets it, unless a higher token was shown to it: then the lock was lost meanwhile, and the
    /// holder does not know yet.
    GuardedPut {
        /// The token of the grant under which this is written.
        token: FencingToken,
        /// Its new value.
        value: i64,
    },
}

/// What can be asked of a register.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Query {
    /// What it holds.
    Value,
}

impl Object for Register {
    type Change = Change;
    type Query = Query;

    fn change(&mut self, change: &Change, place: &Place) -> Outcome {
        match *change {
            Change::Put { value } => self.value = Some(value),
            Change::Cas { old, new } => {
                let swapped = self.value == old;
                if swapped {
                    self.value = Some(new);
                }
                return Ok(Answer::Swapped { swapped });
            }
            Change::Swap { value } => {
                return Ok(Answer::Value { value: self.value.replace(value) });
            }
            Change::GuardedPut { token, value } => {
                if token < self.shown && place.bug != Some(Bug::LockWithoutFencing) {
                    return Err(Refusal::Conflict("the token is too old"));
                }
                self.shown = self.shown.max(token);
                self.value = Some(value);
            }
        }
        Ok(Answer::Done {})
    }

    fn look(&self, Query::Value: &Query) -> Answer {
        Answer::Value { value: self.value }
    }
}
