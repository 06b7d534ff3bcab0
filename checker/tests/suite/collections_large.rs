//! Large histories of collections and stores: decided, and a single wrong answer among them found
//! and told of. Times are printed where they are asked for, and nothing depends on them.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use fracas_checker::budget::Budget;
use fracas_checker::event::{Completion, Event, EventKind, ProcessId, Stamp};
use fracas_checker::history::{Header, History, Plan, SCHEMA};
use fracas_checker::linearizability::call::Call;
use fracas_checker::linearizability::finding::Finding;
use fracas_checker::models::{Bag, Kv, ListAppend, Queue, Set};
use fracas_checker::objects::Object;
use fracas_checker::transaction::{Micro, ReadValue};
use fracas_checker::{Algorithm, Key, Op, Outcome, Value, Verdict, judge_by};
use proptest::prelude::Rng;
use proptest::test_runner::{RngAlgorithm, TestRng};

/// How many clients there are.
const CLIENTS: u64 = 10;

/// Operations of clients that each do one after the other, in the order of their instants.
struct Clients {
    rng: TestRng,
    /// Until when each is busy, and the process it is.
    busy: Vec<(u64, u64)>,
    events: Vec<(u64, u8, EventKind)>,
    now: u64,
    processes: u64,
    /// Of a hundred operations, how many nobody sees the end of.
    unknown: u64,
}

impl Clients {
    fn new(unknown: u64) -> Self {
        Self {
            rng: TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]),
            busy: (0..CLIENTS).map(|client| (0, client)).collect(),
            events: Vec::new(),
            now: 1_000,
            processes: CLIENTS,
            unknown,
        }
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.rng.next_u64() % limit
    }

    /// The next operation takes effect now; whether its end is seen.
    fn next(&mut self) -> (usize, bool) {
        self.now += 100;
        let client = self.below(CLIENTS) as usize;
        self.now = self.now.max(self.busy[client].0 + 1);
        let unknown = self.unknown;
        (client, self.below(100) >= unknown)
    }

    /// Records what was asked and answered.
    fn record(&mut self, (client, known): (usize, bool), op: Op, outcome: Outcome) {
        let (free, process) = self.busy[client];
        let start = self.now - self.below((self.now - free).min(500)).min(self.now - free - 1);
        let end = self.now + self.below(500);
        let process = ProcessId(process);
        self.events.push((start, 0, EventKind::Invoke { process, node: None, op }));
        self.busy[client].0 = end;
        if known {
            let completion = Completion::Ok { outcome, stamp: Stamp::default() };
            self.events.push((end, 1, EventKind::Complete { process, completion }));
        } else {
            self.busy[client].1 = self.processes;
            self.processes += 1;
        }
    }

    fn history<K: Object>(mut self) -> History {
        self.events.sort_by_key(|(time, rank, _)| (*time, *rank));
        let events = self.events.into_iter().zip(0..);
        let events = events.map(|((time, _, kind), index)| Event { index, time, kind }).collect();
        let header = Header {
            schema: SCHEMA.to_owned(),
            run: String::new(),
            target: String::new(),
            seed: 7,
            nodes: Vec::new(),
            plan: Plan { checks: vec![K::ID.to_owned()], ..Plan::default() },
        };
        History::new(header, events).expect("a valid history")
    }
}

/// A legal history of `operations`; of the last that `wrong` can answer wrongly, the answer is so.
fn queue<K: Object>(operations: usize, unknown: u64, wrong: bool) -> History {
    let mut clients = Clients::new(unknown);
    let mut state: VecDeque<Value> = VecDeque::new();
    let key: Key = "q".into();
    for place in 0..operations {
        let asked = clients.next();
        if clients.below(20) < 11 {
            let value = Value::Int(place as i64);
            state.push_back(value.clone());
            let op = Op::Enqueue { key: key.clone(), value };
            clients.record(asked, op, Outcome::Enqueue);
        } else {
            let late = wrong && place + 100 > operations && state.len() > 50;
            let value = if late { state.remove(40) } else { state.pop_front() };
            clients.record(asked, Op::Dequeue { key: key.clone() }, Outcome::Dequeue { value });
        }
    }
    clients.history::<K>()
}

fn set(operations: usize, unknown: u64, wrong: bool) -> History {
    set_of(u64::MAX, operations, unknown, wrong)
}

