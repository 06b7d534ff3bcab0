//! Registers that transactions read and write; every register starts absent.
//!
//! A transaction takes effect at one instant, as a whole. Nothing here knows of weaker isolation.

use std::fmt;

use super::list_append::only_reads;
use super::model::{Model, Refusal};
use super::trie::Trie;
use crate::op::{Key, Op, Outcome, Value};
use crate::transaction::{Micro, ReadValue};

/// Every register that was written.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct RwRegister(Trie<Key, Value>);

impl RwRegister {
    /// What the register `key` holds.
    #[must_use]
    pub fn value(&self, key: &Key) -> Option<&Value> {
        self.0.get(key)
    }
}

impl RwRegister {
    fn micro(&self, micro: &Micro, answered: bool) -> Result<Self, Refusal> {
        match micro {
            Micro::Write { key, value } => Ok(Self(self.0.with(key.clone(), value.clone()))),
            Micro::Read { .. } if !answered => Ok(self.clone()),
            Micro::Read { seen: ReadValue::Unknown, .. } => Ok(self.clone()),
            Micro::Read { key, seen: ReadValue::Absent } => self.reading(key, None),
            Micro::Read { key, seen: ReadValue::Value(value) } => self.reading(key, Some(value)),
            Micro::Read { seen: ReadValue::List(_), .. } | Micro::Append { .. } => {
                Err(Refusal(format!("registers do not answer `{micro}`")))
            }
        }
    }

    fn reading(&self, key: &Key, value: Option<&Value>) -> Result<Self, Refusal> {
        match self.0.get(key) {
            held if held == value => Ok(self.clone()),
            Some(held) => Err(Refusal(format!("here {key} holds {held}"))),
            None => Err(Refusal(format!("here {key} is absent"))),
        }
    }
}

impl fmt::Display for RwRegister {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let register = |(key, value): (&Key, &Value)| format!("{key} = {value}");
        match self.0.sorted() {
            none if none.is_empty() => f.write_str("is absent everywhere"),
            some => {
                write!(f, "holds {}", some.into_iter().map(register).collect::<Vec<_>>().join(", "))
            }
        }
    }
}

impl Model for RwRegister {
    type Op = Op;
    type Outcome = Outcome;

    /// Without an outcome its writes count, and its reads say nothing.
    fn step(&self, op: &Op, outcome: Option<&Outcome>) -> Result<Self, Refusal> {
        let (ops, answered) = match (op, outcome) {
            (Op::Txn { .. }, Some(Outcome::Txn { ops })) => (ops, true),
            (Op::Txn { ops }, None) => (ops, false),
            _ => return Err(Refusal(format!("registers do not answer `{op}` so"))),
        };
        ops.iter().try_fold(self.clone(), |state, micro| state.micro(micro, answered))
    }

    fn bytes(&self) -> usize {
        size_of_val(self) + self.0.bytes_of_a_change()
    }

    fn observes(_: &Op, outcome: Option<&Outcome>) -> bool {
        only_reads(outcome)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::outcome_of::outcome_of;
    use super::*;

    fn write(key: &str, value: i64) -> Micro {
        Micro::Write { key: key.into(), value: value.into() }
    }

    fn read(key: &str, value: Option<i64>) -> Micro {
        let seen = value.map_or(ReadValue::Absent, |value| ReadValue::Value(value.into()));
        Micro::Read { key: key.into(), seen }
    }

    #[track_caller]
    fn check(transactions: &[&[Micro]], expect: &str) {
        let txn = |ops: &&[Micro]| {
            let ops: Arc<[Micro]> = (*ops).into();
            (Op::Txn { ops: ops.clone() }, Some(Outcome::Txn { ops }))
        };
        assert_eq!(outcome_of::<RwRegister>(transactions.iter().map(txn)), expect);
    }

    #[test]
    fn transactions_read_what_was_written_before() {
        check(&[], "is absent everywhere");
        check(&[&[read("x", None), write("x", 1), read("x", Some(1))]], "holds x = 1");
        check(&[&[write("y", 1), write("x", 2)], &[read("y", Some(1))]], "holds x = 2, y = 1");
    }

    #[test]
    fn registers_refuse_with_their_reason() {
        check(&[&[read("x", Some(1))]], "here x is absent");
        check(&[&[write("x", 2)], &[read("x", Some(1))]], "here x holds 2");
        let append = Micro::Append { key: "x".into(), value: 1.into() };
        check(&[&[append]], "registers do not answer `append 1 to x`");
    }
}
