//! Recorded histories of a real cluster whose verdicts are known.
//!
//! They are other projects' data and not part of this one: the test reads them where they are, or
//! where `FRACAS_HISTORIES` points to, and says so if there are none.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use fracas_checker::budget::Budget;
use fracas_checker::event::{Completion, Event, EventKind, Op, Outcome, ProcessId, Stamp, Value};
use fracas_checker::history::{Header, History, Plan, SCHEMA};
use fracas_checker::{Status, judge};

/// Where the histories are, if they are.
fn folder() -> Option<PathBuf> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/histories");
    let root = std::env::var_os("FRACAS_HISTORIES").map_or_else(|| beside.into(), PathBuf::from);
    Some(root.join("jepsen-etcd")).filter(|folder| folder.is_dir())
}

/// Reads a console log: `INFO jepsen.util - PROCESS :TYPE :F VALUE`, with tabs.
struct Log {
    events: Vec<Event>,
    /// The operation each process has open, and the name it goes by since its last `info`.
    open: BTreeMap<u64, Op>,
    names: BTreeMap<u64, u64>,
}

impl Log {
    fn read(text: &str) -> Self {
        let mut log = Self { events: Vec::new(), open: BTreeMap::new(), names: BTreeMap::new() };
        for line in text.lines() {
            let (_, record) = line.split_once(" - ").expect("a line of the console log");
            let fields: Vec<&str> = record.split('\t').collect();
            log.record(&fields);
        }
        log
    }

    fn record(&mut self, fields: &[&str]) {
        let process: u64 = fields[0].trim().parse().expect("a process");
        let name = *self.names.entry(process).or_insert(process);
        let kind = match fields[1] {
            ":invoke" => {
                let op = operation(fields[2], fields[3]);
                self.open.insert(process, op.clone());
                EventKind::Invoke { process: ProcessId(name), node: None, op }
            }
            ended => {
                let op = self.open.remove(&process).expect("an open operation");
                if ended == ":info" {
                    self.names.insert(process, name + 1_000);
                }
                let completion = completion(ended, &op, fields[3]);
                EventKind::Complete { process: ProcessId(name), completion }
            }
        };
        let index = self.events.len() as u64;
        self.events.push(Event { index, time: index, kind });
    }
}

fn operation(f: &str, value: &str) -> Op {
    let key = "k".into();
    match f {
        ":read" => Op::Read { key },
        ":write" => Op::Write { key, value: Value::Int(value.parse().expect("a value")) },
        ":cas" => {
            let pair = value.trim_matches(['[', ']']).split_once(' ').expect("two values");
            let number = |text: &str| Value::Int(text.parse().expect("a value"));
            Op::Cas { key, old: number(pair.0), new: number(pair.1) }
        }
        other => panic!("unknown operation {other}"),
    }
}

fn completion(ended: &str, op: &Op, value: &str) -> Completion {
    let stamp = Stamp::default();
    match (ended, op) {
        (":ok", Op::Read { .. }) => {
            let value = (value != "nil").then(|| Value::Int(value.parse().expect("a value")));
            Completion::Ok { outcome: Outcome::Read { value }, stamp }
        }
        (":ok", Op::Write { .. }) => Completion::Ok { outcome: Outcome::Write, stamp },
        (":ok", Op::Cas { .. }) => Completion::Ok { outcome: Outcome::Cas, stamp },
        (":fail", _) => Completion::Fail { error: String::new() },
        (":info", _) => Completion::Info { error: String::new() },
        other => panic!("unknown completion {other:?}"),
    }
}

#[test]
fn every_recorded_history_gets_its_known_verdict() {
    let Some(folder) = folder() else {
        println!("skipped: no recorded histories; point FRACAS_HISTORIES at them");
        return;
    };
    let verdicts = fs::read_to_string(folder.join("VERDICTS")).expect("the list of verdicts");
    for line in verdicts.lines() {
        let (file, known) = line.split_once(' ').expect("a file and its verdict");
        let log = Log::read(&fs::read_to_string(folder.join(file)).expect("a recorded history"));
        let history = History::new(header(), log.events).expect("a valid history");
        let verdict = judge(&history, Budget::unlimited_time());
        let status = verdict.checks[0].status;
        let expected = if known == "linearizable" { Status::Pass } else { Status::Anomaly };
        assert_eq!(status, expected, "{file}: {}", verdict.headline);
        for (_, anomaly) in verdict.anomalies() {
            let (class, size) = (&anomaly.class, anomaly.witness.len());
            println!("{file}: {class}, {size} events, {}", anomaly.headline);
            for fact in &anomaly.story {
                println!("    {fact}");
            }
            assert!((3..=9).contains(&anomaly.story.len()), "{file}: {:?}", anomaly.story);
            assert!(!anomaly.refuted.is_empty(), "{file}: no reason given");
        }
    }
}

fn header() -> Header {
    Header {
        schema: SCHEMA.to_owned(),
        run: "recorded".to_owned(),
        target: "etcd".to_owned(),
        seed: 0,
        nodes: Vec::new(),
        plan: Plan { checks: vec!["register/linearizable".to_owned()], ..Plan::default() },
    }
}
