//! Leaders that are cut from their quorum and go on claiming to lead, watched as far as that can be
//! known during a run: a fault is known to have been in effect only once it has ended.
//!
//! What counts as such a claim is said in [`crate::liveness`]. Whatever touches a time in which the
//! harness stood still is left out. Faults and claims are forgotten when no fault is in effect and
//! there are many.

use std::collections::BTreeSet;

use super::alarm::Alarm;
use crate::event::{Event, EventKind, Nanos, NodeId};
use crate::fault::FaultEvent;
use crate::history::{Header, fault_spans};
use crate::leadership::evidence::{self, Evidence};
use crate::mishap::Mishap;
use crate::observation::Source;
use crate::{leadership, liveness};

/// With more events of faults than this they are forgotten once no fault is in effect.
const MANY: usize = 256;

/// What is known of faults and claims.
#[derive(Debug)]
pub(super) struct StepDown {
    nodes: Vec<NodeId>,
    bound_ms: u64,
    faults: Vec<Event>,
    /// The faults that have begun and not ended.
    open: BTreeSet<u32>,
    claims: Vec<Evidence>,
    /// When the harness stood still.
    stalls: Vec<(Nanos, Nanos)>,
}

impl StepDown {
    /// Nothing has happened yet in a run with this header; none where it promises nothing.
    pub(super) fn of(header: &Header) -> Option<Self> {
        let asked = |id: &str| header.plan.checks.iter().any(|check| check == id);
        let bound_ms = header.plan.step_down_ms?;
        (asked(liveness::ID) && asked(leadership::ID)).then(|| Self {
            nodes: header.nodes.clone(),
            bound_ms,
            faults: Vec::new(),
            open: BTreeSet::new(),
            claims: Vec::new(),
            stalls: Vec::new(),
        })
    }

    /// Takes in what happened.
    pub(super) fn happened(&mut self, event: &Event) -> Option<Alarm> {
        match &event.kind {
            EventKind::Observe(seen) if seen.source == Source::Poll => {
                self.claims.extend(evidence::observed(event));
                None
            }
            EventKind::Note { harness: Some(Mishap::Stalled { since, .. }), .. } => {
                self.stalls.push((*since, event.time));
                None
            }
            EventKind::Fault(fault) => {
                self.faults.push(event.clone());
                match fault {
                    FaultEvent::Begin { id, .. } => drop(self.open.insert(*id)),
                    FaultEvent::End { id, .. } => {
                        self.open.remove(id);
                        return self.judge(event);
                    }
                    FaultEvent::Proof { .. } | FaultEvent::Missed { .. } => {}
                }
                None
            }
            _ => None,
        }
    }

    /// Looks at all claims, now that a fault has ended.
    fn judge(&mut self, event: &Event) -> Option<Alarm> {
        let faults = fault_spans(&self.faults);
        let cluster = liveness::Cluster { nodes: &self.nodes, faults: &faults, end: event.time };
        let late = liveness::lingering(&cluster, &self.claims, self.bound_ms);
        let still = |(from, to): &(Nanos, Nanos)| {
            self.stalls.iter().any(|stall| stall.0 <= *to && *from <= stall.1)
        };
        let proven = late.iter().any(|window| !still(window));
        if self.open.is_empty() && self.faults.len() > MANY {
            self.faults.clear();
            self.claims.clear();
        }
        let (index, time) = (event.index, event.time);
        proven.then_some(Alarm { check: liveness::ID, object: None, index, time })
    }

    /// How much memory it takes, but for what was measured.
    pub(super) fn bytes(&self) -> usize {
        size_of::<Event>() * self.faults.capacity()
            + size_of::<Evidence>() * self.claims.capacity()
            + size_of::<(Nanos, Nanos)>() * self.stalls.capacity()
    }
}
