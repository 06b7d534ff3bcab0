//! Stores of texts and transactions: the monitors against brute force and against the search, and
//! the recorded histories of a store.

use crate::support;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fracas_checker::event::{Completion, Event, EventKind, ProcessId, Stamp};
use fracas_checker::history::{Header, History, Plan, SCHEMA};
use fracas_checker::linearizability::call::Call;
use fracas_checker::linearizability::finding::Finding;
use fracas_checker::models::{Kv, ListAppend, Model, RwRegister};
use fracas_checker::objects::Object;
use fracas_checker::transaction::{Micro, ReadValue};
use fracas_checker::{Algorithm, Budget, Key, Op, Outcome, Status, Value, judge_by};
use support::samples::{
    Chance, Draw, Sample, calls, each, execution, held_against_brute_force, held_against_search,
    told_truly,
};
use support::sampling::Dice;

/// How many histories of each sort the quick tier looks at, and the slow one.
const QUICK: u32 = 800;
const SLOW: u32 = 20_000;

/// How many long ones, and how long they are.
const LONG: u32 = 60;
const LENGTH: usize = 40;

/// Texts of which the first few can be taken for each other.
fn piece(number: i64) -> String {
    match number {
        0 => "a".to_owned(),
        1 => "b".to_owned(),
        2 => "ab".to_owned(),
        _ => format!("x{number}y"),
    }
}

impl Sample for Kv {
    fn asked(chance: &Chance, fresh: i64, _: i64) -> Op {
        let (key, value) = ("k".into(), Value::text(&piece(fresh)));
        match chance.kind {
            0..35 => Op::Append { key, value },
            35..50 => Op::Write { key, value },
            _ => Op::Read { key },
        }
    }

    fn answered(&self, op: &Op, _: &Chance) -> Outcome {
        match op {
            Op::Append { .. } => Outcome::Append,
            Op::Write { .. } => Outcome::Write,
            _ => Outcome::Read { value: Some(Value::Text(self.0.clone())) },
        }
    }

    fn invented(op: &Op, chance: &Chance, values: i64) -> Outcome {
        let pick = chance.pick as i64;
        let text: String =
            (0..pick % 4).map(|place| piece((pick / 4 + place * 3) % values)).collect();
        match op {
            Op::Read { .. } if text.is_empty() => Outcome::Read { value: None },
            Op::Read { .. } => Outcome::Read { value: Some(Value::text(&text)) },
            _ => Self::default().answered(op, chance),
        }
    }
}

/// Up to three small steps on two objects.
fn transaction(chance: &Chance, fresh: i64, change: fn(Key, Value) -> Micro) -> Op {
    let micro = |place: i64| {
        let key: Key = if chance.pick >> (place + 1) & 1 == 1 { "x" } else { "y" }.into();
        match chance.kind >> place & 1 {
            0 => change(key, (fresh + 100 * place).into()),
            _ => Micro::Read { key, seen: ReadValue::Unknown },
        }
    };
    Op::Txn { ops: (0..=chance.pick as i64 % 3).map(micro).collect() }
}

/// The steps of `op` with every read answered by `answer`, which is told what was done before.
fn answered(op: &Op, mut answer: impl FnMut(&Key, &[Micro]) -> ReadValue) -> Outcome {
    let Op::Txn { ops } = op else { panic!("`{op}` is no transaction") };
    let mut done: Vec<Micro> = Vec::new();
    for micro in ops.iter() {
        let next = match micro {
            Micro::Read { key, .. } => Micro::Read { key: key.clone(), seen: answer(key, &done) },
            other => other.clone(),
        };
        done.push(next);
    }
    Outcome::Txn { ops: done.into() }
}

/// The state after the steps `done`, each a change.
fn after<M: Model<Op = Op, Outcome = Outcome>>(state: &M, done: &[Micro]) -> M {
    state.step(&Op::Txn { ops: done.into() }, None).expect("changes are legal")
}

impl Sample for ListAppend {
    fn asked(chance: &Chance, fresh: i64, _: i64) -> Op {
        transaction(chance, fresh, |key, value| Micro::Append { key, value })
    }

    fn answered(&self, op: &Op, _: &Chance) -> Outcome {
        answered(op, |key, done| {
            let state = after(self, done);
            ReadValue::List(state.list(key).into_iter().cloned().collect())
        })
    }

