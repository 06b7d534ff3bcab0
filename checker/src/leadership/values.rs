//! What is known of the values of each register: when each was last written, and who saw it.
//!
//! Only of registers: a name on which anything else was done than what registers serve is left out,
//! because its values may come from elsewhere.

use std::collections::{BTreeMap, BTreeSet};

use crate::event::{Key, Nanos, OpKind, Value};
use crate::history::{History, Operation};
use crate::models::Register;
use crate::objects::Object;

/// What is known of the values of one register.
#[derive(Default)]
pub(super) struct Values<'a> {
    /// Values that a successful operation saw.
    seen: BTreeSet<&'a Value>,
    /// The write of each value that ended last, and when; the end of time if that is unknown.
    written: BTreeMap<&'a Value, (Nanos, &'a Operation)>,
    /// Successful reads by their invocation, with the value.
    pub(super) reads: Vec<(&'a Operation, Option<&'a Value>)>,
    /// Acknowledged writes and compare-and-sets, by their invocation.
    pub(super) writes: Vec<&'a Operation>,
    /// Whether something else was done to it.
    mixed: bool,
}

impl<'a> Values<'a> {
    /// Those of every register of `history`.
    pub(super) fn of(history: &'a History) -> BTreeMap<&'a Key, Self> {
        let mut keys: BTreeMap<&Key, Self> = BTreeMap::new();
        let register = |operation: &&Operation| history.kinds().may_be(Register::ID, &operation.op);
        let took_effect = history.operations().iter().filter(|operation| !operation.failed());
        for operation in took_effect.filter(register) {
            if let Some(key) = operation.op.key() {
                keys.entry(key).or_default().add(operation);
            }
        }
        keys.retain(|_, values| !values.mixed);
        keys
    }

    fn add(&mut self, operation: &'a Operation) {
        let kind = operation.op.kind();
        self.mixed |= !Register::KINDS.contains(&kind);
        let ok = operation.ok();
        if let Some(value) = operation.writes() {
            let ended = ok.map_or(Nanos::MAX, |(time, ..)| time);
            let last = self.written.entry(value).or_insert((ended, operation));
            if last.0 < ended {
                *last = (ended, operation);
            }
            self.writes.extend(ok.map(|_| operation));
        }
        if let Some(value) = operation.saw() {
            self.seen.extend(value);
            if kind == OpKind::Read {
                self.reads.push((operation, value));
            }
        }
    }

    /// Whether a successful operation saw `value`.
    pub(super) fn is_seen(&self, value: &Value) -> bool {
        self.seen.contains(value)
    }

    /// The instant from which on a write that begins has certainly replaced `value`: all that ever
    /// wrote it had ended. None if there is no such instant.
    pub(super) fn replaced_from(&self, value: Option<&Value>) -> Option<Nanos> {
        let Some(value) = value else { return Some(0) };
        self.written.get(value)?.0.checked_add(1)
    }

    /// The write of `value` that ended last.
    pub(super) fn writer(&self, value: &Value) -> Option<&'a Operation> {
        self.written.get(value).map(|(_, operation)| *operation)
    }
}
