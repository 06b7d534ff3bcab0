//! Faults as spans of time, joined from their events.
//!
//! Whether a fault was proven is said by the harness that measured it; nothing is judged here.

use std::collections::BTreeMap;

use crate::event::{Event, EventKind, Nanos};
use crate::fault::{Fault, FaultEvent, Measurement, Stage};

/// One fault from its begin to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultSpan {
    /// Its number in the run.
    pub id: u32,
    /// What was brought about.
    pub fault: Fault,
    /// By what means.
    pub mechanism: String,
    /// Index and time at which the harness began to bring it about.
    pub begin: (u64, Nanos),
    /// Index and time at which it had been healed.
    pub end: Option<(u64, Nanos)>,
    /// What was measured, and when.
    pub proofs: Vec<(Stage, Nanos, Vec<Measurement>)>,
    /// From when to when it was certainly in effect.
    pub effective: Option<(Nanos, Nanos)>,
    /// Why it is not proven, or what the harness failed to do.
    pub problems: Vec<String>,
}

impl FaultSpan {
    /// Whether it was proven to take effect and nothing went wrong.
    #[must_use]
    pub fn is_effective(&self) -> bool {
        self.effective.is_some() && self.problems.is_empty()
    }

    /// Whether it was once measured to be in effect, even if that did not last.
    #[must_use]
    pub fn took_effect(&self) -> bool {
        let mut proofs = self.proofs.iter().filter(|(stage, ..)| *stage != Stage::Healed);
        proofs.any(|(.., all)| !all.is_empty() && all.iter().all(|one| one.holds))
    }

    /// Whether it was measured to be gone afterwards.
    #[must_use]
    pub fn is_healed(&self) -> bool {
        let healed = self.proofs.iter().rev().find(|(stage, ..)| *stage == Stage::Healed);
        healed.is_some_and(|(.., all)| !all.is_empty() && all.iter().all(|one| one.holds))
    }

    /// From its begin to its end, or to `end_of_history` if it was never healed.
    #[must_use]
    pub fn window(&self, end_of_history: Nanos) -> (Nanos, Nanos) {
        (self.begin.1, self.end.map_or(end_of_history, |(_, time)| time))
    }
}

/// Joins the events of each fault, in the order of their begin.
pub(crate) fn spans(events: &[Event]) -> Vec<FaultSpan> {
    let mut spans = Vec::new();
    let mut places = BTreeMap::new();
    for event in events {
        if let EventKind::Fault(fault) = &event.kind {
            record(event, fault, &mut spans, &mut places);
        }
    }
    spans
}

/// Adds what one event tells. Events of a fault that never began were refused by validation.
fn record(
    event: &Event,
    fault: &FaultEvent,
    spans: &mut Vec<FaultSpan>,
    places: &mut BTreeMap<u32, usize>,
) {
    match fault {
        FaultEvent::Begin { id, fault, mechanism } => {
            places.insert(*id, spans.len());
            spans.push(FaultSpan {
                id: *id,
                fault: fault.clone(),
                mechanism: mechanism.clone(),
                begin: (event.index, event.time),
                end: None,
                proofs: Vec::new(),
                effective: None,
                problems: Vec::new(),
            });
        }
        FaultEvent::Missed { .. } => {}
        FaultEvent::Proof { id, stage, measurements } => {
            if let Some(span) = places.get(id).and_then(|place| spans.get_mut(*place)) {
                span.proofs.push((*stage, event.time, measurements.clone()));
            }
        }
        FaultEvent::End { id, effective, problems } => {
            if let Some(span) = places.get(id).and_then(|place| spans.get_mut(*place)) {
                span.end = Some((event.index, event.time));
                span.effective = *effective;
                span.problems.clone_from(problems);
            }
        }
    }
}
