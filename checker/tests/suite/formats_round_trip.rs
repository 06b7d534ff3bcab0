//! What is written as operation maps is read again as it was, whatever the vocabulary holds; and a
//! packed file is read like the file.

use crate::support;

use std::collections::BTreeSet;
use std::io::Write;
use std::sync::Arc;

use flate2::Compression;
use flate2::write::GzEncoder;
use fracas_checker::event::{
    Completion, Event, EventKind, NodeId, Op, Outcome, Phase, ProcessId, Stamp,
};
use fracas_checker::formats::{self, Format, Hint, jepsen_edn, jsonl};
use fracas_checker::history::{Header, History, Plan, SCHEMA};
use fracas_checker::transaction::{Micro, ReadValue};
use fracas_checker::{OpKind, Value};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use support::vocabulary::operation;

/// A client's step: it asks, or its open operation ends.
#[derive(Debug, Clone)]
struct Step {
    process: u64,
    wait: u64,
    asked: (Op, Outcome),
    end: u8,
    error: String,
}

fn step() -> impl Strategy<Value = Step> {
    let errors =
        prop::sample::select(vec!["", "timed out", ":x", "[\"a\" 1]", "a\n\"b\"\\", "nil"]);
    (0..5_u64, 0..3_u64, operation(), 0..5_u8, errors).prop_map(
        |(process, wait, asked, end, error)| Step {
            process,
            wait,
            asked,
            end,
            error: error.to_owned(),
        },
    )
}

/// The values that are hard to tell from others once they are written down.
const HARD: [&str; 16] = [
    "",
    " ",
    "12",
    "-1",
    "true",
    "nil",
    ":x",
    "x y",
    "\"q\"",
    "'s",
    "[1 2]",
    "#{1}",
    "\\a",
    "1.50",
    "99999999999999999999",
    "\u{1f600}\n\u{0}",
];

/// Puts one of the hard values where an easy one is.
fn harden(value: &mut Value, pick: u64) {
    if let Value::Text(text) = value {
        *text = HARD[usize::try_from(pick).unwrap_or(0) % HARD.len()].into();
    }
}

fn header() -> Header {
    Header {
        schema: SCHEMA.to_owned(),
        run: String::new(),
        target: String::new(),
        seed: 0,
        nodes: Vec::new(),
        plan: Plan::default(),
    }
}

/// An invocation whose reads are not answered yet.
fn unanswered(op: Op) -> Op {
    let Op::Txn { ops } = op else { return op };
    let ops = ops.iter().cloned().map(|micro| match micro {
        Micro::Read { key, .. } => Micro::Read { key, seen: ReadValue::Unknown },
        other => other,
    });
    Op::Txn { ops: ops.collect() }
}

/// Plays the steps that a recorder could have recorded and that only use `kinds`.
fn history(steps: Vec<Step>, kinds: &BTreeSet<OpKind>) -> History {
    let (mut events, mut open, mut time) = (Vec::new(), Vec::<(u64, Outcome)>::new(), 0);
    let mut names: [u64; 5] = std::array::from_fn(|process| process as u64);
    for step in steps {
        let process = names[usize::try_from(step.process).unwrap_or(0)];
        time += step.wait;
        let place = open.iter().position(|(busy, _)| *busy == process);
        let process_id = ProcessId(process);
        let kind = match place {
            None if !kinds.contains(&step.asked.0.kind()) => continue,
            None => {
                open.push((process, step.asked.1));
                let op = unanswered(step.asked.0);
                EventKind::Invoke { process: process_id, node: None, op }
            }
            Some(place) => {
                let (_, outcome) = open.remove(place);
                let (error, stamp) = (step.error, Stamp::default());
                let completion = match step.end {
                    0 => Completion::Fail { error },
                    1 => Completion::Info { error },
                    _ => Completion::Ok { outcome, stamp },
                };
                if step.end == 1 {
                    names[usize::try_from(step.process).unwrap_or(0)] += 10;
                }
                EventKind::Complete { process: process_id, completion }
            }
        };
        events.push(Event { index: events.len() as u64, time, kind });
    }
    History::new(header(), events).expect("only what a recorder can have recorded")
}

