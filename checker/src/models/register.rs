//! One register with read, write and compare-and-set; absent until it is first written.
//!
//! A store of many keys is many registers: linearizability is local, so each is judged alone.

use std::fmt;

use super::{Effect, Model, Refusal};
use crate::event::{Op, Outcome, Value};

/// The state of a register: its value, or none while it was never written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Register(pub Option<Value>);

impl Register {
    fn holding(value: Value) -> Self {
        Self(Some(value))
    }

    /// Succeeds in no other state than `needed`.
    fn must_be(self, needed: Self) -> Result<(), Refusal> {
        if self == needed {
            return Ok(());
        }
        Err(Refusal(format!("here the register {self}, but it would have to be one that {needed}")))
    }
}

impl fmt::Display for Register {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(value) => write!(f, "holds {value}"),
            None => f.write_str("is absent"),
        }
    }
}

impl Model for Register {
    fn step(&self, op: &Op, outcome: Outcome) -> Result<Self, Refusal> {
        match (op, outcome) {
            (Op::Read { .. }, Outcome::Read { value }) => self.must_be(Self(value)).map(|()| *self),
            (Op::Write { value, .. }, Outcome::Write) => Ok(Self::holding(*value)),
            (Op::Cas { old, new, .. }, Outcome::Cas) => {
                self.must_be(Self::holding(*old)).map(|()| Self::holding(*new))
            }
            _ => Err(Refusal(format!("a register does not answer `{op}` so"))),
        }
    }

    fn effect(op: &Op, outcome: Outcome) -> Option<Effect<Self>> {
        match (op, outcome) {
            (Op::Read { .. }, Outcome::Read { value }) => {
                Some(Effect { needs: Some(Self(value)), leaves: None })
            }
            (Op::Write { value, .. }, Outcome::Write) => {
                Some(Effect { needs: None, leaves: Some(Self::holding(*value)) })
            }
            (Op::Cas { old, new, .. }, Outcome::Cas) => {
                Some(Effect { needs: Some(Self::holding(*old)), leaves: Some(Self::holding(*new)) })
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: Option<Value>) -> (Op, Outcome) {
        (Op::Read { key: "k".to_owned() }, Outcome::Read { value })
    }

    fn write(value: Value) -> (Op, Outcome) {
        (Op::Write { key: "k".to_owned(), value }, Outcome::Write)
    }

    fn cas(old: Value, new: Value) -> (Op, Outcome) {
        (Op::Cas { key: "k".to_owned(), old, new }, Outcome::Cas)
    }

    /// Runs `steps` one after the other: the last state, or the first refusal.
    #[track_caller]
    fn check(steps: &[(Op, Outcome)], expect: &str) {
        let run = steps.iter().try_fold(Register::default(), |state, (op, outcome)| {
            let next = state.step(op, *outcome)?;
            let effect = Register::effect(op, *outcome).expect("every register operation is known");
            assert!(effect.needs.is_none_or(|needs| needs == state), "{op} needs another state");
            assert_eq!(effect.leaves.unwrap_or(state), next, "{op} leaves another state");
            Ok(next)
        });
        let got = run.map_or_else(|refusal: Refusal| refusal.0, |state| state.to_string());
        assert_eq!(got, expect);
    }

    #[test]
    fn a_register_answers_what_was_last_written() {
        check(&[], "is absent");
        check(&[read(None)], "is absent");
        check(&[write(1), read(Some(1)), cas(1, 2), read(Some(2))], "holds 2");
        check(&[write(1), cas(1, 1)], "holds 1");
    }

    #[test]
    fn a_register_refuses_with_its_reason() {
        let reason = "here the register holds 15, but it would have to be one that holds 12";
        check(&[write(15), read(Some(12))], reason);
        check(&[write(15), cas(12, 13)], reason);
        let reason = "here the register is absent, but it would have to be one that holds 1";
        check(&[read(Some(1))], reason);
        let reason = "here the register holds 1, but it would have to be one that is absent";
        check(&[write(1), read(None)], reason);
    }
}
