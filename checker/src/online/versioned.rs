//! One configuration, watched for versions that go back, fork or are jumped over, and for contents
//! that are not theirs.
//!
//! Generations only rise. So whoever begins after one was seen sees no lower one, each has one
//! content, each is replaced once at most, and none that was seen lies between one and the one that
//! replaced it. What is not watched: whether updates whose outcome nobody knows can have made what
//! was seen, beyond that somebody asked for its content.
//!
//! # Forgetting
//!
//! What is known of a generation is forgotten once every operation that is open began after a higher
//! one was seen. A few dozen bytes stay for every update whose outcome nobody knows.

use std::collections::BTreeMap;

use crate::hashing::Map;
use crate::linearizability::monitor::{Ended, Ending, Invocation, Monitor, Stop, fits, text};
use crate::linearizability::object::Object;
use crate::models::Versioned;
use crate::op::{Op, OpKind, Outcome, Value};

/// One configuration.
#[derive(Debug, Clone, Default)]
pub(super) struct OneVersioned {
    /// The highest generation that was seen.
    highest: u64,
    /// The highest that was seen when each open operation began.
    open: BTreeMap<u64, u64>,
    /// What was seen in each generation.
    contents: BTreeMap<u64, Option<Value>>,
    /// Which generation an acknowledged update made of which.
    next: BTreeMap<u64, u64>,
    /// How many updates to each content may still have made a generation, or may yet.
    pending: Map<Value, usize>,
}

impl OneVersioned {
    /// The generation `generation` was seen with `value` by what began when `floor` was the highest.
    fn saw(&mut self, generation: u64, value: Option<&Value>, floor: u64) -> Result<(), Stop> {
        let unset = (generation == 0) == value.is_none();
        let jumped = self.next.range(..generation).next_back();
        if generation < floor || !unset || jumped.is_some_and(|(_, next)| *next > generation) {
            return Err(Stop::Refuted);
        }
        match self.contents.get(&generation) {
            Some(known) if known.as_ref() != value => return Err(Stop::Refuted),
            Some(_) => {}
            None if value.is_some_and(|value| !self.pending.contains_key(value)) => {
                return Err(Stop::Refuted);
            }
            None => drop(self.contents.insert(generation, value.cloned())),
        }
        self.highest = self.highest.max(generation);
        Ok(())
    }

    /// An update from `expected`, asked when `floor` was the highest, made `generation`.
    fn made(&mut self, expected: u64, generation: u64, floor: u64) -> Result<(), Stop> {
        let between =
            generation > expected && self.contents.range(expected + 1..generation).next().is_some();
        if generation <= expected || expected < floor || between {
            return Err(Stop::Refuted);
        }
        match self.next.insert(expected, generation) {
            Some(_) => Err(Stop::Refuted),
            None => Ok(()),
        }
    }

    /// An update to `value` makes nothing any more.
    fn done(&mut self, value: &Value) {
        if let Some(count) = self.pending.get_mut(value) {
            *count -= 1;
            if *count == 0 {
                self.pending.remove(value);
            }
        }
    }

    fn forget(&mut self) {
        let floor = self.open.values().copied().min().unwrap_or(self.highest).min(self.highest);
        self.contents = self.contents.split_off(&floor);
        self.next.retain(|_, next| *next >= floor);
    }
}

impl Monitor for OneVersioned {
    const ID: &'static str = Versioned::ID;
    const KINDS: &'static [OpKind] = Versioned::KINDS;

    fn invoke(&mut self, invocation: Invocation<'_>) -> Result<(), Stop> {
        self.open.insert(invocation.id, self.highest);
        if let Op::Update { value, .. } = invocation.op {
            *self.pending.entry(value.clone()).or_default() += 1;
        }
        Ok(())
    }

    fn complete(&mut self, ended: Ended<'_>) -> Result<(), Stop> {
        fits(&ended)?;
        let floor = self.open.remove(&ended.invocation.id).unwrap_or(0);
        match (ended.invocation.op, ended.how) {
            (_, Ending::Ok(Outcome::ReadVersion { generation, value })) => {
                self.saw(*generation, value.as_ref(), floor)?;
            }
            (Op::Update { expected, value, .. }, Ending::Ok(Outcome::Update { generation })) => {
                self.made(*expected, *generation, floor)?;
                self.saw(*generation, Some(value), floor)?;
                self.done(value);
            }
            (Op::Update { value, .. }, Ending::Failed) => self.done(value),
            _ => {}
        }
        self.forget();
        Ok(())
    }

    fn bytes(&self) -> usize {
        let own = size_of::<(u64, Option<Value>)>() * self.contents.len()
            + size_of::<(u64, u64)>() * (self.next.len() + self.open.len());
        let texts: usize = self.pending.keys().map(text).sum();
        2 * own + self.pending.capacity() * (size_of::<(Value, usize)>() + 1) + texts
    }
}
