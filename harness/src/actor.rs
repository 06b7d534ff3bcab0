//! Carrying out the nemesis' plan: inject, prove, hold, prove again, heal, prove once more.
//!
//! Every step is in the history with its measurements. A fault whose proof fails, or that could
//! not be healed, is in the history as such; what that means for the verdict is the checker's
//! business. Errors of the lab are problems of the fault, never of the target.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use fracas_checker::event::{EventKind, Nanos, NodeId};
use fracas_checker::fault::{Cut, Fault, FaultEvent, FaultKind, Measurement, Stage};
use serde::Serialize;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::cluster::Cluster;
use crate::lab::{LabError, proofs};
use crate::nemesis::{Plan, Planned, State, resolve};
use crate::recorder::Recorder;
use crate::view::View;

/// What became of one planned act, for the schedule file.
#[derive(Debug, Clone, Serialize)]
pub struct Actual {
    /// Its number in the run; none if it was never carried out.
    pub id: Option<u32>,
    /// The act.
    pub planned: Planned,
    /// What it came to mean.
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
    active: Vec<Active>,
    done: Vec<Actual>,
}

/// A fault that is in effect.
struct Active {
    id: u32,
    planned: Planned,
    fault: Fault,
    until: Instant,
    effective: Option<(Nanos, Nanos)>,
    problems: Vec<String>,
    /// Packets dropped per direction when it was injected, to see that they go on being dropped.
    drops: BTreeMap<Cut, u64>,
}

impl Actor {
    /// An actor that has not done anything yet.
    #[must_use]
    pub fn new(cluster: Arc<Cluster>, recorder: Recorder, view: View) -> Self {
        Self { cluster, recorder, view, next: 1, active: Vec::new(), done: Vec::new() }
    }

    /// Carries out `plan` until it is done or `stop` says so; heals everything before it returns.
    pub async fn perform(mut self, plan: &Plan, mut stop: watch::Receiver<bool>) -> Vec<Actual> {
        let start = Instant::now();
        for planned in &plan.planned {
            let at = start + Duration::from_millis(planned.at_ms);
            if self.wait(at, &mut stop).await {
                self.begin(*planned);
            } else {
                self.skip(*planned, "the run ended before its time".to_owned());
            }
        }
        while !self.active.is_empty() {
            let until = self.active.iter().map(|active| active.until).max().unwrap_or(start);
            if !self.wait(until, &mut stop).await {
                break;
            }
        }
        self.heal_all();
        self.done.sort_by_key(|actual| actual.planned.at_ms);
        self.done
    }

    /// Waits until `at`, ending faults whose time is over. False when the run is to stop.
    async fn wait(&mut self, at: Instant, stop: &mut watch::Receiver<bool>) -> bool {
        loop {
            if *stop.borrow() {
                return false;
            }
            let first = self.active.iter().map(|active| active.until).min();
            let next = first.map_or(at, |first| first.min(at));
            tokio::select! {
                () = tokio::time::sleep_until(next) => {}
                _ = stop.changed() => return false,
            }
            self.end_due();
            if Instant::now() >= at {
                return true;
            }
        }
    }

    fn skip(&mut self, planned: Planned, why: String) {
        self.recorder.record(EventKind::Note {
            text: format!("fault planned at {} ms skipped: {why}", planned.at_ms),
        });
        self.done.push(Actual {
            id: None,
            planned,
            fault: None,
            effective: None,
            problems: vec![why],
        });
    }

    fn state(&self) -> State {
        let down = self.active.iter().flat_map(|active| active.fault.down()).copied();
        let crashed = self.cluster.nodes().filter(|node| !self.cluster.is_running(*node));
        State {
            nodes: self.cluster.nodes().collect(),
            leader: self.view.leader(),
            cut: self.cluster.cuts(),
            down: down.chain(crashed).collect(),
        }
    }

    /// Injects and proves one act.
    fn begin(&mut self, planned: Planned) {
        let fault = match resolve(&planned.act, &self.state()) {
            Ok(fault) => fault,
            Err(why) => return self.skip(planned, why),
        };
        let id = self.next;
        self.next += 1;
        let mechanism = self.mechanism(&fault);
        self.recorder.record(EventKind::Fault(FaultEvent::Begin {
            id,
            fault: fault.clone(),
            mechanism,
        }));
        let mut active = Active {
            id,
            planned,
            fault,
            until: Instant::now() + Duration::from_millis(planned.lasts_ms),
            effective: None,
            problems: Vec::new(),
            drops: BTreeMap::new(),
        };
        tokio::task::block_in_place(|| self.inject(&mut active));
        self.active.push(active);
        self.view.set_faults(self.active.len());
    }

