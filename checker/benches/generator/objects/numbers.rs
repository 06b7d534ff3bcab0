//! A counter, and a generator of ids.

use fracas_checker::event::Nanos;
use fracas_checker::{Completion, Key, Op, Outcome, Value};

use super::super::dice::Dice;
use super::{Answer, Invocation, Object};

/// The server of one counter that only counts up.
pub(crate) struct Counter {
    key: Key,
    count: i64,
    /// How much was acknowledged by when.
    acknowledged: Vec<(Nanos, i64)>,
}

impl Counter {
    pub(crate) fn new(key: Key) -> Self {
        Self { key, count: 0, acknowledged: vec![(0, 0)] }
    }

    /// How much was acknowledged by `time`.
    fn least(&self, time: Nanos) -> i64 {
        let known = self.acknowledged.partition_point(|(since, _)| *since <= time);
        self.acknowledged[known - 1].1
    }
}

impl Object for Counter {
    fn ask(&mut self, _client: usize, dice: &mut Dice) -> Op {
        let key = self.key.clone();
        if dice.happens(1, 2) {
            return Op::Read { key };
        }
        Op::Increment { key, by: 1 }
    }

    fn act(&mut self, _client: usize, op: &Op, _dice: &mut Dice) -> Answer {
        if let Op::Increment { by, .. } = op {
            self.count += by;
            return Answer::Ok(Outcome::Increment);
        }
        Answer::Ok(Outcome::Read { value: Some(Value::Int(self.count)) })
    }

    fn completed(&mut self, asked: &Invocation<'_>, completion: &Completion, now: Nanos) {
        if let (Op::Increment { by, .. }, Completion::Ok { .. }) = (asked.op, completion) {
            let before = self.least(now);
            self.acknowledged.push((now, before + by));
        }
    }

    fn wrong(&self, asked: &Invocation<'_>) -> Option<Outcome> {
        let least = self.least(asked.invoked);
        let fits = matches!(asked.op, Op::Read { .. }) && least > 0;
        fits.then_some(Outcome::Read { value: Some(Value::Int(least - 1)) })
    }
}

/// The server of one generator of ids.
pub(crate) struct Ids {
    key: Key,
    next: i64,
    given: Option<Value>,
}

impl Ids {
    pub(crate) fn new(key: Key) -> Self {
        Self { key, next: 0, given: None }
    }
}

impl Object for Ids {
    fn ask(&mut self, _client: usize, _dice: &mut Dice) -> Op {
        Op::Generate { key: self.key.clone() }
    }

    fn act(&mut self, _client: usize, _op: &Op, _dice: &mut Dice) -> Answer {
        self.next += 1;
        Answer::Ok(Outcome::Generate { value: Value::Int(self.next) })
    }

    fn completed(&mut self, _asked: &Invocation<'_>, completion: &Completion, _now: Nanos) {
        if let (None, Completion::Ok { outcome: Outcome::Generate { value }, .. }) =
            (&self.given, completion)
        {
            self.given = Some(value.clone());
        }
    }

    fn wrong(&self, _asked: &Invocation<'_>) -> Option<Outcome> {
        self.given.clone().map(|value| Outcome::Generate { value })
    }
}