    fn invented(op: &Op, chance: &Chance, values: i64) -> Outcome {
        let mut turn = 0;
        answered(op, |_, _| {
            turn += 1;
            let pick = chance.pick as i64 + turn;
            ReadValue::List(
                (0..pick % 3).map(|place| Value::Int((pick / 3 + place) % values)).collect(),
            )
        })
    }
}

impl Sample for RwRegister {
    fn asked(chance: &Chance, fresh: i64, _: i64) -> Op {
        transaction(chance, fresh, |key, value| Micro::Write { key, value })
    }

    fn answered(&self, op: &Op, _: &Chance) -> Outcome {
        let seen = |key: &Key, done: &[Micro]| {
            let state = after(self, done);
            let holds = |value: &Value| {
                let ops = [Micro::Read { key: key.clone(), seen: ReadValue::Value(value.clone()) }];
                let op = Op::Txn { ops: ops.clone().into() };
                state.step(&op, Some(&Outcome::Txn { ops: ops.into() })).is_ok()
            };
            (0..300).map(Value::Int).find(holds).map_or(ReadValue::Absent, ReadValue::Value)
        };
        answered(op, seen)
    }

    fn invented(op: &Op, chance: &Chance, values: i64) -> Outcome {
        let mut turn = 0;
        answered(op, |_, _| {
            turn += 1;
            match (chance.pick as i64 + turn) % (values + 1) {
                0 => ReadValue::Absent,
                value => ReadValue::Value(Value::Int(value - 1)),
            }
        })
    }
}

#[test]
fn stores_are_judged_as_brute_force_does() {
    held_against_brute_force::<Kv>(QUICK);
}

#[test]
fn stores_are_judged_as_the_search_does() {
    held_against_search::<Kv>(LONG, LENGTH);
}

#[test]
fn lists_are_judged_as_brute_force_does() {
    held_against_brute_force::<ListAppend>(QUICK);
}

#[test]
fn lists_are_judged_as_the_search_does() {
    held_against_search::<ListAppend>(LONG, LENGTH);
}

#[test]
fn registers_of_transactions_are_judged_as_brute_force_does() {
    held_against_brute_force::<RwRegister>(QUICK);
}

#[test]
fn long_executions_on_registers_need_no_search() {
    let draw = Draw { most: 99, values: 99, unique: true, unknown: 0.3 };
    let decided = each("long executions", 60, execution::<RwRegister>(draw), |drawn| {
        let finding = RwRegister::decide_fast(&calls(drawn));
        Ok((finding == Finding::Legal, finding == Finding::Ambiguous))
    });
    assert_eq!(decided.legal, decided.histories, "{decided:?}");
}

/// A transaction, how it ended, and its begin and end.
type Transaction = (Op, Option<Outcome>, u64, Option<u64>);

/// A legal execution of `count` transactions of 20 clients on a few registers, each with an interval
/// around its instant; values are written once, but for one in `repeated`, and nobody saw the end of
/// one transaction in a hundred.
fn transactions(count: usize, (keys, repeated): (u64, u64)) -> Vec<Transaction> {
    const CLIENTS: u64 = 20;
    let mut dice = Dice::new(7);
    let (mut state, mut now) = (BTreeMap::<u64, i64>::new(), 1_000);
    let (mut free, mut drawn) = (vec![0; CLIENTS as usize], Vec::new());
    while drawn.len() < count {
        now += dice.below(4);
        let client = dice.below(CLIENTS) as usize;
        if free[client] >= now {
            continue;
        }
        let number = drawn.len() as i64;
        let mut micro = |place: u64, dice: &mut Dice| {
            let key = dice.below(keys);
            let name: Key = format!("k{key}").into();
            if dice.chance(50) {
                let again = dice.below(repeated) == 0;
                let value = if again { -1 } else { 4 * number + place as i64 };
                state.insert(key, value);
                return Micro::Write { key: name, value: Value::Int(value) };
            }
            let seen =
                state.get(&key).map_or(ReadValue::Absent, |it| ReadValue::Value(Value::Int(*it)));
            Micro::Read { key: name, seen }
        };
        let ops: Arc<[Micro]> = (0..1 + dice.below(3)).map(|at| micro(at, &mut dice)).collect();
        let (start, end) = (free[client].max(now - dice.below(40)), now + dice.below(40));
        let seen = !dice.chance(1);
        free[client] = end + 1;
        let outcome = seen.then(|| Outcome::Txn { ops: Arc::clone(&ops) });
        drawn.push((Op::Txn { ops }, outcome, start, seen.then_some(end)));
    }
    drawn.sort_by_key(|transaction| transaction.2);
    drawn
}

