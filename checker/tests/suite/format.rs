//! The format: its document, every kind of event through JSON and back, and what a reader refuses.

use fracas_checker::event::{
    Completion, Event, EventKind, NodeChange, NodeId, Op, OpKind, Outcome, Phase, ProcessId, Stamp,
};
use fracas_checker::fault::{
    Clock, Effect, Fault, FaultEvent, Hardship, Link, Loss, Measurement, RestartAs, Stage, Trouble,
};
use fracas_checker::formats::jsonl::{event_line, header_line, read};
use fracas_checker::harness::Mishap;
use fracas_checker::history::{Coverage, Header, History, Kinds, Leaders, Least, Plan, SCHEMA};
use fracas_checker::observation::{Grade, LogEntry, Observation, Role, Source};

use crate::support::faults::{fault, kind};

const DOCUMENT: &str = include_str!("../../../docs/history-format.md");

/// The lines of every example in the document.
fn examples() -> Vec<&'static str> {
    let blocks = DOCUMENT.split("```json\n").skip(1);
    blocks.flat_map(|block| block.split("```").next().unwrap_or_default().lines()).collect()
}

#[test]
fn the_examples_of_the_document_are_one_history() {
    let lines = examples();
    let text = lines.join("\n") + "\n";
    let (history, torn) = read(text.as_bytes()).expect("the document's examples");
    assert!(!torn);
    assert_eq!(header_line(history.header()), lines[0]);
    for (event, line) in history.events().iter().zip(&lines[1..]) {
        assert_eq!(event_line(event), *line, "the writer writes what the document shows");
    }
    assert_eq!(history.operations().len(), 5);
    let effective = history.faults().iter().map(|span| span.effective).collect::<Vec<_>>();
    assert_eq!(
        effective,
        [Some((3_040_000_000, 5_970_000_000)), None, Some((6_600_000_000, 7_900_000_000))]
    );
    for word in ["invoke", "complete", "fault", "observe", "phase", "note"] {
        assert!(lines.iter().any(|line| line.contains(&format!("\"event\":\"{word}\""))), "{word}");
    }
}

fn header() -> Header {
    Header {
        schema: SCHEMA.to_owned(),
        run: "a run".to_owned(),
        target: "a target".to_owned(),
        seed: u64::MAX,
        nodes: vec![NodeId(1), NodeId(2)],
        plan: Plan {
            checks: vec!["coverage".to_owned()],
            objects: kinds(),
            recovery_ms: 5,
            clock_error_ms: 7,
            gives_up_on: Some([Hardship::NoMemory].into()),
            initial: None,
            step_down_ms: Some(6),
            new_leader_ms: Some(7),
            faults: [kind("kill")].into(),
            coverage: Coverage {
                elections: 2,
                objects: [("k*".to_owned(), Least { handovers: 2, ..Least::default() })].into(),
                leaders: Leaders { changes: 8, ..Leaders::default() },
                ..Coverage::default()
            },
        },
    }
}

fn kinds() -> Kinds {
    let mut kinds = Kinds::default();
    kinds.say("k*", &["register/linearizable"]);
    kinds
}

fn invoke(process: u64, op: Op) -> EventKind {
    EventKind::Invoke { process: ProcessId(process), node: Some(NodeId(2)), op }
}

fn complete(process: u64, completion: Completion) -> EventKind {
    EventKind::Complete { process: ProcessId(process), completion }
}

fn ok(outcome: Outcome) -> Completion {
    let stamp = Stamp::new(Some(NodeId(1)), Some(u64::MAX));
    Completion::Ok { outcome, stamp }
}

/// Everything that can go wrong with the harness itself.
fn mishaps() -> Vec<EventKind> {
    let log = || "app.log".to_owned();
    let all = [
        Mishap::Stalled { part: "recorder".to_owned(), since: 5 },
        Mishap::LogSkipped { node: NodeId(1), log: log(), bytes: 7 },
        Mishap::LogRefused { node: NodeId(1), log: log(), why: "a pipe".to_owned() },
        Mishap::HelperEnded { helper: log(), how: log(), since: 5 },
        Mishap::OutOfMemory { node: NodeId(1), word: log() },
    ];
    all.map(EventKind::mishap).into()
}

