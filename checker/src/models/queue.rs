//! A queue: first in, first out.
//!
//! A dequeue of an empty queue answers so and changes nothing. A dequeue of which nobody saw the
//! answer took the element at the front, if there was one.

use std::collections::VecDeque;
use std::fmt;

use super::model::{Model, Refusal};
use crate::op::{Op, Outcome, Value};
use crate::words;

/// The elements in their order, the next one first.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Queue(pub VecDeque<Value>);

impl Queue {
    fn without_first(&self) -> Self {
        Self(self.0.iter().skip(1).cloned().collect())
    }

    fn with(&self, value: &Value) -> Self {
        Self(self.0.iter().chain([value]).cloned().collect())
    }

    /// The queue after a dequeue that answered `value`.
    fn dequeued(&self, value: Option<&Value>) -> Result<Self, Refusal> {
        match (self.0.front(), value) {
            (None, Some(_)) => Err(Refusal("here the queue is empty".to_owned())),
            (Some(first), None) => Err(Refusal(format!("here {first} is at the front"))),
            (Some(first), Some(value)) if first != value => {
                Err(Refusal(format!("here {first} is at the front, not {value}")))
            }
            _ => Ok(self.without_first()),
        }
    }
}

impl fmt::Display for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("is empty");
        }
        write!(f, "holds {} in this order", words::list(&self.0))
    }
}

impl Model for Queue {
    type Op = Op;
    type Outcome = Outcome;

    fn step(&self, op: &Op, outcome: Option<&Outcome>) -> Result<Self, Refusal> {
        match (op, outcome) {
            (Op::Enqueue { value, .. }, Some(Outcome::Enqueue) | None) => Ok(self.with(value)),
            (Op::Dequeue { .. }, Some(Outcome::Dequeue { value })) => self.dequeued(value.as_ref()),
            (Op::Dequeue { .. }, None) => Ok(self.without_first()),
            _ => Err(Refusal(format!("a queue does not answer `{op}` so"))),
        }
    }

    fn bytes(&self) -> usize {
        size_of_val(self) + self.0.capacity() * size_of::<Value>()
    }

    fn observes(_: &Op, outcome: Option<&Outcome>) -> bool {
        matches!(outcome, Some(Outcome::Dequeue { value: None }))
    }
}

#[cfg(test)]
mod tests {
    use super::super::outcome_of::outcome_of;
    use super::*;

    fn enqueue(value: i64) -> (Op, Option<Outcome>) {
        (Op::Enqueue { key: "q".into(), value: value.into() }, Some(Outcome::Enqueue))
    }

    fn dequeue(value: Option<i64>) -> (Op, Option<Outcome>) {
        let value = value.map(Value::Int);
        (Op::Dequeue { key: "q".into() }, Some(Outcome::Dequeue { value }))
    }

    fn unseen() -> (Op, Option<Outcome>) {
        (Op::Dequeue { key: "q".into() }, None)
    }

    #[track_caller]
    fn check(steps: &[(Op, Option<Outcome>)], expect: &str) {
        assert_eq!(outcome_of::<Queue>(steps.iter().cloned()), expect);
    }

    #[test]
    fn a_queue_answers_in_the_order_of_arrival() {
        check(&[], "is empty");
        check(&[enqueue(1), enqueue(2), enqueue(2)], "holds 1, 2 and 2 in this order");
        check(
            &[enqueue(1), enqueue(2), dequeue(Some(1)), dequeue(Some(2)), dequeue(None)],
            "is empty",
        );
        check(&[unseen(), enqueue(1), enqueue(2), unseen()], "holds 2 in this order");
    }

    #[test]
    fn a_queue_refuses_with_its_reason() {
        check(&[dequeue(Some(1))], "here the queue is empty");
        check(&[enqueue(1), dequeue(None)], "here 1 is at the front");
        check(&[enqueue(1), enqueue(2), dequeue(Some(2))], "here 1 is at the front, not 2");
        let wrong = (enqueue(1).0, Some(Outcome::Add));
        check(&[wrong], "a queue does not answer `enqueue 1 to q` so");
    }
}
