//! Whatever a history holds, it is judged, and the same way twice; whatever a file holds, it is
//! read or refused.

use crate::support;

use std::collections::{BTreeMap, BTreeSet};

use fracas_checker::budget::Budget;
use fracas_checker::event::{
    Completion, Event, EventKind, NodeId, Op, Outcome, Phase, ProcessId, Stamp,
};
use fracas_checker::fault::{FaultEvent, Measurement, Stage};
use fracas_checker::formats::jsonl;
use fracas_checker::history::{Coverage, Header, History, Kinds, Leaders, Plan, SCHEMA};
use fracas_checker::judge;
use fracas_checker::judge::checks;
use fracas_checker::observation::{Grade, LogEntry, Observation, Role, Source};
use proptest::prelude::*;
use proptest::sample::select;
use support::faults::{cut, kill, kind, pause};
use support::vocabulary::operation;

fn node() -> impl Strategy<Value = NodeId> {
    (1..=3_u16).prop_map(NodeId)
}

fn stamp() -> impl Strategy<Value = Stamp> {
    (prop::option::of(node()), prop::option::of(0..4_u64))
        .prop_map(|(node, generation)| Stamp::new(node, generation))
}

/// How an operation ends, once it is known which one.
#[derive(Debug, Clone)]
enum End {
    Ok(Stamp),
    Fail,
    Info,
}

#[derive(Debug, Clone)]
enum Step {
    Invoke(u64, Option<NodeId>, (Op, Outcome)),
    Complete(u64, End),
    Other(EventKind),
}

fn end() -> impl Strategy<Value = End> {
    prop_oneof![
        6 => stamp().prop_map(End::Ok),
        1 => Just(End::Fail),
        1 => Just(End::Info),
    ]
}

fn observation() -> impl Strategy<Value = Observation> {
    let sources = select(vec![Source::Poll, Source::Log, Source::Ack]);
    let grades = select(vec![Grade::Hearsay, Grade::Claim, Grade::Record, Grade::Effect]);
    let roles = select(vec![None, Some(Role::Leader), Some(Role::Follower), Some(Role::Candidate)]);
    let told = (prop::option::of(0..4_u64), prop::option::of(node()));
    (node(), 1..3_u32, sources, grades, roles, told).prop_map(
        |(node, incarnation, source, grade, role, (generation, leader))| Observation {
            node,
            incarnation,
            group: None,
            source,
            grade,
            since: 0,
            role,
            generation,
            leader,
            applied: None,
            voted: leader.filter(|_| role.is_none()),
            entry: generation.filter(|_| role.is_none()).map(|generation| LogEntry {
                index: 1,
                generation,
                value: None,
            }),
            text: String::new(),
        },
    )
}

