//! Large histories: decided, and a single wrong answer among them found.

use std::sync::atomic::{AtomicU32, Ordering};

use fracas_checker::budget::{Budget, DEFAULT_BYTES};
use fracas_checker::event::{
    Completion, Event, EventKind, Key, Op, Outcome, ProcessId, Stamp, Value,
};
use fracas_checker::history::{Header, History, Plan, SCHEMA};
use fracas_checker::judge;
use fracas_checker::linearizability::call::Call;
use fracas_checker::linearizability::{is_linearizable, search_linearizable};
use fracas_checker::models::Register;
use proptest::prelude::Rng;
use proptest::test_runner::{RngAlgorithm, TestRng};

/// How a large history is drawn.
#[derive(Clone, Copy)]
struct Shape {
    operations: usize,
    clients: u64,
    /// How many values there are; none: every write has its own.
    values: Option<u64>,
    /// Of a hundred operations, how many end indeterminate.
    indeterminate: u64,
}

/// One operation of a legal execution: what, the answer, and the span around its instant.
type Drawn = (Op, Outcome, u64, Option<u64>);

/// A legal execution on one key, from a fixed seed.
fn draw(shape: Shape) -> Vec<Drawn> {
    let mut rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut below = |limit: u64| rng.next_u64() % limit;
    let (mut state, mut drawn) = (None, Vec::new());
    for place in 0..shape.operations as u64 {
        let key = "k".into();
        let new = Value::Int(shape.values.map_or(place, &mut below) as i64);
        let (op, outcome) = match below(3) {
            0 => (Op::Read { key }, Outcome::Read { value: state.clone() }),
            1 => (Op::Write { key, value: new.clone() }, Outcome::Write),
            _ => match state.clone() {
                Some(old) => (Op::Cas { key, old, new: new.clone() }, Outcome::Cas),
                None => (Op::Write { key, value: new.clone() }, Outcome::Write),
            },
        };
        if !matches!(op, Op::Read { .. }) {
            state = Some(new);
        }
        // On average as many operations are open as there are clients.
        let instant = 100 * (place + shape.clients);
        let start = instant - below(100 * shape.clients);
        let end = instant + below(100 * shape.clients);
        let known = below(100) >= shape.indeterminate;
        drawn.push((op, outcome, start, known.then_some(end)));
    }
    drawn
}

fn calls(drawn: &[Drawn]) -> Vec<Call<'_>> {
    let known = |(op, _, _, end): &&Drawn| end.is_some() || !matches!(op, Op::Read { .. });
    let mut calls: Vec<Call<'_>> = drawn
        .iter()
        .filter(known)
        .map(|(op, outcome, start, end)| Call {
            id: 0,
            op,
            outcome: end.map(|_| outcome),
            start: *start,
            end: *end,
        })
        .collect();
    calls.sort_by_key(|call| call.start);
    calls
}

#[track_caller]
fn check(shape: Shape) {
    let mut drawn = draw(shape);
    let budget = Budget::unlimited_time();
    assert_eq!(is_linearizable::<Register>(&calls(&drawn), &budget), Some(true));
    // The last read that is known to have ended answers what was there long before.
    let first = drawn.iter().find_map(|(_, outcome, ..)| match outcome {
        Outcome::Read { value: value @ Some(_) } => Some(value.clone()),
        _ => None,
    });
    let value = if shape.values.is_some() { Some(Value::Int(-1)) } else { first.expect("a read") };
    let last = drawn
        .iter_mut()
        .rev()
        .find(|(op, _, _, end)| matches!(op, Op::Read { .. }) && end.is_some());
    last.expect("a read").1 = Outcome::Read { value };
    assert_eq!(is_linearizable::<Register>(&calls(&drawn), &budget), Some(false));
}

#[test]
fn unique_values_of_many_clients_are_decided_at_once() {
    let shape = Shape { operations: 100_000, clients: 50, values: None, indeterminate: 5 };
    check(shape);
    check(Shape { clients: 5, indeterminate: 0, ..shape });
}

/// A history of several keys: every operation by a process of its own.
fn history(keys: &[Vec<Drawn>]) -> History {
    let mut events = Vec::new();
    let mut process = 0;
    for (key, drawn) in keys.iter().enumerate() {
        for (op, outcome, start, end) in drawn {
            process += 1;
            let process = ProcessId(process);
            let op = on_key(op, format!("k{key}").into());
            events.push((*start, 0, EventKind::Invoke { process, node: None, op }));
            if let Some(end) = end {
                let completion =
                    Completion::Ok { outcome: outcome.clone(), stamp: Stamp::default() };
                events.push((*end, 1, EventKind::Complete { process, completion }));
            }
        }
    }
    events.sort_by_key(|(time, rank, _)| (*time, *rank));
    let events = events.into_iter().zip(0..);
    let events = events.map(|((time, _, kind), index)| Event { index, time, kind }).collect();
    let header = Header {
        schema: SCHEMA.to_owned(),
        run: String::new(),
        target: String::new(),
        seed: 0,
        nodes: Vec::new(),
        plan: Plan { checks: vec!["register/linearizable".to_owned()], ..Plan::default() },
    };
    History::new(header, events).expect("a valid history")
}

fn on_key(op: &Op, key: Key) -> Op {
    match op.clone() {
        Op::Write { value, .. } => Op::Write { key, value },
        Op::Cas { old, new, .. } => Op::Cas { key, old, new },
        _ => Op::Read { key },
    }
}

