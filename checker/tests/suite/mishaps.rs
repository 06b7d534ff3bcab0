//! What happened to the harness itself counts neither against the target nor as a pass, and what did
//! not happen excuses nobody.

use fracas_checker::event::{
    Completion, Event, EventKind, Nanos, NodeChange, NodeId, Op, Outcome, Phase, ProcessId, Stamp,
};
use fracas_checker::fault::{Effect, Fault, FaultEvent, FaultKind, Trouble};
use fracas_checker::harness::{self, Mishap};
use fracas_checker::history::{Header, History, Plan, SCHEMA};
use fracas_checker::verdict::{Status, Verdict};
use fracas_checker::{Budget, judge, lifecycle, liveness};

const SECOND: Nanos = 1_000_000_000;

fn at(seconds: u64, kind: EventKind) -> (Nanos, EventKind) {
    (seconds * SECOND, kind)
}

/// Load from 0 s, healed at 20 s, stopped at 40 s; a server that was started.
fn judged(more: Vec<(Nanos, EventKind)>) -> Verdict {
    let phase = |seconds, phase| at(seconds, EventKind::Phase { phase });
    let started = node(NodeChange::Started);
    let mut events = vec![
        phase(0, Phase::Load),
        at(0, started),
        phase(20, Phase::Recover),
        phase(40, Phase::Stop),
    ];
    events.extend(more);
    events.sort_by_key(|(time, _)| *time);
    let events = (0..).zip(events).map(|(index, (time, kind))| Event { index, time, kind });
    let checks = [liveness::ID, lifecycle::ID].map(str::to_owned).to_vec();
    let header = Header {
        schema: SCHEMA.to_owned(),
        run: "test".to_owned(),
        target: "test".to_owned(),
        seed: 1,
        nodes: vec![NodeId(1)],
        plan: Plan { checks, recovery_ms: 10_000, ..Plan::default() },
    };
    judge(&History::new(header, events.collect()).unwrap(), Budget::unlimited_time())
}

fn node(change: NodeChange) -> EventKind {
    EventKind::Node { node: NodeId(1), incarnation: 1, change }
}

/// A write that is asked at 20 s and answered so much later.
fn write(answered: u64, ok: bool) -> Vec<(Nanos, EventKind)> {
    let process = ProcessId(1);
    let op = Op::Write { key: "k".into(), value: 1.into() };
    let completion = match ok {
        true => Completion::Ok { outcome: Outcome::Write, stamp: Stamp::default() },
        false => Completion::Fail { error: "refused".to_owned() },
    };
    vec![
        at(20, EventKind::Invoke { process, node: None, op }),
        at(answered, EventKind::Complete { process, completion }),
    ]
}

fn stall(from: u64, to: u64) -> (Nanos, EventKind) {
    let (part, since) = ("clients".to_owned(), from * SECOND);
    at(to, EventKind::mishap(Mishap::Stalled { part, since }))
}

#[track_caller]
fn status(verdict: &Verdict, id: &str) -> Status {
    verdict.checks.iter().find(|check| check.id == id).map(|check| check.status).unwrap()
}

/// What is judged by time is neither refuted nor passed where the harness stood still.
#[test]
fn where_the_harness_stood_still_nothing_is_judged_by_time() {
    let cases = [
        (None, false, Status::Anomaly),
        (Some((22, 25)), false, Status::Inconclusive),
        (Some((5, 19)), false, Status::Anomaly),
        (None, true, Status::Pass),
        (Some((21, 22)), true, Status::Inconclusive),
        (Some((18, 21)), true, Status::Inconclusive),
        (Some((5, 19)), true, Status::Pass),
        (Some((30, 35)), true, Status::Pass),
    ];
    for (still, ok, expect) in cases {
        let mut events = write(23, ok);
        events.extend(still.map(|(from, to)| stall(from, to)));
        let verdict = judged(events);
        assert_eq!(status(&verdict, liveness::ID), expect, "{still:?}, {ok}");
        let told =
            verdict.checks[0].reasons.iter().any(|why| why.contains("(clients) stood still"));
        assert_eq!(told, expect == Status::Inconclusive, "{still:?}, {ok}: {verdict:#?}");
    }
}

/// The disk of n1 answers errors from 5 s to 6 s; more than a second after that its server may end
/// because of it only if its log says so.
fn disk_errors() -> Vec<(Nanos, EventKind)> {
    let effects = vec![Effect::Hardship { nodes: vec![NodeId(1)], of: Trouble::DiskErrors }];
    let kind = FaultKind::new("disk").unwrap();
    let fault = Fault { kind, manner: "fsync fails".to_owned(), effects };
    let begin = FaultEvent::Begin { id: 1, fault, mechanism: "fuse".to_owned() };
    let end = FaultEvent::End { id: 1, effective: None, problems: Vec::new() };
    vec![at(5, EventKind::Fault(begin)), at(6, EventKind::Fault(end))]
}

/// Whether a server ended because of a fault is judged by time and by its log: where the harness stood
/// still, or did not read all of the log, that is not known.
#[test]
fn a_server_that_ends_late_while_the_harness_stands_still_is_not_blamed() {
    let skipped = |second, of| {
        let mishap = Mishap::LogSkipped { node: NodeId(of), log: "stderr".into(), bytes: 9 };
        at(second, EventKind::mishap(mishap))
    };
    for (mishap, ended, expect) in [
        (None, 9, Status::Anomaly),
        (Some(stall(7, 9)), 9, Status::Inconclusive),
        (Some(stall(2, 4)), 9, Status::Anomaly),
        (Some(stall(7, 9)), 17, Status::Anomaly),
        (Some(skipped(8, 1)), 9, Status::Inconclusive),
        (Some(skipped(4, 1)), 9, Status::Anomaly),
        (Some(skipped(8, 2)), 9, Status::Anomaly),
    ] {
        let told = format!("{mishap:?}, ended at {ended}");
        let mut events = disk_errors();
        events.extend(mishap);
        let how = "status 74".to_owned();
        events.push(at(ended, node(NodeChange::Exited { process: None, how, log: Vec::new() })));
        let verdict = judged(events);
        assert_eq!(status(&verdict, lifecycle::ID), expect, "{told}: {verdict:#?}");
    }
}

