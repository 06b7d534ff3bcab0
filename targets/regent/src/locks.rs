//! Locks with fencing tokens, changed by the committed entries in order. A lease is a lock with a
//! time to live; here it is only a number, for it is the leader's clock that ends a lease, by an
//! entry of its own (see `core::leases`), so that every node takes it away at the same place.

use std::collections::BTreeMap;

use crate::messages::{FencingToken, Holder, Index};

/// A lock that is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lock {
    /// By whom.
    pub holder: Holder,
    /// Where in the log it was granted, or last extended.
    pub since: Index,
    /// How long it lasts from then on, in milliseconds; for ever if it does not say.
    pub ttl_ms: Option<u64>,
}

/// All locks, and what was shown to what they guard.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Locks {
    held: BTreeMap<String, Lock>,
    shown: BTreeMap<String, FencingToken>,
}

impl Locks {
    /// Every lock that is held.
    pub fn held(&self) -> impl Iterator<Item = (&str, &Lock)> {
        self.held.iter().map(|(key, lock)| (key.as_str(), lock))
    }

    /// Takes `key`, if it is free. A lock is not re-entrant.
    pub(crate) fn acquire(&mut self, key: &str, lock: Lock) -> Result<(), &'static str> {
        match self.held.get(key) {
            Some(_) => Err("it is held"),
            None => {
                self.held.insert(key.to_owned(), lock);
                Ok(())
            }
        }
    }

    /// Extends `key`, if its holder still has it.
    pub(crate) fn renew(&mut self, key: &str, lock: Lock) -> Result<(), &'static str> {
        *self.own(key, lock.holder)? = lock;
        Ok(())
    }

    /// Frees `key`, if it is its holder who says so.
    pub(crate) fn release(&mut self, key: &str, holder: Holder) -> Result<(), &'static str> {
        self.own(key, holder)?;
        self.held.remove(key);
        Ok(())
    }

    /// Frees `key`, unless it was granted anew or extended after `since`.
    pub(crate) fn expire(&mut self, key: &str, since: Index) {
        if self.held.get(key).is_some_and(|lock| lock.since == since) {
            self.held.remove(key);
        }
    }

    /// Whether what `key` guards takes a write that shows `token`. It takes none with a lower one
    /// than it has taken: its holder has lost the lock meanwhile, and does not know yet.
    pub(crate) fn show(&mut self, key: &str, token: FencingToken) -> Result<(), &'static str> {
        let highest = self.shown.entry(key.to_owned()).or_default();
        if token < *highest {
            return Err("the token is too old");
        }
        *highest = token;
        Ok(())
    }

    fn own(&mut self, key: &str, holder: Holder) -> Result<&mut Lock, &'static str> {
        let lock = self.held.get_mut(key).filter(|lock| lock.holder == holder);
        lock.ok_or("it is not yours")
    }
}