/// A set to which one add in `repeated` adds one of ten elements, which come and go.
fn set_of(repeated: u64, operations: usize, unknown: u64, wrong: bool) -> History {
    let mut clients = Clients::new(unknown);
    let mut state: VecDeque<Value> = VecDeque::new();
    let key: Key = "s".into();
    for place in 0..operations {
        let asked = clients.next();
        let key = key.clone();
        let oldest = state.front().cloned();
        let late = wrong && place + 100 > operations;
        let (op, outcome) = match (clients.below(10), oldest) {
            (0..=3, Some(value)) if state.len() > 50 => {
                state.pop_front();
                (Op::Remove { key, value }, Outcome::Remove)
            }
            (4..=5, Some(value)) => {
                (Op::Contains { key, value }, Outcome::Contains { present: !late })
            }
            (6, Some(_)) => {
                let values = state.iter().skip(usize::from(late)).cloned().collect();
                (Op::ReadAll { key }, Outcome::ReadAll { values })
            }
            _ => {
                let again = clients.below(repeated) == 0;
                let number = if again { -1 - clients.below(10) as i64 } else { place as i64 };
                let value = Value::Int(number);
                if !state.contains(&value) {
                    state.push_back(value.clone());
                }
                (Op::Add { key, value }, Outcome::Add)
            }
        };
        clients.record(asked, op, outcome);
    }
    clients.history::<Set>()
}

/// Texts are written anew after a hundred appends, so that they stay short.
fn store(operations: usize, unknown: u64, wrong: bool) -> History {
    store_of(100, operations, unknown, wrong)
}

fn one_store(operations: usize, unknown: u64, wrong: bool) -> History {
    store_of(1, operations, unknown, wrong)
}

fn store_of(keys: usize, operations: usize, unknown: u64, wrong: bool) -> History {
    let mut clients = Clients::new(unknown);
    let mut states: Vec<(String, usize)> = vec![(String::new(), 0); keys];
    for place in 0..operations {
        let asked = clients.next();
        let number = clients.below(states.len() as u64) as usize;
        let key: Key = format!("k{number}").into();
        let state = &mut states[number];
        let piece = format!("x{place}y");
        let late = wrong && place > operations * 9 / 10;
        let (op, outcome) = match clients.below(3) {
            0 => {
                let mut text = state.0.clone();
                if late && state.1 > 20 {
                    text.truncate(text[..text.len() / 2].rfind('y').map_or(0, |end| end + 1));
                }
                (Op::Read { key }, Outcome::Read { value: Some(Value::text(&text)) })
            }
            1 if state.1 > 100 => {
                *state = (piece.clone(), 0);
                (Op::Write { key, value: Value::text(&piece) }, Outcome::Write)
            }
            _ => {
                state.0.push_str(&piece);
                state.1 += 1;
                (Op::Append { key, value: Value::text(&piece) }, Outcome::Append)
            }
        };
        clients.record(asked, op, outcome);
    }
    clients.history::<Kv>()
}

/// Lists are left alone after thirty appends, as Elle's generator does.
fn lists(operations: usize, unknown: u64, wrong: bool) -> History {
    let mut clients = Clients::new(unknown);
    let mut lists: VecDeque<(Key, Vec<Value>)> = VecDeque::new();
    let mut names = 0;
    for place in 0..operations {
        while lists.len() < 5 {
            names += 1;
            lists.push_back((format!("x{names}").into(), Vec::new()));
        }
        let asked = clients.next();
        let (mut asks, mut answers) = (Vec::new(), Vec::new());
        for step in 0..3 {
            let number = clients.below(5) as usize;
            let (key, list) = &mut lists[number];
            if clients.below(2) == 0 {
                let value = Value::Int((3 * place + step) as i64);
                list.push(value.clone());
                asks.push(Micro::Append { key: key.clone(), value });
                answers.extend(asks.last().cloned());
            } else {
                let late = wrong && place + 100 > operations && list.len() > 15 && step == 0;
                let seen = ReadValue::List(list[..list.len() - if late { 12 } else { 0 }].into());
                asks.push(Micro::Read { key: key.clone(), seen: ReadValue::Unknown });
                answers.push(Micro::Read { key: key.clone(), seen });
            }
        }
        lists.retain(|(_, list)| list.len() < 30);
        clients.record(asked, Op::Txn { ops: asks.into() }, Outcome::Txn { ops: answers.into() });
    }
    clients.history::<ListAppend>()
}

/// How long it takes at best to judge `history`.
fn best<K: Object>(history: &History) -> Duration {
    let best = (0..3).map(|_| {
        let begun = Instant::now();
        drop(judge_by(history, &[K::ID], Algorithm::Auto, Budget::unlimited_time()));
        begun.elapsed()
    });
    best.min().expect("three times")
}

