//! The runs that every change of the page must show well: a pass that tried little, a crash within a
//! disk fault, a split brain after double votes, a target that broke, and a storm of everything.

use fracas_checker::event::{EventKind, Nanos, NodeChange, NodeId, Phase};
use fracas_checker::fault::{
    Clock, Effect, Fault, FaultEvent, Link, Loss, Measurement, Stage, Trouble,
};
use fracas_checker::harness::Mishap;
use fracas_checker::history::{Header, History, Plan};
use fracas_checker::judge::judge;
use fracas_checker::verdict::{Anomaly, CheckResult};
use fracas_checker::{Budget, Verdict};
use fracas_reports::{Ended, RunRecord};

use super::cluster::{self, Traffic};
use super::{Sample, faults, header, record, verdicts};

const MS: Nanos = 1_000_000;

fn all_kinds() -> RunRecord {
    let faults = faults::KINDS.map(str::to_owned);
    RunRecord { faults: faults.into(), ..record() }
}

/// A pass of a run in which six of nine kinds of faults were never tried.
pub(crate) fn untried() -> Sample {
    let history = cluster::history(&Traffic::default());
    Sample { record: all_kinds(), history, verdict: verdicts::clean() }
}

/// A pass of a run that was to have no faults, and in which followers refused half of all requests.
pub(crate) fn faultless() -> Sample {
    let events = cluster::history(&Traffic { refusals: true, ..Traffic::default() });
    let events = events.events().iter().filter(|it| !matches!(it.kind, EventKind::Fault(_)));
    let history = with(events.map(|it| (it.time, it.kind.clone())).collect());
    let record = RunRecord { faults: Vec::new(), ..record() };
    Sample { record, history, verdict: verdicts::clean() }
}

/// A server that ends by itself on a full disk, one that is killed, and one that loses its power.
pub(crate) fn crashed() -> Sample {
    let (nodes, of) = (vec![NodeId(3)], Trouble::DiskFull);
    let full = faults::fault("disk", "full", Effect::Hardship { nodes, of });
    let power = faults::down("power", vec![NodeId(1)], Some(Loss::All));
    let mut extra = fault(21, full, (20_000, 26_000));
    extra.extend(fault(22, power, (45_000, 47_000)));
    let exited = NodeChange::Exited { process: None, how: "status 74".to_owned(), log: Vec::new() };
    for (ms, node, incarnation, change) in [
        (22_000, 3, 1, exited),
        (26_100, 3, 2, NodeChange::Started),
        (28_000, 4, 1, NodeChange::Killed),
        (33_400, 4, 2, NodeChange::Started),
        (45_010, 1, 1, NodeChange::Killed),
        (47_000, 1, 2, NodeChange::Started),
        (56_000, 5, 1, NodeChange::Killed),
        (57_900, 5, 2, NodeChange::Started),
    ] {
        extra.push((ms * MS, EventKind::Node { node: NodeId(node), incarnation, change }));
    }
    let started =
        |node| EventKind::Node { node: NodeId(node), incarnation: 1, change: NodeChange::Started };
    extra.extend((1..=5).map(|node| (50 * MS, started(node))));
    let history = added(&cluster::history(&Traffic::default()), extra);
    let verdict = judge(&history, Budget::unlimited_time());
    Sample { record: all_kinds(), history, verdict }
}

/// Two leaders of one generation, after five voters had voted twice.
pub(crate) fn double_votes() -> Sample {
    let history = cluster::history(&Traffic { split_brain: true, ..Traffic::default() });
    let split = verdicts::split_brain(&history);
    let mut votes = CheckResult::new("leader/one-vote", "No node votes twice in a generation.");
    for place in 0..5_u64 {
        let at = (42_400 + place * 37) * MS;
        votes.anomaly(vote(&history, NodeId(1 + place as u16), at));
    }
    let checks = std::iter::once(votes).chain(split.checks).collect();
    Sample { record: record(), history, verdict: Verdict::of(checks) }
}

