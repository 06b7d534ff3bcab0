//! No witness is legal by itself, and none would prove as much with fewer operations: random small
//! histories of every kind of object, counted.

use crate::support;
use crate::{counters, locks};

use fracas_checker::linearizability::call::Call;
use fracas_checker::models::{
    Bag, Counter, Kv, ListAppend, Model, Mutex, Queue, Register, RwRegister, Set,
};
use fracas_checker::objects::{OBJECTS, Object};
use fracas_checker::{Op, Outcome, Value};
use support::minimal::{Parts, Witnesses};
use support::sampling::{Dice, Sampler};
use support::{samples, sampling};

/// How many histories of each sort the quick tier looks at, and the slow one.
const QUICK: u32 = 150;
const SLOW: u32 = 20_000;

fn ask_register(dice: &mut Dice, values: u64) -> Op {
    let key = "r".into();
    let mut value = || Value::Int(dice.below(values) as i64);
    let (old, new) = (value(), value());
    match dice.below(12) {
        0..4 => Op::Read { key },
        4..8 => Op::Write { key, value: new },
        8 | 9 => Op::Swap { key, value: new },
        _ => Op::Cas { key, old, new },
    }
}

fn answer_register(dice: &mut Dice, op: &Op, values: u64) -> Outcome {
    let value = dice.chance(85).then(|| Value::Int(dice.below(values) as i64));
    match op {
        Op::Read { .. } => Outcome::Read { value },
        Op::Swap { .. } => Outcome::Swap { value },
        Op::Cas { .. } if dice.chance(60) => Outcome::Cas,
        Op::Cas { .. } if dice.chance(50) => Outcome::CasDiffers,
        Op::Cas { .. } => Outcome::CasFound { value },
        _ => Outcome::Write,
    }
}

fn fit_register(_: &mut Dice, state: &Register, op: Op) -> (Op, Outcome) {
    let outcomes = |op: &Op| match op {
        Op::Cas { .. } => vec![Outcome::Cas, Outcome::CasDiffers],
        Op::Read { .. } => vec![Outcome::Read { value: state.0.clone() }],
        Op::Swap { .. } => vec![Outcome::Swap { value: state.0.clone() }],
        _ => vec![Outcome::Write],
    };
    let fits = |outcome: &Outcome| state.step(&op, Some(outcome)).is_ok();
    let outcome = outcomes(&op).into_iter().find(fits).unwrap_or(Outcome::Write);
    (op, outcome)
}

/// With a few values, and with so many that most are written once.
fn registers() -> [Sampler<Register>; 2] {
    let few = Sampler {
        ask: |dice, _| ask_register(dice, 3),
        answer: |dice, op| answer_register(dice, op, 3),
        fit: fit_register,
    };
    let many = Sampler {
        ask: |dice, _| ask_register(dice, 40),
        answer: |dice, op| answer_register(dice, op, 40),
        fit: fit_register,
    };
    [few, many]
}

/// By the check that judges them.
fn every_kind(cases: u32) -> Vec<(&'static str, Witnesses)> {
    fn of<M: Object>(all: &[Sampler<M>], count: u32) -> Vec<(&'static str, Witnesses)> {
        let witnesses = |sampler| (M::ID, sampling::witnesses::<M>(sampler, count as usize, 5));
        all.iter().map(witnesses).collect()
    }
    let drawn = vec![
        (Set::ID, samples::witnesses::<Set>(cases)),
        (Queue::ID, samples::witnesses::<Queue>(cases)),
        (Bag::ID, samples::witnesses::<Bag>(cases)),
        (Kv::ID, samples::witnesses::<Kv>(cases)),
        (RwRegister::ID, samples::witnesses::<RwRegister>(cases)),
        (ListAppend::ID, samples::witnesses::<ListAppend>(cases)),
    ];
    [
        drawn,
        of(&registers(), cases),
        of(&[counters::versioned(), counters::updates()], cases),
        of(&[counters::ids()], cases),
        of(&[counters::timestamps()], cases),
        of(&[locks::mutex()], cases),
        of(&[locks::lock()], cases),
        of(&counters::counters(), cases),
        of(&locks::fencing(), cases),
    ]
    .concat()
}

