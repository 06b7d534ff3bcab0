//! One generator of ids, watched for an id that it gives twice; all of its check.
//!
//! An id may come back however late, so every one that was given is kept: this is the one watch
//! whose memory grows with the run. It goes blind where the memory of the whole watch runs out.

use super::monitor::{Ended, Ending, Invocation, Monitor, Stop, text};
use crate::hashing::Map;
use crate::linearizability::object::Object;
use crate::models::UniqueIds;
use crate::op::{OpKind, Outcome, Value};

/// The ids that one generator gave.
#[derive(Debug, Clone, Default)]
pub(super) struct OneGenerator {
    given: Map<Value, ()>,
    /// The bytes of all texts among them.
    texts: usize,
}

impl Monitor for OneGenerator {
    const ID: &'static str = UniqueIds::ID;
    const KINDS: &'static [OpKind] = UniqueIds::KINDS;
    const CHANGED_BY: &'static [OpKind] = UniqueIds::CHANGED_BY;

    fn invoke(&mut self, _: Invocation<'_>) -> Result<(), Stop> {
        Ok(())
    }

    fn complete(&mut self, ended: Ended<'_>) -> Result<(), Stop> {
        let Ending::Ok(Outcome::Generate { value }) = ended.how else { return Ok(()) };
        self.texts += text(value);
        match self.given.insert(value.clone(), ()) {
            Some(()) => Err(Stop::Refuted),
            None => Ok(()),
        }
    }

    fn bytes(&self) -> usize {
        self.given.capacity() * (size_of::<Value>() + 1) + self.texts
    }
}
