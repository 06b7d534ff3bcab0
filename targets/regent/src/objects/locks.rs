//! Locks with fencing tokens. A lease is a lock with a time to live; here it is only a number, for
//! it is the leader's clock that ends a lease, by an entry of its own (see `core::leases`), so that
//! every node takes it away at the same place.

use serde::{Deserialize, Serialize};

use super::object::{Answer, Never, Object, Outcome, Place, Refusal};
use crate::identity::{Holder, Index};

/// A lock.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lock {
    held: Option<Grant>,
}

/// What is known of a lock that is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grant {
    /// By whom.
    pub holder: Holder,
    /// Where in the log it was granted, or last extended.
    pub since: Index,
    /// How long it lasts from then on, in milliseconds; for ever if it does not say.
    pub ttl_ms: Option<u64>,
}

/// What can be done to a lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// Takes it, if it is free. A lock is not re-entrant.
    Acquire {
        /// Who takes it.
        holder: Holder,
        /// For how long, in milliseconds; for ever if it does not say.
        ttl_ms: Option<u64>,
    },
    /// Extends a lease that its holder still has.
    Renew {
        /// Who holds it.
        holder: Holder,
        /// For how long from now, in milliseconds.
        ttl_ms: Option<u64>,
    },
    /// Gives it back, if it is its holder who says so.
    Release {
        /// Who held it.
        holder: Holder,
    },
    /// Ends a lease whose time is over, unless it was granted anew or extended since.
    Expire {
        /// Where in the log it was granted, or last extended.
        since: Index,
    },
}

impl Lock {
    /// Who holds it, if anybody does.
    #[must_use]
    pub fn held(&self) -> Option<&Grant> {
        self.held.as_ref()
    }

    fn own(&mut self, holder: Holder) -> Result<&mut Grant, Refusal> {
        let grant = self.held.as_mut().filter(|grant| grant.holder == holder);
        grant.ok_or(Refusal::Conflict("it is not yours"))
    }
}

impl Object for Lock {
    type Change = Change;
    type Query = Never;

    fn change(&mut self, change: &Change, place: &Place) -> Outcome {
        let since = place.index;
        match *change {
            Change::Acquire { .. } if self.held.is_some() => {
                return Err(Refusal::Conflict("it is held"));
            }
            Change::Acquire { holder, ttl_ms } => {
                self.held = Some(Grant { holder, since, ttl_ms });
                return Ok(Answer::Granted { token: since });
            }
            Change::Renew { holder, ttl_ms } => {
                *self.own(holder)? = Grant { holder, since, ttl_ms }
            }
            Change::Release { holder } => {
                self.own(holder)?;
                self.held = None;
            }
            Change::Expire { since } => {
                self.held.take_if(|grant| grant.since == since);
            }
        }
        Ok(Answer::Done {})
    }

    fn look(&self, query: &Never) -> Answer {
        match *query {}
    }
}