/// The calls of transactions.
fn as_calls(drawn: &[Transaction]) -> Vec<Call<'_>> {
    (0..)
        .zip(drawn)
        .map(|(id, (op, outcome, start, end))| Call {
            id,
            op,
            outcome: outcome.as_ref(),
            start: *start,
            end: *end,
        })
        .collect()
}

/// A value that was written some thirty times among a thousand transactions, on the same few
/// registers, leaves the near-linear check able to tell; so does one transaction that comes too late.
#[test]
fn a_few_repeated_values_need_no_search() {
    for (count, keys, repeated) in [(1_000, 5, 50), (10_000, 100, 500)] {
        let mut drawn = transactions(count, (keys, repeated));
        let since = std::time::Instant::now();
        let finding = RwRegister::decide_fast(&as_calls(&drawn));
        assert_eq!(finding, Finding::Legal, "{count} on {keys}");
        let stale = stale_read(&mut drawn);
        let finding = RwRegister::decide_fast(&as_calls(&drawn));
        assert!(finding.is_refuted(), "{count} on {keys}: {stale:?}");
        println!("{count} transactions: {:.2} s", since.elapsed().as_secs_f64());
    }
}

/// A store of one key: of `count` operations, each around its instant, a few in a hundred write or
/// append a text that others do, too, or the empty one; the last read is `stale` if it is to be.
fn texts(count: u64, stale: bool) -> Vec<Transaction> {
    let mut dice = Dice::new(11);
    let (mut held, mut read, mut drawn) = (String::new(), Vec::new(), Vec::new());
    for number in 0..count {
        let (now, key) = (20 * number + 40, "k".into());
        let again = dice.below(100) < 4;
        let text = match again {
            true => ["a", "bb", ""][dice.below(3) as usize].to_owned(),
            false => format!("x{number}y"),
        };
        let (op, outcome) = match dice.below(10) {
            0 => {
                held.clone_from(&text);
                (Op::Write { key, value: Value::text(&text) }, Outcome::Write)
            }
            1..4 => {
                held += &text;
                (Op::Append { key, value: Value::text(&text) }, Outcome::Append)
            }
            _ => {
                read.push(held.clone());
                (Op::Read { key }, Outcome::Read { value: Some(Value::text(&held)) })
            }
        };
        let start = now - dice.below(30);
        drawn.push((op, Some(outcome), start, Some(now + dice.below(30))));
    }
    let (now, key) = (20 * count + 1_000, "k".into());
    let last = if stale { read[read.len() / 2].clone() } else { held };
    let outcome = Outcome::Read { value: Some(Value::text(&last)) };
    drawn.push((Op::Read { key }, Some(outcome), now, Some(now + 1)));
    drawn.sort_by_key(|transaction| transaction.2);
    drawn
}

#[test]
fn a_few_repeated_texts_need_no_search() {
    for count in [1_000, 5_000] {
        let since = std::time::Instant::now();
        let finding = Kv::decide_fast(&as_calls(&texts(count, false)));
        assert_eq!(finding, Finding::Legal, "{count}");
        let finding = Kv::decide_fast(&as_calls(&texts(count, true)));
        assert!(finding.is_refuted(), "{count}: {finding:?}");
        println!("{count} operations: {:.2} s", since.elapsed().as_secs_f64());
    }
}

/// Appends a transaction that finds what the first writer of some register left there.
fn stale_read(drawn: &mut Vec<Transaction>) -> Micro {
    let end = drawn.iter().filter_map(|transaction| transaction.3).max().unwrap_or_default();
    let wrote = |transaction: &Transaction| match &transaction.0 {
        Op::Txn { ops } => ops.iter().find_map(|micro| match micro {
            Micro::Write { key, value } if *value != Value::Int(-1) => {
                Some(Micro::Read { key: key.clone(), seen: ReadValue::Value(value.clone()) })
            }
            _ => None,
        }),
        _ => None,
    };
    let read = drawn.iter().find_map(wrote).expect("somebody wrote");
    let ops: Arc<[Micro]> = [read.clone()].into();
    drawn.push((Op::Txn { ops: ops.clone() }, Some(Outcome::Txn { ops }), end + 1, Some(end + 2)));
    read
}

