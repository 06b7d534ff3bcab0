//! Objects that are watched as one: what transactions act on.

use super::alarm::{Alarm, Blind};
use super::watched::{Watched, ended, invocation};
use crate::history::Operation;
use crate::linearizability::monitor::{Monitor, Stop};

/// All objects of one kind together.
#[derive(Debug)]
pub(super) struct Whole<M>(Result<M, &'static str>);

impl<M: Monitor> Default for Whole<M> {
    fn default() -> Self {
        Self(Ok(M::default()))
    }
}

impl<M: Monitor> Whole<M> {
    /// Takes a step; whether it is refuted.
    fn step(
        &mut self,
        operation: &Operation,
        step: impl FnOnce(&mut M) -> Result<(), Stop>,
    ) -> bool {
        let Ok(monitor) = &mut self.0 else { return false };
        if !M::KINDS.contains(&operation.op.kind()) {
            return false;
        }
        match step(monitor) {
            Ok(()) => false,
            Err(Stop::Refuted) => true,
            Err(Stop::Blind(reason)) => {
                self.0 = Err(reason);
                false
            }
        }
    }
}

impl<M: Monitor + Send> Watched for Whole<M> {
    fn id(&self) -> &'static str {
        M::ID
    }

    fn invoke(&mut self, operation: &Operation, _: bool) {
        self.step(operation, |monitor| monitor.invoke(invocation(operation)));
    }

    fn complete(&mut self, operation: &Operation, _: bool) -> Option<Alarm> {
        let ended = ended(operation)?;
        let refuted = self.step(operation, |monitor| monitor.complete(ended));
        let (index, time) = (ended.index, ended.end);
        refuted.then_some(Alarm { check: M::ID, object: None, index, time })
    }

    fn mixed(&mut self) {
        self.0 = Err("a transaction acts on objects of several kinds");
    }

    fn blind(&self) -> Vec<Blind> {
        self.0.as_ref().err().map(|reason| Blind { object: None, reason }).into_iter().collect()
    }

    fn bytes(&self) -> usize {
        self.0.as_ref().map_or(0, M::bytes)
    }

    fn len(&self) -> usize {
        1
    }
}
