//! A run in which every text that can come from outside is an attack.

use fracas_checker::Verdict;
use fracas_checker::event::{
    Completion, Event, EventKind, NodeId, Op, Outcome, Phase, ProcessId, Stamp, Value,
};
use fracas_checker::fault::{Fault, FaultEvent, Measurement, Stage};
use fracas_checker::guarantees::{Guarantee, Standing};
use fracas_checker::history::{Header, History};
use fracas_checker::observation::{Grade, Observation, Role, Source};
use fracas_checker::verdict::{Anomaly, CheckResult, Placed, Refutation};
use fracas_reports::{Ended, NextProgram, PlanRow, RunRecord, TargetInfo, Tool};

use super::Sample;
use super::faults;

/// Texts that break out of careless pages, files and terminals.
pub(crate) const ATTACKS: [&str; 9] = [
    "<script>alert(1)</script>",
    "]]><script>alert(2)</script>",
    "\"><img src=x onerror=alert(3)>",
    "'><svg/onload=alert(4)>",
    "</style></title><!-- --><b>",
    "\u{1b}[2J\u{0}\u{7}\u{9b}\u{fffe}",
    "\u{202e}live\u{2066}\u{200b}\u{feff}",
    "| a | b |\n\n# h\n```\n@all [x](javascript:alert(5)) &lt;",
    "&#60;script&#62;{{7*7}}${7*7}",
];

/// All attacks in one text.
pub(crate) fn attack() -> String {
    ATTACKS.join(" ")
}

/// Every text from outside is `attack`.
pub(crate) fn hostile(attack: &str) -> Sample {
    let record = record(attack);
    let history = history(attack);
    Sample { record, verdict: verdict(attack, &history), history }
}

fn record(attack: &str) -> RunRecord {
    let text = || attack.to_owned();
    let mut record = RunRecord {
        id: text(),
        command: text(),
        planned: Some(PlanRow { plan: text(), row: text(), night: text(), shard: Some(text()) }),
        started: text(),
        tool: Tool { name: text(), version: text() },
        target: TargetInfo {
            name: text(),
            description: text(),
            version: Some(text()),
            binary: text(),
            binary_sha256: text(),
            next: Some(NextProgram {
                version: Some(text()),
                binary: text(),
                binary_sha256: text(),
            }),
            nodes: 5,
        },
        workloads: vec![text(), text()],
        faults: vec![text()],
        ended: Ended::TargetBroke { reason: text() },
        ..super::record()
    };
    record.host.kernel = text();
    record.host.isolation = text();
    record.host.mechanisms.insert(text(), text());
    record
}

fn history(attack: &str) -> History {
    let text = || attack.to_owned();
    let write = |process: u64, value: Value| EventKind::Invoke {
        process: ProcessId(process),
        node: Some(NodeId(1)),
        op: Op::Write { key: text().into(), value },
    };
    let complete =
        |process: u64, completion| EventKind::Complete { process: ProcessId(process), completion };
    let measurement = Measurement { what: text(), result: text(), holds: false };
    let kinds = vec![
        EventKind::Phase { phase: Phase::Load },
        write(0, 1.into()),
        complete(0, Completion::Ok { outcome: Outcome::Write, stamp: Stamp::default() }),
        write(1, Value::text(attack)),
        complete(1, Completion::Fail { error: text() }),
        write(2, 3.into()),
        complete(2, Completion::Info { error: text() }),
        EventKind::Fault(FaultEvent::Begin {
            id: 1,
            fault: Fault { manner: text(), ..faults::pause(vec![NodeId(2)]) },
            mechanism: text(),
        }),
        EventKind::Fault(FaultEvent::Proof {
            id: 1,
            stage: Stage::Injected,
            since: None,
            measurements: vec![measurement],
        }),
        EventKind::Fault(FaultEvent::End { id: 1, effective: None, problems: vec![text()] }),
        EventKind::Observe(observation(attack)),
        EventKind::note(text()),
    ];
    let number =
        |(place, kind)| Event { index: place as u64, time: place as u64 * 1_000_000, kind };
    let events = kinds.into_iter().enumerate().map(number).collect();
    let header = Header { run: text(), target: text(), ..super::header() };
    History::new(header, events).expect("attacks are well formed events")
}

fn observation(attack: &str) -> Observation {
    Observation {
        node: NodeId(1),
        incarnation: 1,
        group: None,
        source: Source::Log,
        grade: Grade::Record,
        since: 9_000_000,
        role: Some(Role::Leader),
        generation: Some(u64::MAX),
        leader: Some(NodeId(2)),
        applied: None,
        voted: None,
        entry: None,
        text: attack.to_owned(),
    }
}

fn verdict(attack: &str, history: &History) -> Verdict {
    let text = || attack.to_owned();
    let mut check = CheckResult::new(attack, attack);
    check.inconclusive(text());
    let undecided = check.clone();
    check.suspicions.push(text());
    check.not_checked.push(text());
    check.assumptions.push(text());
    check.metrics.insert(text(), f64::NAN);
    check.anomaly(Anomaly {
        class: text(),
        headline: text(),
        story: vec![text(), text()],
        likely_cause: Some(text()),
        refuted: vec![
            Refutation { op: 5, reason: text() },
            Refutation { op: u64::MAX, reason: text() },
        ],
        witness: (0..history.events().len() as u64 + 3).collect(),
        prefix: vec![Placed { op: 1, state: text() }],
        key: Some(text().into()),
        nodes: vec![NodeId(1)],
        generation: Some(u64::MAX),
        window: (0, u64::MAX),
        guarantees: vec![Guarantee { name: text(), standing: Standing::Broken }],
    });
    Verdict::of(vec![check, undecided])
}
