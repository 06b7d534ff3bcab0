//! What the watch notices of configurations and of transactions, at every instant of many random
//! histories: there is no false alarm. How soon it sounds is shown by examples.

use fracas_checker::models::{ListAppend, RwRegister};
use fracas_checker::online::Watch;
use fracas_checker::transaction::{Micro, ReadValue};
use fracas_checker::{Key, Op, Outcome, Value};

use super::counters::{updates, versioned};
use super::online_objects::{Must, check};
use super::support::language::history;
use super::support::sampling::{Dice, Sampler};

/// Nothing: of these kinds less is watched than judged.
const NOTHING: Must = |_, _, _| false;

fn key(dice: &mut Dice) -> Key {
    ["x", "y"][dice.below(2) as usize].into()
}

fn fresh(dice: &mut Dice) -> Value {
    Value::Int(dice.below(1_000_000_000) as i64)
}

/// A transaction of up to three parts; of each key at most one changes it.
fn txn(dice: &mut Dice, change: fn(Key, Value) -> Micro) -> Op {
    let mut changed = Vec::new();
    let part = |_| {
        let key = key(dice);
        if dice.chance(50) || changed.contains(&key) {
            return Micro::Read { key, seen: ReadValue::Unknown };
        }
        changed.push(key.clone());
        change(key, fresh(dice))
    };
    let parts: Vec<Micro> = (0..3).map(part).collect();
    Op::Txn { ops: parts.into() }
}

/// The transaction with what each of its reads finds.
fn answered(op: &Op, mut find: impl FnMut(&Key, &[Micro]) -> ReadValue) -> Outcome {
    let Op::Txn { ops } = op else { panic!("{op} is no transaction") };
    let mut done: Vec<Micro> = Vec::new();
    for part in ops.iter() {
        let part = match part {
            Micro::Read { key, .. } => Micro::Read { key: key.clone(), seen: find(key, &done) },
            other => other.clone(),
        };
        done.push(part);
    }
    Outcome::Txn { ops: done.into() }
}

const LISTS: Sampler<ListAppend> = Sampler {
    ask: |dice, _| txn(dice, |key, value| Micro::Append { key, value }),
    answer: |dice, op| {
        answered(op, |_, _| {
            let values: Vec<Value> =
                (0..dice.below(3)).map(|_| Value::Int(dice.below(4) as i64)).collect();
            ReadValue::List(values.into())
        })
    },
    fit: |_, state, op| {
        let outcome = answered(&op, |key, before| {
            let own = before.iter().filter_map(|part| match part {
                Micro::Append { key: own, value } if own == key => Some(value),
                _ => None,
            });
            ReadValue::List(state.list(key).into_iter().chain(own).cloned().collect())
        });
        (op, outcome)
    },
};

const REGISTERS: Sampler<RwRegister> = Sampler {
    ask: |dice, _| txn(dice, |key, value| Micro::Write { key, value }),
    answer: |dice, op| {
        answered(op, |_, _| match dice.chance(50) {
            true => ReadValue::Absent,
            false => ReadValue::Value(Value::Int(dice.below(4) as i64)),
        })
    },
    fit: |_, state, op| {
        let outcome = answered(&op, |key, before| {
            let own = before.iter().rev().find_map(|part| match part {
                Micro::Write { key: own, value } if own == key => Some(value),
                _ => None,
            });
            own.or(state.value(key)).cloned().map_or(ReadValue::Absent, ReadValue::Value)
        });
        (op, outcome)
    },
};

#[test]
fn no_alarm_of_configurations_is_false() {
    check(&versioned(), 150, NOTHING);
    check(&updates(), 150, NOTHING);
}

#[test]
fn no_alarm_of_lists_is_false() {
    check(&LISTS, 150, NOTHING);
}

#[test]
fn no_alarm_of_registers_in_transactions_is_false() {
    check(&REGISTERS, 150, NOTHING);
}

