//! Which kinds of faults were tried, and how much the clients asked meanwhile.
//!
//! Numbers and sentences for the reports; whether it was enough is said by [`crate::coverage`].

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::event::{Completion, Nanos};
use crate::fault::FaultKind;
use crate::history::{FaultSpan, History, Operation};
use crate::words;

/// Which faults there were in a run, and what clients asked during them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct Tried {
    /// The kinds that were allowed.
    pub allowed: BTreeSet<FaultKind>,
    /// The kinds of which at least one fault was measured to take effect.
    pub tried: BTreeSet<FaultKind>,
    /// The kinds that were allowed and of which no fault was measured to take effect.
    pub never_tried: BTreeSet<FaultKind>,
    /// What clients asked during each fault, in the order of their begin.
    pub windows: Vec<Window>,
}

/// What clients asked from the begin of a fault to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// The number of the fault.
    pub fault: u32,
    /// The fault in words: `kill n1`.
    pub what: String,
    /// From its begin to its end.
    pub span: (Nanos, Nanos),
    /// Operations that were open at some moment of it, those that were asked before included.
    pub open: u64,
    /// Operations that were asked within it.
    pub asked: u64,
    /// Operations that succeeded within it.
    pub ok: u64,
    /// Operations that were refused within it.
    pub refused: u64,
}

impl Tried {
    /// The faults of `history`, and what clients asked during them.
    #[must_use]
    pub fn of(history: &History) -> Self {
        let faults = history.faults();
        let effective = faults.iter().filter(|span| span.took_effect());
        let tried: BTreeSet<FaultKind> = effective.map(|span| span.fault.kind.clone()).collect();
        let allowed = history.header().plan.faults.clone();
        // Sorting the times of a million operations takes as long as judging them.
        let times = (!faults.is_empty()).then(|| Times::of(history));
        let window = |span| times.as_ref().map(|times| times.window(span, history.end()));
        Self {
            never_tried: allowed.difference(&tried).cloned().collect(),
            windows: faults.iter().filter_map(window).collect(),
            allowed,
            tried,
        }
    }

    /// In one sentence: which kinds of faults were tried, and which were allowed and never tried.
    #[must_use]
    pub fn kinds(&self) -> String {
        let known = self.allowed.len().max(self.tried.len());
        if self.windows.is_empty() && known == 0 {
            return "No fault was injected: this says nothing of faults.".to_owned();
        }
        if self.never_tried.is_empty() {
            return format!("Kinds of faults tried: {}.", words::list(&self.tried));
        }
        format!(
            "{} of {known} allowed kinds of faults were tried; never tried: {}.",
            self.tried.len(),
            words::list(&self.never_tried)
        )
    }

    /// In one sentence: how much clients asked during the faults; none without faults.
    #[must_use]
    pub fn load(&self) -> Option<String> {
        let least = self.windows.iter().min_by_key(|window| (window.ok, window.asked))?;
        let asked = self.windows.iter().map(|window| window.asked).min().unwrap_or(0);
        // No sum: faults overlap, and what was asked during two of them would count twice.
        let count = match self.windows.len() {
            1 => "the one fault".to_owned(),
            count => format!("each of {count} faults"),
        };
        Some(format!(
            "During {count} clients asked at least {}; the fewest succeeded during fault {} ({}): {} \
             succeeded, {} {} asked.",
            words::count(asked as usize, "operation", "operations"),
            least.fault,
            least.what,
            least.ok,
            least.asked,
            if least.asked == 1 { "was" } else { "were" }
        ))
    }
}

/// When operations were asked, and when they ended; each in order.
pub(crate) struct Times {
    asked: Vec<Nanos>,
    ended: Vec<Nanos>,
    ok: Vec<Nanos>,
    refused: Vec<Nanos>,
}

impl Times {
    pub(crate) fn of(history: &History) -> Self {
        let operations = history.operations();
        let ends = |wanted: fn(&Completion) -> bool| {
            let end = |operation: &Operation| {
                operation
                    .completed
                    .as_ref()
                    .filter(|(.., how)| wanted(how))
                    .map(|(_, time, _)| *time)
            };
            let mut times: Vec<Nanos> = operations.iter().filter_map(end).collect();
            times.sort_unstable();
            times
        };
        Self {
            asked: operations.iter().map(|operation| operation.invoked.1).collect(),
            ended: ends(|_| true),
            ok: ends(|how| matches!(how, Completion::Ok { .. })),
            refused: ends(|how| matches!(how, Completion::Fail { .. })),
        }
    }

    /// What was asked during a fault.
    pub(crate) fn window(&self, span: &FaultSpan, end: Nanos) -> Window {
        let (from, to) = span.window(end);
        let within = |times: &[Nanos]| {
            let before = |limit: Nanos, closed: bool| {
                times.partition_point(|time| *time < limit || (closed && *time == limit)) as u64
            };
            before(to, true) - before(from, false)
        };
        let begun = self.asked.partition_point(|time| *time <= to);
        let over = self.ended.partition_point(|time| *time < from);
        Window {
            fault: span.id,
            what: span.fault.to_string(),
            span: (from, to),
            open: (begun - over) as u64,
            asked: within(&self.asked),
            ok: within(&self.ok),
            refused: within(&self.refused),
        }
    }
}
