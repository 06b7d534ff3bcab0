//! One timestamp oracle, during a run and afterwards: is every timestamp greater than those that had
//! been given before it was asked for?
//!
//! Every request remembers the greatest timestamp that had been given when it was made. What is not
//! greater than that is wrong. Two requests that were open at the same time may be given timestamps in
//! any order, but not the same one: those are kept until every request has ended that was open then.

use std::collections::{BTreeMap, BTreeSet};

use crate::linearizability::monitor::{Ended, Ending, Invocation, Monitor, Stop, fits, text};
use crate::linearizability::object::Object;
use crate::models::Timestamps;
use crate::op::{OpKind, Outcome, Value};

/// The timestamps of one oracle that may still matter.
#[derive(Debug, Clone, Default)]
pub(crate) struct OneOracle {
    /// The greatest one given so far.
    greatest: Option<Value>,
    /// By invocation of an open request, the greatest one that had been given before.
    open: BTreeMap<u64, Option<Value>>,
    /// Those given while a request was open that still is.
    given: BTreeSet<Value>,
}

impl OneOracle {
    /// Forgets what no open request, and none to come, can be given any more without being wrong by
    /// what had been given before it.
    fn forget(&mut self) {
        let Some(least) = self.open.values().min() else { return self.given.clear() };
        while self.given.first().is_some_and(|first| least.as_ref() >= Some(first)) {
            self.given.pop_first();
        }
    }
}

impl Monitor for OneOracle {
    const ID: &'static str = Timestamps::ID;
    const KINDS: &'static [OpKind] = Timestamps::KINDS;

    fn invoke(&mut self, invocation: Invocation<'_>) -> Result<(), Stop> {
        self.open.insert(invocation.id, self.greatest.clone());
        Ok(())
    }

    fn complete(&mut self, ended: Ended<'_>) -> Result<(), Stop> {
        fits(&ended)?;
        let before = self.open.remove(&ended.invocation.id).flatten();
        if let Ending::Ok(Outcome::Generate { value }) = ended.how {
            if before.as_ref() >= Some(value) || !self.given.insert(value.clone()) {
                return Err(Stop::Refuted);
            }
            self.greatest = self.greatest.take().max(Some(value.clone()));
        }
        self.forget();
        Ok(())
    }

    fn bytes(&self) -> usize {
        let of_texts = |value: &Value| text(value);
        let kept = self.given.iter().chain(self.open.values().flatten()).map(of_texts);
        (self.given.len() + self.open.len()) * 4 * size_of::<Value>() + kept.sum::<usize>()
    }
}
