//! One register with read, write, compare-and-set and swap; absent until it is first written.
//!
//! A store of many keys is many registers: linearizability is local, so each is judged alone.

use std::fmt;

use super::model::{Effect, Model, Refusal};
use crate::op::{Op, Outcome, Value};

/// The state of a register: its value, or none while it was never written.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Register(pub Option<Value>);

impl Register {
    fn holding(value: &Value) -> Self {
        Self(Some(value.clone()))
    }

    /// Succeeds in no other state than `needed`.
    fn must_be(&self, needed: &Self) -> Result<Self, Refusal> {
        if self == needed {
            return Ok(self.clone());
        }
        Err(Refusal(format!("here the register {self}, but it would have to be one that {needed}")))
    }

    /// Succeeds in every state but that of `value`.
    fn must_not_be(&self, value: &Value) -> Result<Self, Refusal> {
        if self.0.as_ref() == Some(value) {
            return Err(Refusal(format!("here the register {self}, which it would have replaced")));
        }
        Ok(self.clone())
    }
}

impl fmt::Display for Register {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(value) => write!(f, "holds {value}"),
            None => f.write_str("is absent"),
        }
    }
}

impl Model for Register {
    type Op = Op;
    type Outcome = Outcome;

    fn step(&self, op: &Op, outcome: Option<&Outcome>) -> Result<Self, Refusal> {
        match (op, outcome) {
            (Op::Cas { old, .. }, Some(Outcome::CasDiffers)) => self.must_not_be(old),
            _ => match Self::effect(op, outcome) {
                Some(Effect { needs, leaves }) => {
                    let same = needs.map_or_else(|| Ok(self.clone()), |needs| self.must_be(&needs));
                    same.map(|same| leaves.unwrap_or(same))
                }
                None => Err(Refusal(format!("a register does not answer `{op}` so"))),
            },
        }
    }

    fn effect(op: &Op, outcome: Option<&Outcome>) -> Option<Effect<Self>> {
        match (op, outcome) {
            (Op::Read { .. }, Some(Outcome::Read { value })) => {
                Some(Effect { needs: Some(Self(value.clone())), leaves: None })
            }
            (Op::Write { value, .. }, Some(Outcome::Write) | None) => {
                Some(Effect { needs: None, leaves: Some(Self::holding(value)) })
            }
            // Nobody knows what a swap found whose answer is lost: then it is a write.
            (Op::Swap { value, .. }, None) => {
                Some(Effect { needs: None, leaves: Some(Self::holding(value)) })
            }
            (Op::Swap { value, .. }, Some(Outcome::Swap { value: found })) => Some(Effect {
                needs: Some(Self(found.clone())),
                leaves: Some(Self::holding(value)),
            }),
            (Op::Cas { old, new, .. }, Some(Outcome::Cas) | None) => {
                Some(Effect { needs: Some(Self::holding(old)), leaves: Some(Self::holding(new)) })
            }
            (Op::Cas { old, .. }, Some(Outcome::CasFound { value }))
                if value.as_ref() != Some(old) =>
            {
                Some(Effect { needs: Some(Self(value.clone())), leaves: None })
            }
            _ => None,
        }
    }

    fn observes(op: &Op, outcome: Option<&Outcome>) -> bool {
        matches!(outcome, Some(Outcome::CasDiffers))
            || Self::effect(op, outcome).is_some_and(|effect| effect.observes())
    }
}

#[cfg(test)]
mod tests {
    use super::super::outcome_of::outcome_of;
    use super::*;

    fn read(value: Option<i64>) -> (Op, Outcome) {
        (Op::Read { key: "k".into() }, Outcome::Read { value: value.map(Value::Int) })
    }

    fn write(value: i64) -> (Op, Outcome) {
        (Op::Write { key: "k".into(), value: value.into() }, Outcome::Write)
    }

    fn cas(old: i64, new: i64, outcome: Outcome) -> (Op, Outcome) {
        (Op::Cas { key: "k".into(), old: old.into(), new: new.into() }, outcome)
    }

    fn swap(value: i64, found: Option<i64>) -> (Op, Outcome) {
        let outcome = Outcome::Swap { value: found.map(Value::Int) };
        (Op::Swap { key: "k".into(), value: value.into() }, outcome)
    }

    fn found(value: Option<i64>) -> Outcome {
        Outcome::CasFound { value: value.map(Value::Int) }
    }

    /// Runs `steps` one after the other: the last state, or the first refusal.
    #[track_caller]
    fn check(steps: &[(Op, Outcome)], expect: &str) {
        let steps = steps.iter().map(|(op, outcome)| (op.clone(), Some(outcome.clone())));
        assert_eq!(outcome_of::<Register>(steps), expect);
    }

    #[test]
    fn a_register_answers_what_was_last_written() {
        check(&[], "is absent");
        check(&[read(None)], "is absent");
        check(&[write(1), read(Some(1)), cas(1, 2, Outcome::Cas), read(Some(2))], "holds 2");
        check(&[write(1), cas(1, 1, Outcome::Cas)], "holds 1");
        check(&[write(1), cas(2, 3, found(Some(1))), cas(2, 3, Outcome::CasDiffers)], "holds 1");
        check(&[cas(2, 3, found(None)), cas(2, 3, Outcome::CasDiffers)], "is absent");
        check(&[swap(1, None), swap(2, Some(1)), read(Some(2))], "holds 2");
        check(&[write(1), swap(1, Some(1))], "holds 1");
    }

    #[test]
    fn a_register_refuses_with_its_reason() {
        let reason = "here the register holds 15, but it would have to be one that holds 12";
        check(&[write(15), read(Some(12))], reason);
        check(&[write(15), cas(12, 13, Outcome::Cas)], reason);
        check(&[write(12), write(15), swap(16, Some(12))], reason);
        let reason = "here the register is absent, but it would have to be one that holds 1";
        check(&[read(Some(1))], reason);
        check(&[swap(1, Some(1))], reason);
        let reason = "here the register holds 1, but it would have to be one that is absent";
        check(&[write(1), read(None)], reason);
        check(&[write(1), cas(2, 3, found(None))], reason);
        check(&[write(1), swap(2, None)], reason);
        let reason = "here the register holds 1, which it would have replaced";
        check(&[write(1), cas(1, 2, Outcome::CasDiffers)], reason);
        let reason = "a register does not answer `cas k from 1 to 2` so";
        check(&[write(1), cas(1, 2, found(Some(1)))], reason);
    }
}
