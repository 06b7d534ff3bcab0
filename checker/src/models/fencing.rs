//! A lock with fencing tokens, and the resource that its tokens guard.
//!
//! Tokens strictly increase in the order of the grants, and the guard takes a write unless it has
//! taken one with a higher token before: several writes may show the same one. Whether holders
//! exclude each other is deliberately not asked here. Where leases expire two of them may believe
//! to hold it at a time, and the tokens are there to make that harmless; where they do not,
//! [`super::Lock`] judges the same operations.
//!
//! The token of a grant that nobody saw the answer of is not known, so nothing rests on it.

use std::fmt;

use super::model::{Model, Refusal};
use crate::op::{Op, Outcome, Value};

/// The state of a lock with its guarded resource.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Fencing {
    /// The highest token that was granted.
    pub granted: Option<u64>,
    /// The highest token that the guard has accepted.
    pub accepted: Option<u64>,
    /// What the guarded resource holds.
    pub value: Option<Value>,
}

impl fmt::Display for Fencing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.granted {
            Some(token) => write!(f, "has granted token {token}")?,
            None => f.write_str("has granted no token")?,
        }
        match (&self.value, self.accepted) {
            (Some(value), Some(token)) => write!(f, " and holds {value}, written with {token}"),
            _ => f.write_str(" and holds nothing"),
        }
    }
}

impl Fencing {
    fn grant(&self, token: Option<u64>) -> Result<Self, Refusal> {
        match (token, self.granted) {
            (Some(token), Some(granted)) if token <= granted => {
                Err(Refusal(format!("here token {granted} had been granted already")))
            }
            _ => Ok(Self { granted: token.or(self.granted), ..self.clone() }),
        }
    }

    fn write(&self, token: u64, value: &Value) -> Result<Self, Refusal> {
        match self.accepted {
            Some(accepted) if token < accepted => {
                Err(Refusal(format!("here the guard had accepted token {accepted} already")))
            }
            _ => Ok(Self {
                accepted: Some(token),
                value: Some(value.clone()),
                granted: self.granted,
            }),
        }
    }
}

impl Model for Fencing {
    type Op = Op;
    type Outcome = Outcome;

    fn step(&self, op: &Op, outcome: Option<&Outcome>) -> Result<Self, Refusal> {
        match (op, outcome) {
            (Op::Acquire { .. }, None) => Ok(self.clone()),
            (Op::Acquire { .. }, Some(Outcome::Acquire { token })) => self.grant(*token),
            (Op::GuardedWrite { token, value, .. }, Some(Outcome::GuardedWrite) | None) => {
                self.write(*token, value)
            }
            (Op::Read { .. }, Some(Outcome::Read { value })) => {
                if *value == self.value {
                    return Ok(self.clone());
                }
                Err(Refusal(match &self.value {
                    Some(value) => format!("here the guarded resource holds {value}"),
                    None => "here the guarded resource is absent".to_owned(),
                }))
            }
            _ => Err(Refusal(format!("a lock with tokens does not answer `{op}` so"))),
        }
    }

    fn observes(op: &Op, outcome: Option<&Outcome>) -> bool {
        match outcome {
            Some(Outcome::Read { .. } | Outcome::Acquire { token: None }) => true,
            None => matches!(op, Op::Acquire { .. }),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::outcome_of::outcome_of;
    use super::*;

    fn grant(token: Option<u64>) -> (Op, Option<Outcome>) {
        let op = Op::Acquire { key: "l".into(), holder: 1, ttl: None };
        (op, Some(Outcome::Acquire { token }))
    }

    fn write(token: u64, value: i64) -> (Op, Option<Outcome>) {
        let op = Op::GuardedWrite { key: "l".into(), token, value: value.into() };
        (op, Some(Outcome::GuardedWrite))
    }

    fn read(value: Option<i64>) -> (Op, Option<Outcome>) {
        (Op::Read { key: "l".into() }, Some(Outcome::Read { value: value.map(Value::Int) }))
    }

    #[track_caller]
    fn check(steps: &[(Op, Option<Outcome>)], expect: &str) {
        assert_eq!(outcome_of::<Fencing>(steps.iter().cloned()), expect);
    }

    #[test]
    fn tokens_rise_and_the_guard_refuses_lower_ones() {
        check(&[read(None)], "has granted no token and holds nothing");
        check(&[grant(Some(0)), grant(None)], "has granted token 0 and holds nothing");
        check(
            &[grant(Some(3)), write(3, 1), write(3, 2), read(Some(2))],
            "has granted token 3 and holds 2, written with 3",
        );
        check(&[grant(Some(3)), grant(Some(3))], "here token 3 had been granted already");
        check(&[grant(Some(3)), grant(Some(2))], "here token 3 had been granted already");
        let reason = "here the guard had accepted token 4 already";
        check(&[write(4, 1), write(3, 2)], reason);
        check(&[write(4, 1), read(Some(2))], "here the guarded resource holds 1");
        check(&[read(Some(2))], "here the guarded resource is absent");
    }

    #[test]
    fn a_grant_that_nobody_saw_leaves_no_trace() {
        let unseen = (grant(None).0, None);
        check(&[grant(Some(3)), unseen], "has granted token 3 and holds nothing");
    }
}
