//! The decision procedures against brute force, on thousands of small random histories.

mod support;

use fracas_checker::budget::Budget;
use fracas_checker::event::{Completion, Event, EventKind, Op, Outcome, ProcessId, Stamp, Value};
use fracas_checker::history::{Header, History, Operation, Plan, SCHEMA};
use fracas_checker::judge;
use fracas_checker::linearizability::call::Call;
use fracas_checker::linearizability::{is_linearizable, search_linearizable};
use fracas_checker::models::{Model, Register};
use proptest::prelude::*;
use support::oracle::has_legal_order;

/// What a random operation is made of.
#[derive(Debug, Clone)]
struct Drawn {
    op: Op,
    outcome: Outcome,
    start: u64,
    /// None: indeterminate.
    lasts: Option<u64>,
}

const KEY: &str = "k";

fn read(value: Option<i64>) -> (Op, Outcome) {
    (Op::Read { key: KEY.into() }, Outcome::Read { value: value.map(Value::Int) })
}

fn write(value: i64) -> (Op, Outcome) {
    (Op::Write { key: KEY.into(), value: value.into() }, Outcome::Write)
}

fn cas(old: i64, new: i64) -> (Op, Outcome) {
    (Op::Cas { key: KEY.into(), old: old.into(), new: new.into() }, Outcome::Cas)
}

fn operation(values: i64) -> impl Strategy<Value = (Op, Outcome)> {
    prop_oneof![
        4 => prop::option::weighted(0.9, 0..values).prop_map(read),
        4 => (0..values).prop_map(write),
        2 => (0..values, 0..values).prop_map(|(old, new)| cas(old, new)),
    ]
}

/// Random operations on a few values: about one in five indeterminate, many equal times.
fn history_of(values: i64, most: usize) -> impl Strategy<Value = Vec<Drawn>> {
    let drawn = (operation(values), 0..14_u64, prop::option::weighted(0.8, 0..6_u64))
        .prop_map(|((op, outcome), start, lasts)| Drawn { op, outcome, start, lasts });
    prop::collection::vec(drawn, 1..=most)
}

/// A legal execution: operations one after the other, each with an interval around its instant.
fn execution(values: i64, most: usize) -> impl Strategy<Value = Vec<Drawn>> {
    let step = (operation(values), 0..3_u64, 0..5_u64, prop::option::weighted(0.8, 0..5_u64));
    prop::collection::vec(step, 1..=most).prop_map(|steps| {
        let (mut state, mut now, mut drawn) = (Register::default(), 6, Vec::new());
        for ((op, outcome), wait, early, late) in steps {
            now += wait;
            let outcome = match op {
                Op::Read { .. } => Outcome::Read { value: state.0.clone() },
                _ => outcome,
            };
            if let Ok(next) = state.step(&op, Some(&outcome)) {
                let start = now - early;
                drawn.push(Drawn { op, outcome, start, lasts: late.map(|late| early + late) });
                state = next;
            }
        }
        drawn
    })
}

/// A legal execution in which every write has a value of its own.
fn unique_execution(most: usize) -> impl Strategy<Value = Vec<Drawn>> {
    let step = (0..3_u8, 0..3_u64, 0..5_u64, prop::option::weighted(0.8, 0..5_u64));
    prop::collection::vec(step, 1..=most).prop_map(|steps| {
        let (mut state, mut now, mut drawn) = (None, 6, Vec::new());
        for (own, (kind, wait, early, late)) in (0..).zip(steps) {
            now += wait;
            let (op, outcome) = match (kind, state) {
                (0, _) => read(state),
                (1, Some(old)) => cas(old, own),
                _ => write(own),
            };
            if kind > 0 {
                state = Some(own);
            }
            let lasts = late.map(|late| early + late);
            drawn.push(Drawn { op, outcome, start: now - early, lasts });
        }
        drawn
    })
}

/// Every write a value of its own, so that the near-linear procedure answers.
fn with_unique_values(mut drawn: Vec<Drawn>) -> Vec<Drawn> {
    for (place, one) in drawn.iter_mut().enumerate() {
        let own = place as i64;
        match &mut one.op {
            Op::Write { value, .. } => *value = own.into(),
            Op::Cas { new, .. } => *new = own.into(),
            _ => {}
        }
    }
    drawn
}

/// The calls of a history, without reads that say nothing.
fn calls(drawn: &[Drawn]) -> Vec<Call<'_>> {
    let mut calls: Vec<Call<'_>> = drawn
        .iter()
        .filter(|one| one.lasts.is_some() || !matches!(one.op, Op::Read { .. }))
        .map(|one| Call {
            id: 0,
            op: &one.op,
            outcome: one.lasts.map(|_| &one.outcome),
            start: one.start,
            end: one.lasts.map(|lasts| one.start + lasts),
        })
        .collect();
    calls.sort_by_key(|call| call.start);
    calls.iter_mut().zip(0..).for_each(|(call, id)| call.id = id);
    calls
}

