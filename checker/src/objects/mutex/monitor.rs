//! One mutex, during a run and afterwards: do acquires and releases take turns?
//!
//! How they are put in order, and what of them stays, is said in [`super::alternation`].

use super::alternation::Alternation;
use crate::linearizability::monitor::{Ended, Invocation, Monitor, Stop, fits};
use crate::linearizability::object::Object;
use crate::models::Mutex;
use crate::op::{Op, OpKind};

/// One mutex.
#[derive(Debug, Clone, Default)]
pub(crate) struct OneMutex(Alternation);

impl Monitor for OneMutex {
    const ID: &'static str = Mutex::ID;
    const KINDS: &'static [OpKind] = Mutex::KINDS;

    fn invoke(&mut self, invocation: Invocation<'_>) -> Result<(), Stop> {
        self.0.invoke(acquires(invocation.op), invocation);
        Ok(())
    }

    fn complete(&mut self, ended: Ended<'_>) -> Result<(), Stop> {
        fits(&ended)?;
        self.0.complete(acquires(ended.invocation.op), &ended)
    }

    fn bytes(&self) -> usize {
        self.0.bytes()
    }
}

/// Whether an operation acquires; otherwise it releases.
pub(crate) fn acquires(op: &Op) -> bool {
    matches!(op, Op::Acquire { .. })
}
