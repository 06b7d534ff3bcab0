//! A register with reads, writes and compare-and-sets.

use std::collections::BTreeMap;

use fracas_checker::event::Nanos;
use fracas_checker::{Completion, Key, Op, Outcome, Value};

use super::super::dice::Dice;
use super::super::{Refusal, Shape};
use super::{Answer, Invocation, Object};

/// The server of one register.
pub(crate) struct Register {
    key: Key,
    cas: bool,
    values: Option<u32>,
    refusal: Refusal,
    holds: Option<i64>,
    next: i64,
    old: Old,
}

/// Which values a read must not return any more.
#[derive(Default)]
struct Old {
    /// What is known of every value that is watched.
    written: BTreeMap<i64, Written>,
    /// For every acknowledged write, when it was, and the last invocation of all up to then.
    newest: Vec<(Nanos, Nanos)>,
}

#[derive(Default)]
struct Written {
    /// How many operations may still write it.
    open: u32,
    /// When the last one ended that may have written it.
    ended: Nanos,
    /// Whether one certainly did.
    certainly: bool,
}

impl Register {
    pub(crate) fn new(key: Key, shape: &Shape, cas: bool) -> Self {
        let (values, refusal) = (shape.values, shape.refusal);
        Self { key, cas, values, refusal, holds: None, next: 0, old: Old::default() }
    }

    fn value(&mut self, dice: &mut Dice) -> i64 {
        let fresh = self.next;
        self.next += 1;
        self.values.map_or(fresh, |values| dice.below(values.into()) as i64)
    }

    fn read(&self) -> Outcome {
        Outcome::Read { value: self.holds.map(Value::Int) }
    }

    fn refused(&self) -> Answer {
        match self.refusal {
            Refusal::Found => Answer::Ok(Outcome::CasFound { value: self.holds.map(Value::Int) }),
            Refusal::Differs => Answer::Ok(Outcome::CasDiffers),
            Refusal::Failed => Answer::Refused("it held another value"),
        }
    }
}

impl Object for Register {
    fn ask(&mut self, _client: usize, dice: &mut Dice) -> Op {
        let key = self.key.clone();
        let old = match self.values {
            Some(values) => Some(dice.below(values.into()) as i64),
            None => self.holds,
        };
        let op = match (dice.below(if self.cas { 3 } else { 2 }), old) {
            (0, _) => return Op::Read { key },
            (2, Some(old)) => {
                Op::Cas { key, old: Value::Int(old), new: Value::Int(self.value(dice)) }
            }
            _ => Op::Write { key, value: Value::Int(self.value(dice)) },
        };
        self.old.asked(&op, self.values.is_some());
        op
    }

    fn act(&mut self, _client: usize, op: &Op, _dice: &mut Dice) -> Answer {
        match op {
            Op::Write { value, .. } => {
                self.holds = value.as_int();
                Answer::Ok(Outcome::Write)
            }
            Op::Cas { old, new, .. } if self.holds == old.as_int() => {
                self.holds = new.as_int();
                Answer::Ok(Outcome::Cas)
            }
            Op::Cas { .. } => self.refused(),
            _ => Answer::Ok(self.read()),
        }
    }

    fn completed(&mut self, asked: &Invocation<'_>, completion: &Completion, now: Nanos) {
        self.old.completed(asked, completion, now);
    }

    fn wrong(&self, asked: &Invocation<'_>) -> Option<Outcome> {
        let looks = matches!(asked.op, Op::Read { .. });
        let value = self.old.value(asked.invoked).filter(|_| looks)?;
        Some(Outcome::Read { value: Some(Value::Int(value)) })
    }
}

/// What `op` would write.
fn written(op: &Op) -> Option<i64> {
    match op {
        Op::Write { value, .. } | Op::Cas { new: value, .. } => value.as_int(),
        _ => None,
    }
}

impl Old {
    /// Of values that are written once, the first few will do.
    const WATCHED: usize = 8;

    fn asked(&mut self, op: &Op, all: bool) {
        let Some(value) = written(op) else { return };
        if all || self.written.len() < Self::WATCHED {
            self.written.entry(value).or_default().open += 1;
        }
    }

    fn completed(&mut self, asked: &Invocation<'_>, completion: &Completion, now: Nanos) {
        let outcome = match completion {
            Completion::Ok { outcome, .. } => Some(outcome),
            Completion::Fail { .. } | Completion::Info { .. } => None,
        };
        if outcome == Some(&Outcome::Write) {
            let before = self.newest.last().map_or(0, |(_, invoked)| *invoked);
            self.newest.push((now, before.max(asked.invoked)));
        }
        let watched = written(asked.op).and_then(|value| self.written.get_mut(&value));
        if let Some(written) = watched
            && !matches!(completion, Completion::Info { .. })
        {
            written.open -= 1;
            written.ended = now;
            written.certainly |= matches!(outcome, Some(Outcome::Write | Outcome::Cas));
        }
    }

    /// A value that a read invoked at `invoked` must not return: every operation that writes it had
    /// ended when a write began that was acknowledged before the read began.
    fn value(&self, invoked: Nanos) -> Option<i64> {
        let known = self.newest.partition_point(|(acknowledged, _)| *acknowledged < invoked);
        let (_, began) = self.newest[..known].last()?;
        let gone = |(_, written): &(&i64, &Written)| {
            written.certainly && written.open == 0 && written.ended < *began
        };
        self.written.iter().find(gone).map(|(value, _)| *value)
    }
}
