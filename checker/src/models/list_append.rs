//! Lists that transactions read and append to; every list starts empty.
//!
//! A transaction takes effect at one instant, as a whole. Nothing here knows of weaker isolation.

use std::fmt;

use super::model::{Model, Refusal};
use super::trie::Trie;
use crate::op::{Key, Op, Outcome, Value};
use crate::transaction::{Micro, ReadValue};
use crate::words;

/// Every list, element by element, so that copies share what they have in common.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct ListAppend {
    lengths: Trie<Key, usize>,
    elements: Trie<(Key, usize), Value>,
}

impl ListAppend {
    fn len(&self, key: &Key) -> usize {
        self.lengths.get(key).copied().unwrap_or(0)
    }

    /// What is in the list `key`.
    #[must_use]
    pub fn list(&self, key: &Key) -> Vec<&Value> {
        let element = |place| self.elements.get(&(key.clone(), place));
        (0..self.len(key)).filter_map(element).collect()
    }

    fn append(&self, key: &Key, value: &Value) -> Self {
        let len = self.len(key);
        Self {
            lengths: self.lengths.with(key.clone(), len + 1),
            elements: self.elements.with((key.clone(), len), value.clone()),
        }
    }

    fn micro(&self, micro: &Micro, answered: bool) -> Result<Self, Refusal> {
        match micro {
            Micro::Append { key, value } => Ok(self.append(key, value)),
            Micro::Read { .. } if !answered => Ok(self.clone()),
            Micro::Read { seen: ReadValue::Unknown, .. } => Ok(self.clone()),
            Micro::Read { key, seen: ReadValue::Absent } => self.reading(key, &[]),
            Micro::Read { key, seen: ReadValue::List(values) } => self.reading(key, values),
            Micro::Read { seen: ReadValue::Value(_), .. } | Micro::Write { .. } => {
                Err(Refusal(format!("lists do not answer `{micro}`")))
            }
        }
    }

    fn reading(&self, key: &Key, values: &[Value]) -> Result<Self, Refusal> {
        if self.len(key) == values.len() && self.list(key).into_iter().eq(values) {
            return Ok(self.clone());
        }
        Err(Refusal(match self.list(key) {
            none if none.is_empty() => format!("here {key} is empty"),
            some => format!("here {key} holds {}", words::list(some)),
        }))
    }
}

impl fmt::Display for ListAppend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |(key, _): (&Key, &usize)| format!("{key}: {}", words::list(self.list(key)));
        match self.lengths.sorted() {
            none if none.is_empty() => f.write_str("is empty"),
            lists => {
                write!(f, "holds {}", lists.into_iter().map(list).collect::<Vec<_>>().join("; "))
            }
        }
    }
}

impl Model for ListAppend {
    type Op = Op;
    type Outcome = Outcome;

    /// Without an outcome its appends count, and its reads say nothing.
    fn step(&self, op: &Op, outcome: Option<&Outcome>) -> Result<Self, Refusal> {
        let (ops, answered) = match (op, outcome) {
            (Op::Txn { .. }, Some(Outcome::Txn { ops })) => (ops, true),
            (Op::Txn { ops }, None) => (ops, false),
            _ => return Err(Refusal(format!("lists do not answer `{op}` so"))),
        };
        ops.iter().try_fold(self.clone(), |state, micro| state.micro(micro, answered))
    }

    fn bytes(&self) -> usize {
        size_of_val(self) + self.lengths.bytes_of_a_change() + self.elements.bytes_of_a_change()
    }

    fn observes(_: &Op, outcome: Option<&Outcome>) -> bool {
        only_reads(outcome)
    }
}

/// Whether a transaction certainly changed nothing.
pub(super) fn only_reads(outcome: Option<&Outcome>) -> bool {
    matches!(outcome, Some(Outcome::Txn { ops })
        if ops.iter().all(|micro| matches!(micro, Micro::Read { .. })))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::outcome_of::outcome_of;
    use super::*;

    fn append(key: &str, value: i64) -> Micro {
        Micro::Append { key: key.into(), value: value.into() }
    }

    fn read(key: &str, values: &[i64]) -> Micro {
        let seen = ReadValue::List(values.iter().copied().map(Value::Int).collect());
        Micro::Read { key: key.into(), seen }
    }

    #[track_caller]
    fn check(transactions: &[&[Micro]], expect: &str) {
        let txn = |ops: &&[Micro]| {
            let ops: Arc<[Micro]> = (*ops).into();
            (Op::Txn { ops: ops.clone() }, Some(Outcome::Txn { ops }))
        };
        assert_eq!(outcome_of::<ListAppend>(transactions.iter().map(txn)), expect);
    }

    #[test]
    fn transactions_read_what_was_appended_before() {
        check(&[], "is empty");
        check(&[&[read("x", &[])], &[append("x", 1), read("x", &[1])]], "holds x: 1");
        let both = [append("y", 1), append("x", 2), append("x", 3)];
        check(&[&both, &[read("x", &[2, 3]), read("y", &[1])]], "holds x: 2 and 3; y: 1");
        check(&[&[Micro::Read { key: "x".into(), seen: ReadValue::Absent }]], "is empty");
    }

    #[test]
    fn lists_refuse_with_their_reason() {
        check(&[&[read("x", &[1])]], "here x is empty");
        check(&[&[append("x", 1), append("x", 2)], &[read("x", &[2, 1])]], "here x holds 1 and 2");
        let write = Micro::Write { key: "x".into(), value: 1.into() };
        check(&[&[write]], "lists do not answer `write x = 1`");
    }

    #[test]
    fn a_transaction_nobody_saw_the_end_of_has_appended_and_says_nothing_of_its_reads() {
        let op = Op::Txn { ops: [read("x", &[9]), append("x", 1)].into() };
        let state = ListAppend::default().step(&op, None).expect("it can take effect");
        assert_eq!(state.to_string(), "holds x: 1");
        assert!(!ListAppend::observes(&op, None));
    }
}
