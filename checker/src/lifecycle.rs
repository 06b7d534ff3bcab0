//! Do servers stay up until the harness ends them?
//!
//! A server that ends by itself has crashed: it broke an assertion, ran out of something, or gave
//! up. That is the target's doing, whatever faults were on, and never silently passed over. With
//! one exception: where it endures what the plan lets it give up on ([`Plan::may_give_up_on`]): as
//! a rule that its disk answers errors, or that its memory is refused.

use crate::budget::Budget;
use crate::catalogue;
use crate::event::{EventKind, Nanos, NodeChange, NodeId, Phase};
use crate::fault::Fault;
use crate::history::{FaultSpan, History, Plan};
use crate::verdict::{Anomaly, CheckResult};
use crate::words;

/// The stable name of the check.
pub const ID: &str = "nodes/stay-up";
/// What it promises.
pub const PROMISE: &str = "no server ends by itself: only faults and the end of the run stop one";

/// How long after a fault was healed a server may still end because of it.
const SOON: Nanos = 1_000_000_000;

/// Looks for servers that ended by themselves.
#[must_use]
pub fn check(history: &History, _budget: &Budget<'_>) -> CheckResult {
    let mut result = CheckResult::new(ID, PROMISE);
    let (mut starts, mut excused) = (0_u32, 0_u32);
    let faults = history.faults().into_iter();
    let plan = &history.header().plan;
    let excuse = |span: FaultSpan| {
        let excuse = Excuse::of(plan, &span.fault, span.begin.1, span.end.map(|end| end.1));
        Some((excuse?, format!("fault {} ({})", span.id, span.fault)))
    };
    let excuses: Vec<(Excuse, String)> = faults.filter_map(excuse).collect();
    for event in history.events() {
        let EventKind::Node { node, incarnation, change } = &event.kind else { continue };
        starts += u32::from(*change == NodeChange::Started);
        let NodeChange::Exited { how } = change else { continue };
        if history.phase(Phase::Load).is_none_or(|load| event.time < load) {
            result.inconclusive(format!(
                "the target broke before testing: the server of {node} ended with {how}"
            ));
            continue;
        }
        let excuse = excuses.iter().find(|(excuse, _)| excuse.covers(*node, event.time));
        if let Some((_, fault)) = excuse {
            excused += 1;
            result.suspicions.push(format!(
                "the server of {node} ended by itself with {how} at {}: {fault} allows it, because \
                 the target may give up on that",
                words::at(event.time)
            ));
            continue;
        }
        let at = event.time as f64 / 1e9;
        result.anomaly(Anomaly {
            class: catalogue::NODE_CRASHED.to_owned(),
            headline: format!("Crash: the server of {node} ended by itself with {how} at {at:.3} s"),
            story: vec![
                format!("At {at:.3} s the server of {node} ended with {how}; it was start {incarnation} of that node."),
                "No fault had asked for that: the harness kills with SIGKILL, and says so in the history.".to_owned(),
            ],
            likely_cause: None,
            refuted: Vec::new(),
            witness: vec![event.index],
            prefix: Vec::new(),
            key: None,
            nodes: vec![*node],
            generation: None,
            window: (event.time, event.time),
            guarantees: Vec::new(),
        });
    }
    if starts == 0 {
        result.inconclusive("no server was started");
    }
    result.metrics.insert("starts".to_owned(), f64::from(starts));
    result.metrics.insert("gave-up".to_owned(), f64::from(excused));
    result
}

/// A fault for which a server may end: while it lasts, or soon after.
#[derive(Debug)]
pub(crate) struct Excuse {
    nodes: Vec<NodeId>,
    begin: Nanos,
    /// When the fault was healed, if it has been.
    end: Option<Nanos>,
}

