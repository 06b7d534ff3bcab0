//! A generator of ids that gives none twice.
//!
//! Nothing is said of their order, nor of how they look.

use std::collections::BTreeSet;
use std::fmt;

use super::model::{Model, Refusal, tree_bytes};
use crate::op::{Op, Outcome, Value};
use crate::words;

/// Every id given so far.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct UniqueIds(pub BTreeSet<Value>);

impl fmt::Display for UniqueIds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "has given {}", words::list(&self.0))
    }
}

impl Model for UniqueIds {
    type Op = Op;
    type Outcome = Outcome;

    /// An id that nobody saw may be any, so that nothing rests on it.
    fn step(&self, op: &Op, outcome: Option<&Outcome>) -> Result<Self, Refusal> {
        match (op, outcome) {
            (Op::Generate { .. }, None) => Ok(self.clone()),
            (Op::Generate { .. }, Some(Outcome::Generate { value })) => {
                let mut next = self.clone();
                if next.0.insert(value.clone()) {
                    return Ok(next);
                }
                Err(Refusal(format!("here {value} had been given already")))
            }
            _ => Err(Refusal(format!("a generator does not answer `{op}` so"))),
        }
    }

    fn bytes(&self) -> usize {
        size_of_val(self) + tree_bytes::<Value>(self.0.len())
    }

    fn observes(_: &Op, outcome: Option<&Outcome>) -> bool {
        outcome.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::super::outcome_of::outcome_of;
    use super::*;

    #[track_caller]
    fn check(ids: &[i64], expect: &str) {
        let given = |id: &i64| {
            (Op::Generate { key: "i".into() }, Some(Outcome::Generate { value: (*id).into() }))
        };
        assert_eq!(outcome_of::<UniqueIds>(ids.iter().map(given)), expect);
    }

    #[test]
    fn no_id_is_given_twice() {
        check(&[], "has given nothing");
        check(&[3, 1], "has given 1 and 3");
        check(&[3, 1, 3], "here 3 had been given already");
    }
}