/// A fault of every effect.
fn faults() -> [Fault; 15] {
    let (single, both) = (|| vec![NodeId(1)], vec![NodeId(1), NodeId(2)]);
    let pairs = || vec![(NodeId(1), NodeId(2))];
    let (same, link) = (RestartAs::Same, Link { loss_ppm: 50_000, ..Link::default() });
    let loses = Some(Loss::Sectors);
    [
        Effect::LinkCut { pairs: pairs() },
        Effect::NodeStopped { nodes: single() },
        Effect::NodeDown { nodes: both, returns: same, loses: None },
        Effect::NodeDown { nodes: single(), returns: RestartAs::NextBinary, loses: None },
        Effect::NodeDown { nodes: single(), returns: same, loses },
        Effect::ProcessDown { nodes: single(), process: "sentinel".into() },
        Effect::ProcessStopped { nodes: single(), process: "sentinel".into() },
        Effect::ClockWrong { nodes: single(), change: Clock::Step { by_ms: -60_000 } },
        Effect::NodeRemoved { nodes: single(), forget: true },
        Effect::NodeRemoved { nodes: single(), forget: false },
        Effect::ClockWrong { nodes: single(), change: Clock::Freeze },
        Effect::LinkDegraded { pairs: pairs(), link: Link::default() },
        Effect::LinkDegraded { pairs: Vec::new(), link },
        Effect::Hardship { nodes: single(), of: Trouble::DiskSlow },
        Effect::Hardship { nodes: single(), of: Trouble::NoProcessor },
    ]
    .map(|effect| fault("no-such-kind", "in some \"way\"", effect))
}

/// Everything that can happen to a node.
fn changes() -> [NodeChange; 7] {
    let exited =
        NodeChange::Exited { process: None, how: "status 101".to_owned(), log: Vec::new() };
    let process = || "sentinel".into();
    [
        NodeChange::Started,
        NodeChange::Killed,
        NodeChange::Stopped,
        NodeChange::ProcessKilled { process: process() },
        NodeChange::ProcessStarted { process: process() },
        NodeChange::Exited {
            process: Some(process()),
            how: "signal 6".to_owned(),
            log: Vec::new(),
        },
        exited,
    ]
}

/// Every kind of event, with every kind of content.
fn every_kind() -> Vec<EventKind> {
    let key = || "a \"key\"\n".into();
    let measurements =
        vec![Measurement { what: "probe n1→n2".to_owned(), result: String::new(), holds: false }];
    let seen = Observation {
        node: NodeId(1),
        incarnation: 3,
        group: None,
        source: Source::Log,
        grade: Grade::Record,
        since: 0,
        role: Some(Role::Candidate),
        generation: Some(7),
        leader: Some(NodeId(2)),
        applied: Some(9),
        voted: Some(NodeId(3)),
        entry: Some(LogEntry { index: 9, generation: 6, value: Some(8.into()) }),
        text: "a line\u{0}".to_owned(),
    };
    let begin = |(id, fault): (u32, Fault)| {
        EventKind::Fault(FaultEvent::Begin { id, fault, mechanism: "sigstop".to_owned() })
    };
    let mut kinds = vec![
        EventKind::Phase { phase: Phase::FinalReads },
        invoke(1, Op::Read { key: key() }),
        complete(1, ok(Outcome::Read { value: None })),
        invoke(1, Op::Write { key: key(), value: i64::MIN.into() }),
        complete(1, ok(Outcome::Write)),
        invoke(1, Op::Cas { key: key(), old: (-1).into(), new: i64::MAX.into() }),
        complete(1, ok(Outcome::Cas)),
        invoke(1, Op::Read { key: key() }),
        complete(1, Completion::Fail { error: "refused".to_owned() }),
        invoke(1, Op::Read { key: key() }),
        complete(1, Completion::Info { error: "<script>".to_owned() }),
        EventKind::Observe(seen.clone()),
        EventKind::Observe(Observation { role: None, voted: None, entry: None, ..seen }),
        EventKind::note("a note"),
    ];
    kinds.extend(mishaps());
    let node = |change| EventKind::Node { node: NodeId(3), incarnation: 2, change };
    kinds.extend(changes().map(node));
    kinds.extend((1..).zip(faults()).map(begin));
    kinds.push(EventKind::Fault(FaultEvent::Proof {
        id: 1,
        stage: Stage::Held,
        since: Some(1),
        measurements,
    }));
    let (act, why) = ("kill the leader".to_owned(), "the run ended".to_owned());
    kinds.push(EventKind::Fault(FaultEvent::Missed { act: 3, what: act, why }));
    let problems = vec!["n1 did not die".to_owned()];
    kinds.push(EventKind::Fault(FaultEvent::End { id: 1, effective: Some((2, 3)), problems }));
    kinds.push(EventKind::Fault(FaultEvent::End { id: 2, effective: None, problems: Vec::new() }));
    kinds
}

