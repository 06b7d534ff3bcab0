//! The decision procedures against brute force, on thousands of small random histories.

use crate::support;

use fracas_checker::budget::Budget;
use fracas_checker::event::{Op, Outcome, Value};
use fracas_checker::history::Operation;
use fracas_checker::judge;
use fracas_checker::linearizability::call::Call;
use fracas_checker::linearizability::{Algorithm, is_linearizable, search_linearizable};
use fracas_checker::models::{Model, Register};
use fracas_checker::objects;
use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};
use support::oracle::has_legal_order;
use support::samples::{Drawn, calls, history};

const KEY: &str = "k";

/// From this number on values are texts.
const TEXTS: i64 = 4;

fn value(number: i64) -> Value {
    if number % 7 < TEXTS { number.into() } else { Value::text(&number.to_string()) }
}

fn read(seen: Option<i64>) -> (Op, Outcome) {
    (Op::Read { key: KEY.into() }, Outcome::Read { value: seen.map(value) })
}

fn write(new: i64) -> (Op, Outcome) {
    (Op::Write { key: KEY.into(), value: value(new) }, Outcome::Write)
}

fn cas(old: i64, new: i64, outcome: Outcome) -> (Op, Outcome) {
    (Op::Cas { key: KEY.into(), old: value(old), new: value(new) }, outcome)
}

fn swap(new: i64, seen: Option<i64>) -> (Op, Outcome) {
    let outcome = Outcome::Swap { value: seen.map(value) };
    (Op::Swap { key: KEY.into(), value: value(new) }, outcome)
}

fn found(seen: Option<i64>) -> Outcome {
    Outcome::CasFound { value: seen.map(value) }
}

