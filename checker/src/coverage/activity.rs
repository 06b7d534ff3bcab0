//! What was seen of a run.

use std::collections::BTreeMap;

use super::load::{Fates, Load};
use crate::history::{FaultSpan, History, Operation};
use crate::leadership::evidence::Evidence;
use crate::op::OpKind;

/// What was seen of a run.
pub(super) struct Activity<'a> {
    pub(super) history: &'a History,
    pub(super) load: Load,
    pub(super) fates: BTreeMap<OpKind, Fates>,
    pub(super) evidence: Vec<Evidence>,
    pub(super) faults: Vec<FaultSpan>,
}

impl Activity<'_> {
    /// The operations that succeeded under load, of those that the check `id` may judge.
    pub(super) fn succeeded(&self, id: &str) -> impl Iterator<Item = &Operation> {
        let ok = |operation: &&Operation| {
            operation.ok().is_some_and(|(time, ..)| self.load.contains(time))
        };
        let judged = move |operation: &&Operation| self.history.kinds().may_be(id, &operation.op);
        self.history.operations().iter().filter(ok).filter(judged)
    }

    /// Whether one of these kinds succeeded, of those that the check `id` may judge.
    pub(super) fn any_ok(&self, id: &str, kinds: &[OpKind]) -> bool {
        self.succeeded(id).any(|operation| kinds.contains(&operation.op.kind()))
    }
}
