//! The watch against the offline checks, at every instant of many random histories: an alarm has
//! been sounded by an instant if, and only if, what was recorded up to it is refuted.

use crate::support::events::{history, in_order};
use fracas_checker::budget::Budget;
use fracas_checker::event::{Completion, Event, EventKind, Nanos, ProcessId, Stamp};
use fracas_checker::linearizability::call::by_key;
use fracas_checker::linearizability::is_linearizable;
use fracas_checker::models::{Model, Register};
use fracas_checker::objects::Object;
use fracas_checker::online::Watch;
use fracas_checker::{Key, Op, Outcome, Value};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use std::cell::Cell;

/// How a random operation ends.
#[derive(Debug, Clone, PartialEq)]
enum How {
    Ok(Outcome),
    Fail,
    Info,
}

/// A random operation, by a process of its own.
#[derive(Debug, Clone)]
struct Drawn {
    op: Op,
    start: Nanos,
    /// None: it never ends.
    end: Option<(Nanos, How)>,
    /// Whether its events are written down late among those of their instant.
    late: (bool, bool),
}

fn key(number: u8) -> Key {
    format!("k{number}").into()
}

/// The events of `drawn`. At equal times they stand in any order, but for an operation's own.
fn events(drawn: &[Drawn]) -> Vec<Event> {
    let mut events = Vec::new();
    for (process, operation) in (0..).map(ProcessId).zip(drawn) {
        let at_once = operation.end.as_ref().is_some_and(|(end, _)| *end == operation.start);
        let invoke = EventKind::Invoke { process, node: None, op: operation.op.clone() };
        events.push((operation.start, operation.late.0 && !at_once, invoke));
        if let Some((end, how)) = &operation.end {
            let error = "test".to_owned();
            let completion = match how.clone() {
                How::Ok(outcome) => Completion::Ok { outcome, stamp: Stamp::default() },
                How::Fail => Completion::Fail { error },
                How::Info => Completion::Info { error },
            };
            let complete = EventKind::Complete { process, completion };
            events.push((*end, operation.late.1 || at_once, complete));
        }
    }
    in_order(events)
}

/// Whether the offline check refutes `events`.
fn refuted(events: &[Event]) -> bool {
    let history = history(events, &[]);
    let keys = by_key(history.operations(), Register::KINDS);
    let budget = Budget::unlimited_time();
    keys.values().any(|calls| is_linearizable::<Register>(calls, &budget) == Some(false))
}

/// The time of the alarm, if there is one, and whether the watch has gone blind.
fn watched(events: &[Event]) -> (Option<Nanos>, bool) {
    let mut watch = Watch::new(&["register/linearizable"]);
    let mut fed = None;
    for event in events {
        let alarm = watch.feed(event).cloned();
        assert!(fed.is_none() || fed == alarm, "an alarm stays as it is");
        fed = alarm;
    }
    let alarm = watch.settle().cloned();
    if let Some(alarm) = &alarm {
        let event = &events[alarm.index as usize];
        assert_eq!(event.time, alarm.time);
        assert!(matches!(event.kind, EventKind::Complete { .. }), "{event:?}");
    }
    (alarm.map(|alarm| alarm.time), !watch.blind().is_empty())
}

/// Whether every answer counts in full in the watch.
fn exact(drawn: &[Drawn]) -> bool {
    let less = |drawn: &Drawn| matches!(&drawn.end, Some((_, How::Ok(Outcome::CasDiffers))));
    !drawn.iter().any(less)
}

/// Holds the watch against the offline check at every instant: no false alarm, and none missed or
/// late unless it has gone blind. Whether there was an alarm.
fn agree(drawn: &[Drawn]) -> Result<bool, TestCaseError> {
    let events = events(drawn);
    let (alarm, blind) = watched(&events);
    for (place, event) in events.iter().enumerate() {
        let passed = events.get(place + 1).is_none_or(|next| next.time > event.time);
        if passed {
            let by_now = alarm.is_some_and(|time| time <= event.time);
            let refuted = refuted(&events[..=place]);
            prop_assert!(refuted || !by_now, "false alarm at {}: {events:#?}", event.time);
            let told = exact(drawn) && !blind;
            prop_assert!(by_now || !told || !refuted, "missed at {}: {events:#?}", event.time);
        }
    }
    Ok(alarm.is_some())
}

/// The same, where the watch must be able to tell.
fn agree_exactly(drawn: &[Drawn]) -> Result<bool, TestCaseError> {
    prop_assert!(exact(drawn) && !watched(&events(drawn)).1, "blind: {drawn:#?}");
    agree(drawn)
}

