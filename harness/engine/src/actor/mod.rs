//! Carrying out the nemesis' plan: inject, prove, hold, prove again, heal, prove once more.
//!
//! Every step is in the history with its measurements. A fault whose proof fails, or that could
//! not be healed, is in the history as such; what that means for the verdict is the checker's
//! business. Errors of the lab are problems of the fault, never of the target.

mod agenda;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use fracas_checker::event::{Event, EventKind, Nanos, NodeId};
use fracas_checker::fault::{FaultEvent, Measurement, Stage};
use fracas_checker::history::fault_spans;
use serde::Serialize;
use tokio::sync::watch;
use tokio::time::Instant;

use agenda::Agenda;

use crate::cluster::Cluster;
use crate::faults::{Fault, Injector, State};
use crate::nemesis::{Plan, Planned, resolve};
use crate::recorder::Recorder;
use crate::view::View;

/// How long the actor sleeps, at most, before it looks at its agenda again.
const FAR: Duration = Duration::from_secs(86_400);
/// How often it looks whether there is a leader again.
const GLANCE: Duration = Duration::from_millis(50);

/// What became of one planned act, for the schedule file.
#[derive(Debug, Clone, Serialize)]
pub struct Actual {
    /// The number of the act in the plan, from 1.
    pub act: usize,
    /// The fault's number in the run; none if the act was never carried out.
    pub id: Option<u32>,
    /// The fault that the act became.
    pub fault: Option<Fault>,
    /// From when to when it was certainly in effect, in nanoseconds of the history's clock.
    pub effective: Option<(Nanos, Nanos)>,
    /// Why it was not carried out, or is not proven.
    pub problems: Vec<String>,
}

/// Carries out a plan against a cluster.
pub struct Actor {
    cluster: Arc<Cluster>,
    recorder: Recorder,
    view: View,
    next: u32,
    active: BTreeMap<usize, Active>,
    /// What has been healed and could not be seen to be, because another fault was in its way.
    unseen: Vec<Active>,
    /// The nodes that each act hit, by its number.
    hit: BTreeMap<u32, Vec<NodeId>>,
    done: Vec<Actual>,
}

/// A fault that is in effect.
struct Active {
    id: u32,
    fault: Fault,
    /// What the history says of it.
    recorded: fracas_checker::fault::Fault,
    injector: Box<dyn Injector>,
    /// What was recorded of it.
    events: Vec<Event>,
    /// What the lab failed to do.
    problems: Vec<String>,
}

impl Actor {
    /// An actor that has not done anything yet.
    #[must_use]
    pub fn new(cluster: Arc<Cluster>, recorder: Recorder, view: View) -> Self {
        let (active, hit, done) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
        Self { cluster, recorder, view, next: 1, active, unseen: Vec::new(), hit, done }
    }

    /// Carries out `plan` until it is done or `stop` says so; heals everything before it returns.
    pub async fn perform(mut self, plan: &Plan, mut stop: watch::Receiver<bool>) -> Vec<Actual> {
        let start = Instant::now();
        let mut agenda = Agenda::new(plan);
        let mut elections = self.view.elections();
        let mut seen = elections.borrow_and_update().count;
        while !*stop.borrow() && (agenda.waiting().count() > 0 || !self.active.is_empty()) {
            let count = elections.borrow_and_update().count;
            (seen..count).for_each(|_| agenda.elected(start.elapsed()));
            seen = count;
            let leaderless = count > 0 && self.view.leader().is_none();
            agenda.set_leaderless(leaderless);
            if let Some(place) = agenda.over(start.elapsed()) {
                tokio::task::block_in_place(|| self.end(place));
                agenda.healed(place, start.elapsed());
            } else if let Some(place) = agenda.due(start.elapsed()) {
                self.begin(place, agenda.planned(place));
                agenda.begun(place, start.elapsed());
                if !self.active.contains_key(&place) {
                    agenda.healed(place, start.elapsed());
                }
            } else {
                // A leader that goes on after a pause is no election.
                let most = if leaderless { start.elapsed() + GLANCE } else { FAR };
                let next = agenda.next().map_or(FAR, |next| next.min(most));
                tokio::select! {
                    () = tokio::time::sleep_until(start + next) => {}
                    _ = elections.changed() => {}
                    _ = stop.changed() => {}
                }
            }
        }
        self.finish(&agenda);
        self.done
    }

    /// Heals what is in effect, and notes what never came.
    fn finish(&mut self, agenda: &Agenda<'_>) {
        while let Some(place) = self.active.keys().next().copied() {
            tokio::task::block_in_place(|| self.end(place));
        }
        tokio::task::block_in_place(|| self.look_again());
        for place in agenda.waiting() {
            self.skip(place, agenda.planned(place), "the load ended before its time".to_owned());
        }
        self.done.sort_by_key(|actual| actual.act);
    }

