//! Do servers stay up until the harness ends them?
//!
//! A server that ends by itself has crashed: it broke an assertion, ran out of something, or gave
//! up. That is the target's doing, whatever faults were on, and never silently passed over.

use crate::budget::Budget;
use crate::catalogue;
use crate::event::{EventKind, NodeChange, Phase};
use crate::history::History;
use crate::verdict::{Anomaly, CheckResult};

/// The stable name of the check.
pub const ID: &str = "nodes/stay-up";
/// What it promises.
pub const PROMISE: &str = "no server ends by itself: only faults and the end of the run stop one";

/// Looks for servers that ended by themselves.
#[must_use]
pub fn check(history: &History, _budget: &Budget<'_>) -> CheckResult {
    let mut result = CheckResult::new(ID, PROMISE);
    let mut starts = 0_u32;
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
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Event, NodeId};
    use crate::history::{Header, Plan, SCHEMA};
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