fn operation(values: i64) -> impl Strategy<Value = (Op, Outcome)> {
    let maybe = move || prop::option::weighted(0.9, 0..values);
    prop_oneof![
        4 => maybe().prop_map(read),
        4 => (0..values).prop_map(write),
        2 => (0..values, 0..values).prop_map(|(old, new)| cas(old, new, Outcome::Cas)),
        2 => (0..values, maybe()).prop_map(|(new, seen)| swap(new, seen)),
        1 => (0..values, 0..values, maybe()).prop_map(|(old, new, seen)| cas(old, new, found(seen))),
        1 => (0..values, 0..values).prop_map(|(old, new)| cas(old, new, Outcome::CasDiffers)),
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
                Op::Swap { .. } => Outcome::Swap { value: state.0.clone() },
                Op::Cas { .. } if matches!(outcome, Outcome::CasFound { .. }) => {
                    Outcome::CasFound { value: state.0.clone() }
                }
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

/// A legal execution in which every write has a value of its own; of `kinds` 3 none is refused.
fn unique_execution(most: usize, kinds: u8) -> impl Strategy<Value = Vec<Drawn>> {
    let step = (0..kinds, 0..3_u64, 0..5_u64, prop::option::weighted(0.8, 0..5_u64), any::<u8>());
    prop::collection::vec(step, 1..=most).prop_map(|steps| {
        let (mut state, mut now, mut drawn) = (None, 6, Vec::new());
        for (own, (kind, wait, early, late, other)) in (0..).zip(steps) {
            now += wait;
            let swaps = other % 2 == 0;
            // An old value, as clients know them.
            let other = Some(i64::from(other) % (own + 1)).filter(|other| Some(*other) != state);
            let ((op, outcome), after) = match (kind, state, other) {
                (0, ..) => (read(state), state),
                (1, Some(old), _) => (cas(old, own, Outcome::Cas), Some(own)),
                (3, _, Some(other)) => (cas(other, own, found(state)), state),
                (4, _, Some(other)) => (cas(other, own, Outcome::CasDiffers), state),
                _ if swaps => (swap(own, state), Some(own)),
                _ => (write(own), Some(own)),
            };
            state = after;
            let lasts = late.map(|late| early + late);
            drawn.push(Drawn { op, outcome, start: now - early, lasts });
        }
        drawn
    })
}

/// Every write a value of its own, so that the near-linear procedure answers.
fn with_unique_values(mut drawn: Vec<Drawn>) -> Vec<Drawn> {
    for (place, operation) in drawn.iter_mut().enumerate() {
        let own = value(place as i64);
        match &mut operation.op {
            Op::Write { value, .. } | Op::Swap { value, .. } => *value = own,
            Op::Cas { new, .. } => *new = own,
            _ => {}
        }
    }
    drawn
}

/// What the near-linear check says alone.
fn near_linear(calls: &[Call<'_>]) -> Option<bool> {
    let register = objects::named("register").expect("a kind of object");
    register.is_linearizable(calls, Algorithm::NearLinear, &Budget::unlimited_time())
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

/// The witness of a refuted history has no legal order either, and its prefix is legal.
fn witness_proves(drawn: &[Drawn]) -> Result<(), TestCaseError> {
    let history = history::<Register>(drawn);
    let verdict = judge(&history, Budget::unlimited_time());
    for (_, anomaly) in verdict.anomalies() {
        let of_witness = |operation: &&Operation| anomaly.witness.contains(&operation.invoked.0);
        let witness: Vec<Call<'_>> =
            history.operations().iter().filter(of_witness).filter_map(Call::of).collect();
        prop_assert!(!has_legal_order::<Register>(&witness), "{:#?}", anomaly);
        prop_assert!(anomaly.prefix.len() < witness.len(), "{:#?}", anomaly);
        prop_assert!(!anomaly.refuted.is_empty(), "{:#?}", anomaly);
    }
    Ok(())
}

/// Replaces the answer of one operation that told what it saw, if there is one; what one refused
/// change asked for, if that.
fn mutated(mut drawn: Vec<Drawn>, (number, answer): (usize, Option<i64>)) -> Vec<Drawn> {
    let looks = |drawn: &&mut Drawn| {
        use Outcome::{CasDiffers, CasFound, Read, Swap};
        matches!(drawn.outcome, Read { .. } | CasFound { .. } | CasDiffers | Swap { .. })
    };
    let mut looks: Vec<&mut Drawn> = drawn.iter_mut().filter(looks).collect();
    if looks.is_empty() {
        return drawn;
    }
    let place = number % looks.len();
    let look = &mut looks[place];
    match (&mut look.op, &mut look.outcome) {
        (
            _,
            Outcome::Read { value: seen }
            | Outcome::CasFound { value: seen }
            | Outcome::Swap { value: seen },
        ) => *seen = answer.map(value),
        (Op::Cas { old, .. }, _) => *old = answer.map_or(value(0), value),
        _ => {}
    }
    drawn
}

/// Which answer is replaced, and by what.
fn mutation(values: i64) -> impl Strategy<Value = (usize, Option<i64>)> {
    (0..200_usize, prop::option::weighted(0.9, 0..values))
}

/// The seed of every run; the number of cases decides how far it goes.
const SEED: u8 = 29;

/// Holds `property` against `cases` random histories.
fn hold<S: Strategy>(
    name: &str,
    cases: u32,
    histories: S,
    property: impl Fn(S::Value) -> Result<(), TestCaseError>,
) {
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[SEED; 32]);
    if let Err(error) = TestRunner::new_with_rng(config, rng).run(&histories, property) {
        panic!("{name}, seed {SEED}: {error}");
    }
    println!("{name}: {cases} histories, seed {SEED}, no disagreement");
}

fn few_values(cases: u32) {
    hold("random histories of few values", cases, history_of(3, 7), |drawn| {
        agree(&drawn).map(|_| ())
    });
}

fn unique_values(cases: u32) {
    hold("random histories of unique values", cases, history_of(6, 7), |drawn| {
        agree(&with_unique_values(drawn)).map(|_| ())
    });
}

fn executions(cases: u32) {
    let drawn = (execution(3, 7), mutation(3));
    hold("executions of few values, then with one wrong answer", cases, drawn, |(drawn, how)| {
        prop_assert!(agree(&drawn)?);
        agree(&mutated(drawn, how)).map(|_| ())
    });
}

fn unique_executions(cases: u32) {
    let drawn = (unique_execution(8, 5), mutation(8));
    hold(
        "executions of unique values, then with one wrong answer",
        cases,
        drawn,
        |(drawn, how)| {
            prop_assert!(agree(&drawn)?);
            agree(&mutated(drawn, how)).map(|_| ())
        },
    );
}

/// Without refusals the sweep alone decides every history of unique values.
fn sweeps(cases: u32) {
    let drawn = (unique_execution(200, 4), mutation(200));
    hold("near-linear against search, up to 200 operations", cases, drawn, |(drawn, how)| {
        prop_assert_eq!(near_linear(&calls(&drawn)), Some(true));
        let drawn = mutated(drawn, how);
        let calls = calls(&drawn);
        let searched = search_linearizable::<Register>(&calls, &Budget::unlimited_time());
        prop_assert_eq!(near_linear(&calls), searched, "{:#?}", calls);
        Ok(())
    });
}

/// With refusals it may leave some to the search, but never contradicts it.
fn refusals(cases: u32) {
    let drawn = (unique_execution(60, 5), mutation(60));
    hold("refusals, near-linear against search", cases, drawn, |(drawn, how)| {
        prop_assert_ne!(near_linear(&calls(&drawn)), Some(false));
        let drawn = mutated(drawn, how);
        let calls = calls(&drawn);
        let searched = search_linearizable::<Register>(&calls, &Budget::unlimited_time());
        let swept = near_linear(&calls);
        prop_assert!(swept.is_none() || swept == searched, "{:?} {:#?}", swept, calls);
        Ok(())
    });
}

/// What the sweep can tell of few values is right too.
fn refuters(cases: u32) {
    let drawn = (execution(6, 30), mutation(6));
    hold("few values, near-linear against search", cases, drawn, |(drawn, how)| {
        let drawn = mutated(drawn, how);
        let calls = calls(&drawn);
        let swept = near_linear(&calls);
        let searched = search_linearizable::<Register>(&calls, &Budget::unlimited_time());
        prop_assert!(swept.is_none() || swept == searched, "{:?} {:#?}", swept, calls);
        Ok(())
    });
}

fn witnesses(cases: u32) {
    let drawn = (history_of(3, 8), unique_execution(8, 5), mutation(8));
    hold("witnesses", cases, drawn, |(few, unique, how)| {
        witness_proves(&few)?;
        witness_proves(&mutated(unique, how))
    });
}

/// Every property, with how many of a hundred cases it is worth: some look at long histories.
const PROPERTIES: [(fn(u32), u32); 8] = [
    (few_values, 100),
    (unique_values, 100),
    (executions, 100),
    (unique_executions, 100),
    (sweeps, 30),
    (refusals, 50),
    (refuters, 50),
    (witnesses, 100),
];

#[test]
fn every_decision_agrees_with_every_other() {
    for (property, share) in PROPERTIES {
        property(2_000 * share / 100);
    }
}

#[test]
#[ignore = "slow: 20,000 histories per property"]
fn every_decision_agrees_with_every_other_at_length() {
    for (property, _) in PROPERTIES {
        property(20_000);
    }
}

/// How many refusals the sweep leaves to the search where every answer is right.
#[test]
fn most_refusals_are_placed_without_a_search() {
    let open = std::cell::Cell::new(0);
    let drawn = unique_execution(60, 5);
    hold("legal refusals", 500, drawn, |drawn| {
        open.set(open.get() + usize::from(near_linear(&calls(&drawn)).is_none()));
        Ok(())
    });
    println!("{} of 500 histories were left to the search", open.get());
    assert!(open.get() < 50, "{} of 500", open.get());
}
