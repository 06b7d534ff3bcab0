//! A set, and queues with and without an order.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use fracas_checker::event::Nanos;
use fracas_checker::{Completion, Key, Op, Outcome, Value};

use super::super::Shape;
use super::super::dice::Dice;
use super::{Answer, Invocation, Object};

/// About how many elements there are where every element is put in once.
const SIZE: usize = 20;

/// The server of one set.
pub(crate) struct Set {
    key: Key,
    values: Option<u32>,
    elements: BTreeSet<i64>,
    /// Elements that nobody asked to remove yet, so that none is asked for twice.
    removable: BTreeSet<i64>,
    next: i64,
    /// Elements whose only add was acknowledged, and when that was.
    added: BTreeMap<i64, Nanos>,
    /// Those whose remove began later and was acknowledged, and when that was.
    gone: BTreeMap<i64, Nanos>,
}

impl Set {
    pub(crate) fn new(key: Key, shape: &Shape) -> Self {
        let (added, gone) = (BTreeMap::new(), BTreeMap::new());
        let (elements, removable) = (BTreeSet::new(), BTreeSet::new());
        Self { key, values: shape.values, elements, removable, next: 0, added, gone }
    }

    /// An element that may be in the set, or may just have been.
    fn known(&self, dice: &mut Dice) -> Value {
        let recent = (self.removable.len() + 2 * SIZE).min(self.next as usize).max(1);
        Value::Int(match self.values {
            Some(values) => dice.below(values.into()) as i64,
            None => (self.next - 1 - dice.below(recent as u64) as i64).max(0),
        })
    }

    fn fresh(&mut self, dice: &mut Dice) -> Value {
        if self.values.is_some() {
            return self.known(dice);
        }
        self.next += 1;
        Value::Int(self.next - 1)
    }

    /// Something that was put into the set: the oldest that nobody asked to remove.
    fn present(&mut self, dice: &mut Dice) -> Value {
        match self.values {
            None => self.removable.pop_first().map_or_else(|| self.fresh(dice), Value::Int),
            Some(_) => self.known(dice),
        }
    }
}

impl Object for Set {
    fn ask(&mut self, _client: usize, dice: &mut Dice) -> Op {
        let key = self.key.clone();
        match dice.below(100) {
            0 => Op::ReadAll { key },
            1..34 => Op::Contains { key, value: self.known(dice) },
            34..67 if self.values.is_some() || self.removable.len() > SIZE => {
                Op::Remove { key, value: self.present(dice) }
            }
            _ => Op::Add { key, value: self.fresh(dice) },
        }
    }

    fn act(&mut self, _client: usize, op: &Op, _dice: &mut Dice) -> Answer {
        let of = |value: &Value| value.as_int().unwrap_or_default();
        Answer::Ok(match op {
            Op::Add { value, .. } => {
                self.elements.insert(of(value));
                self.removable.insert(of(value));
                Outcome::Add
            }
            Op::Remove { value, .. } => {
                self.elements.remove(&of(value));
                Outcome::Remove
            }
            Op::Contains { value, .. } => {
                Outcome::Contains { present: self.elements.contains(&of(value)) }
            }
            _ => Outcome::ReadAll {
                values: self.elements.iter().map(|element| Value::Int(*element)).collect(),
            },
        })
    }

    fn completed(&mut self, asked: &Invocation<'_>, completion: &Completion, now: Nanos) {
        let ok = matches!(completion, Completion::Ok { .. });
        let Some(value) = asked.op.values().first().and_then(|value| value.as_int()) else {
            return;
        };
        if self.values.is_some() || !ok {
            return;
        }
        match asked.op {
            Op::Add { .. } => self.added.extend([(value, now)]),
            Op::Remove { .. } if self.added.get(&value).is_some_and(|add| *add < asked.invoked) => {
                self.gone.insert(value, now);
            }
            _ => {}
        }
    }

    fn wrong(&self, asked: &Invocation<'_>) -> Option<Outcome> {
        let Op::Contains { value, .. } = asked.op else { return None };
        let since = self.gone.get(&value.as_int()?)?;
        (*since < asked.invoked).then_some(Outcome::Contains { present: true })
    }
}

/// The server of one queue.
pub(crate) struct Queue {
    key: Key,
    values: Option<u32>,
    ordered: bool,
    elements: VecDeque<i64>,
    next: i64,
    /// The first element that somebody was told to have taken.
    taken: Option<Value>,
}

impl Queue {
    pub(crate) fn new(key: Key, shape: &Shape, ordered: bool) -> Self {
        let elements = VecDeque::new();
        Self { key, values: shape.values, ordered, elements, next: 0, taken: None }
    }
}

impl Object for Queue {
    fn ask(&mut self, _client: usize, dice: &mut Dice) -> Op {
        let key = self.key.clone();
        let full = self.elements.len() > SIZE;
        if full || dice.happens(1, 2) {
            return Op::Dequeue { key };
        }
        let fresh = self.next;
        self.next += 1;
        let value = self.values.map_or(fresh, |values| dice.below(values.into()) as i64);
        Op::Enqueue { key, value: Value::Int(value) }
    }

    fn act(&mut self, _client: usize, op: &Op, dice: &mut Dice) -> Answer {
        if let Op::Enqueue { value, .. } = op {
            self.elements.extend(value.as_int());
            return Answer::Ok(Outcome::Enqueue);
        }
        let place = match self.elements.len() {
            0 => 0,
            _ if self.ordered => 0,
            length => dice.place(length),
        };
        Answer::Ok(Outcome::Dequeue { value: self.elements.remove(place).map(Value::Int) })
    }

    fn completed(&mut self, _asked: &Invocation<'_>, completion: &Completion, _now: Nanos) {
        if let (None, Completion::Ok { outcome: Outcome::Dequeue { value }, .. }) =
            (&self.taken, completion)
        {
            self.taken.clone_from(value);
        }
    }

    fn wrong(&self, asked: &Invocation<'_>) -> Option<Outcome> {
        let again = self.taken.clone().filter(|_| self.values.is_none())?;
        matches!(asked.op, Op::Dequeue { .. }).then_some(Outcome::Dequeue { value: Some(again) })
    }
}
