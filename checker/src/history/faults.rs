//! Faults as spans of time, joined from their events: from when to when each was certainly in effect
//! follows from its proofs, and from nothing that whoever injected it concludes.

use std::collections::BTreeMap;

use crate::event::{Event, EventKind, Nanos};
use crate::fault::{Fault, FaultEvent, Measurement, Stage};

/// What was measured of a fault at one moment of its life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// When in its life.
    pub stage: Stage,
    /// When measuring began, if that is told.
    pub since: Option<Nanos>,
    /// When it was over.
    pub time: Nanos,
    /// What came out.
    pub measurements: Vec<Measurement>,
}

impl Proof {
    /// Whether there is at least one measurement, and all are as they had to be.
    #[must_use]
    pub fn holds(&self) -> bool {
        !self.measurements.is_empty()
            && self.measurements.iter().all(|measurement| measurement.holds)
    }

    /// What does not hold, a sentence each.
    fn problems(&self) -> Vec<String> {
        if self.measurements.is_empty() {
            return vec!["nothing could be measured".to_owned()];
        }
        let when = match self.stage {
            Stage::Injected => "after it was injected",
            Stage::Held => "before it was healed",
            Stage::Healed => "after it was healed",
        };
        let broken = self.measurements.iter().filter(|measurement| !measurement.holds);
        broken
            .map(|measurement| format!("{when}: {}: {}", measurement.what, measurement.result))
            .collect()
    }
}

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
    pub proofs: Vec<Proof>,
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
        self.proofs.iter().any(|proof| proof.stage != Stage::Healed && proof.holds())
    }

    /// Whether it was measured to be gone afterwards.
    #[must_use]
    pub fn is_healed(&self) -> bool {
        self.proofs.iter().rfind(|proof| proof.stage == Stage::Healed).is_some_and(Proof::holds)
    }

    /// From its begin to its end, or to `end_of_history` if it was never healed.
    #[must_use]
    pub fn window(&self, end_of_history: Nanos) -> (Nanos, Nanos) {
        (self.begin.1, self.end.map_or(end_of_history, |(_, time)| time))
    }

    /// From when to when it was certainly in effect: from the end of the measurement that showed it
    /// when it was injected, to the begin of the one that still did before it was healed. Where no
    /// measurement tells when it began, what was `told` stands, if there is one and none contradicts
    /// it: a fault that nobody measured did not happen, whatever is told of it.
    fn in_effect(&self, told: Option<(Nanos, Nanos)>) -> Option<(Nanos, Nanos)> {
        let mut lasting = self.proofs.iter().filter(|proof| proof.stage != Stage::Healed);
        if !self.took_effect() || !lasting.clone().all(Proof::holds) {
            return None;
        }
        if lasting.clone().all(|proof| proof.since.is_none()) {
            return told;
        }
        let injected = lasting.clone().find(|proof| proof.stage == Stage::Injected)?;
        let held = lasting.rfind(|proof| proof.stage == Stage::Held)?.since?;
        (injected.time <= held).then_some((injected.time, held))
    }

    /// What was not as it had to be, besides what was told: where proofs tell since when they were
    /// measured, whoever measured concludes nothing.
    fn broken(&self) -> Vec<String> {
        let own = self.proofs.iter().filter(|proof| proof.since.is_some());
        own.flat_map(Proof::problems).collect()
    }
}

/// Joins the events of each fault, in the order of their begin. Others are passed over.
#[must_use]
pub fn fault_spans(events: &[Event]) -> Vec<FaultSpan> {
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
        FaultEvent::Proof { id, stage, since, measurements } => {
            if let Some(span) = places.get(id).and_then(|place| spans.get_mut(*place)) {
                let (stage, since, time) = (*stage, *since, event.time);
                span.proofs.push(Proof { stage, since, time, measurements: measurements.clone() });
            }
        }
        FaultEvent::End { id, effective, problems } => {
            if let Some(span) = places.get(id).and_then(|place| spans.get_mut(*place)) {
                span.end = Some((event.index, event.time));
                span.effective = span.in_effect(*effective);
                span.problems = span.broken();
                span.problems.extend(problems.iter().cloned());
            }
        }
    }
}
