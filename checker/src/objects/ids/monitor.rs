//! One generator of ids, during a run and afterwards: does it give an id twice?
//!
//! An id may come back however late, so every one that was given is kept: this is the one watch
//! whose memory grows with the run. It goes blind where the memory of the whole watch runs out.

use crate::hashing::Map;
use crate::linearizability::monitor::{Ended, Ending, Invocation, Monitor, Stop, fits, text};
use crate::linearizability::object::Object;
use crate::models::UniqueIds;
use crate::op::{OpKind, Outcome, Value};

/// The ids that one generator gave.
#[derive(Debug, Clone, Default)]
pub(crate) struct OneGenerator {
    given: Map<Value, ()>,
    /// The bytes of all texts among them.
    texts: usize,
}

impl Monitor for OneGenerator {
    const ID: &'static str = UniqueIds::ID;
    const KINDS: &'static [OpKind] = UniqueIds::KINDS;

    fn invoke(&mut self, _: Invocation<'_>) -> Result<(), Stop> {
        Ok(())
    }

    fn complete(&mut self, ended: Ended<'_>) -> Result<(), Stop> {
        fits(&ended)?;
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