fn fault() -> impl Strategy<Value = FaultEvent> {
    let nodes = || prop::collection::vec(node(), 0..3);
    let cuts = prop::collection::vec((node(), node()), 0..6);
    let faults = prop_oneof![cuts.prop_map(cut), nodes().prop_map(pause), nodes().prop_map(kill),];
    let (name, result) = (String::new(), String::new());
    prop_oneof![
        (1..4_u32, faults).prop_map(|(id, fault)| FaultEvent::Begin {
            id,
            fault,
            mechanism: String::new()
        }),
        (1..4_u32, any::<bool>()).prop_map(move |(id, holds)| FaultEvent::Proof {
            id,
            stage: Stage::Held,
            since: holds.then_some(0),
            measurements: vec![Measurement { what: name.clone(), result: result.clone(), holds }],
        }),
        (1..4_u32, prop::option::of((0..9_u64, 9..99_u64))).prop_map(|(id, effective)| {
            FaultEvent::End { id, effective, problems: Vec::new() }
        }),
        (1..4_u32).prop_map(|act| {
            FaultEvent::Missed { act, what: String::new(), why: String::new() }
        }),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let phases = vec![Phase::Start, Phase::Load, Phase::Recover, Phase::FinalReads, Phase::Stop];
    prop_oneof![
        6 => (0..6_u64, prop::option::of(node()), operation())
            .prop_map(|(process, node, asked)| Step::Invoke(process, node, asked)),
        6 => (0..6_u64, end()).prop_map(|(process, end)| Step::Complete(process, end)),
        3 => observation().prop_map(|seen| Step::Other(EventKind::Observe(seen))),
        2 => fault().prop_map(|fault| Step::Other(EventKind::Fault(fault))),
        1 => select(phases).prop_map(|phase| Step::Other(EventKind::Phase { phase })),
    ]
}

fn completion(outcome: Outcome, end: &End) -> Completion {
    let error = String::new();
    match end {
        End::Fail => Completion::Fail { error },
        End::Info => Completion::Info { error },
        End::Ok(stamp) => Completion::Ok { outcome, stamp: stamp.clone() },
    }
}

fn header() -> Header {
    let kinds = fracas_checker::OpKind::asked().map(|kind| (kind, 1));
    Header {
        schema: SCHEMA.to_owned(),
        run: String::new(),
        target: String::new(),
        seed: 0,
        nodes: (1..=3).map(NodeId).collect(),
        plan: Plan {
            checks: checks().map(|check| check.id.to_owned()).collect(),
            objects: Kinds::default(),
            recovery_ms: 1,
            clock_error_ms: 0,
            gives_up_on: None,
            initial: None,
            step_down_ms: Some(0),
            new_leader_ms: Some(0),
            faults: [kind("kill")].into(),
            coverage: Coverage {
                handovers: 1,
                ok_per_kind: kinds.collect(),
                objects: BTreeMap::new(),
                ok_per_fault_window: 1,
                elections: 1,
                effective_faults: 1,
                every_fault: true,
                look_first: true,
                leaders: Leaders { changes: 1, hits: 1, ..Leaders::default() },
            },
        },
    }
}

/// Plays the steps that a recorder could have recorded, and leaves out the others.
fn history(steps: Vec<(Step, u64)>) -> History {
    let (mut events, mut time, mut open) = (Vec::<Event>::new(), 0, Vec::new());
    let (mut lost, mut begun, mut ended) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for (step, wait) in steps {
        let kind = match step {
            Step::Invoke(process, node, (op, outcome)) => {
                let busy = open.iter().any(|(busy, _)| *busy == process);
                if busy || lost.contains(&process) {
                    continue;
                }
                open.push((process, outcome));
                EventKind::Invoke { process: ProcessId(process), node, op }
            }
            Step::Complete(process, end) => {
                let Some(place) = open.iter().position(|(busy, _)| *busy == process) else {
                    continue;
                };
                let (_, outcome) = open.remove(place);
                if matches!(end, End::Info) {
                    lost.insert(process);
                }
                let completion = completion(outcome, &end);
                EventKind::Complete { process: ProcessId(process), completion }
            }
            Step::Other(EventKind::Fault(fault)) => {
                let valid = match &fault {
                    FaultEvent::Begin { id, .. } => begun.insert(*id),
                    FaultEvent::Proof { id, .. } => begun.contains(id),
                    FaultEvent::Missed { .. } => true,
                    FaultEvent::End { id, .. } => begun.contains(id) && ended.insert(*id),
                };
                if !valid {
                    continue;
                }
                EventKind::Fault(fault)
            }
            Step::Other(kind) => kind,
        };
        time += wait * 200_000;
        events.push(Event { index: events.len() as u64, time, kind });
    }
    History::new(header(), events).expect("only what a recorder can have recorded")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_history_is_judged_the_same_way_twice(
        steps in prop::collection::vec((step(), 0..4_u64), 0..60),
    ) {
        let history = history(steps);
        let verdict = judge(&history, Budget::unlimited_time());
        prop_assert_eq!(verdict.checks.len(), checks().count());
        prop_assert_eq!(&verdict, &judge(&history, Budget::unlimited_time()));
        for (_, anomaly) in verdict.anomalies() {
            prop_assert!((2..=9).contains(&anomaly.story.len()), "{:#?}", anomaly);
            prop_assert!(!anomaly.witness.is_empty(), "{:#?}", anomaly);
            prop_assert!(anomaly.window.0 <= anomaly.window.1, "{:#?}", anomaly);
        }
    }

    #[test]
    fn every_file_is_read_or_refused(
        bytes in prop::collection::vec((0..9_000_usize, any::<u8>()), 0..4), cut in 0..9_000_usize,
    ) {
        let document = include_str!("../../../docs/history-format.md");
        let lines = document.lines().filter(|line| line.starts_with('{'));
        let mut file = lines.flat_map(|line| [line, "\n"]).collect::<String>().into_bytes();
        let length = file.len();
        for (place, byte) in bytes {
            file[place % length] = byte;
        }
        file.truncate(cut.max(1));
        if let Ok((history, torn)) = jsonl::read(file.as_slice()) {
            prop_assert_eq!(torn, history.is_torn());
            let verdict = judge(&history, Budget::unlimited_time());
            prop_assert!(!verdict.checks.is_empty());
        }
    }
}
