//! One lock that knows its holder: not re-entrant, and given back only by who holds it.
//!
//! It never expires: what a lease promises is a question of clocks, see [`crate::lease`].

use std::fmt;

use super::model::{Effect, Model, Refusal};
use crate::op::{Op, Outcome};

/// The state of a lock: its holder, or none while it is free.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Lock(pub Option<u64>);

impl fmt::Display for Lock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(holder) => write!(f, "is held by {holder}"),
            None => f.write_str("is free"),
        }
    }
}

impl Model for Lock {
    type Op = Op;
    type Outcome = Outcome;

    fn step(&self, op: &Op, outcome: Option<&Outcome>) -> Result<Self, Refusal> {
        match Self::effect(op, outcome) {
            Some(Effect { needs: Some(needs), leaves: Some(leaves) }) if *self == needs => {
                Ok(leaves)
            }
            Some(_) => Err(Refusal(format!("here the lock {self}"))),
            None => Err(Refusal(format!("a lock does not answer `{op}` so"))),
        }
    }

    fn effect(op: &Op, outcome: Option<&Outcome>) -> Option<Effect<Self>> {
        let from_to = |from, to| Some(Effect { needs: Some(Self(from)), leaves: Some(Self(to)) });
        match (op, outcome) {
            (Op::Acquire { holder, .. }, Some(Outcome::Acquire { .. }) | None) => {
                from_to(None, Some(*holder))
            }
            (Op::Release { holder, .. }, Some(Outcome::Release) | None) => {
                from_to(Some(*holder), None)
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::outcome_of::outcome_of;
    use super::*;

    /// Positive numbers acquire, negative ones release.
    #[track_caller]
    fn check(steps: &[i64], expect: &str) {
        let asked = |step: &i64| {
            let (key, holder) = ("l".into(), step.unsigned_abs());
            match step {
                1.. => {
                    (Op::Acquire { key, holder, ttl: None }, Some(Outcome::Acquire { token: None }))
                }
                _ => (Op::Release { key, holder }, Some(Outcome::Release)),
            }
        };
        assert_eq!(outcome_of::<Lock>(steps.iter().map(asked)), expect);
    }

    #[test]
    fn a_lock_is_given_back_by_its_holder_only() {
        check(&[], "is free");
        check(&[1], "is held by 1");
        check(&[1, -1, 2, -2], "is free");
        check(&[1, 2], "here the lock is held by 1");
        check(&[1, 1], "here the lock is held by 1");
        check(&[1, -2], "here the lock is held by 1");
        check(&[-1], "here the lock is free");
    }
}