/// In the second half of one of `keys` histories alike, `count` reads answer what was long gone.
/// The one anomaly is a stale read with a small witness.
#[track_caller]
fn check_witness(shape: Shape, keys: usize, count: usize) {
    let mut keys: Vec<Vec<Drawn>> = vec![draw(shape); keys];
    let (middle, last) = (shape.operations / 2, keys.len() - 1);
    let old = keys[last][..middle / 2].iter().rev().find_map(|(_, outcome, ..)| match outcome {
        Outcome::Read { value } => value.clone(),
        _ => None,
    });
    let reads = |(op, _, _, end): &&mut Drawn| matches!(op, Op::Read { .. }) && end.is_some();
    for read in keys[last][middle..].iter_mut().filter(reads).take(count) {
        read.1 = Outcome::Read { value: old.clone() };
    }
    let verdict = judge(&history(&keys), Budget::unlimited_time());
    let anomalies: Vec<_> = verdict.anomalies().map(|(_, anomaly)| anomaly).collect();
    assert_eq!(anomalies.len(), 1);
    assert_eq!(anomalies[0].class, "stale-read", "{}", anomalies[0].headline);
    assert!(anomalies[0].witness.len() <= 12, "{:#?}", anomalies[0]);
    assert!(!anomalies[0].prefix.is_empty() && !anomalies[0].refuted.is_empty());
}

#[test]
fn stale_reads_among_many_operations_get_a_small_witness() {
    let shape = Shape { operations: 10_000, clients: 50, values: None, indeterminate: 2 };
    check_witness(shape, 10, 1);
    // Few values: the beginning is cut off before anything else.
    let shape = Shape { operations: 2_000, clients: 6, values: Some(5), indeterminate: 0 };
    check_witness(shape, 2, 40);
}

#[test]
fn few_values_are_decided_by_search() {
    let shape = Shape { operations: 3_000, clients: 8, values: Some(5), indeterminate: 0 };
    check(shape);
    check(Shape { operations: 500, clients: 5, indeterminate: 2, ..shape });
}

#[test]
fn an_exhausted_budget_decides_nothing() {
    let shape = Shape { operations: 3_000, clients: 10, values: Some(5), indeterminate: 0 };
    let drawn = draw(shape);
    let asked = AtomicU32::new(0);
    let expired = || asked.fetch_add(1, Ordering::Relaxed) > 3;
    let budget = Budget::new(DEFAULT_BYTES, &expired);
    assert_eq!(search_linearizable::<Register>(&calls(&drawn), &budget), None);
    assert_eq!(
        search_linearizable::<Register>(&calls(&drawn), &Budget::new(1_000, &|| false)),
        None
    );
}

/// Peak memory of this process so far, in megabytes; 0 where the system does not tell.
fn peak_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let words = line.and_then(|line| line.split_whitespace().next());
    words.and_then(|number| number.parse::<u64>().ok()).unwrap_or(0) / 1024
}

/// Forgets the peak so far, where the system lets it.
fn forget_peak() {
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

/// Milliseconds for which processors have worked for this process; 0 where the system does not
/// tell. On a busy machine they say more than the clock.
fn worked_ms() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(") ").next().unwrap_or_default().split(' ');
    let ticks: u64 = fields.skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    10 * ticks
}

/// Judges `history` a few times and prints the least time.
#[track_caller]
fn print_time(name: &str, history: &History, anomalies: usize) -> f64 {
    let mut least = f64::MAX;
    forget_peak();
    let (before, worked) = (peak_mb(), worked_ms());
    for _ in 0..5 {
        let begun = std::time::Instant::now();
        let verdict = judge(history, Budget::unlimited_time());
        least = least.min(begun.elapsed().as_secs_f64() * 1e3);
        assert_eq!(verdict.anomalies().count(), anomalies, "{name}");
    }
    let worked = (worked_ms() - worked) / 5;
    let more = peak_mb().saturating_sub(before);
    println!("{name}: {least:.1} ms, {worked} ms of processors, {more} MB beyond the history");
    least
}

/// The last read that is known to have ended answers what was there near the beginning.
fn with_late_stale_read(mut drawn: Vec<Drawn>) -> Vec<Drawn> {
    let seen = |(_, outcome, ..): &Drawn| match outcome {
        Outcome::Read { value: value @ Some(_) } => Some(value.clone()),
        _ => None,
    };
    let value = drawn.iter().find_map(seen).expect("a read");
    let reads = |(op, _, _, end): &&mut Drawn| matches!(op, Op::Read { .. }) && end.is_some();
    drawn.iter_mut().rev().find(reads).expect("a read").1 = Outcome::Read { value };
    drawn
}

#[test]
#[ignore = "slow: prints how long histories of 10^4 to 10^6 operations take"]
fn the_time_grows_as_the_history_does() {
    let mut times = Vec::new();
    for operations in [10_000, 100_000, 1_000_000] {
        let shape = Shape { operations, clients: 50, values: None, indeterminate: 5 };
        let drawn = draw(shape);
        let legal = history(std::slice::from_ref(&drawn));
        times.push(print_time(&format!("{operations} operations"), &legal, 0));
        drop(legal);
        let stale = history(&[with_late_stale_read(drawn)]);
        print_time(&format!("{operations} operations, one late stale read"), &stale, 1);
    }
    println!("log-log slope {:.2}", (times[2] / times[0]).log10() / 2.0);
    let shape = Shape { operations: 10_000, clients: 1, values: None, indeterminate: 5 };
    let keys = history(&vec![draw(shape); 100]);
    print_time("100 keys of 10000 operations", &keys, 0);
}