#[test]
fn every_event_survives_being_written_and_read() {
    let kinds = every_kind().into_iter().zip(0..);
    let events: Vec<Event> =
        kinds.map(|(kind, index)| Event { index, time: index * 10, kind }).collect();
    let mut text = header_line(&header()) + "\n";
    for event in &events {
        text += &(event_line(event) + "\n");
    }
    let (history, torn) = read(text.as_bytes()).expect("what was written");
    assert_eq!(history, History::new(header(), events).expect("a valid history"));
    assert!(!torn);
}

const HEADER: &str =
    r#"{"schema":"fracas.history/1","run":"r","target":"t","seed":1,"nodes":["n1"]}"#;

/// Reads a header and these events, each given from its `event` field on, at its index.
fn read_events(events: &[&str]) -> Result<(History, bool), String> {
    let mut text = format!("{HEADER}\n");
    for (index, event) in events.iter().enumerate() {
        text += &format!("{{\"index\":{index},\"time\":{index},\"event\":{event}}}\n");
    }
    read(text.as_bytes()).map_err(|error| error.to_string())
}

#[track_caller]
fn refused(expect: &str, events: &[&str]) {
    assert_eq!(read_events(events).expect_err("malformed"), expect);
}

const WRITE: &str = r#""invoke","process":1,"op":{"f":"write","key":"k","value":1}"#;
const READ: &str = r#""invoke","process":1,"op":{"f":"read","key":"k"}"#;
const WRITTEN: &str =
    r#""complete","process":1,"completion":{"type":"ok","outcome":{"f":"write"}}"#;
const LOST: &str = r#""complete","process":1,"completion":{"type":"info","error":"?"}"#;
const BEGIN: &str =
    r#""fault","step":"begin","id":1,"fault":{"kind":"kill","nodes":["n1"]},"mechanism":"m""#;
const PROOF: &str = r#""fault","step":"proof","id":1,"stage":"held","measurements":[]"#;
const END: &str = r#""fault","step":"end","id":1,"effective":null"#;

