//! One mutex: held or free, whoever asks.
//!
//! Who holds it is not looked at; a lock that knows its holder is [`super::Lock`].

use std::fmt;

use super::model::{Effect, Model, Refusal};
use crate::op::{Op, Outcome};

/// The state of a mutex.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Mutex {
    /// Whether somebody holds it.
    pub held: bool,
}

impl fmt::Display for Mutex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.held { "is held" } else { "is free" })
    }
}

impl Model for Mutex {
    type Op = Op;
    type Outcome = Outcome;

    fn step(&self, op: &Op, outcome: Option<&Outcome>) -> Result<Self, Refusal> {
        match Self::effect(op, outcome) {
            Some(Effect { needs: Some(needs), leaves: Some(leaves) }) if *self == needs => {
                Ok(leaves)
            }
            Some(_) => Err(Refusal(format!("here the mutex {self}"))),
            None => Err(Refusal(format!("a mutex does not answer `{op}` so"))),
        }
    }

    fn effect(op: &Op, outcome: Option<&Outcome>) -> Option<Effect<Self>> {
        let becomes = |held: bool| {
            Some(Effect { needs: Some(Self { held: !held }), leaves: Some(Self { held }) })
        };
        match (op, outcome) {
            (Op::Acquire { .. }, Some(Outcome::Acquire { .. }) | None) => becomes(true),
            (Op::Release { .. }, Some(Outcome::Release) | None) => becomes(false),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::outcome_of::outcome_of;
    use super::*;

    #[track_caller]
    fn check(steps: &str, expect: &str) {
        let asked = |step| {
            let key = "m".into();
            match step {
                'A' => (Op::Acquire { key, holder: 1, ttl: None }, None),
                'R' => (Op::Release { key, holder: 2 }, Some(Outcome::Release)),
                _ => (Op::Read { key }, None),
            }
        };
        assert_eq!(outcome_of::<Mutex>(steps.chars().map(asked)), expect);
    }

    #[test]
    fn a_mutex_is_held_by_one_and_released_by_any() {
        check("", "is free");
        check("A", "is held");
        check("ARAR", "is free");
        check("AA", "here the mutex is held");
        check("R", "here the mutex is free");
        check("ARR", "here the mutex is free");
        check("r", "a mutex does not answer `read m` so");
    }
}
