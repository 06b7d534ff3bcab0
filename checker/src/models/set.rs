//! A set: elements come and go, one by one, and can be read one by one or all at once.
//!
//! To add what is there, or to remove what is not, succeeds and changes nothing. No order of the
//! elements is kept.

use std::fmt;

use super::model::{Model, Refusal};
use super::trie::Trie;
use crate::op::{Op, Outcome, Value};
use crate::words;

/// The elements that are in the set.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Set(Trie<Value, ()>);

impl Set {
    /// Whether `value` is in it.
    #[must_use]
    pub fn contains(&self, value: &Value) -> bool {
        self.0.get(value).is_some()
    }

    /// Every element, sorted.
    #[must_use]
    pub fn elements(&self) -> Vec<&Value> {
        self.0.sorted().into_iter().map(|(value, ())| value).collect()
    }

    /// The same set, if it answers `present` when asked for `value`.
    fn answering(&self, value: &Value, present: bool) -> Result<Self, Refusal> {
        match (self.contains(value), present) {
            (true, false) => Err(Refusal(format!("here {value} is in the set"))),
            (false, true) => Err(Refusal(format!("here {value} is not in the set"))),
            _ => Ok(self.clone()),
        }
    }

    /// The same set, if it holds `values` and nothing else.
    fn holding(&self, values: &[Value]) -> Result<Self, Refusal> {
        if let Some(value) = values.iter().find(|value| !self.contains(value)) {
            return Err(Refusal(format!("here {value} is not in the set")));
        }
        let mut read: Vec<&Value> = values.iter().collect();
        read.sort_unstable();
        read.dedup();
        if read.len() == self.0.len() {
            return Ok(self.clone());
        }
        let missing = |value: &&Value| read.binary_search(value).is_err();
        let missing: Vec<&Value> = self.elements().into_iter().filter(missing).collect();
        let are = if missing.len() == 1 { "is" } else { "are" };
        Err(Refusal(format!("here {} {are} in the set as well", words::list(missing))))
    }
}

impl fmt::Display for Set {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.elements() {
            none if none.is_empty() => f.write_str("is empty"),
            some => write!(f, "holds {}", words::list(some)),
        }
    }
}

impl Model for Set {
    type Op = Op;
    type Outcome = Outcome;

    fn step(&self, op: &Op, outcome: Option<&Outcome>) -> Result<Self, Refusal> {
        match (op, outcome) {
            (Op::Add { value, .. }, Some(Outcome::Add) | None) => {
                Ok(Self(self.0.with(value.clone(), ())))
            }
            (Op::Remove { value, .. }, Some(Outcome::Remove) | None) => {
                Ok(Self(self.0.without(value)))
            }
            (Op::Contains { value, .. }, Some(Outcome::Contains { present })) => {
                self.answering(value, *present)
            }
            (Op::ReadAll { .. }, Some(Outcome::ReadAll { values })) => self.holding(values),
            (Op::Contains { .. } | Op::ReadAll { .. }, None) => Ok(self.clone()),
            _ => Err(Refusal(format!("a set does not answer `{op}` so"))),
        }
    }

    fn bytes(&self) -> usize {
        size_of_val(self) + self.0.bytes_of_a_change()
    }

    fn observes(op: &Op, _: Option<&Outcome>) -> bool {
        matches!(op, Op::Contains { .. } | Op::ReadAll { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::super::outcome_of::outcome_of;
    use super::*;

    fn add(value: i64) -> (Op, Outcome) {
        (Op::Add { key: "s".into(), value: value.into() }, Outcome::Add)
    }

    fn remove(value: i64) -> (Op, Outcome) {
        (Op::Remove { key: "s".into(), value: value.into() }, Outcome::Remove)
    }

    fn contains(value: i64, present: bool) -> (Op, Outcome) {
        (Op::Contains { key: "s".into(), value: value.into() }, Outcome::Contains { present })
    }

    fn all(values: &[i64]) -> (Op, Outcome) {
        let values = values.iter().copied().map(Value::Int).collect();
        (Op::ReadAll { key: "s".into() }, Outcome::ReadAll { values })
    }

    #[track_caller]
    fn check(steps: &[(Op, Outcome)], expect: &str) {
        let steps = steps.iter().map(|(op, outcome)| (op.clone(), Some(outcome.clone())));
        assert_eq!(outcome_of::<Set>(steps), expect);
    }

    #[test]
    fn a_set_answers_what_was_added_and_not_removed() {
        check(&[], "is empty");
        check(&[add(2), add(1), add(2), all(&[1, 2]), contains(1, true)], "holds 1 and 2");
        check(&[remove(1), add(1), remove(1), all(&[]), contains(1, false)], "is empty");
        check(&[add(1), all(&[1, 1])], "holds 1");
    }

    #[test]
    fn a_set_refuses_with_its_reason() {
        check(&[contains(1, true)], "here 1 is not in the set");
        check(&[add(1), contains(1, false)], "here 1 is in the set");
        check(&[add(1), all(&[2])], "here 2 is not in the set");
        check(&[add(1), add(2), add(3), all(&[2])], "here 1 and 3 are in the set as well");
        check(&[add(1), all(&[])], "here 1 is in the set as well");
        let wrong = (add(1).0, Outcome::Remove);
        check(&[wrong], "a set does not answer `add 1 to s` so");
    }
}