/// The file that [`jepsen_edn::write`] makes of `history`.
fn edn(history: &History) -> String {
    let mut bytes = Vec::new();
    jepsen_edn::write(history, &mut bytes).expect("a vector can be written to");
    String::from_utf8(bytes).expect("EDN is text")
}

fn asked() -> Vec<OpKind> {
    OpKind::asked().collect()
}

fn kinds() -> impl Strategy<Value = BTreeSet<OpKind>> {
    prop_oneof![
        3 => prop::collection::btree_set(prop::sample::select(asked()), 1..4),
        1 => Just(asked().into_iter().collect()),
    ]
}

/// What is drawn here is the whole table of operations.
#[test]
fn every_operation_is_written_and_read_again() {
    let (mut runner, operation) = (TestRunner::deterministic(), operation());
    let mut kind = || operation.new_tree(&mut runner).expect("one is drawn").current().0.kind();
    let drawn: BTreeSet<OpKind> = (0..2_000).map(|_| kind()).collect();
    assert_eq!(drawn, asked().into_iter().collect());
}

/// Reads again what was written, and expects what was there.
fn survives(history: &History) -> Result<(), TestCaseError> {
    let written = edn(history);
    let hint = Hint { format: Some(Format::JepsenEdn), kind: None };
    let read = match formats::read(written.as_bytes(), &hint) {
        Err(error) if written.is_empty() => {
            prop_assert_eq!(error.line, 1);
            return Ok(());
        }
        read => read.unwrap_or_else(|error| panic!("{error}\n{written}")),
    };
    let expect = in_order(history);
    prop_assert_eq!(read.history.operations(), expect.operations(), "{}", written);
    Ok(())
}