impl Excuse {
    /// The excuse that `fault` gives under `plan`, if it gives one.
    pub(crate) fn of(plan: &Plan, fault: &Fault, begin: Nanos, end: Option<Nanos>) -> Option<Self> {
        let given = fault.hardship().is_some_and(|hardship| plan.may_give_up_on(hardship));
        given.then(|| Self { nodes: fault.nodes().to_vec(), begin, end })
    }

    /// The fault was healed.
    pub(crate) fn end(&mut self, time: Nanos) {
        self.end = Some(time);
    }

    /// Whether the server of `node` may end at `time`.
    pub(crate) fn covers(&self, node: NodeId, time: Nanos) -> bool {
        self.nodes.contains(&node) && self.begin <= time && !self.is_over(time)
    }

    /// Whether it excuses nobody at `time` or later.
    pub(crate) fn is_over(&self, time: Nanos) -> bool {
        self.end.is_some_and(|end| end.saturating_add(SOON) < time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Event;
    use crate::fault::{Disk, Hardship};
    use crate::history::{Header, SCHEMA};
    use crate::verdict::Status;

    /// The first change comes before the load, the others after its begin.
    #[track_caller]
    fn verdict(changes: &[NodeChange], expected: Status) {
        let header = Header {
            schema: SCHEMA.to_owned(),
            run: "r".to_owned(),
            target: "t".to_owned(),
            seed: 1,
            nodes: vec![NodeId(1)],
            plan: Plan::default(),
        };
        let load = EventKind::Phase { phase: Phase::Load };
        let node = |change| EventKind::Node { node: NodeId(1), incarnation: 1, change };
        let (before, after) = changes.split_at(changes.len().min(1));
        let before = before.iter().cloned().map(node);
        let kinds = before.chain([load]).chain(after.iter().cloned().map(node));
        let events = (0..).zip(kinds).map(|(index, kind)| Event { index, time: index, kind });
        let history = History::new(header, events.collect()).unwrap();
        assert_eq!(check(&history, &Budget::unlimited_time()).status, expected);
    }

    fn excused(plan: &Plan, trouble: Disk, node: u16, time: Nanos) -> bool {
        let fault = Fault::Disk { nodes: vec![NodeId(1)], trouble };
        let excuse = Excuse::of(plan, &fault, 10, Some(20));
        excuse.is_some_and(|excuse| excuse.covers(NodeId(node), time))
    }

    #[test]
    fn a_server_may_give_up_when_its_disk_fails_and_not_when_it_is_full() {
        let plan = Plan::default();
        let excused = |trouble, node, time| excused(&plan, trouble, node, time);
        assert!(excused(Disk::FsyncFails, 1, 15));
        assert!(excused(Disk::FsyncFails, 1, 20 + SOON));
        assert!(!excused(Disk::FsyncFails, 1, 9));
        assert!(!excused(Disk::FsyncFails, 1, 21 + SOON));
        assert!(!excused(Disk::FsyncFails, 2, 15));
        assert!(!excused(Disk::Full, 1, 15));
    }

    #[test]
    fn a_server_may_give_up_on_what_the_plan_says_only() {
        let gives_up_on = Some([Hardship::DiskFull].into());
        let plan = Plan { gives_up_on, ..Plan::default() };
        assert!(excused(&plan, Disk::Full, 1, 15));
        assert!(!excused(&plan, Disk::FsyncFails, 1, 15));
        assert!(!excused(&plan, Disk::SlowFsync { by_ms: 1 }, 1, 15));
    }

    #[test]
    fn a_crash_is_an_anomaly_and_a_kill_is_not() {
        let exited = NodeChange::Exited { how: "status 101".to_owned() };
        verdict(&[NodeChange::Started, exited.clone()], Status::Anomaly);
        verdict(&[exited], Status::Inconclusive);
        verdict(&[NodeChange::Started, NodeChange::Killed, NodeChange::Started], Status::Pass);
        verdict(&[NodeChange::Started, NodeChange::Stopped], Status::Pass);
        verdict(&[], Status::Inconclusive);
    }
}