    /// Notes that a planned fault was not carried out.
    fn skip(&mut self, place: usize, planned: &Planned, why: String) {
        let (act, name) = (place as u32 + 1, planned.act.to_string());
        let missed = FaultEvent::Missed { act, what: name, why: why.clone() };
        self.recorder.record(EventKind::Fault(missed));
        let (id, fault, effective) = (None, None, None);
        self.done.push(Actual { act: place + 1, id, fault, effective, problems: vec![why] });
    }

    fn state(&self) -> State {
        // A node of which one process is hit is left alone meanwhile: what else is done to it would undo
        // that, or could not be told apart.
        let down = self.active.values().flat_map(|active| {
            let Active { recorded, .. } = active;
            [recorded.down(), recorded.down_in_part()].concat()
        });
        let in_effect = self.active.values().map(|active| {
            let Fault { does, on } = &active.fault;
            (does.kind().word(), on.clone())
        });
        let crashed = self.cluster.nodes().filter(|node| !self.cluster.is_running(*node));
        State {
            nodes: self.cluster.nodes().collect(),
            leader: self.view.leader(),
            last_leader: self.view.last_leader(),
            cut: self.cluster.cuts(),
            down: down.chain(crashed).collect(),
            faults: in_effect.collect(),
            hit: self.hit.clone(),
        }
    }

    /// Injects and proves one act.
    fn begin(&mut self, place: usize, planned: &Planned) {
        let pinned = planned.pinned.clone().map(Ok);
        let fault = match pinned.unwrap_or_else(|| resolve(&planned.act, &self.state())) {
            Ok(fault) => fault,
            Err(why) => return self.skip(place, planned, why),
        };
        self.hit.insert(place as u32 + 1, fault.hardest_hit());
        let id = self.next;
        self.next += 1;
        let injector = fault.injector(id);
        let mut recorded = fault.recorded();
        recorded.effects = injector.effects(&self.cluster, recorded.effects);
        let mechanism = injector.mechanism(&self.cluster);
        let begin = FaultEvent::Begin { id, fault: recorded.clone(), mechanism };
        let events = vec![self.record(begin)];
        let mut active = Active { id, fault, recorded, injector, events, problems: Vec::new() };
        tokio::task::block_in_place(|| self.inject(&mut active));
        self.active.insert(place, active);
        self.view.set_faults(self.active.len());
    }

    /// Records what happened to a fault.
    fn record(&self, fault: FaultEvent) -> Event {
        let kind = EventKind::Fault(fault);
        let time = self.recorder.record(kind.clone());
        Event { index: 0, time, kind }
    }

    fn inject(&self, active: &mut Active) {
        active.problems.extend(active.injector.inject(&self.cluster));
        self.prove(active, Stage::Injected);
    }

    /// Measures a fault and records that; says whether all is as it has to be.
    fn prove(&self, active: &mut Active, stage: Stage) -> bool {
        let since = Some(self.recorder.now());
        let measured = active.injector.measure(&self.cluster, stage);
        let measurements = measured.unwrap_or_else(|error| {
            let fault = "the fault".to_owned();
            vec![Measurement {
                what: fault,
                result: format!("not measured: {error}"),
                holds: false,
            }]
        });
        let holds =
            !measurements.is_empty() && measurements.iter().all(|measurement| measurement.holds);
        let proof = FaultEvent::Proof { id: active.id, stage, since, measurements };
        active.events.push(self.record(proof));
        holds
    }

    /// Proves that a fault still held, heals it, and proves that it is gone.
    fn end(&mut self, place: usize) {
        let Some(mut active) = self.active.remove(&place) else { return };
        self.view.set_faults(self.active.len());
        self.prove(&mut active, Stage::Held);
        active.problems.extend(active.injector.heal(&self.cluster));
        let healed = self.prove(&mut active, Stage::Healed);
        let (id, problems) = (active.id, active.problems.clone());
        active.events.push(self.record(FaultEvent::End { id, effective: None, problems }));
        self.done.push(active.actual(place));
        if !healed {
            self.unseen.push(active);
        }
    }

    /// Measures once more, when no fault is in effect, whether those are gone that were not seen to
    /// be: as one of a node that was down by then, or of a link that another one cut.
    fn look_again(&mut self) {
        for mut active in std::mem::take(&mut self.unseen) {
            self.prove(&mut active, Stage::Healed);
        }
    }
}

impl Active {
    /// What became of it, as the checker reads it in the history.
    fn actual(&self, place: usize) -> Actual {
        let span = fault_spans(&self.events).pop();
        let (effective, problems) =
            span.map_or_else(Default::default, |span| (span.effective, span.problems));
        let (id, fault) = (Some(self.id), Some(self.fault.clone()));
        Actual { act: place + 1, id, fault, effective, problems }
    }
}