/// What a random operation is drawn from.
#[derive(Debug, Clone)]
struct Dice {
    kind: u8,
    key: u8,
    values: (i64, i64),
    wait: Nanos,
    early: Nanos,
    /// Long ones are rare: they keep much from being forgotten.
    late: Nanos,
    ending: u8,
    effect: bool,
    order: (bool, bool),
}

fn dice(values: i64, most: usize) -> impl Strategy<Value = Vec<Dice>> {
    let op = (0..10_u8, 0..2_u8, (0..values, 0..values));
    let long = || prop_oneof![9 => 0..5_u64, 1 => 5..60_u64];
    let when = (0..3_u64, 0..5_u64, long());
    let end = (0..20_u8, any::<bool>(), any::<(bool, bool)>());
    let dice = (op, when, end).prop_map(
        |((kind, key, values), (wait, early, late), (ending, effect, order))| Dice {
            kind,
            key,
            values,
            wait,
            early,
            late,
            ending,
            effect,
            order,
        },
    );
    prop::collection::vec(dice, 1..=most)
}

/// How an operation ends that would be answered `outcome`.
fn ending(dice: &Dice, outcome: Outcome) -> Option<How> {
    match dice.ending {
        0..=14 => Some(How::Ok(outcome)),
        15 | 16 => Some(How::Fail),
        17 | 18 => Some(How::Info),
        _ => None,
    }
}

/// Operations with any answers. Every write has a value of its own if `unique`.
fn anything(dice: &[Dice], unique: bool) -> Vec<Drawn> {
    let mut now = 0;
    let draw = |(own, dice): (i64, &Dice)| {
        now += dice.wait;
        let (key, (old, other)) = (key(dice.key / 2), dice.values);
        let seen = (other > 0).then_some(Value::Int(other));
        let new = Value::Int(if unique { own } else { other });
        let (op, outcome) = match dice.kind {
            0..=2 => (Op::Read { key }, Outcome::Read { value: seen }),
            3 | 4 => (Op::Write { key, value: new }, Outcome::Write),
            5 | 6 => (Op::Cas { key, old: old.into(), new }, Outcome::Cas),
            8 | 9 => (Op::Swap { key, value: new }, Outcome::Swap { value: seen }),
            _ if unique && seen != Some(Value::Int(old)) => {
                (Op::Cas { key, old: old.into(), new }, Outcome::CasFound { value: seen })
            }
            _ => (Op::Cas { key, old: old.into(), new }, Outcome::CasDiffers),
        };
        let end = ending(dice, outcome).map(|how| (now + dice.late, how));
        Drawn { op, start: now, end, late: dice.order }
    };
    // The last kind of answer takes a search offline, so it is left out where both must agree.
    let told = |drawn: &Drawn| match &drawn.end {
        Some((_, How::Ok(Outcome::CasDiffers))) => !unique,
        _ => true,
    };
    (1..).zip(dice).map(draw).filter(told).collect()
}

/// A legal execution on two registers in which every write has a value of its own.
fn execution(dice: &[Dice]) -> Vec<Drawn> {
    let (mut states, mut now, mut drawn) = ([Register::default(), Register::default()], 6, vec![]);
    for (own, dice) in (1..).zip(dice) {
        now += dice.wait;
        let (state, key) = (&mut states[usize::from(dice.key)], key(dice.key));
        let new = Value::Int(own);
        let (op, outcome) = match (dice.kind, state.0.clone()) {
            (0..=2, value) => (Op::Read { key }, Outcome::Read { value }),
            (8 | 9, value) => (Op::Swap { key, value: new }, Outcome::Swap { value }),
            (3 | 4, _) | (_, None) => (Op::Write { key, value: new }, Outcome::Write),
            (5 | 6, Some(old)) => (Op::Cas { key, old, new }, Outcome::Cas),
            (_, value) => {
                (Op::Cas { key, old: Value::Int(-own), new }, Outcome::CasFound { value })
            }
        };
        let how = ending(dice, outcome.clone());
        let took_effect = match how {
            Some(How::Ok(_)) => true,
            Some(How::Fail) => false,
            Some(How::Info) | None => dice.effect,
        };
        if took_effect && let Ok(next) = state.step(&op, Some(&outcome)) {
            *state = next;
        }
        let end = how.map(|how| (now + dice.late, how));
        drawn.push(Drawn { op, start: now - dice.early, end, late: dice.order });
    }
    drawn
}