/// Both procedures agree with brute force.
fn agree(drawn: &[Drawn]) -> Result<bool, TestCaseError> {
    let calls = calls(drawn);
    let truth = has_legal_order::<Register>(&calls);
    let budget = Budget::unlimited_time();
    prop_assert_eq!(is_linearizable::<Register>(&calls, &budget), Some(truth), "{:#?}", calls);
    let searched = search_linearizable::<Register>(&calls, &budget);
    prop_assert_eq!(searched, Some(truth), "by search: {:#?}", calls);
    Ok(truth)
}

/// The same operations as a history, each of a process of its own.
fn history(drawn: &[Drawn]) -> History {
    let mut events = Vec::new();
    for (process, one) in (0..).zip(drawn) {
        let process = ProcessId(process);
        let op = one.op.clone();
        events.push((one.start, 0, EventKind::Invoke { process, node: None, op }));
        if let Some(lasts) = one.lasts {
            let completion =
                Completion::Ok { outcome: one.outcome.clone(), stamp: Stamp::default() };
            events.push((one.start + lasts, 1, EventKind::Complete { process, completion }));
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

/// The witness of a refuted history has no legal order either, and its prefix is legal.
fn witness_proves(drawn: &[Drawn]) -> Result<(), TestCaseError> {
    let history = history(drawn);
    let verdict = judge(&history, Budget::unlimited_time());
    for (_, anomaly) in verdict.anomalies() {
        let of_witness = |one: &&Operation| anomaly.witness.contains(&one.invoked.0);
        let witness: Vec<Call<'_>> =
            history.operations().iter().filter(of_witness).filter_map(Call::of).collect();
        prop_assert!(!has_legal_order::<Register>(&witness), "{:#?}", anomaly);
        prop_assert!(anomaly.prefix.len() < witness.len(), "{:#?}", anomaly);
        prop_assert!(!anomaly.refuted.is_empty(), "{:#?}", anomaly);
    }
    Ok(())
}

/// Replaces the answer of one read, if there is one.
fn mutated(mut drawn: Vec<Drawn>, which: usize, answer: Option<i64>) -> Vec<Drawn> {
    let mut reads: Vec<&mut Drawn> =
        drawn.iter_mut().filter(|one| matches!(one.op, Op::Read { .. })).collect();
    if !reads.is_empty() {
        let place = which % reads.len();
        reads[place].outcome = Outcome::Read { value: answer.map(Value::Int) };
    }
    drawn
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_histories_of_few_values_agree_with_brute_force(drawn in history_of(3, 7)) {
        agree(&drawn)?;
    }

    #[test]
    fn random_histories_of_unique_values_agree_with_brute_force(drawn in history_of(6, 7)) {
        agree(&with_unique_values(drawn))?;
    }

    #[test]
    fn legal_executions_pass(drawn in execution(3, 7)) {
        prop_assert!(agree(&drawn)?);
    }

    #[test]
    fn one_wrong_answer_is_judged_as_brute_force_does(
        drawn in execution(3, 7), which in 0..7_usize, answer in prop::option::of(0..3_i64),
    ) {
        agree(&mutated(drawn, which, answer))?;
    }

    #[test]
    fn unique_values_with_one_wrong_answer_are_judged_as_brute_force_does(
        drawn in unique_execution(7), which in 0..7_usize, answer in prop::option::of(0..7_i64),
    ) {
        prop_assert!(agree(&drawn)?);
        agree(&mutated(drawn, which, answer))?;
    }

    #[test]
    fn sweep_and_search_agree_on_unique_values(
        drawn in unique_execution(20), which in 0..20_usize, answer in prop::option::of(0..20_i64),
    ) {
        let drawn = mutated(drawn, which, answer);
        let calls = calls(&drawn);
        let budget = Budget::unlimited_time();
        let searched = search_linearizable::<Register>(&calls, &budget);
        prop_assert_eq!(is_linearizable::<Register>(&calls, &budget), searched);
    }

    #[test]
    fn a_witness_proves_what_it_stands_for(
        few in history_of(3, 8), unique in unique_execution(8), which in 0..8_usize, answer in prop::option::of(0..8_i64),
    ) {
        witness_proves(&few)?;
        witness_proves(&mutated(unique, which, answer))?;
    }

    #[test]
    fn long_legal_executions_pass(drawn in execution(40, 60)) {
        let calls = calls(&drawn);
        prop_assert_eq!(is_linearizable::<Register>(&calls, &Budget::unlimited_time()), Some(true));
    }

    #[test]
    fn sweep_and_search_agree_on_longer_histories(drawn in execution(20, 25), which in 0..25_usize, answer in prop::option::of(0..25_i64)) {
        let drawn = mutated(drawn, which, answer);
        let calls = calls(&drawn);
        let budget = Budget::unlimited_time();
        prop_assert_eq!(is_linearizable::<Register>(&calls, &budget), search_linearizable::<Register>(&calls, &budget));
    }
}