/// Judges `history`: how often, how long each took at best, and what was found.
fn timed<K: Object>(name: &str, history: &History) -> Verdict {
    let verdict = judge_by(history, &[K::ID], Algorithm::Auto, Budget::unlimited_time());
    let best = best::<K>(history);
    let found = verdict.anomalies().next();
    let told = found
        .map(|(_, anomaly)| format!("{} ({} events)", anomaly.headline, anomaly.witness.len()));
    println!(
        "{name}, {} operations: {:.1} ms, {}",
        history.operations().len(),
        best.as_secs_f64() * 1e3,
        told.unwrap_or_else(|| verdict.headline.clone())
    );
    verdict
}

/// Both the right and the wrong history of each kind, and what is found in the wrong one.
fn check(operations: usize) {
    let right = |verdict: Verdict| assert!(verdict.anomalies().next().is_none(), "{verdict:#?}");
    let wrong = |verdict: Verdict| {
        let (_, anomaly) = verdict.anomalies().next().expect("an anomaly");
        assert!(anomaly.witness.len() <= 40, "{anomaly:#?}");
    };
    for unknown in [0, 1] {
        let name = |kind: &str| format!("{kind}, 10 clients, {unknown} % unknown");
        right(timed::<Queue>(&name("queue"), &queue::<Queue>(operations, unknown, false)));
        right(timed::<Bag>(&name("bag"), &queue::<Bag>(operations, unknown, false)));
        right(timed::<Set>(&name("set"), &set(operations, unknown, false)));
        right(timed::<Kv>(&name("store of 100 keys"), &store(operations, unknown, false)));
        right(timed::<ListAppend>(&name("lists"), &lists(operations, unknown, false)));
    }
    wrong(timed::<Queue>("queue, out of order", &queue::<Queue>(operations, 0, true)));
    wrong(timed::<Set>("set, an element missed", &set(operations, 0, true)));
    wrong(timed::<Kv>("store, half a text", &store(operations, 0, true)));
    wrong(timed::<Kv>("one key, half a text", &one_store(operations, 0, true)));
    wrong(timed::<ListAppend>("lists, a stale read", &lists(operations, 0, true)));
}

#[test]
fn large_collections_are_decided() {
    check(4_000);
}

#[test]
#[ignore = "slow: 100,000 operations of every kind"]
fn very_large_collections_are_decided() {
    check(100_000);
}

/// How many times as long a wrong history takes as one of a quarter of its size, at best of a few
/// tries: others may run beside. Four if it is linear, sixteen if it is quadratic.
#[track_caller]
fn grows<K: Object>(draw: fn(usize, u64, bool) -> History) {
    let [small, large] = [4_000, 16_000].map(|operations| draw(operations, 0, true));
    for history in [&small, &large] {
        let verdict = judge_by(history, &[K::ID], Algorithm::Auto, Budget::unlimited_time());
        assert!(verdict.anomalies().next().is_some(), "{}: {}", K::ID, verdict.headline);
    }
    let growth = || best::<K>(&large).as_secs_f64() / best::<K>(&small).as_secs_f64();
    let least = (0..3).map(|_| growth()).fold(f64::INFINITY, f64::min);
    println!("{}: {least:.1} times as long for four times as much", K::ID);
    assert!(least < 10.0, "{}: {least:.1} times as long for four times as much", K::ID);
}

/// Dating and minimising take a few looks at the whole, whatever its size.
#[test]
fn what_a_wrong_answer_costs_is_near_linear() {
    grows::<Queue>(queue::<Queue>);
    grows::<Set>(set);
    grows::<ListAppend>(lists);
    grows::<Kv>(one_store);
}

fn calls(history: &History) -> Vec<Call<'_>> {
    history.operations().iter().filter_map(Call::of).collect()
}

/// A few elements that come and go again leave the near-linear check able to tell.
#[test]
fn a_few_elements_that_come_again_need_no_search() {
    for (operations, repeated) in [(1_000, 20), (10_000, 100)] {
        let since = Instant::now();
        let right = set_of(repeated, operations, 0, false);
        assert_eq!(Set::decide_fast(&calls(&right)), Finding::Legal, "{operations}");
        let wrong = set_of(repeated, operations, 0, true);
        assert!(Set::decide_fast(&calls(&wrong)).is_refuted(), "{operations}");
        println!("{operations} operations: {:.2} s", since.elapsed().as_secs_f64());
    }
}

/// The near-linear checks alone do not leave these to the search.
#[test]
fn large_collections_are_not_left_to_the_search() {
    let near = |finding: Finding| assert_eq!(finding, Finding::Legal);
    near(Queue::decide_fast(&calls(&queue::<Queue>(3_000, 2, false))));
    near(Bag::decide_fast(&calls(&queue::<Bag>(3_000, 2, false))));
    near(Set::decide_fast(&calls(&set(3_000, 2, false))));
    near(ListAppend::decide_fast(&calls(&lists(3_000, 2, false))));
}
