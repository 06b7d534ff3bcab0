//! Which ends of servers are crashes, and what excuses one.

use super::*;
use crate::event::Event;
use crate::fault::{Effect, FaultKind};
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

fn suffers(of: Trouble) -> Fault {
    let effects = vec![Effect::Hardship { nodes: vec![NodeId(1)], of }];
    Fault { kind: FaultKind::new("any").unwrap(), manner: String::new(), effects }
}

fn excused(plan: &Plan, trouble: Trouble, node: u16, time: Nanos) -> bool {
    let excuse = Excuse::of(plan, &suffers(trouble), 10, Some(20));
    excuse.covers(NodeId(node), time, &[])
}

#[test]
fn a_log_that_names_what_the_fault_did_excuses_a_later_end() {
    let excuse = Excuse::of(&Plan::default(), &suffers(Trouble::DiskErrors), 10, Some(20));
    let covers = |time, line: &str| excuse.covers(NodeId(1), time, &named(&[line.to_owned()]));
    for (line, latest) in [
        ("fatal: sync log: Input/output error (os error 5)", 20 + LATE),
        ("[ERROR] [FATAL] InnoDB: fdatasync() returned 5", 20 + LATE),
        ("fatal: sync log: no space left on device", 20 + SOON),
        ("panic: index out of range", 20 + SOON),
    ] {
        assert!(covers(latest, line), "{line}");
        assert!(!covers(latest + 1, line), "{line}");
    }
    // A server that went on after the error ended for another reason.
    let survived = ["warn: sync log: Input/output error", "panic: index out of range"];
    assert_eq!(named(&survived.map(str::to_owned)), []);
    assert!(!excuse.covers(NodeId(2), 15, &[Hardship::DiskErrors]));
    assert!(!excuse.is_over(20 + LATE) && excuse.is_over(21 + LATE));
}

#[test]
fn a_server_may_give_up_when_its_disk_fails_and_not_when_it_is_full() {
    let plan = Plan::default();
    let excused = |trouble, node, time| excused(&plan, trouble, node, time);
    assert!(excused(Trouble::DiskErrors, 1, 15));
    assert!(excused(Trouble::DiskErrors, 1, 20 + SOON));
    assert!(!excused(Trouble::DiskErrors, 1, 9));
    assert!(!excused(Trouble::DiskErrors, 1, 21 + SOON));
    assert!(!excused(Trouble::DiskErrors, 2, 15));
    assert!(!excused(Trouble::DiskFull, 1, 15));
}

#[test]
fn a_server_may_give_up_on_what_the_plan_says_only() {
    let gives_up_on = Some([Hardship::DiskFull].into());
    let plan = Plan { gives_up_on, ..Plan::default() };
    assert!(excused(&plan, Trouble::DiskFull, 1, 15));
    assert!(!excused(&plan, Trouble::DiskErrors, 1, 15));
    assert!(!excused(&plan, Trouble::DiskSlow, 1, 15));
}

#[test]
fn the_process_that_ended_is_named() {
    let header = Header {
        schema: SCHEMA.to_owned(),
        run: "r".to_owned(),
        target: "t".to_owned(),
        seed: 1,
        nodes: vec![NodeId(1)],
        plan: Plan::default(),
    };
    let exited = NodeChange::Exited {
        process: Some("agent".into()),
        how: "status 7".to_owned(),
        log: vec!["fatal: lost".to_owned()],
    };
    let node = |change| EventKind::Node { node: NodeId(1), incarnation: 2, change };
    let kinds = [EventKind::Phase { phase: Phase::Load }, node(NodeChange::Started), node(exited)];
    let events = (0..).zip(kinds).map(|(index, kind)| Event { index, time: index, kind });
    let history = History::new(header, events.collect()).unwrap();
    let result = check(&history, &Budget::unlimited_time());
    let anomaly = &result.anomalies[0];
    let headline = "Crash: the process `agent` of n1 ended by itself with status 7";
    assert!(anomaly.headline.starts_with(headline), "{}", anomaly.headline);
    let story = anomaly.story.join(" ");
    for told in ["The other processes of the node were ended then.", "the log of `agent` ends with"]
    {
        assert!(story.contains(told), "{story}");
    }
}

#[test]
fn a_crash_is_an_anomaly_and_a_kill_is_not() {
    let (how, log) = ("status 101".to_owned(), Vec::new());
    let exited = NodeChange::Exited { process: None, how, log };
    let process = || "sentinel".into();
    let alone = [
        NodeChange::Started,
        NodeChange::ProcessKilled { process: process() },
        NodeChange::ProcessStarted { process: process() },
    ];
    verdict(&alone, Status::Pass);
    verdict(&[NodeChange::Started, exited.clone()], Status::Anomaly);
    verdict(&[exited], Status::Inconclusive);
    verdict(&[NodeChange::Started, NodeChange::Killed, NodeChange::Started], Status::Pass);
    verdict(&[NodeChange::Started, NodeChange::Stopped], Status::Pass);
    verdict(&[], Status::Inconclusive);
}
