//! Queues and sets: the monitors against brute force and against the search.

use crate::support;

use fracas_checker::models::{Bag, Model, Queue, Set};
use fracas_checker::{Op, Outcome, Value};
use proptest::prelude::*;
use support::samples::{
    Chance, Draw, Sample, agree, each, execution, held_against_brute_force, held_against_search,
    mutated, told_truly,
};

/// How many histories of each sort the quick tier looks at, and the slow one.
const QUICK: u32 = 800;
const SLOW: u32 = 20_000;

/// How many long ones, and how long they are.
const LONG: u32 = 80;
const LENGTH: usize = 40;

fn enqueue_or_dequeue(chance: &Chance, fresh: i64) -> Op {
    let key = "q".into();
    match chance.kind {
        0..50 => Op::Enqueue { key, value: fresh.into() },
        _ => Op::Dequeue { key },
    }
}

fn taken(op: &Op, value: Option<Value>) -> Outcome {
    match op {
        Op::Dequeue { .. } => Outcome::Dequeue { value },
        _ => Outcome::Enqueue,
    }
}

fn any_value(chance: &Chance, values: i64) -> Option<Value> {
    let value = chance.pick as i64 % (values + 1);
    (value < values).then_some(Value::Int(value))
}

impl Sample for Queue {
    fn asked(chance: &Chance, fresh: i64, _: i64) -> Op {
        enqueue_or_dequeue(chance, fresh)
    }

    fn answered(&self, op: &Op, _: &Chance) -> Outcome {
        taken(op, self.0.front().cloned())
    }

    fn invented(op: &Op, chance: &Chance, values: i64) -> Outcome {
        taken(op, any_value(chance, values))
    }
}

impl Sample for Bag {
    fn asked(chance: &Chance, fresh: i64, _: i64) -> Op {
        enqueue_or_dequeue(chance, fresh)
    }

    /// Any of the first few values that can come out, if one can.
    fn answered(&self, op: &Op, chance: &Chance) -> Outcome {
        let out = |value: Option<i64>| taken(op, value.map(Value::Int));
        let mut values = (0..100).map(|value| (value + chance.pick as i64) % 100).map(Some);
        let legal = |value: &Option<i64>| self.step(op, Some(&out(*value))).is_ok();
        out(values.find(legal).flatten())
    }

    fn invented(op: &Op, chance: &Chance, values: i64) -> Outcome {
        taken(op, any_value(chance, values))
    }
}

fn set_op(chance: &Chance, fresh: i64, old: i64) -> Op {
    let key = "s".into();
    match chance.kind {
        0..35 => Op::Add { key, value: fresh.into() },
        35..55 => Op::Remove { key, value: old.into() },
        55..75 => Op::Contains { key, value: old.into() },
        _ => Op::ReadAll { key },
    }
}

fn set_answer(op: &Op, contains: impl Fn(&Value) -> bool, values: i64) -> Outcome {
    match op {
        Op::Add { .. } => Outcome::Add,
        Op::Contains { value, .. } => Outcome::Contains { present: contains(value) },
        Op::ReadAll { .. } => {
            let values = (0..values).map(Value::Int).filter(|value| contains(value)).collect();
            Outcome::ReadAll { values }
        }
        _ => Outcome::Remove,
    }
}

impl Sample for Set {
    fn asked(chance: &Chance, fresh: i64, old: i64) -> Op {
        set_op(chance, fresh, old)
    }

    fn answered(&self, op: &Op, _: &Chance) -> Outcome {
        set_answer(op, |value| self.contains(value), 100)
    }

    fn invented(op: &Op, chance: &Chance, values: i64) -> Outcome {
        let bit = |value: &Value| chance.pick >> (value.as_int().unwrap_or(0) % 6) & 1 == 1;
        set_answer(op, bit, values)
    }
}

/// Elements are added once and removed once, at most.
fn removed_once(drawn: &[support::samples::Drawn]) -> bool {
    let removed = |drawn: &support::samples::Drawn| match &drawn.op {
        Op::Remove { value, .. } => Some(value.clone()),
        _ => None,
    };
    let mut values: Vec<Value> = drawn.iter().filter_map(removed).collect();
    let all = values.len();
    values.sort();
    values.dedup();
    values.len() == all
}

/// Where nobody reads everything, the monitor always knows.
fn sets_without_reads_of_everything(cases: u32) {
    let draw = Draw { most: 8, values: 8, unique: true, unknown: 2.0 };
    let plain = mutated::<Set>(draw).prop_map(|mut drawn| {
        drawn.retain(|drawn| !matches!(drawn.op, Op::ReadAll { .. }));
        drawn
    });
    let plain = plain.prop_filter("unambiguous", |drawn| removed_once(drawn));
    let tally = each("sets, one element at a time", cases, plain, |drawn| agree::<Set>(drawn));
    assert_eq!(tally.ambiguous, 0);
}

/// Where reads of everything leave choices open, few are left to the search.
fn sets_with_reads_of_everything(cases: u32) {
    let draw = Draw { most: 8, values: 8, unique: true, unknown: 2.0 };
    let right = execution::<Set>(draw).prop_filter("unambiguous", |drawn| removed_once(drawn));
    let tally = each("sets, read as a whole", cases, right, |drawn| agree::<Set>(drawn));
    assert!(tally.ambiguous * 100 <= tally.histories, "{tally:?}");
    let wrong = mutated::<Set>(draw).prop_filter("unambiguous", |drawn| removed_once(drawn));
    each("sets, read as a whole, one wrong answer", cases, wrong, |drawn| agree::<Set>(drawn));
}

#[test]
fn sets_are_judged_as_brute_force_does() {
    held_against_brute_force::<Set>(QUICK);
    sets_without_reads_of_everything(QUICK);
    sets_with_reads_of_everything(QUICK);
}

#[test]
fn sets_are_judged_as_the_search_does() {
    held_against_search::<Set>(LONG, LENGTH);
}

#[test]
fn queues_are_judged_as_brute_force_does() {
    held_against_brute_force::<Queue>(QUICK);
}

#[test]
fn queues_are_judged_as_the_search_does() {
    held_against_search::<Queue>(LONG, LENGTH);
}

#[test]
fn bags_are_judged_as_brute_force_does() {
    held_against_brute_force::<Bag>(QUICK);
}

#[test]
fn bags_are_judged_as_the_search_does() {
    held_against_search::<Bag>(LONG, LENGTH);
}

#[test]
fn what_is_told_of_collections_is_true() {
    told_truly::<Set>(QUICK / 2);
    told_truly::<Queue>(QUICK / 2);
    told_truly::<Bag>(QUICK / 2);
}

#[test]
#[ignore = "slow: 20,000 histories of each sort"]
fn collections_are_judged_as_brute_force_does_many_times() {
    held_against_brute_force::<Set>(SLOW);
    sets_without_reads_of_everything(SLOW);
    sets_with_reads_of_everything(SLOW);
    held_against_brute_force::<Queue>(SLOW);
    held_against_brute_force::<Bag>(SLOW);
}
