//! A timestamp oracle: every number that it gives is greater than all that it gave before.

use std::fmt;

use super::model::{Model, Refusal};
use crate::op::{Op, Outcome, Value};
use crate::words::or_nothing;

/// The last timestamp given, if there is one. Numbers are compared by size, texts by their bytes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Timestamps(pub Option<Value>);

impl fmt::Display for Timestamps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "has given {} last", or_nothing(&self.0))
    }
}

impl Model for Timestamps {
    type Op = Op;
    type Outcome = Outcome;

    /// A timestamp that nobody saw may be any below the next one, so that nothing rests on it.
    fn step(&self, op: &Op, outcome: Option<&Outcome>) -> Result<Self, Refusal> {
        match (op, outcome) {
            (Op::Generate { .. }, None) => Ok(self.clone()),
            (Op::Generate { .. }, Some(Outcome::Generate { value })) => match &self.0 {
                Some(last) if last >= value => {
                    Err(Refusal(format!("here {last} had been given already")))
                }
                _ => Ok(Self(Some(value.clone()))),
            },
            _ => Err(Refusal(format!("a timestamp oracle does not answer `{op}` so"))),
        }
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
    fn check(given: &[i64], expect: &str) {
        let step = |value: &i64| {
            let op = Op::Generate { key: "t".into() };
            (op, Some(Outcome::Generate { value: (*value).into() }))
        };
        assert_eq!(outcome_of::<Timestamps>(given.iter().map(step)), expect);
    }

    #[test]
    fn each_is_greater_than_all_before() {
        check(&[], "has given nothing last");
        check(&[3, 7], "has given 7 last");
        check(&[3, 3], "here 3 had been given already");
        check(&[3, 7, 5], "here 7 had been given already");
    }
}
