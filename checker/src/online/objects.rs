//! Objects watched one by one: each key alone, as linearizability is local.
//!
//! How an object is watched is the business of its own file; a new one costs a line in [`all`].

use super::elements::{OneBag, OneQueue};
use super::ids::OneGenerator;
use super::register::OneRegister;
use super::{Alarm, Blind};
use crate::event::{Completion, Nanos};
use crate::hashing::Map;
use crate::history::Operation;
use crate::op::{Key, Op, OpKind, Outcome, Value};

/// Why an object is watched no longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// No legal order is left.
    Refuted,
    /// It cannot be told any more, for this reason.
    Blind(&'static str),
}

/// An operation when it begins.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) op: &'a Op,
    /// The index of its invocation.
    pub(super) id: u64,
    pub(super) start: Nanos,
}

/// How an operation ended.
#[derive(Debug, Clone, Copy)]
pub(super) enum Ending<'a> {
    Ok(&'a Outcome),
    Failed,
    Unknown,
}

/// An operation when it ends.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ended<'a> {
    pub(super) asked: Asked<'a>,
    pub(super) how: Ending<'a>,
    /// The index of its completion.
    pub(super) index: u64,
    pub(super) end: Nanos,
}

/// Watches one object. Invocations come in the order of time; so do completions, each after all
/// invocations of its instant.
pub(super) trait Monitor: Default + std::fmt::Debug {
    /// The check that it keeps up with.
    const ID: &'static str;

    /// The operations that it serves.
    const KINDS: &'static [OpKind];

    fn invoke(&mut self, asked: Asked<'_>) -> Result<(), Stop>;

    fn complete(&mut self, ended: Ended<'_>) -> Result<(), Stop>;

    /// How much memory it takes beyond its own size, a little rounded up.
    fn bytes(&self) -> usize;
}

/// All objects of one kind.
pub(super) trait Watched: std::fmt::Debug + Send {
    /// The check that they keep up with.
    fn id(&self) -> &'static str;

    fn invoke(&mut self, operation: &Operation);

    fn complete(&mut self, operation: &Operation) -> Option<Alarm>;

    /// What they cannot tell any more.
    fn blind(&self) -> Vec<Blind>;

    fn bytes(&self) -> usize;

    /// How many objects there are.
    fn len(&self) -> usize;
}

/// Every kind that can be watched.
pub(super) fn all() -> Vec<Box<dyn Watched>> {
    vec![
        Box::<Objects<OneRegister>>::default(),
        Box::<Objects<OneQueue>>::default(),
        Box::<Objects<OneBag>>::default(),
        Box::<Objects<OneGenerator>>::default(),
    ]
}

/// The bytes of a text.
pub(super) fn text(value: &Value) -> usize {
    match value {
        Value::Text(text) => text.len() + 2 * size_of::<usize>(),
        Value::Int(_) => 0,
    }
}

/// The objects of one kind, by name; of one that cannot be told any more, why.
#[derive(Debug)]
pub(super) struct Objects<M>(Map<Key, Result<M, &'static str>>);

impl<M> Default for Objects<M> {
    fn default() -> Self {
        Self(Map::default())
    }
}

impl<M: Monitor> Objects<M> {
    /// Lets the object of `op` take `step`; whether it is refuted.
    fn step(&mut self, op: &Op, step: impl FnOnce(&mut M) -> Result<(), Stop>) -> bool {
        let Some(key) = op.key().filter(|_| M::KINDS.contains(&op.kind())) else { return false };
        let object = match self.0.get_mut(key) {
            Some(object) => object,
            None => self.0.entry(key.clone()).or_insert_with(|| Ok(M::default())),
        };
        let Ok(monitor) = object else { return false };
        match step(monitor) {
            Ok(()) => false,
            Err(Stop::Refuted) => true,
            Err(Stop::Blind(reason)) => {
                *object = Err(reason);
                false
            }
        }
    }
}

impl<M: Monitor + Send> Watched for Objects<M> {
    fn id(&self) -> &'static str {
        M::ID
    }

    fn invoke(&mut self, operation: &Operation) {
        self.step(&operation.op, |monitor| monitor.invoke(asked(operation)));
    }

    fn complete(&mut self, operation: &Operation) -> Option<Alarm> {
        let (index, end, completion) = operation.completed.as_ref()?;
        let how = match completion {
            Completion::Ok { outcome, .. } => Ending::Ok(outcome),
            Completion::Fail { .. } => Ending::Failed,
            Completion::Info { .. } => Ending::Unknown,
        };
        let (index, end) = (*index, *end);
        let ended = Ended { asked: asked(operation), how, index, end };
        let refuted = self.step(&operation.op, |monitor| monitor.complete(ended));
        let object = operation.op.key().cloned();
        refuted.then_some(Alarm { check: M::ID, object, index, time: end })
    }

    fn blind(&self) -> Vec<Blind> {
        let mut blind: Vec<Blind> = self
            .0
            .iter()
            .filter_map(|(key, object)| {
                Some(Blind { object: Some(key.clone()), reason: object.as_ref().err()? })
            })
            .collect();
        blind.sort_by(|one, other| one.object.cmp(&other.object));
        blind
    }

    fn bytes(&self) -> usize {
        let own = self.0.capacity() * (size_of::<(Key, Result<M, &'static str>)>() + 1);
        let names: usize = self.0.keys().map(|key| key.len() + 2 * size_of::<usize>()).sum();
        let held: usize = self.0.values().flatten().map(M::bytes).sum();
        own + names + held
    }

    fn len(&self) -> usize {
        self.0.len()
    }
}

fn asked(operation: &Operation) -> Asked<'_> {
    let (id, start) = operation.invoked;
    Asked { op: &operation.op, id, start }
}
