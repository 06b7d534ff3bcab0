//! Lists in transactions, watched one by one for elements that are lost, out of place, or were never
//! appended.
//!
//! The longest list that was found shows the order of its elements: every other is its beginning.
//! What was found, or appended by a transaction that was acknowledged, stays for all who begin later.
//! What is not watched: whether the lists that one transaction found belong together.
//!
//! # Forgetting
//!
//! The elements of every list stay: a list is found whole. Of when they were known to be there only
//! what happened since the oldest open transaction began.

use std::collections::BTreeMap;

use crate::event::Nanos;
use crate::hashing::Map;
use crate::linearizability::monitor::open::Open;
use crate::linearizability::monitor::{Ended, Ending, Invocation, Monitor, Stop, fits, text};
use crate::linearizability::object::Object;
use crate::models::ListAppend;
use crate::op::{Key, Op, OpKind, Outcome, Value};
use crate::transaction::{Micro, ReadValue};

/// One list.
#[derive(Debug, Clone, Default)]
struct OneList {
    /// The longest that was found.
    longest: Vec<Value>,
    /// Whether each element that was asked for has been found, and where.
    places: Map<Value, Option<usize>>,
    /// Elements that were acknowledged and not found yet, with when.
    acknowledged: Vec<(Nanos, Value)>,
    /// How long it was known to be at least, by when.
    known: Vec<(Nanos, usize)>,
    /// How long it is for everybody who is open now.
    least: usize,
}

impl OneList {
    /// It was found to be `list` by what began at `start` and ended at `end`.
    fn found(&mut self, list: &[Value], (start, end): (Nanos, Nanos)) -> Result<(), Stop> {
        let known = self.known.iter().filter(|(time, _)| *time < start).map(|(_, length)| *length);
        let least = known.max().unwrap_or(0).max(self.least);
        let missing = |(time, value): &(Nanos, Value)| *time < start && !list.contains(value);
        let together = list.iter().zip(&self.longest).all(|(first, second)| first == second);
        if !together || list.len() < least || self.acknowledged.iter().any(missing) {
            return Err(Stop::Refuted);
        }
        for value in list.iter().skip(self.longest.len()) {
            match self.places.get_mut(value) {
                Some(place @ None) => *place = Some(self.longest.len()),
                // Found twice in one list, or never asked for.
                Some(Some(_)) | None => return Err(Stop::Refuted),
            }
            self.longest.push(value.clone());
        }
        for (time, value) in std::mem::take(&mut self.acknowledged) {
            match self.places.get(&value).copied().flatten() {
                Some(place) => self.known.push((time, place + 1)),
                None => self.acknowledged.push((time, value)),
            }
        }
        self.known.push((end, list.len()));
        Ok(())
    }

    /// `value` was appended by what ended at `end`.
    fn appended(&mut self, value: &Value, end: Nanos) {
        match self.places.get(value).copied().flatten() {
            Some(place) => self.known.push((end, place + 1)),
            None => self.acknowledged.push((end, value.clone())),
        }
    }

    /// Forgets when it was so long, as everybody who is open began later than `oldest`.
    fn forget(&mut self, oldest: Nanos) {
        let all = self.known.iter().filter(|(time, _)| *time < oldest).map(|(_, length)| *length);
        self.least = all.max().unwrap_or(0).max(self.least);
        self.known.retain(|(time, length)| *time >= oldest && *length > self.least);
    }
}

/// All lists.
#[derive(Debug, Clone, Default)]
pub(super) struct Lists {
    lists: BTreeMap<Key, OneList>,
    open: Open,
}

impl Lists {
    /// What the parts of a transaction that ended found and did.
    fn done(&mut self, ops: &[Micro], span: (Nanos, Nanos)) -> Result<(), Stop> {
        for (place, part) in ops.iter().enumerate() {
            let list = self.lists.entry(part.key().clone()).or_default();
            let own =
                |other: &Micro| matches!(other, Micro::Append { key, .. } if key == part.key());
            match part {
                Micro::Append { value, .. } => list.appended(value, span.1),
                // What it appended itself it finds before others do.
                Micro::Read { .. } if ops[..place].iter().any(own) => {}
                Micro::Read { seen: ReadValue::List(values), .. } => list.found(values, span)?,
                Micro::Read { seen: ReadValue::Absent, .. } => list.found(&[], span)?,
                Micro::Read { seen: ReadValue::Unknown, .. } => {}
                Micro::Read { .. } | Micro::Write { .. } => return Err(NO_LISTS),
            }
        }
        let oldest = self.open.oldest();
        for part in ops {
            self.lists.entry(part.key().clone()).or_default().forget(oldest);
        }
        Ok(())
    }
}

/// Why transactions of other objects are not watched.
const NO_LISTS: Stop = Stop::Blind("a transaction acts on something else than lists");

impl Monitor for Lists {
    const ID: &'static str = ListAppend::ID;
    const KINDS: &'static [OpKind] = ListAppend::KINDS;

    fn invoke(&mut self, invocation: Invocation<'_>) -> Result<(), Stop> {
        self.open.begin(invocation);
        let Op::Txn { ops } = invocation.op else { return Ok(()) };
        for part in ops.iter() {
            match part {
                Micro::Read { .. } => {}
                Micro::Write { .. } => return Err(NO_LISTS),
                Micro::Append { key, value } => {
                    let list = self.lists.entry(key.clone()).or_default();
                    if list.places.insert(value.clone(), None).is_some() {
                        return Err(Stop::Blind("an element was appended twice"));
                    }
                }
            }
        }
        Ok(())
    }

    fn complete(&mut self, ended: Ended<'_>) -> Result<(), Stop> {
        fits(&ended)?;
        self.open.end(ended.invocation);
        match (ended.invocation.op, ended.how) {
            (_, Ending::Ok(Outcome::Txn { ops })) => {
                self.done(ops, (ended.invocation.start, ended.end))
            }
            (Op::Txn { ops }, Ending::Failed) => self.failed(ops),
            _ => Ok(()),
        }
    }

    fn bytes(&self) -> usize {
        let of = |list: &OneList| {
            let own: usize = list.places.keys().map(text).sum();
            let place = size_of::<(Value, Option<usize>)>() + 1 + size_of::<Value>();
            own + place * list.places.capacity()
                + size_of::<(Nanos, Value)>() * list.acknowledged.capacity()
                + size_of::<(Nanos, usize)>() * list.known.capacity()
        };
        self.open.bytes() + self.lists.values().map(of).sum::<usize>()
    }
}

impl Lists {
    /// None of what these parts append was ever appended.
    fn failed(&mut self, ops: &[Micro]) -> Result<(), Stop> {
        for part in ops {
            let Micro::Append { key, value } = part else { continue };
            let list = self.lists.entry(key.clone()).or_default();
            if list.places.remove(value).flatten().is_some() {
                return Err(Stop::Refuted);
            }
        }
        Ok(())
    }
}
