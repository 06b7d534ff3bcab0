//! A configuration with a generation: an update names the generation that it replaces.
//!
//! A generation is opaque, but for its order: every update makes a higher one, by any step. What an
//! update made that nobody saw the answer of is therefore *some* generation above the one that it
//! replaced, until somebody sees it: a read that names it, or an update that replaces it. So the
//! state knows a generation exactly, or only what it is above.

use std::fmt;

use super::model::{Model, Refusal};
use crate::op::{Op, Outcome, Value};

/// What is known of the present generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Generation {
    /// It is this one.
    Is(u64),
    /// An update that nobody saw the answer of made it, from this one.
    Above(u64),
}

impl Generation {
    fn may_be(self, generation: u64) -> bool {
        match self {
            Self::Is(own) => generation == own,
            Self::Above(below) => generation > below,
        }
    }
}

/// The state of a configuration; never set it is of generation 0 and without a content.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Versioned {
    /// Its generation.
    pub generation: Generation,
    /// Its content.
    pub value: Option<Value>,
}

impl Default for Versioned {
    fn default() -> Self {
        Self { generation: Generation::Is(0), value: None }
    }
}

impl fmt::Display for Versioned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Some(value) => write!(f, "holds {value}")?,
            None => f.write_str("is unset")?,
        }
        match self.generation {
            Generation::Is(generation) => write!(f, " in generation {generation}"),
            Generation::Above(below) => write!(f, " in some generation above {below}"),
        }
    }
}

impl Versioned {
    fn refuses(&self) -> Refusal {
        Refusal(format!("here the configuration {self}"))
    }
}

impl Model for Versioned {
    type Op = Op;
    type Outcome = Outcome;

    fn step(&self, op: &Op, outcome: Option<&Outcome>) -> Result<Self, Refusal> {
        match (op, outcome) {
            (Op::ReadVersion { .. }, Some(Outcome::ReadVersion { generation, value })) => {
                if self.generation.may_be(*generation) && self.value == *value {
                    return Ok(Self { generation: Generation::Is(*generation), ..self.clone() });
                }
                Err(self.refuses())
            }
            (Op::Update { expected, value, .. }, None | Some(Outcome::Update { .. })) => {
                if !self.generation.may_be(*expected) {
                    return Err(self.refuses());
                }
                let generation = match outcome {
                    Some(Outcome::Update { generation }) if generation <= expected => {
                        return Err(Refusal(format!(
                            "generation {generation} cannot come after {expected}"
                        )));
                    }
                    Some(Outcome::Update { generation }) => Generation::Is(*generation),
                    _ => Generation::Above(*expected),
                };
                Ok(Self { generation, value: Some(value.clone()) })
            }
            _ => Err(Refusal(format!("a configuration does not answer `{op}` so"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::outcome_of::outcome_of;
    use super::*;

    fn read(generation: u64, value: Option<i64>) -> (Op, Option<Outcome>) {
        let value = value.map(Value::Int);
        (Op::ReadVersion { key: "c".into() }, Some(Outcome::ReadVersion { generation, value }))
    }

    /// An update to `value`; unseen without a new generation.
    fn update(expected: u64, value: i64, made: Option<u64>) -> (Op, Option<Outcome>) {
        let op = Op::Update { key: "c".into(), expected, value: value.into() };
        (op, made.map(|generation| Outcome::Update { generation }))
    }

    #[track_caller]
    fn check(steps: &[(Op, Option<Outcome>)], expect: &str) {
        assert_eq!(outcome_of::<Versioned>(steps.iter().cloned()), expect);
    }

    #[test]
    fn an_update_replaces_the_generation_it_names() {
        check(&[read(0, None)], "is unset in generation 0");
        check(&[update(0, 7, Some(4)), read(4, Some(7))], "holds 7 in generation 4");
        let reason = "here the configuration holds 7 in generation 4";
        check(&[update(0, 7, Some(4)), update(0, 8, Some(5))], reason);
        check(&[update(0, 7, Some(4)), read(4, Some(8))], reason);
        check(&[update(0, 7, Some(4)), read(5, Some(7))], reason);
        let reason = "generation 4 cannot come after 4";
        check(&[update(0, 7, Some(4)), update(4, 8, Some(4))], reason);
    }

    #[test]
    fn what_nobody_saw_is_known_once_it_is_seen() {
        let unseen = || update(3, 9, None);
        let start = || update(0, 7, Some(3));
        check(&[start(), unseen()], "holds 9 in some generation above 3");
        check(&[start(), unseen(), read(6, Some(9))], "holds 9 in generation 6");
        check(&[start(), unseen(), update(5, 8, None)], "holds 8 in some generation above 5");
        let reason = "here the configuration holds 9 in some generation above 3";
        check(&[start(), unseen(), read(3, Some(9))], reason);
        check(&[start(), unseen(), update(3, 8, Some(9))], reason);
    }
}
