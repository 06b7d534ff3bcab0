//! What the operations on one object tell of what it held before all of them.

use super::super::operation::Operation;
use crate::hashing::Map;
use crate::op::{Key, Op, Outcome, Value};
use crate::transaction::{Micro, ReadValue};

/// What was seen of one object, as far as it bears on its beginning.
#[derive(Debug)]
pub(super) struct Facts<'a> {
    /// Values that an operation wrote, or was asked to write.
    named: Map<&'a Value, ()>,
    /// When the first operation was over that certainly changed it, as an index.
    changed: u64,
    /// When the first operation was asked that may have changed it.
    asked: u64,
    /// What was seen of it by operations that began before it was changed.
    seen: Vec<Saw<'a>>,
    /// Whether its values are numbers, or texts.
    numbers: bool,
    texts: bool,
}

#[derive(Debug, Clone, Copy)]
struct Saw<'a> {
    began: u64,
    ended: u64,
    value: Option<&'a Value>,
}

impl Default for Facts<'_> {
    fn default() -> Self {
        Self {
            named: Map::default(),
            changed: u64::MAX,
            asked: u64::MAX,
            seen: Vec::new(),
            numbers: false,
            texts: false,
        }
    }
}

impl<'a> Facts<'a> {
    /// Of the operations on an object that has a name, in the order of invocation.
    pub(super) fn of(operations: impl Iterator<Item = &'a Operation>) -> Self {
        let mut facts = Self::default();
        for operation in operations {
            let changes = !operation.op.kind().only_looks() && !operation.was_refused();
            facts.add(operation, (operation.op.sets(), operation.saw()), changes);
        }
        facts
    }

    /// Of transactions, for every key in them.
    pub(super) fn by_key(
        operations: impl Iterator<Item = &'a Operation>,
    ) -> std::collections::BTreeMap<&'a Key, Self> {
        let mut all = std::collections::BTreeMap::<&Key, Self>::new();
        for operation in operations {
            let mut met: Map<&Key, ()> = Map::default();
            for micro in micros(operation) {
                let first = met.insert(micro.key(), ()).is_none();
                let answered = first && operation.ok().is_some();
                let (written, saw) = match micro {
                    Micro::Write { value, .. } => (Some(value), None),
                    Micro::Read { seen: ReadValue::Value(value), .. } => (None, Some(Some(value))),
                    Micro::Read { seen: ReadValue::Absent, .. } => (None, Some(None)),
                    _ => (None, None),
                };
                let facts = all.entry(micro.key()).or_default();
                facts.add(operation, (written, saw.filter(|_| answered)), written.is_some());
            }
        }
        all
    }

    fn add(
        &mut self,
        operation: &'a Operation,
        (written, saw): (Option<&'a Value>, Option<Option<&'a Value>>),
        changes: bool,
    ) {
        self.named.extend(written.map(|value| (value, ())));
        let began = operation.invoked.0;
        let ended = operation.completed.as_ref().map_or(u64::MAX, |(index, ..)| *index);
        for value in written.into_iter().chain(saw.flatten()).chain(operation.op.values()) {
            self.numbers |= matches!(value, Value::Int(_));
            self.texts |= matches!(value, Value::Text(_));
        }
        if let Some(value) = saw.filter(|_| began < self.changed) {
            self.seen.push(Saw { began, ended, value });
        }
        if changes && !operation.failed() {
            self.asked = self.asked.min(began);
            if operation.ok().is_some() {
                self.changed = self.changed.min(ended);
            }
        }
    }

    /// Whether its values are texts, all of them.
    pub(super) fn only_texts(&self) -> bool {
        self.texts && !self.numbers
    }

    /// The first value seen that no operation writes, before a write was over. None if it was seen
    /// absent then.
    pub(super) fn unwritten(&self) -> Option<&'a Value> {
        let mut early = self.seen.iter().filter(|saw| saw.began < self.changed);
        if early.clone().any(|saw| saw.value.is_none()) {
            return None;
        }
        early.find_map(|saw| saw.value.filter(|value| !self.named.contains_key(value)))
    }

    /// The value seen before anything was asked that may have changed it.
    pub(super) fn undisturbed(&self) -> Option<&'a Value> {
        self.seen.iter().find(|saw| saw.ended < self.asked)?.value
    }
}

/// What a transaction did, or was asked to.
pub(super) fn micros(operation: &Operation) -> &[Micro] {
    match (&operation.op, operation.ok()) {
        (_, Some((_, Outcome::Txn { ops }, _))) | (Op::Txn { ops }, _) => ops,
        _ => &[],
    }
}
