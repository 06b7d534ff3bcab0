//! A configuration that is replaced if its generation is still the expected one.

use fracas_checker::event::Nanos;
use fracas_checker::{Completion, Key, Op, Outcome, Value};

use super::super::dice::Dice;
use super::{Answer, Invocation, Object};

/// The server of one configuration.
pub(crate) struct Configuration {
    key: Key,
    generation: u64,
    value: Option<Value>,
    next: i64,
    /// An acknowledged generation with its content, and when it was acknowledged.
    first: Option<(u64, Value, Nanos)>,
    /// When the newest acknowledged update was acknowledged.
    newest: Nanos,
}

impl Configuration {
    pub(crate) fn new(key: Key) -> Self {
        Self { key, generation: 0, value: None, next: 0, first: None, newest: 0 }
    }
}

impl Object for Configuration {
    fn ask(&mut self, _client: usize, dice: &mut Dice) -> Op {
        let key = self.key.clone();
        if dice.happens(1, 2) {
            return Op::ReadVersion { key };
        }
        self.next += 1;
        Op::Update { key, expected: self.generation, value: Value::Int(self.next) }
    }

    fn act(&mut self, _client: usize, op: &Op, _dice: &mut Dice) -> Answer {
        match op {
            Op::Update { expected, .. } if *expected != self.generation => {
                Answer::Refused("another generation")
            }
            Op::Update { value, .. } => {
                self.generation += 1;
                self.value = Some(value.clone());
                Answer::Ok(Outcome::Update { generation: self.generation })
            }
            _ => Answer::Ok(Outcome::ReadVersion {
                generation: self.generation,
                value: self.value.clone(),
            }),
        }
    }

    fn completed(&mut self, asked: &Invocation<'_>, completion: &Completion, now: Nanos) {
        let (
            Op::Update { value, .. },
            Completion::Ok { outcome: Outcome::Update { generation }, .. },
        ) = (asked.op, completion)
        else {
            return;
        };
        if let Some((first, ..)) = self.first {
            // A later generation was acknowledged: the first is gone for good.
            if *generation > first && self.newest == 0 {
                self.newest = now;
            }
        } else {
            self.first = Some((*generation, value.clone(), now));
        }
    }

    fn wrong(&self, asked: &Invocation<'_>) -> Option<Outcome> {
        let (generation, value, _) = self.first.clone()?;
        let gone = self.newest > 0 && self.newest < asked.invoked;
        (gone && matches!(asked.op, Op::ReadVersion { .. }))
            .then_some(Outcome::ReadVersion { generation, value: Some(value) })
    }
}