#[test]
fn a_malformed_history_is_refused_with_its_line() {
    assert!(read_events(&[WRITE, WRITTEN, WRITE, LOST, BEGIN, PROOF, END, PROOF]).is_ok());
    refused(
        "line 2: process 1 completed an operation it had not open, expected its invocation first",
        &[WRITTEN],
    );
    refused(
        "line 3: process 1 invoked while its operation of event 0 is open, expected its completion",
        &[WRITE, WRITE],
    );
    refused(
        "line 4: process 1 invoked after its operation ended `info`, expected a new process",
        &[WRITE, LOST, READ],
    );
    refused("line 3: process 1 was answered a `write`, expected a `read`", &[READ, WRITTEN]);
    refused(
        "line 2: `claim` invoked by a client, which only observations can make",
        &[r#""invoke","process":1,"op":{"f":"claim","generation":1,"node":"n1"}"#],
    );
    refused("line 2: fault 1 was measured, expected its begin first", &[PROOF]);
    refused("line 2: fault 1 ended, expected its begin first", &[END]);
    refused("line 3: fault 1 began twice, expected every fault to begin once", &[BEGIN, BEGIN]);
    refused("line 4: fault 1 ended twice, expected every fault to end once", &[BEGIN, END, END]);
    refused(
        "line 3: fault 1 in effect from 3 to 2, expected from ≤ to",
        &[BEGIN, r#""fault","step":"end","id":1,"effective":[3,2]"#],
    );
    refused(
        "line 3: fault 1 measured since 5 and recorded at 1, expected `since` not to be later",
        &[BEGIN, &PROOF.replace("\"held\"", "\"held\",\"since\":5")],
    );
    refused(
        "line 2: an observation since 5 recorded at 0, expected `since` not to be later",
        &[r#""observe","node":"n1","incarnation":1,"source":"poll","grade":"claim","since":5"#],
    );
}

#[track_caller]
fn text(expect: &str, text: &[u8]) {
    let got =
        read(text).map(|(history, torn)| format!("{} events, {torn}", history.events().len()));
    assert_eq!(got.unwrap_or_else(|error| error.to_string()), expect);
}

#[test]
fn only_the_last_line_may_be_torn() {
    let note =
        |index: u64| format!(r#"{{"index":{index},"time":{index},"event":"note","text":"x"}}"#);
    let whole = format!("{HEADER}\n{}\n{}\n", note(0), note(1));
    text("2 events, false", whole.as_bytes());
    text("2 events, false", whole.trim_end().as_bytes());
    let start = whole.len() - note(1).len() - 1;
    for cut in start + 1..whole.len() - 1 {
        text("1 events, true", &whole.as_bytes()[..cut]);
    }
    text("1 events, false", &whole.as_bytes()[..start]);
    text("2 events, true", format!("{whole}\0\0\0\0").as_bytes());
    text("2 events, true", &[whole.as_bytes(), b"\xff\xfe\n"].concat());
    let broken = format!("{HEADER}\nbroken\n{}\n", note(0));
    text("line 2: not an event: expected value at column 1", broken.as_bytes());
    let gap = format!("{HEADER}\n{}\n", note(1));
    text("line 2: index 1, expected 0: a line is missing", gap.as_bytes());
    let back = format!("{HEADER}\n{}\n{}\n", note(0).replace("\"time\":0", "\"time\":9"), note(1));
    text("line 3: time 1 after time 9, expected one that never decreases", back.as_bytes());
}

#[test]
fn a_header_of_another_kind_is_refused() {
    text("line 1: nothing, expected the header of a `fracas.history/2`", b"");
    text(
        "line 1: schema `fracas.history/3`, expected `fracas.history/1` or `fracas.history/2`",
        HEADER.replace("/1", "/3").as_bytes(),
    );
    text(
        "line 1: not a header: expected ident at column 2, expected one of `fracas.history/2`",
        b"not json\n",
    );
    text(
        "line 1: not a header: missing field `run` at column 29, expected one of `fracas.history/2`",
        br#"{"schema":"fracas.history/1"}"#,
    );
}

/// The table of the page lists every kind of operation, and every example in it is one.
#[test]
fn the_page_lists_the_whole_vocabulary() {
    let page = include_str!("../../../docs/history-format.md");
    let mut told = std::collections::BTreeSet::new();
    for row in page.lines().filter(|line| line.starts_with("| `{\"f\"")) {
        let mut cells =
            row.split(" | ").map(|cell| cell.split('`').filter(|part| part.starts_with('{')));
        let asked =
            cells.next().and_then(|mut cell| cell.next()).expect("a row begins with an example");
        let op: Op = serde_json::from_str(asked).unwrap_or_else(|error| panic!("{asked}: {error}"));
        told.insert(op.kind());
        for answered in cells.next().expect("a row has an answer") {
            let outcome: Outcome = serde_json::from_str(answered)
                .unwrap_or_else(|error| panic!("{answered}: {error}"));
            assert_eq!(outcome.answers(), op.kind(), "{row}");
        }
    }
    let missing: Vec<_> = OpKind::asked().filter(|kind| !told.contains(kind)).collect();
    assert!(missing.is_empty(), "no row for {missing:?}");
}
