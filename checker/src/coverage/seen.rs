//! What was seen of a run.

use std::collections::BTreeMap;

use super::load::{Fates, Load};
use crate::history::{FaultSpan, History};
use crate::leadership::evidence::Evidence;
use crate::op::OpKind;

/// What was seen of a run.
pub(super) struct Seen<'a> {
    pub(super) history: &'a History,
    pub(super) load: Load,
    pub(super) fates: BTreeMap<OpKind, Fates>,
    pub(super) evidence: Vec<Evidence>,
    pub(super) faults: Vec<FaultSpan>,
}

impl Seen<'_> {
    /// How many operations of this kind succeeded under load.
    pub(super) fn ok(&self, kind: OpKind) -> u64 {
        self.fates.get(&kind).map_or(0, |fates| fates.ok)
    }
}
