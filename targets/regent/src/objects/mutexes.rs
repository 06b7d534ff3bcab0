//! Mutexes: held until their holder gives them back, however long that takes.

use serde::{Deserialize, Serialize};

use super::object::{Answer, Never, Object, Outcome, Place, Refusal};
use crate::identity::{Holder, Session};

/// A mutex.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mutex {
    holder: Option<Holder>,
    /// By whose request it was taken. Only a planted bug asks.
    session: Option<Session>,
}

/// What can be done to a mutex.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// Takes it, if it is free. A mutex is not re-entrant.
    Acquire {
        /// Who takes it.
        holder: Holder,
    },
    /// Gives it back, if it is its holder who says so.
    Release {
        /// Who held it.
        holder: Holder,
    },
    /// A planted bug's: frees it if it was taken by the request of this session.
    EndSession {
        /// Which session has ended.
        session: Session,
    },
}

impl Mutex {
    /// By whose request it was taken, if it is held.
    #[must_use]
    pub fn session(&self) -> Option<Session> {
        self.session
    }
}

impl Object for Mutex {
    type Change = Change;
    type Query = Never;

    fn change(&mut self, change: &Change, place: &Place) -> Outcome {
        match *change {
            Change::Acquire { .. } if self.holder.is_some() => {
                return Err(Refusal::Conflict("it is held"));
            }
            Change::Acquire { holder } => {
                *self = Self { holder: Some(holder), session: place.session };
            }
            Change::Release { holder } if self.holder != Some(holder) => {
                return Err(Refusal::Conflict("it is not yours"));
            }
            Change::EndSession { session } if self.session != Some(session) => {}
            Change::Release { .. } | Change::EndSession { .. } => *self = Self::default(),
        }
        Ok(Answer::Done {})
    }

    fn look(&self, query: &Never) -> Answer {
        match *query {}
    }
}