#[test]
#[ignore = "slow: 4,000 histories of each of six sorts"]
fn no_alarm_of_many_is_false() {
    check(&versioned(), 4_000, NOTHING);
    check(&updates(), 4_000, NOTHING);
    check(&LISTS, 4_000, NOTHING);
    check(&REGISTERS, 4_000, NOTHING);
}

/// The time, in milliseconds, of the alarm of `check` in `text`.
#[track_caller]
fn alarm(check: &str, text: &str, expect: Option<u64>) {
    let mut watch = Watch::new(&[check]);
    history(text, &[check]).events().iter().for_each(|event| drop(watch.feed(event).cloned()));
    assert_eq!(watch.settle().map(|alarm| alarm.time / 1_000_000), expect, "{text}");
    assert_eq!(watch.blind(), []);
}

#[test]
fn configurations_sound_an_alarm_at_once() {
    let check = "versioned/linearizable";
    let set = "p1 - upd c 0 7 [0..1] ok 1\n";
    for (text, expect) in [
        ("p2 - rv c [2..3] ok 0 nil", Some(3)),
        ("p2 - rv c [1..3] ok 0 nil", None),
        ("p2 - upd c 0 8 [2..3] ok 1", Some(3)),
        ("p2 - upd c 0 8 [0..3] ok 2", Some(3)),
        ("p2 - rv c [2..3] ok 1 8", Some(3)),
        ("p2 - rv c [2..3] ok 4 9", Some(3)),
        ("p2 - upd c 1 9 [2..9] info\np3 - rv c [3..4] ok 4 9", None),
        ("p2 - upd c 1 9 [2..3] ok 5\np3 - rv c [4..6] ok 3 9", Some(6)),
        ("p2 - upd c 1 9 [2..5] ok 5\np3 - rv c [2..3] ok 3 9", Some(5)),
    ] {
        alarm(check, &format!("{set}{text}"), expect);
    }
}

#[test]
fn lists_sound_an_alarm_at_once() {
    let check = "list-append/linearizable";
    let set = "p1 - txn ax1 [0..1] ok\n";
    for (text, expect) in [
        ("p2 - txn rx [2..3] ok []", Some(3)),
        ("p2 - txn rx [1..3] ok []", None),
        ("p2 - txn rx [2..3] ok [1,1]", Some(3)),
        ("p2 - txn rx [2..3] ok [1,2]", Some(3)),
        (
            "p2 - txn ax2 [2..9] info\np3 - txn rx [3..4] ok [1,2]\np4 - txn rx [5..6] ok [1]",
            Some(6),
        ),
        (
            "p2 - txn ax2 [0..9] info\np3 - txn rx [3..4] ok [1,2]\np4 - txn rx [3..6] ok [2,1]",
            Some(6),
        ),
        ("p2 - txn ax2,rx [2..3] ok [1,2]\np4 - txn rx [5..6] ok [1]", Some(6)),
        ("p2 - txn ax2 [2..8] fail\np4 - txn rx [5..6] ok [1,2]", Some(8)),
    ] {
        alarm(check, &format!("{set}{text}"), expect);
    }
}

#[test]
fn registers_in_transactions_sound_an_alarm_at_once() {
    let check = "rw-register/linearizable";
    let set = "p1 - txn rx,wx1 [0..1] ok nil\n";
    for (text, expect) in [
        ("p2 - txn rx [2..3] ok nil", Some(3)),
        ("p2 - txn rx [1..3] ok nil", None),
        ("p2 - txn rx [2..3] ok 2", Some(3)),
        ("p2 - txn rx,wx2 [0..3] ok nil", Some(3)),
        ("p2 - txn rx,wx2 [2..3] ok 1\np3 - txn rx [4..5] ok 1", Some(5)),
        ("p2 - txn rx,wx2 [2..3] ok 1\np3 - txn rx [4..5] ok 2", None),
        ("p2 - txn wx2,rx [2..3] ok 2\np3 - txn rx [4..5] ok 1", None),
    ] {
        alarm(check, &format!("{set}{text}"), expect);
    }
}
