//! Which kinds of faults were allowed, which were tried, and what each fault met.
//!
//! A pass says nothing of a kind that was never tried, so every output names those.

use std::collections::{BTreeMap, BTreeSet};

use fracas_checker::history::FaultSpan;
use fracas_checker::{Tried, Window};

use crate::run::Run;
use crate::text::{PHRASE, clean, count};

/// The kinds of faults of a run, in the words of its record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kinds {
    pub(crate) allowed: Vec<String>,
    /// Allowed, and no fault of them was ever measured to take effect.
    pub(crate) untried: Vec<String>,
}

impl Kinds {
    /// As the checker tells them; a history whose plan names no kinds is asked by those of the run's
    /// record.
    pub(crate) fn of(run: &Run<'_>) -> Self {
        let told = tried(run);
        let words = |kinds: &BTreeSet<_>| kinds.iter().map(ToString::to_string).collect();
        let planned: Vec<String> = words(&told.allowed);
        let allowed = if planned.is_empty() { run.record.faults.clone() } else { planned };
        let tried: BTreeSet<String> = told.tried.iter().map(ToString::to_string).collect();
        let untried = allowed.iter().filter(|kind| !tried.contains(*kind)).cloned().collect();
        Self { allowed, untried }
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

fn tried(run: &Run<'_>) -> Tried {
    run.verdict.faults.clone().unwrap_or_else(|| Tried::of(run.history))
}

/// What clients asked during each fault, by its number.
pub(crate) fn windows(run: &Run<'_>) -> BTreeMap<u32, Window> {
    tried(run).windows.into_iter().map(|window| (window.fault, window)).collect()
}
