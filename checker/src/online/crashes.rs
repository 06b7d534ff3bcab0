//! Servers that end by themselves, watched while they run. What excuses one is said in
//! [`crate::lifecycle`]; a fault is forgotten when it excuses nobody any more.

use std::collections::BTreeMap;

use super::alarm::Alarm;
use crate::event::{Event, EventKind, Nanos, NodeChange, NodeId, Phase};
use crate::fault::{FaultEvent, Hardship};
use crate::history::Plan;
use crate::lifecycle::{self, Excuse};

/// What is known of servers that ended.
#[derive(Debug, Default)]
pub(super) struct Crashes {
    plan: Plan,
    /// Whether the load has begun.
    loaded: bool,
    /// The faults for which a server may end, by number.
    excuses: BTreeMap<u32, Excuse>,
    /// Servers that ended at the instant that has not passed yet: a fault may begin at it.
    ended: Vec<Ended>,
}

/// A server that ended.
#[derive(Debug)]
struct Ended {
    index: u64,
    time: Nanos,
    node: NodeId,
    /// What the last lines of its log name.
    named: Vec<Hardship>,
}

impl Crashes {
    /// Nothing has happened yet in a run that is judged by `plan`.
    pub(super) fn new(plan: &Plan) -> Self {
        Self { plan: plan.clone(), ..Self::default() }
    }

    /// Takes in what happened.
    pub(super) fn happened(&mut self, event: &Event) {
        match &event.kind {
            EventKind::Phase { phase: Phase::Load } => self.loaded = true,
            EventKind::Node { node, change: NodeChange::Exited { log, .. }, .. } => {
                let named = lifecycle::named(log);
                let (index, time, node) = (event.index, event.time, *node);
                self.ended.push(Ended { index, time, node, named });
            }
            EventKind::Fault(FaultEvent::Begin { id, fault, .. }) => {
                self.excuses.retain(|_, excuse| !excuse.is_over(event.time));
                let excuse = Excuse::of(&self.plan, fault, event.time, None);
                if !excuse.is_none() {
                    self.excuses.insert(*id, excuse);
                }
            }
            EventKind::Fault(FaultEvent::End { id, .. }) => {
                if let Some(excuse) = self.excuses.get_mut(id) {
                    excuse.end(event.time);
                }
            }
            _ => {}
        }
    }

    /// Judges what ended at the instant that has passed.
    pub(super) fn settle(&mut self) -> Option<Alarm> {
        let excused = |ended: &Ended| {
            self.excuses.values().any(|excuse| excuse.covers(ended.node, ended.time, &ended.named))
        };
        let crashed = |ended: &Ended| self.loaded && !excused(ended);
        let first = std::mem::take(&mut self.ended).into_iter().find(crashed);
        first.map(|Ended { index, time, .. }| Alarm {
            check: lifecycle::ID,
            object: None,
            index,
            time,
        })
    }

    /// How much memory it takes, but for the names of nodes in faults.
    pub(super) fn bytes(&self) -> usize {
        2 * size_of::<(u32, Excuse)>() * self.excuses.len()
            + size_of::<Ended>() * self.ended.capacity()
    }
}