fn vote(history: &History, node: NodeId, at: Nanos) -> Anomaly {
    let of_node = |kind: &EventKind| matches!(kind, EventKind::Observe(seen) if seen.node == node);
    let witness = last(history, at, of_node);
    Anomaly {
        class: "double-vote".to_owned(),
        headline: format!("Double vote: {node} voted for n2 and for n4 in generation 9"),
        story: vec![format!("{node} voted for n2 in generation 9, and later for n4.")],
        window: (history.events()[witness[0] as usize].time, at),
        witness,
        nodes: vec![node],
        generation: Some(9),
        ..empty_anomaly()
    }
}

/// The last two events of a sort until some time.
fn last(history: &History, until: Nanos, wanted: impl Fn(&EventKind) -> bool) -> Vec<u64> {
    let events = history.events().iter().filter(|it| it.time <= until && wanted(&it.kind));
    let all: Vec<u64> = events.map(|it| it.index).collect();
    all[all.len() - 2..].to_vec()
}

fn empty_anomaly() -> Anomaly {
    Anomaly {
        class: String::new(),
        headline: String::new(),
        story: Vec::new(),
        likely_cause: None,
        refuted: Vec::new(),
        witness: Vec::new(),
        prefix: Vec::new(),
        key: None,
        nodes: Vec::new(),
        generation: None,
        window: (0, 0),
        guarantees: Vec::new(),
    }
}

/// A server that did not even start: exit code 3.
pub(crate) fn broke() -> Sample {
    let reason = "start node n2: `/usr/local/bin/raveld` ended with status 1 before the cluster was ready\n  \
                  end of runs/20261120-020007-ravel/nodes/n2/stderr:\n    \
                  2026-11-20T02:00:08Z INFO raveld 2.4.1 starting, data in /var/lib/ravel\n    \
                  2026-11-20T02:00:08Z ERROR \u{1b}[31mcannot bind 10.0.0.2:7000\u{1b}[0m: address in use";
    let ended = Ended::TargetBroke { reason: reason.to_owned() };
    let started = EventKind::Node { node: NodeId(2), incarnation: 1, change: NodeChange::Started };
    let exited = NodeChange::Exited { process: None, how: "status 1".to_owned(), log: Vec::new() };
    let history = with(vec![
        (0, EventKind::Phase { phase: Phase::Start }),
        (90 * MS, started),
        (410 * MS, EventKind::Node { node: NodeId(2), incarnation: 1, change: exited }),
    ]);
    let verdict = judge(&history, Budget::unlimited_time());
    Sample { record: RunRecord { ended, duration_s: Some(0.6), ..all_kinds() }, history, verdict }
}

/// Sixty faults of all kinds that overlap, and forty anomalies within some seconds.
pub(crate) fn storm() -> Sample {
    let mut extra = Vec::new();
    for place in 0..60_u32 {
        let begin = 2_000 + u64::from(place) * 930;
        let long = 400 + u64::from(place) % 7 * 900;
        extra.extend(fault(100 + place, one_of(place), (begin, begin + long)));
    }
    for place in 0..12_u64 {
        let exited = NodeChange::Exited {
            process: None,
            how: "signal 6 (SIGABRT)".to_owned(),
            log: Vec::new(),
        };
        for (ms, change) in [(0, exited), (700, NodeChange::Started)] {
            let at = (20_000 + place * 1_500 + ms) * MS;
            extra.push((at, EventKind::Node { node: NodeId(3), incarnation: 1, change }));
        }
    }
    let history = added(&cluster::history(&Traffic::default()), extra);
    let mut check = CheckResult::new("register/linearizable", "Every register is one register.");
    for place in 0..40_u64 {
        let at = (30_000 + place * 290) * MS;
        check.anomaly(Anomaly {
            class: format!("class-{place}"),
            headline: format!("Anomaly {place}: something happened that no order explains"),
            window: (at - 20_000 * MS, at),
            witness: last(&history, at, |kind| matches!(kind, EventKind::Invoke { .. })),
            ..empty_anomaly()
        });
    }
    Sample { record: all_kinds(), history, verdict: Verdict::of(vec![check]) }
}

