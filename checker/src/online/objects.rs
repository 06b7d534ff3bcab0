//! Objects watched one by one: each key alone, as linearizability is local.
//!
//! How an object is watched is the business of its own file; a new one costs a line in [`all`].

use std::collections::BTreeSet;

use super::alarm::{Alarm, Blind};
use super::counter::OneCounter;
use super::elements::{OneBag, OneQueue};
use super::fencing::OneFencing;
use super::kv::OneKv;
use super::lease::OneLease;
use super::lists::Lists;
use super::lock::OneLock;
use super::register::OneRegister;
use super::set::OneSet;
use super::versioned::OneVersioned;
use super::versions::Versions;
use super::watched::{Watched, ended, invocation};
use super::whole::Whole;
use crate::event::Nanos;
use crate::hashing::Map;
use crate::history::Operation;
use crate::linearizability::monitor::{Monitor, Stop};
use crate::objects::ids::OneGenerator;
use crate::objects::mutex::OneMutex;
use crate::objects::timestamps::OneOracle;
use crate::op::{Key, Op};

/// Every kind that can be watched, where the clocks are off by at most `clock_error`.
pub(super) fn all(clock_error: Nanos) -> Vec<Box<dyn Watched>> {
    vec![
        Box::<Objects<OneRegister>>::default(),
        Box::<Objects<OneKv>>::default(),
        Box::<Objects<OneSet>>::default(),
        Box::<Objects<OneQueue>>::default(),
        Box::<Objects<OneBag>>::default(),
        Box::<Objects<OneMutex>>::default(),
        Box::<Objects<OneLock>>::default(),
        Box::<Objects<OneFencing>>::default(),
        Box::<Objects<OneCounter>>::default(),
        Box::<Objects<OneGenerator>>::default(),
        Box::<Objects<OneOracle>>::default(),
        Box::<Objects<OneVersioned>>::default(),
        Box::<Whole<Lists>>::default(),
        Box::<Whole<Versions>>::default(),
        Box::new(Objects::like(OneLease::allowing(clock_error))),
    ]
}

/// The objects of one kind, by name; of one that cannot be told any more, why.
#[derive(Debug, Default)]
pub(super) struct Objects<M> {
    by_key: Map<Key, Result<M, &'static str>>,
    /// The names of those that turned out to be of another kind.
    of_another: BTreeSet<Key>,
    /// What every object is in the beginning.
    initial: M,
}

impl<M: Monitor> Objects<M> {
    /// Objects that each are `initial` in the beginning.
    fn like(initial: M) -> Self {
        Self { by_key: Map::default(), of_another: BTreeSet::new(), initial }
    }

    /// Lets the object of `op` take `step`; whether it is refuted. Its kind is guessed unless `said`.
    fn step(&mut self, op: &Op, said: bool, step: impl FnOnce(&mut M) -> Result<(), Stop>) -> bool {
        let Some(key) = op.key() else { return false };
        if !said && M::is_of_another(op) && self.of_another.insert(key.clone()) {
            self.by_key.remove(key);
        }
        let (kind, changed) = (op.kind(), op.kind().disturbs(M::KINDS));
        if self.of_another.contains(key) || !(changed || M::KINDS.contains(&kind)) {
            return false;
        }
        let object = match self.by_key.get_mut(key) {
            Some(object) => object,
            None => self.by_key.entry(key.clone()).or_insert_with(|| Ok(self.initial.clone())),
        };
        if changed {
            // What such an operation does is not judged, and so the object is not.
            *object = Err("an operation that its check does not judge may have changed it");
        }
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

    fn invoke(&mut self, operation: &Operation, said: bool) {
        self.step(&operation.op, said, |monitor| monitor.invoke(invocation(operation)));
    }

    fn complete(&mut self, operation: &Operation, said: bool) -> Option<Alarm> {
        let ended = ended(operation)?;
        let (index, end) = (ended.index, ended.end);
        let refuted = self.step(&operation.op, said, |monitor| monitor.complete(ended));
        let object = operation.op.key().cloned();
        refuted.then_some(Alarm { check: M::ID, object, index, time: end })
    }

    fn blind(&self) -> Vec<Blind> {
        let mut blind: Vec<Blind> = self
            .by_key
            .iter()
            .filter_map(|(key, object)| {
                Some(Blind { object: Some(key.clone()), reason: object.as_ref().err()? })
            })
            .collect();
        blind.sort_by(|first, second| first.object.cmp(&second.object));
        blind
    }

    fn bytes(&self) -> usize {
        let own = self.by_key.capacity() * (size_of::<(Key, Result<M, &'static str>)>() + 1);
        let names: usize = self.by_key.keys().map(|key| key.len() + 2 * size_of::<usize>()).sum();
        let held: usize = self.by_key.values().flatten().map(M::bytes).sum();
        own + names + held
    }

    fn len(&self) -> usize {
        self.by_key.len()
    }
}