#[test]
fn ten_thousand_transactions_of_twenty_clients_are_decided() {
    for keys in [5, 100] {
        let drawn = transactions(10_000, (keys, u64::MAX));
        let calls = as_calls(&drawn);
        let since = std::time::Instant::now();
        let finding = RwRegister::decide_fast(&calls);
        println!("10,000 transactions on {keys} registers: {:.2} s", since.elapsed().as_secs_f64());
        assert_eq!(finding, Finding::Legal, "{keys} registers");
    }
}

#[test]
fn registers_of_transactions_are_judged_as_the_search_does() {
    held_against_search::<RwRegister>(LONG, 14);
}

#[test]
fn what_is_told_of_stores_is_true() {
    told_truly::<Kv>(QUICK / 2);
    told_truly::<ListAppend>(QUICK / 2);
    told_truly::<RwRegister>(QUICK / 2);
}

#[test]
#[ignore = "slow: 20,000 histories of each sort"]
fn stores_are_judged_as_brute_force_does_many_times() {
    held_against_brute_force::<Kv>(SLOW);
    held_against_brute_force::<ListAppend>(SLOW);
    held_against_brute_force::<RwRegister>(SLOW);
}

/// Where recorded histories with known verdicts are, if there are any on this machine.
fn recorded() -> Option<PathBuf> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    let shared = manifest.ancestors().map(|up| up.join("shared/histories"));
    let root = std::env::var_os("FRACAS_HISTORIES").map(PathBuf::from);
    let places = root.into_iter().chain(shared);
    let mut folders = places.map(|root| root.join("kv"));
    folders.find(|folder| folder.is_dir())
}

/// Reads `{:process 0, :type :invoke, :f :get, :key "7", :value nil}`, one map per line.
fn events(text: &str) -> Vec<Event> {
    let mut open: BTreeMap<u64, Op> = BTreeMap::new();
    let event = |(line, index): (&str, u64)| {
        let field = |name: &str| {
            let (_, rest) = line.split_once(name).expect("the field");
            rest.trim_start().trim_end_matches('}').split(", :").next().expect("a value").trim()
        };
        let process: u64 = field(":process").parse().expect("a number");
        let value = field(":value").trim_matches('"');
        let value = if value == "nil" { Value::text("") } else { Value::text(value) };
        let key: Key = field(":key").trim_matches('"').into();
        let id = ProcessId(process);
        let kind = match (field(":type"), field(":f")) {
            (":invoke", f) => {
                let op = match f {
                    ":get" => Op::Read { key },
                    ":put" => Op::Write { key, value },
                    ":append" => Op::Append { key, value },
                    other => panic!("unknown operation {other}"),
                };
                open.insert(process, op.clone());
                EventKind::Invoke { process: id, node: None, op }
            }
            (":ok", f) => {
                let outcome = match f {
                    ":get" => Outcome::Read { value: Some(value) },
                    ":put" => Outcome::Write,
                    _ => Outcome::Append,
                };
                let completion = Completion::Ok { outcome, stamp: Stamp::default() };
                EventKind::Complete { process: id, completion }
            }
            other => panic!("unknown record {other:?}"),
        };
        Event { index, time: index, kind }
    };
    text.lines().zip(0..).map(event).collect()
}

#[test]
fn recorded_histories_of_a_store_get_their_known_verdicts() {
    let Some(folder) = recorded() else {
        println!("skipped: no recorded histories; point FRACAS_HISTORIES at them");
        return;
    };
    for (file, expect) in [
        ("c01-ok.txt", Status::Pass),
        ("c01-bad.txt", Status::Anomaly),
        ("c10-ok.txt", Status::Pass),
        ("c10-bad.txt", Status::Anomaly),
    ] {
        let text = fs::read_to_string(folder.join(file)).expect("a recorded history");
        let header = Header {
            schema: SCHEMA.to_owned(),
            run: file.to_owned(),
            target: String::new(),
            seed: 0,
            nodes: Vec::new(),
            plan: Plan::default(),
        };
        let history = History::new(header, events(&text)).expect("a valid history");
        for algorithm in [Algorithm::Auto, Algorithm::Frontier, Algorithm::DepthFirst] {
            let ids = ["kv/linearizable"];
            let verdict = judge_by(&history, &ids, algorithm, Budget::unlimited_time());
            assert_eq!(verdict.status, expect, "{file} {algorithm:?}: {}", verdict.headline);
            for (_, anomaly) in verdict.anomalies() {
                println!("{file}: {} ({} events)", anomaly.headline, anomaly.witness.len());
                assert!(anomaly.witness.len() <= 20, "{file}: {:?}", anomaly.witness);
            }
        }
    }
}
