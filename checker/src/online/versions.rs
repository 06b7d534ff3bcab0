//! Registers in transactions, watched one by one for values that are read after they were replaced,
//! replaced twice, or never written.
//!
//! Where every value is written once, whoever read a value and wrote another put that in its place:
//! nobody who begins later finds it, and nobody else replaces it. What is not watched: whether the
//! values that one transaction found belong together, and what is written without having been read.
//!
//! # Forgetting
//!
//! An old value may be found however late, so every one that was written is kept: a few dozen bytes
//! each, until the memory of the whole watch runs out.

use std::collections::{BTreeMap, BTreeSet};

use crate::event::Nanos;
use crate::hashing::Map;
use crate::linearizability::monitor::{Ended, Ending, Invocation, Monitor, Stop, fits, text};
use crate::linearizability::object::Object;
use crate::models::RwRegister;
use crate::op::{Key, Op, OpKind, Outcome, Value};
use crate::transaction::{Micro, ReadValue};

/// One register.
#[derive(Debug, Clone, Default)]
struct OneRegister {
    /// The values that were asked for.
    invocation: Map<Value, ()>,
    /// Who is known to have put another value in the place of each ended when; of the first, none.
    replaced: Map<Option<Value>, Nanos>,
    /// When something was first known to be there.
    written: Option<Nanos>,
}

/// What a transaction did with one register.
#[derive(Default)]
struct Own<'a> {
    /// What it found there, if it looked before it wrote.
    found: Option<Option<&'a Value>>,
    wrote: Option<&'a Value>,
}

impl OneRegister {
    fn done(&mut self, own: &Own<'_>, (start, end): (Nanos, Nanos)) -> Result<(), Stop> {
        if let Some(found) = own.found {
            let gone = match found {
                Some(value) if !self.invocation.contains_key(value) => true,
                Some(_) => false,
                None => self.written.is_some_and(|time| time < start),
            };
            let replaced = self.replaced.get(&found.cloned());
            if gone || replaced.is_some_and(|time| *time < start) {
                return Err(Stop::Refuted);
            }
            if own.wrote.is_some() && self.replaced.insert(found.cloned(), end).is_some() {
                return Err(Stop::Refuted);
            }
        }
        if own.wrote.is_some() || own.found.flatten().is_some() {
            self.written = Some(self.written.map_or(end, |first| first.min(end)));
        }
        Ok(())
    }
}

/// All registers.
#[derive(Debug, Clone, Default)]
pub(super) struct Versions(BTreeMap<Key, OneRegister>);

/// Why transactions of other objects are not watched.
const NO_REGISTERS: Stop = Stop::Blind("a transaction acts on something else than registers");

impl Versions {
    fn done(&mut self, ops: &[Micro], span: (Nanos, Nanos)) -> Result<(), Stop> {
        let mut all: BTreeMap<&Key, Own<'_>> = BTreeMap::new();
        for part in ops {
            let own = all.entry(part.key()).or_default();
            let first = own.found.is_none() && own.wrote.is_none();
            match part {
                Micro::Write { value, .. } => own.wrote = Some(value),
                Micro::Read { seen: ReadValue::Value(value), .. } if first => {
                    own.found = Some(Some(value));
                }
                Micro::Read { seen: ReadValue::Absent, .. } if first => own.found = Some(None),
                Micro::Read {
                    seen: ReadValue::Value(_) | ReadValue::Absent | ReadValue::Unknown,
                    ..
                } => {}
                Micro::Read { .. } | Micro::Append { .. } => return Err(NO_REGISTERS),
            }
        }
        for (key, own) in all {
            self.0.entry(key.clone()).or_default().done(&own, span)?;
        }
        Ok(())
    }
}

impl Monitor for Versions {
    const ID: &'static str = RwRegister::ID;
    const KINDS: &'static [OpKind] = RwRegister::KINDS;

    fn invoke(&mut self, invocation: Invocation<'_>) -> Result<(), Stop> {
        let Op::Txn { ops } = invocation.op else { return Ok(()) };
        let mut written = BTreeSet::new();
        for part in ops.iter() {
            match part {
                Micro::Read { .. } => {}
                Micro::Append { .. } => return Err(NO_REGISTERS),
                Micro::Write { key, .. } if !written.insert(key) => {
                    return Err(Stop::Blind("a transaction wrote a register twice"));
                }
                Micro::Write { key, value } => {
                    let register = self.0.entry(key.clone()).or_default();
                    if register.invocation.insert(value.clone(), ()).is_some() {
                        return Err(Stop::Blind("a value was written twice"));
                    }
                }
            }
        }
        Ok(())
    }

    fn complete(&mut self, ended: Ended<'_>) -> Result<(), Stop> {
        fits(&ended)?;
        match (ended.invocation.op, ended.how) {
            (_, Ending::Ok(Outcome::Txn { ops })) => {
                self.done(ops, (ended.invocation.start, ended.end))
            }
            (Op::Txn { ops }, Ending::Failed) => {
                for part in ops.iter() {
                    if let Micro::Write { key, value } = part {
                        self.0.entry(key.clone()).or_default().invocation.remove(value);
                    }
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn bytes(&self) -> usize {
        let of = |register: &OneRegister| {
            let texts: usize = register.invocation.keys().map(text).sum();
            2 * texts
                + (register.invocation.capacity() + register.replaced.capacity())
                    * (size_of::<(Option<Value>, Nanos)>() + 1)
        };
        self.0.values().map(of).sum()
    }
}
