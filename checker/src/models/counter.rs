//! One counter with increments, up or down, and reads; 0 before the first increment.
//!
//! It has no bounds: the sum is kept in 128 bits, which no history can overflow.

use std::fmt;

use super::model::{Model, Refusal};
use crate::op::{Op, Outcome, Value};

/// The state of a counter: the sum of all increments so far.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Counter(pub i128);

impl fmt::Display for Counter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "stands at {}", self.0)
    }
}

impl Counter {
    /// What a read has to have found, as a number; none if it is no number. Absent counts as 0.
    pub(crate) fn shown(value: Option<&Value>) -> Option<i128> {
        value.map_or(Some(0), |value| value.as_int().map(i128::from))
    }
}

impl Model for Counter {
    type Op = Op;
    type Outcome = Outcome;

    fn step(&self, op: &Op, outcome: Option<&Outcome>) -> Result<Self, Refusal> {
        match (op, outcome) {
            (Op::Increment { by, .. }, Some(Outcome::Increment) | None) => {
                Ok(Self(self.0.saturating_add(i128::from(*by))))
            }
            (Op::Read { .. }, Some(Outcome::Read { value })) => {
                if Self::shown(value.as_ref()) == Some(self.0) {
                    return Ok(self.clone());
                }
                Err(Refusal(format!("here the counter {self}")))
            }
            _ => Err(Refusal(format!("a counter does not answer `{op}` so"))),
        }
    }

    fn observes(op: &Op, outcome: Option<&Outcome>) -> bool {
        matches!(outcome, Some(Outcome::Read { .. })) || matches!(op, Op::Increment { by: 0, .. })
    }
}

#[cfg(test)]
mod tests {
    use super::super::outcome_of::outcome_of;
    use super::*;

    fn read(value: Option<i64>) -> (Op, Outcome) {
        (Op::Read { key: "c".into() }, Outcome::Read { value: value.map(Value::Int) })
    }

    fn add(by: i64) -> (Op, Outcome) {
        (Op::Increment { key: "c".into(), by }, Outcome::Increment)
    }

    #[track_caller]
    fn check(steps: &[(Op, Outcome)], expect: &str) {
        let steps = steps.iter().map(|(op, outcome)| (op.clone(), Some(outcome.clone())));
        assert_eq!(outcome_of::<Counter>(steps), expect);
    }

    #[test]
    fn a_counter_counts() {
        check(&[read(None), read(Some(0))], "stands at 0");
        check(&[add(2), add(-5), read(Some(-3))], "stands at -3");
        check(&[add(1), read(None)], "here the counter stands at 1");
        check(&[add(i64::MAX), add(i64::MAX)], "stands at 18446744073709551614");
        let text = Outcome::Read { value: Some(Value::text("0")) };
        check(&[(read(None).0, text)], "here the counter stands at 0");
        check(&[(add(1).0, Outcome::Write)], "a counter does not answer `increment c by 1` so");
    }
}