fn one_of(place: u32) -> Fault {
    let nodes = vec![NodeId(1 + (place % 5) as u16)];
    let pairs = vec![(NodeId(1), NodeId(2)), (NodeId(2), NodeId(1)), (NodeId(1), NodeId(3))];
    let (change, lossy) =
        (Clock::Step { by_ms: 60_000 }, Link { loss_ppm: 200_000, ..Link::default() });
    let degraded = |link| Effect::LinkDegraded { pairs: pairs.clone(), link };
    let hardship = |of| Effect::Hardship { nodes: nodes.clone(), of };
    let fault = |effect| faults::fault(faults::KINDS[place as usize % 9], "", effect);
    match place % 9 {
        0 => faults::cut("halves", pairs),
        1 => faults::pause(nodes),
        2 => faults::down("kill", nodes, None),
        3 => faults::down("power", nodes, Some(Loss::Sectors)),
        4 => fault(Effect::ClockWrong { nodes, change }),
        5 => fault(degraded(Link::default())),
        6 => fault(degraded(lossy)),
        7 => fault(hardship(Trouble::DiskErrors)),
        _ => fault(hardship(Trouble::DiskFull)),
    }
}

/// The events of a fault that is proven from shortly after its begin to its end.
fn fault(id: u32, fault: Fault, (begin, end): (u64, u64)) -> Vec<(Nanos, EventKind)> {
    let measured = |name: &str| {
        vec![Measurement { what: name.to_owned(), result: "as expected".to_owned(), holds: true }]
    };
    let proof = |stage| {
        let (since, measurements) = (None, measured("calls on the disk"));
        FaultEvent::Proof { id, stage, since, measurements }
    };
    let effective = Some(((begin + 100) * MS, (end - 50) * MS));
    [
        (begin, FaultEvent::Begin { id, fault, mechanism: "fuse".to_owned() }),
        (begin + 100, proof(Stage::Injected)),
        (end - 50, proof(Stage::Held)),
        (end + 90, proof(Stage::Healed)),
        (end + 100, FaultEvent::End { id, effective, problems: Vec::new() }),
    ]
    .map(|(ms, event)| (ms * MS, EventKind::Fault(event)))
    .into()
}

/// A run in which the harness stood still for three seconds, and a part of it ended later.
pub(crate) fn stalled() -> Sample {
    let part = "clients and observer".to_owned();
    let stalled = Mishap::Stalled { part, since: 20_000 * MS };
    let helper = "the thread that sends packets on".to_owned();
    let ended = Mishap::HelperEnded { helper, how: "a panic".to_owned(), since: 50_000 * MS };
    let told = [(23_000, stalled), (50_100, ended)];
    let told = told.map(|(ms, mishap)| (ms * MS, EventKind::mishap(mishap)));
    let history = added(&cluster::history(&Traffic::default()), told.into());
    let verdict = judge(&history, Budget::unlimited_time());
    Sample { record: record(), history, verdict }
}

/// A history with some more events.
fn added(history: &History, extra: Vec<(Nanos, EventKind)>) -> History {
    let mut events: Vec<_> = history.events().iter().map(|it| (it.time, it.kind.clone())).collect();
    events.extend(extra);
    with(events)
}

fn with(mut events: Vec<(Nanos, EventKind)>) -> History {
    events.sort_by_key(|(time, _)| *time);
    let plan = Plan { checks: vec!["nodes/stay-up".to_owned()], ..Plan::default() };
    cluster::numbered(Header { plan, ..header() }, events)
}