#[track_caller]
fn check(cases: u32) {
    let all = every_kind(cases);
    for kind in OBJECTS {
        assert!(all.iter().any(|(id, _)| *id == kind.id), "nobody looks at {}", kind.id);
    }
    let bad: Vec<_> = all.into_iter().filter(|(id, found)| !found.holds(id)).collect();
    assert!(bad.is_empty(), "{bad:#?}");
}

#[test]
fn witnesses_say_enough_and_no_more() {
    check(QUICK);
}

#[test]
#[ignore = "slow: 20,000 histories of each sort"]
fn very_many_witnesses_say_enough_and_no_more() {
    check(SLOW);
}

/// Whether these, each with its begin and end, are legal, and whether something of them may go.
fn looked_at<M: Model<Op = Op, Outcome = Outcome>>(ops: &[(Op, Outcome, u64)]) -> (bool, bool) {
    let mut calls: Vec<Call<'_>> = Vec::new();
    for (id, (op, outcome, at)) in (0..).zip(ops) {
        calls.push(Call { id, op, outcome: Some(outcome), start: *at, end: Some(*at) });
    }
    let parts = Parts::of::<M>(&calls, &[]);
    (parts.is_legal(), parts.spare::<M>((&calls, &[])).is_some())
}

fn write(value: i64, at: u64) -> (Op, Outcome, u64) {
    (Op::Write { key: "r".into(), value: Value::Int(value) }, Outcome::Write, at)
}

fn read(value: i64, at: u64) -> (Op, Outcome, u64) {
    (Op::Read { key: "r".into() }, Outcome::Read { value: Some(Value::Int(value)) }, at)
}

#[test]
fn what_a_witness_needs_is_known() {
    const GOOD: (bool, bool) = (false, false);
    const SPARE: (bool, bool) = (false, true);
    let look = looked_at::<Register>;
    // A stale read needs the write that it saw, and the one that it missed.
    assert_eq!(look(&[write(1, 0), write(2, 2), read(1, 4)]), GOOD);
    assert_eq!(look(&[write(1, 0), write(2, 2), write(3, 3), read(1, 4)]), SPARE);
    assert_eq!(look(&[write(1, 0), write(2, 2), read(2, 3), read(1, 4)]), SPARE);
    // Refuted alone: nobody wrote it, and so nothing explains it.
    assert_eq!(look(&[read(5, 4)]), GOOD);
    assert_eq!(look(&[write(1, 0), read(5, 4)]), SPARE);
    // Refuted alone by real time: its write explains it, and another does not.
    assert_eq!(look(&[read(5, 4), write(5, 6)]), GOOD);
    assert_eq!(look(&[read(5, 4), write(5, 6), write(6, 7)]), SPARE);
    // What explains it is refuted alone as well: nobody wrote 4.
    let cas = |old: i64, new: i64, at| {
        let (old, new) = (Value::Int(old), Value::Int(new));
        (Op::Cas { key: "r".into(), old, new }, Outcome::Cas, at)
    };
    assert_eq!(look(&[cas(4, 5, 0), read(5, 4)]), GOOD);
    assert_eq!(look(&[cas(4, 5, 0), read(5, 4), write(6, 7)]), SPARE);
    assert_eq!(look(&[write(1, 0), read(1, 4)]), (true, false));
    let acquire = |at| {
        (
            Op::Acquire { key: "r".into(), holder: 1, ttl: None },
            Outcome::Acquire { token: None },
            at,
        )
    };
    assert_eq!(looked_at::<Mutex>(&[acquire(0), acquire(2)]), GOOD);
    let add = |at| (Op::Increment { key: "r".into(), by: 1 }, Outcome::Increment, at);
    assert_eq!(looked_at::<Counter>(&[add(0), read(0, 4)]), GOOD);
    assert_eq!(looked_at::<Counter>(&[add(0), add(2), read(0, 4)]), SPARE);
    assert_eq!(looked_at::<Counter>(&[add(0), read(1, 2), read(0, 4)]), SPARE);
}