    fn mechanism(&self, fault: &Fault) -> String {
        match fault.kind() {
            FaultKind::Partition => self.cluster.lab().partition_mechanism().to_owned(),
            FaultKind::Pause => "sigstop".to_owned(),
            FaultKind::Kill => "sigkill".to_owned(),
        }
    }

    fn inject(&self, active: &mut Active) {
        match &active.fault {
            Fault::Partition { cut, .. } => {
                let refused = self.cluster.cut(active.id, cut.clone()).err();
                active.problems.extend(refused.map(|error| format!("failed to cut: {error}")));
            }
            Fault::Pause { nodes } => {
                self.each(nodes, &mut active.problems, "pause", Cluster::pause);
            }
            Fault::Kill { nodes } => self.each(nodes, &mut active.problems, "kill", Cluster::kill),
        }
        if self.prove(active, Stage::Injected) {
            let now = self.recorder.now();
            active.effective = Some((now, now));
        }
    }

    /// Does something to each node; what fails is a problem of the fault.
    fn each<T, E: std::fmt::Display>(
        &self,
        nodes: &[NodeId],
        problems: &mut Vec<String>,
        what: &str,
        act: impl Fn(&Cluster, NodeId) -> Result<T, E>,
    ) {
        let refused =
            nodes.iter().filter_map(|node| Some((node, act(&self.cluster, *node).err()?)));
        problems.extend(refused.map(|(node, error)| format!("failed to {what} {node}: {error}")));
    }

    /// Measures a fault and records that; says whether it is proven, and keeps as a problem what
    /// does not hold.
    fn prove(&self, active: &mut Active, stage: Stage) -> bool {
        let measurements = self.measure(active, stage).unwrap_or_else(|error| {
            let what = "the fault".to_owned();
            vec![Measurement { what, result: format!("not measured: {error}"), holds: false }]
        });
        let holds = !measurements.is_empty() && measurements.iter().all(|one| one.holds);
        if measurements.is_empty() {
            active.problems.push("nothing could be measured".to_owned());
        }
        let broken = measurements.iter().filter(|one| !one.holds);
        let words = broken.map(|one| format!("{}: {}: {}", word(stage), one.what, one.result));
        active.problems.extend(words);
        let id = active.id;
        self.recorder.record(EventKind::Fault(FaultEvent::Proof { id, stage, measurements }));
        holds
    }

    fn measure(&self, active: &mut Active, stage: Stage) -> Result<Vec<Measurement>, LabError> {
        match &active.fault {
            Fault::Partition { cut, .. } => {
                proofs::partition(self.cluster.lab(), cut, stage, &mut active.drops)
            }
            Fault::Pause { nodes } => self.cluster.measure_pause(nodes, stage),
            Fault::Kill { nodes } => self.cluster.measure_kill(nodes, stage),
        }
    }

    /// Ends all faults whose time is over.
    fn end_due(&mut self) {
        let now = Instant::now();
        while let Some(place) = self.active.iter().position(|active| active.until <= now) {
            let active = self.active.remove(place);
            tokio::task::block_in_place(|| self.end(active));
        }
    }

    fn heal_all(&mut self) {
        while !self.active.is_empty() {
            let active = self.active.remove(0);
            tokio::task::block_in_place(|| self.end(active));
        }
    }

    /// Proves that a fault still held, heals it, and proves that it is gone.
    fn end(&mut self, mut active: Active) {
        self.view.set_faults(self.active.len());
        let before = self.recorder.now();
        let held = self.prove(&mut active, Stage::Held);
        active.effective = active.effective.filter(|_| held).map(|(from, _)| (from, before));
        self.heal(&mut active);
        self.prove(&mut active, Stage::Healed);
        let Active { id, planned, fault, effective, problems, .. } = active;
        let end = FaultEvent::End { id, effective, problems: problems.clone() };
        self.recorder.record(EventKind::Fault(end));
        self.done.push(Actual { id: Some(id), planned, fault: Some(fault), effective, problems });
    }

    fn heal(&self, active: &mut Active) {
        match &active.fault {
            Fault::Partition { .. } => {
                let refused = self.cluster.mend(active.id).err();
                active.problems.extend(refused.map(|error| format!("failed to heal: {error}")));
            }
            Fault::Pause { nodes } => {
                self.each(nodes, &mut active.problems, "resume", Cluster::resume);
            }
            Fault::Kill { nodes } => {
                self.each(nodes, &mut active.problems, "start", Cluster::start);
            }
        }
    }
}

/// The stage, as the begin of a problem's sentence.
fn word(stage: Stage) -> &'static str {
    match stage {
        Stage::Injected => "after it was injected",
        Stage::Held => "before it was healed",
        Stage::Healed => "after it was healed",
    }
}