/// The same history without two events of one time: in a list, what comes later is later.
fn in_order(history: &History) -> History {
    let mut next = 0;
    let later = |event: &Event| {
        let time = event.time.max(next);
        next = time + 1;
        Event { time, ..event.clone() }
    };
    let events = history.events().iter().map(later).collect();
    History::new(history.header().clone(), events).expect("the same events")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn operation_maps_are_read_as_they_were_written(
        steps in prop::collection::vec(step(), 0..40), kinds in kinds(),
    ) {
        survives(&history(steps, &kinds))?;
    }

    #[test]
    fn values_that_look_like_others_survive(
        picks in prop::collection::vec((0..99_u64, 0..99_u64), 1..12), appends in any::<bool>(),
    ) {
        let mut events = Vec::new();
        for (place, (key, pick)) in picks.into_iter().enumerate() {
            let (mut name, mut value) = (Value::text(""), Value::text(""));
            harden(&mut name, key);
            harden(&mut value, pick);
            let Value::Text(key) = name else { continue };
            let op = match appends {
                true => Op::Append { key, value: value.clone() },
                false => Op::Write { key, value: value.clone() },
            };
            let kind = EventKind::Invoke { process: ProcessId(place as u64), node: None, op };
            events.push(Event { index: place as u64, time: 0, kind });
        }
        survives(&History::new(header(), events).expect("open operations"))?;
    }

    #[test]
    fn packed_files_are_read_like_others(
        steps in prop::collection::vec(step(), 1..40), level in 0..10_u32, parts in 1..4_usize,
    ) {
        let history = history(steps, &asked().into_iter().collect());
        let mut own = jsonl::header_line(history.header()) + "\n";
        history.events().iter().for_each(|event| own += &(jsonl::event_line(event) + "\n"));
        for (text, format) in [(own, Format::Fracas), (edn(&history), Format::JepsenEdn)] {
            let hint = Hint { format: Some(format), kind: None };
            let plain = formats::read(text.as_bytes(), &hint);
            let mut packed = Vec::new();
            for part in text.as_bytes().chunks(text.len() / parts + 1) {
                let mut encoder = GzEncoder::new(&mut packed, Compression::new(level));
                encoder.write_all(part).expect("a vector can be written to");
                encoder.finish().expect("a vector can be written to");
            }
            let unpacked = formats::read(packed.as_slice(), &hint);
            prop_assert_eq!(plain.map_err(|it| it.to_string()), unpacked.map_err(|it| it.to_string()));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 50_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    #[ignore = "slow: 50,000 histories"]
    fn many_operation_maps_are_read_as_they_were_written(
        steps in prop::collection::vec(step(), 0..40), kinds in kinds(),
    ) {
        survives(&history(steps, &kinds))?;
    }
}

#[test]
fn a_file_that_unpacks_without_end_is_refused() {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&vec![b' '; 1 << 20]).expect("a vector can be written to");
    let mut packed = encoder.finish().expect("a vector can be written to").repeat(100);
    let hint = Hint { format: Some(Format::JepsenEdn), kind: None };
    let error = formats::read(packed.as_slice(), &hint).expect_err("100 MiB of nothing");
    assert_eq!(error.reason, "cannot be read: unpacks to more than 200 times its size");
    packed.truncate(1_000);
    let error = formats::read(packed.as_slice(), &hint).expect_err("it was cut");
    assert!(error.reason.starts_with("cannot be read: "), "{error}");
}

#[test]
fn what_operation_maps_have_no_place_for_is_said() {
    let kinds = [
        EventKind::Phase { phase: Phase::Load },
        EventKind::Invoke {
            process: ProcessId(0),
            node: Some(NodeId(1)),
            op: Op::Acquire { key: "k".into(), holder: 4, ttl: Some(7) },
        },
        EventKind::Complete {
            process: ProcessId(0),
            completion: Completion::Ok {
                outcome: Outcome::Acquire { token: Some(9) },
                stamp: Stamp::new(Some(NodeId(1)), None),
            },
        },
    ];
    let event = |(index, kind)| Event { index, time: 5 * index, kind };
    let events: Vec<Event> = (0_u64..).zip(kinds).map(event).collect();
    let history = History::new(header(), events).expect("a history");
    let lines = [
        "{:type :invoke, :f :acquire, :value [\"k\" {:holder 4, :ttl 7}], :time 5, :process 0, :index 0}",
        "{:type :ok, :f :acquire, :value [\"k\" {:holder 4, :token 9}], :time 10, :process 0, :index 1}",
    ];
    assert_eq!(edn(&history), lines.map(|line| line.to_owned() + "\n").concat());
    let left_out = jepsen_edn::left_out(&history);
    assert_eq!(left_out, ["1 phases", "2 names of the node that was asked, or that answered"]);
}

#[test]
fn jepsens_own_words_are_used_where_they_cannot_be_misread() {
    let key = || "k".into();
    let set: Arc<[Value]> = [Value::Int(1)].into();
    let check = |op: Op, outcome: Outcome, others: Vec<Op>, expect: &str| {
        let invoke =
            |process, op| EventKind::Invoke { process: ProcessId(process), node: None, op };
        let completion = Completion::Ok { outcome, stamp: Stamp::default() };
        let mut kinds =
            vec![invoke(0, op), EventKind::Complete { process: ProcessId(0), completion }];
        kinds.extend((1..).zip(others).map(|(process, op)| invoke(process, op)));
        let event = |(index, kind)| Event { index, time: index, kind };
        let events = (0_u64..).zip(kinds).map(event).collect();
        let written = edn(&History::new(header(), events).expect("a history"));
        let line = written.lines().nth(1).expect("a completion");
        assert!(line.starts_with(&format!("{{:type :ok, {expect}, :time")), "{line}");
    };
    let all = Outcome::ReadAll { values: set };
    let add = || Op::Add { key: key(), value: 1.into() };
    check(Op::ReadAll { key: key() }, all.clone(), vec![add()], ":f :read, :value [\"k\" [1]]");
    check(Op::ReadAll { key: key() }, all, vec![], ":f :read-all, :value [\"k\" [1]]");
    check(add(), Outcome::Add, vec![], ":f :add, :value [\"k\" 1]");
    let read = Outcome::Read { value: Some(1.into()) };
    let count = Op::Increment { key: key(), by: 1 };
    check(Op::Read { key: key() }, read.clone(), vec![count], ":f :read, :value [\"k\" 1]");
    check(Op::Read { key: key() }, read, vec![add()], ":f :read-value, :value [\"k\" 1]");
}
