//! What objects hold before anything is written to them.
//!
//! A model starts empty. Where an object held something before the first operation, that is put
//! before the history as an operation of [`ProcessId::INITIAL`], so that every check sees it and a
//! witness can show it. Where nobody tells, [`History::observed_at_first`] says what the first
//! reads give away. Whether that may be believed is said by [`crate::recorded`].

mod facts;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use facts::{Facts, micros};

use super::growing::Growing;
use super::objects::ObjectIndex;
use super::operation::Operation;
use super::validated::History;
use super::validation::Malformed;
use crate::event::{Completion, Event, EventKind, Stamp};
use crate::identity::{Nanos, ProcessId};
use crate::op::{Key, Op, OpKind, Outcome, Value};
use crate::transaction::Micro;

/// What objects hold at first, by name.
pub type Initial = BTreeMap<Key, Value>;

/// Whether objects of these operations may hold something at first: those that are read, but for
/// what a lock guards.
fn is_of_filled(kind: OpKind) -> bool {
    kind == OpKind::Read || (kind.is_read_by(OpKind::Read) && kind != OpKind::GuardedWrite)
}

/// How an object takes what it holds at first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Takes {
    /// As a write.
    Write,
    /// As a write of a text, to which others are appended.
    Text,
    /// As an increment.
    Increment,
    /// As a transaction that writes.
    Txn,
}

impl Takes {
    /// How an object with these operations takes it; none if it is of a kind that starts empty.
    /// `counts` where the caller says that it is a counter.
    fn of<'a>(
        mut operations: impl Iterator<Item = &'a Operation> + Clone,
        counts: bool,
    ) -> Option<Self> {
        let kinds: BTreeSet<OpKind> =
            operations.clone().map(|operation| operation.op.kind()).collect();
        let appends = |operation: &Operation| {
            micros(operation).iter().any(|it| matches!(it, Micro::Append { .. }))
        };
        if kinds == BTreeSet::from([OpKind::Txn]) {
            return (!operations.any(appends)).then_some(Self::Txn);
        }
        match kinds.iter().all(|kind| is_of_filled(*kind)) {
            false => None,
            true if counts || kinds.contains(&OpKind::Increment) => Some(Self::Increment),
            true if kinds.contains(&OpKind::Append) => Some(Self::Text),
            true => Some(Self::Write),
        }
    }

    /// The operation that puts `value` into the object `key`.
    fn put(self, key: Key, value: Value) -> Result<(Op, Outcome), String> {
        match (self, value) {
            (Self::Write | Self::Text, value) => Ok((Op::Write { key, value }, Outcome::Write)),
            (Self::Increment, Value::Int(by)) => {
                Ok((Op::Increment { key, by }, Outcome::Increment))
            }
            (Self::Increment, Value::Text(text)) => Err(format!(
                "the counter `{key}` cannot start at `{text}`, expected a whole number"
            )),
            (Self::Txn, value) => {
                let ops: Arc<[Micro]> = [Micro::Write { key, value }].into();
                Ok((Op::Txn { ops: Arc::clone(&ops) }, Outcome::Txn { ops }))
            }
        }
    }
}

impl History {
    fn operations_of(&self, object: &ObjectIndex) -> impl Iterator<Item = &Operation> + Clone {
        object.places.iter().map(|place| &self.operations[*place as usize])
    }

    /// Every object that may hold something at first, and what is known of it.
    fn fillable(&self, counts: bool) -> Vec<(&Key, Takes, Facts<'_>)> {
        let mut all = Vec::new();
        for object in &self.objects {
            let operations = self.operations_of(object);
            match (Takes::of(operations.clone(), counts), &object.key) {
                (Some(takes), Some(key)) => all.push((key, takes, Facts::of(operations))),
                (Some(takes), None) => {
                    let by_key = Facts::by_key(operations).into_iter();
                    all.extend(by_key.map(|(key, facts)| (key, takes, facts)));
                }
                (None, _) => {}
            }
        }
        all
    }

    /// Every object that may hold something at first, each with `value`: as a text where all values
    /// of the object are texts, so that `0` means what the file means by it.
    #[must_use]
    pub fn all_starting_at(&self, value: &Value, counts: bool) -> Initial {
        let fitting = |facts: &Facts<'_>| match value {
            Value::Int(number) if facts.only_texts() => Value::text(&number.to_string()),
            value => value.clone(),
        };
        let all = self.fillable(counts).into_iter();
        all.map(|(key, _, facts)| (Key::clone(key), fitting(&facts))).collect()
    }

    /// The initial values of objects, as far as the first reads of these objects show them.
    ///
    /// A value that no operation writes, and that was seen before any write was over, is the
    /// initial value, or it is wrong. Texts that are put together, and sums, do not show which
    /// write they come from: of such an object only a value counts that was seen before any
    /// operation was asked that could change the object.
    #[must_use]
    pub fn observed_at_first(&self, counts: bool) -> Initial {
        let all = self.fillable(counts).into_iter();
        let found = all.filter_map(|(key, takes, facts)| {
            let nothing = |value: &&Value| match takes {
                Takes::Text => **value == Value::text(""),
                Takes::Increment => **value == Value::Int(0),
                Takes::Write | Takes::Txn => false,
            };
            let value = match takes {
                Takes::Write | Takes::Txn => facts.unwritten(),
                Takes::Text | Takes::Increment => facts.undisturbed(),
            };
            Some((Key::clone(key), value.filter(|value| !nothing(value))?.clone()))
        });
        found.collect()
    }

    /// The same history with `initial` put before everything. A history that was torn stays torn.
    ///
    /// # Errors
    ///
    /// When an object is a counter and what it is to hold is no number.
    pub fn starting_at(self, initial: &Initial, counts: bool) -> Result<Self, String> {
        let mut before = Vec::new();
        for (key, takes, _) in self.fillable(counts) {
            if let Some(value) = initial.get(key) {
                before.push(takes.put(Key::clone(key), value.clone())?);
            }
        }
        let (torn, inserted) = (self.torn, self.before + 2 * before.len() as u64);
        let history = self.preceded_by(before).map_err(|malformed| malformed.to_string())?;
        Ok(Self { torn, before: inserted, ..history })
    }

    /// The number that the event has in the file that the history was read from, from 0; none for
    /// what was put before it.
    #[must_use]
    pub fn in_file(&self, event: u64) -> Option<u64> {
        event.checked_sub(self.before)
    }

    /// Puts operations that were answered at once before everything. What touches is concurrent, so
    /// where the first operation began at time 0, all events move by a nanosecond.
    fn preceded_by(self, before: Vec<(Op, Outcome)>) -> Result<Self, Malformed> {
        let shift =
            Nanos::from(self.operations.first().is_some_and(|operation| operation.invoked.1 == 0));
        let process = ProcessId::INITIAL;
        let mut kinds: Vec<(Nanos, EventKind)> = Vec::new();
        for (op, outcome) in before {
            kinds.push((0, EventKind::Invoke { process, node: None, op }));
            let completion = Completion::Ok { outcome, stamp: Stamp::default() };
            kinds.push((0, EventKind::Complete { process, completion }));
        }
        let rest = self.events().iter();
        kinds.extend(rest.map(|event| (event.time.saturating_add(shift), event.kind.clone())));
        let event = |(index, (time, kind))| Event { index, time, kind };
        let events = (0..).zip(kinds).map(event);
        Ok(Growing::of(self.header.clone(), events)?.recorded())
    }
}