/// Most of the load unseen is too little for a pass.
#[test]
fn a_harness_that_was_blind_for_much_of_the_load_saw_too_little() {
    for (from, to, expect) in [(5, 8, false), (5, 10, true), (0, 20, true)] {
        let verdict = judged(vec![stall(from, to)]);
        let coverage = verdict.checks.last().unwrap();
        let told = coverage.reasons.iter().any(|why| why.contains("saw nothing then"));
        assert_eq!(told, expect, "{from}..{to}: {coverage:#?}");
    }
}

/// After a helper has ended nothing counts; before, everything does.
#[test]
fn what_happened_after_a_helper_had_ended_is_not_judged() {
    let ended = |since: u64| {
        let (helper, how) = ("the disk process of `/d`".to_owned(), "signal 9".to_owned());
        at(30, EventKind::mishap(Mishap::HelperEnded { helper, how, since: since * SECOND }))
    };
    let crash = |time| {
        let how = "status 1".to_owned();
        at(time, node(NodeChange::Exited { process: None, how, log: Vec::new() }))
    };
    for (since, crashed, expect) in
        [(10, 12, Status::Inconclusive), (10, 30, Status::Inconclusive), (10, 9, Status::Anomaly)]
    {
        let verdict = judged(vec![ended(since), crash(crashed)]);
        assert_eq!(verdict.status, expect, "{since}, {crashed}: {verdict:#?}");
        let whole = &verdict.checks[0];
        assert_eq!((whole.id.as_str(), whole.status), (harness::ID, Status::Inconclusive));
        assert!(whole.reasons[0].starts_with("the disk process of `/d`, which belongs"));
        let blamed = verdict.headline.starts_with("Crash");
        assert_eq!(blamed, expect == Status::Anomaly, "{}", verdict.headline);
    }
}

/// The kernel's word excuses only what it can have done, and only then.
#[test]
fn a_server_that_the_kernel_killed_for_memory_has_not_crashed() {
    let word = || {
        at(
            12,
            EventKind::mishap(Mishap::OutOfMemory {
                node: NodeId(1),
                word: "`/proc/vmstat` counts 1 more oom_kill".to_owned(),
            }),
        )
    };
    for (told, how, time, expect) in [
        (true, "signal 9", 12, Status::Inconclusive),
        (false, "signal 9", 12, Status::Anomaly),
        (true, "status 1", 12, Status::Anomaly),
        (true, "signal 9", 15, Status::Anomaly),
    ] {
        let change = NodeChange::Exited { process: None, how: how.to_owned(), log: Vec::new() };
        let mut events = vec![at(time, node(change))];
        events.splice(0..0, told.then(word));
        assert_eq!(status(&judged(events), lifecycle::ID), expect, "{told}, {how}, {time}");
    }
}

/// What a broken client told before is no better than what it told then.
#[test]
fn a_broken_client_proves_no_anomaly() {
    let anomalous = write(39, false);
    assert_eq!(judged(anomalous.clone()).status, Status::Anomaly);
    let (client, why, since) = (1, "it wrote `rubbish`".to_owned(), 39 * SECOND);
    let broken = EventKind::mishap(Mishap::ClientBroken { client, why, since });
    let verdict = judged([anomalous, vec![at(39, broken)]].concat());
    assert_eq!(verdict.status, Status::Inconclusive, "{verdict:#?}");
    assert!(verdict.checks.iter().all(|check| check.anomalies.is_empty()));
    let reasons: Vec<&String> = verdict.checks.iter().flat_map(|check| &check.reasons).collect();
    assert!(
        reasons.iter().any(|reason| reason.contains("no failure of the target")),
        "{reasons:?}"
    );
}

/// Answers that came after their time-outs say that the servers or the client program are slow, and
/// nobody can tell which: that the cluster did not recover is not proven then.
#[test]
fn answers_that_came_too_late_prove_no_silence() {
    let late = |seconds, by| {
        let answer = "{\"id\":1,\"ok\":{}}".to_owned();
        at(seconds, EventKind::mishap(Mishap::AnsweredLate { client: 1, by, answer }))
    };
    for (late, expect, told) in [
        (vec![], Status::Anomaly, ""),
        (vec![late(19, SECOND)], Status::Anomaly, ""),
        (
            vec![late(24, SECOND / 2)],
            Status::Inconclusive,
            "but 1 answer of a client program came 500 ms after the time-out: ",
        ),
        (
            vec![late(24, SECOND / 2), late(26, SECOND / 4)],
            Status::Inconclusive,
            "but 2 answers of client programs came 250 ms to 500 ms after the time-out: ",
        ),
    ] {
        let verdict = judged([write(39, false), late].concat());
        assert_eq!(status(&verdict, liveness::ID), expect, "{verdict:#?}");
        let reasons: Vec<&String> =
            verdict.checks.iter().flat_map(|check| &check.reasons).collect();
        let said = reasons.iter().any(|why| why.contains(told));
        assert!(told.is_empty() || said, "{reasons:?}");
    }
}
