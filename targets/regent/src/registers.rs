//! The state machine: named integer registers and the locks that may guard them, changed by the
//! committed entries in order. It does not know who asked, nor what time it is.

use std::collections::BTreeMap;

use crate::bugs::Bug;
use crate::locks::{Lock, Locks};
use crate::log::Log;
use crate::messages::{Command, Index};

/// What applying an entry came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// The entry did nothing by design.
    Nothing,
    /// The register was set.
    Written,
    /// The register was compared, and set if it held the old value.
    Swapped(bool),
    /// The lock was granted.
    Granted,
    /// Nothing was changed.
    Refused(&'static str),
}

/// All registers, as of one place in the log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Registers {
    values: BTreeMap<String, i64>,
    locks: Locks,
    applied: Index,
    /// Whether tokens are not looked at: a planted bug.
    unfenced: bool,
}

impl Registers {
    /// Before the first entry.
    #[must_use]
    pub fn new(bug: Option<Bug>) -> Self {
        Self { unfenced: bug == Some(Bug::LockWithoutFencing), ..Self::default() }
    }

    /// Up to where the log has been applied.
    #[must_use]
    pub fn applied(&self) -> Index {
        self.applied
    }

    /// What a register holds.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<i64> {
        self.values.get(key).copied()
    }

    /// The locks.
    #[must_use]
    pub fn locks(&self) -> &Locks {
        &self.locks
    }

    /// Applies the next command.
    pub fn apply(&mut self, command: &Command) -> Applied {
        self.applied += 1;
        match command {
            Command::Noop => Applied::Nothing,
            Command::Put { key, value } => {
                self.values.insert(key.clone(), *value);
                Applied::Written
            }
            Command::Cas { key, old, new } => {
                let swapped = self.get(key) == *old;
                if swapped {
                    self.values.insert(key.clone(), *new);
                }
                Applied::Swapped(swapped)
            }
            Command::GuardedPut { key, token, value } => {
                if let Err(why) = self.locks.show(key, *token)
                    && !self.unfenced
                {
                    return Applied::Refused(why);
                }
                self.values.insert(key.clone(), *value);
                Applied::Written
            }
            Command::Acquire { key, holder, ttl_ms } => {
                let lock = Lock { holder: *holder, since: self.applied, ttl_ms: *ttl_ms };
                self.locks.acquire(key, lock).map_or_else(Applied::Refused, |()| Applied::Granted)
            }
            Command::Renew { key, holder, ttl_ms } => {
                let lock = Lock { holder: *holder, since: self.applied, ttl_ms: *ttl_ms };
                done(self.locks.renew(key, lock))
            }
            Command::Release { key, holder } => done(self.locks.release(key, *holder)),
            Command::Expire { key, since } => {
                self.locks.expire(key, *since);
                Applied::Nothing
            }
        }
    }

    /// The registers after the first `upto` entries of `log`.
    #[must_use]
    pub fn replayed(log: &Log, upto: Index, bug: Option<Bug>) -> Self {
        let mut registers = Self::new(bug);
        for entry in (1..=upto).map_while(|index| log.get(index)) {
            registers.apply(&entry.command);
        }
        registers
    }
}

fn done(result: Result<(), &'static str>) -> Applied {
    result.map_or_else(Applied::Refused, |()| Applied::Written)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_change_registers_in_order() {
        let put = |value| Command::Put { key: "x".into(), value };
        let cas = |old, new| Command::Cas { key: "x".into(), old, new };
        let steps = [
            (Command::Noop, Applied::Nothing, None),
            (cas(Some(0), 1), Applied::Swapped(false), None),
            (cas(None, 1), Applied::Swapped(true), Some(1)),
            (put(2), Applied::Written, Some(2)),
            (cas(Some(1), 3), Applied::Swapped(false), Some(2)),
            (cas(Some(2), 3), Applied::Swapped(true), Some(3)),
        ];
        let mut registers = Registers::default();
        for (done, (command, applied, value)) in steps.into_iter().enumerate() {
            assert_eq!(registers.apply(&command), applied, "{command:?}");
            assert_eq!(registers.get("x"), value, "{command:?}");
            assert_eq!(registers.applied(), done as Index + 1);
        }
    }

    /// Applies the commands in order, the first at index 1.
    #[track_caller]
    fn check_locks(bug: Option<Bug>, steps: &[(Command, Applied)]) {
        let mut registers = Registers::new(bug);
        for (command, applied) in steps {
            assert_eq!(registers.apply(command), *applied, "{command:?}");
        }
    }

    fn acquire(holder: u64) -> Command {
        Command::Acquire { key: "l".into(), holder, ttl_ms: Some(100) }
    }

    fn renew(holder: u64) -> Command {
        Command::Renew { key: "l".into(), holder, ttl_ms: Some(100) }
    }

    fn release(holder: u64) -> Command {
        Command::Release { key: "l".into(), holder }
    }

    fn expire(since: Index) -> Command {
        Command::Expire { key: "l".into(), since }
    }

    fn guarded(token: u64) -> Command {
        Command::GuardedPut { key: "l".into(), token, value: 1 }
    }

    #[test]
    fn a_lock_has_one_holder_who_alone_gives_it_back() {
        let (held, other) = (Applied::Refused("it is held"), Applied::Refused("it is not yours"));
        check_locks(
            None,
            &[
                (release(1), other),
                (acquire(1), Applied::Granted),
                (acquire(2), held),
                (acquire(1), held),
                (release(2), other),
                (renew(2), other),
                (release(1), Applied::Written),
                (acquire(2), Applied::Granted),
            ],
        );
    }

    #[test]
    fn a_lease_that_was_extended_does_not_end_where_it_would_have() {
        check_locks(
            None,
            &[
                (acquire(1), Applied::Granted),
                (renew(1), Applied::Written),
                (expire(1), Applied::Nothing),
                (acquire(2), Applied::Refused("it is held")),
                (expire(2), Applied::Nothing),
                (acquire(2), Applied::Granted),
                (renew(1), Applied::Refused("it is not yours")),
            ],
        );
    }

    #[test]
    fn the_guard_takes_no_token_lower_than_one_it_took() {
        let old = Applied::Refused("the token is too old");
        let written = Applied::Written;
        check_locks(
            None,
            &[
                (guarded(3), written),
                (guarded(3), written),
                (guarded(2), old),
                (guarded(4), written),
            ],
        );
        let bug = Some(Bug::LockWithoutFencing);
        check_locks(bug, &[(guarded(3), written), (guarded(2), written)]);
    }
}