/// What is made wrong in an execution.
#[derive(Debug, Clone)]
enum Mutation {
    /// A read or a swap answers what another operation wrote.
    Read(Index, Index),
    /// An operation ends otherwise.
    End(Index, How),
}

fn mutations() -> impl Strategy<Value = Vec<Mutation>> {
    let read = any::<(Index, Index)>().prop_map(|(index, writer)| Mutation::Read(index, writer));
    let end = (any::<Index>(), select(vec![How::Fail, How::Info]));
    let end = end.prop_map(|(index, how)| Mutation::End(index, how));
    prop::collection::vec(prop_oneof![3 => read, 1 => end], 0..3)
}

fn written(op: &Op) -> Option<Value> {
    op.sets().cloned()
}

fn mutated(mut drawn: Vec<Drawn>, mutations: &[Mutation]) -> Vec<Drawn> {
    for mutation in mutations {
        match mutation {
            Mutation::Read(index, writer) => {
                let value = written(&writer.get(&drawn).op);
                let reads =
                    |drawn: &&mut Drawn| matches!(drawn.op, Op::Read { .. } | Op::Swap { .. });
                let mut reads: Vec<&mut Drawn> = drawn.iter_mut().filter(reads).collect();
                if !reads.is_empty()
                    && let Some((
                        _,
                        How::Ok(Outcome::Read { value: seen } | Outcome::Swap { value: seen }),
                    )) = &mut index.get_mut(&mut reads).end
                {
                    *seen = value;
                }
            }
            Mutation::End(index, how) => {
                if let Some((_, end)) = &mut index.get_mut(&mut drawn).end {
                    *end = how.clone();
                }
            }
        }
    }
    drawn
}

/// The same histories with values written twice, here and there.
fn with_repeats(mut drawn: Vec<Drawn>, repeats: &[(Index, Index)]) -> Vec<Drawn> {
    for (first, second) in repeats {
        let again = written(&second.get(&drawn).op);
        if let (
            Op::Write { value, .. } | Op::Cas { new: value, .. } | Op::Swap { value, .. },
            Some(again),
        ) = (&mut first.get_mut(&mut drawn).op, again)
        {
            *value = again;
        }
    }
    drawn
}

/// One of the ways to draw a history, and what must hold of it: whether there was an alarm.
type Trial = fn(Vec<Dice>, Vec<Mutation>, Vec<(Index, Index)>) -> Result<bool, TestCaseError>;

/// Holds `trial` on `cases` histories of at most `most` operations, from a fixed seed.
#[track_caller]
fn check(name: &str, cases: u32, (values, most): (i64, usize), trial: Trial) {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let seed = [11; 32];
    let mut runner =
        TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed));
    let repeats = prop::collection::vec(any::<(Index, Index)>(), 0..3);
    let alarms = Cell::new(0_u32);
    let result = runner.run(&(dice(values, most), mutations(), repeats), |(dice, wrong, again)| {
        alarms.set(alarms.get() + u32::from(trial(dice, wrong, again)?));
        Ok(())
    });
    result.unwrap_or_else(|error| panic!("{name}: {error}"));
    let alarms = alarms.get();
    println!("{name}: {cases} histories, {alarms} alarms, 0 disagreements, seed {seed:?}");
    assert!(alarms >= cases / 20 && alarms <= cases - cases / 20, "{name}: {alarms} alarms");
}

/// All trials, with as many cases of each; the lengths are the most operations of a history.
fn all(cases: u32) {
    check("any answers", cases, (9, 9), |dice, _, _| agree_exactly(&anything(&dice, true)));
    check("wrong answers in short executions", cases, (9, 12), |dice, wrong, _| {
        agree_exactly(&execution(&dice))?;
        agree_exactly(&mutated(execution(&dice), &wrong))
    });
    check("wrong answers in long executions", cases, (9, 80), |dice, wrong, _| {
        agree_exactly(&mutated(execution(&dice), &wrong))
    });
    check("any answers, few values", cases, (4, 9), |dice, _, _| agree(&anything(&dice, false)));
    check("values written twice", cases, (9, 40), |dice, wrong, again| {
        agree(&mutated(with_repeats(execution(&dice), &again), &wrong))
    });
}

#[test]
fn the_watch_agrees_with_the_offline_check() {
    all(1_500);
}

#[test]
#[ignore = "slow: 20,000 histories of each kind"]
fn the_watch_agrees_with_the_offline_check_on_many_histories() {
    all(20_000);
}
