//! The state machine: named integer registers, changed by the committed entries in order. It does
//! not know who asked.

use std::collections::BTreeMap;

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
}

/// All registers, as of one place in the log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Registers {
    values: BTreeMap<String, i64>,
    applied: Index,
}

impl Registers {
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
        }
    }

    /// The registers after the first `upto` entries of `log`.
    #[must_use]
    pub fn replayed(log: &Log, upto: Index) -> Self {
        let mut registers = Self::default();
        for entry in (1..=upto).map_while(|index| log.get(index)) {
            registers.apply(&entry.command);
        }
        registers
    }
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
}
