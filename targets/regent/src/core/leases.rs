//! When leases end. The log says who holds a lease and for how long; the clock of the leader says
//! when that is over, and the leader puts the end into the log. Followers do not look at clocks.
//!
//! The holder counts from before it asked, by its own steady clock; the leader counts from after
//! it granted, by its own, and a little longer. So a lease ends late, never early, unless one of
//! the clocks runs faster than the other by more than that little. A new leader does not know when
//! the old one granted, so it counts every lease from the beginning of its own reign.
//!
//! Counterexample to doing with less: a lease is granted for a second, the leader dies after half
//! of it, the new one ends it half a second into its reign by its copy of "granted at", read from a
//! clock that is two seconds ahead of the dead leader's. Its holder still believes in it.

use std::collections::BTreeMap;

use super::ports::Millis;
use super::state::{Core, Lease, Leases, Role};
use crate::bugs::Bug;
use crate::messages::Command;
use crate::objects::locks;

/// By how much of its length a lease ends late: a steady clock that is off by a twentieth is broken.
const MARGIN: u64 = 20;

impl Leases {
    /// Ends those that are due: their keys, and since when they lasted.
    fn end(&mut self, now: Millis) -> Vec<Command> {
        let due = self.0.iter_mut().filter(|(_, lease)| lease.due <= now && !lease.ended);
        let end = |(key, lease): (&String, &mut Lease)| {
            lease.ended = true;
            let change = locks::Change::Expire { since: lease.since };
            Command::Lock { key: key.clone(), change }
        };
        due.map(end).collect()
    }
}

impl Core {
    /// Takes notice of leases that were granted or extended, and ends those whose time is over.
    pub(super) fn end_leases(&mut self) {
        let now = if self.bug(Bug::LeaseByWallClock) { self.wall } else { self.now };
        let Role::Leader(reign) = &mut self.role else { return };
        let leases = &mut reign.leases.0;
        let mut known = BTreeMap::new();
        for (key, lock) in self.objects.held_locks() {
            let Some(ttl) = lock.ttl_ms else { continue };
            let old = leases.remove(key).filter(|lease| lease.since == lock.since);
            let due = now.saturating_add(ttl).saturating_add(ttl / MARGIN);
            let new = Lease { since: lock.since, due, ended: false };
            known.insert(key.to_owned(), old.unwrap_or(new));
        }
        *leases = known;
        for command in reign.leases.end(now) {
            self.push(command);
        }
    }
}
