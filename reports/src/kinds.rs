//! Which kinds of faults were allowed, which were tried, and what each fault met.
//!
//! A pass says nothing of a kind that was never tried, so every output names those.

use std::collections::BTreeSet;

use fracas_checker::history::{FaultSpan, Operation};

use crate::Run;
use crate::tally::Tally;
use crate::text::{PHRASE, clean, count};

/// The kinds of faults of a run, in the words of its record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kinds {
    pub(crate) allowed: Vec<String>,
    /// Allowed, and no fault of them was ever proven to take effect.
    pub(crate) untried: Vec<String>,
}

impl Kinds {
    pub(crate) fn of(run: &Run<'_>, faults: &[FaultSpan]) -> Self {
        let tried: BTreeSet<&str> = faults
            .iter()
            .filter(|span| span.effective.is_some())
            .map(|span| span.fault.kind().word())
            .collect();
        let allowed = run.record.faults.clone();
        let untried = allowed.iter().filter(|kind| !tried.contains(kind.as_str()));
        Self { untried: untried.cloned().collect(), allowed }
    }

    /// `4 of 9 kinds never tried: clock, disk, loss, slow`; none if all were.
    pub(crate) fn untried(&self) -> Option<String> {
        let (untried, allowed) = (self.untried.len(), self.allowed.len());
        let names = clean(&self.untried.join(", "), PHRASE);
        match (untried, allowed) {
            (0, _) => None,
            (1, 1) => Some(format!("the only kind that was allowed was never tried: {names}")),
            _ => Some(format!("{untried} of {allowed} kinds never tried: {names}")),
        }
    }
}

/// `5 of 5 proven`, `none was injected`: what a run can say of its faults.
pub(crate) fn proven(faults: &[FaultSpan]) -> String {
    let proven = faults.iter().filter(|span| span.is_effective()).count() as u64;
    match faults.len() as u64 {
        0 => "none injected".to_owned(),
        all => format!("{} of {} proven", count(proven), count(all)),
    }
}

/// What clients asked while a fault was on: every operation that was open at some time of it.
pub(crate) fn load(span: &FaultSpan, operations: &[Operation], end: u64) -> Tally {
    let (from, to) = span.effective.unwrap_or_else(|| span.window(end));
    let begun = operations.partition_point(|one| one.invoked.1 <= to);
    let open = |one: &&Operation| one.completed.as_ref().is_none_or(|(_, ended, _)| *ended >= from);
    Tally::of(operations[..begun].iter().filter(open))
}
