//! What the watch notices of locks, counters, sets and stores, at every instant of many random
//! histories: there is no false alarm, and where all of a check is watched, none is missed or late.

use crate::support;

use crate::support::events::{history, in_order};
use fracas_checker::event::{Completion, Event, EventKind, Nanos, ProcessId, Stamp};
use fracas_checker::linearizability::call::{Call, by_key};
use fracas_checker::models::{Counter, Fencing, Kv, Lock, Mutex, Set};
use fracas_checker::objects::{Kind, Object};
use fracas_checker::online::Watch;
use fracas_checker::transaction::{Micro, ReadValue};
use fracas_checker::{Algorithm, Budget, Op, Outcome, Value};
use support::sampling::{CLIENTS, CROWD, Dice, Drawn, Sampler, Shape};

/// How an operation ends.
#[derive(Debug, Clone)]
pub(crate) enum How {
    Ok(Outcome),
    Fail,
    Info,
}

/// One operation, by a process of its own.
#[derive(Debug, Clone)]
pub(crate) struct Planned {
    op: Op,
    start: Nanos,
    /// None: it never ends.
    end: Option<(Nanos, How)>,
}

fn events(planned: &[Planned]) -> Vec<Event> {
    let mut events = Vec::new();
    for (process, planned) in (0..).map(ProcessId).zip(planned) {
        events.push((
            planned.start,
            0,
            EventKind::Invoke { process, node: None, op: planned.op.clone() },
        ));
        if let Some((end, how)) = &planned.end {
            let error = "test".to_owned();
            let completion = match how.clone() {
                How::Ok(outcome) => Completion::Ok { outcome, stamp: Stamp::default() },
                How::Fail => Completion::Fail { error },
                How::Info => Completion::Info { error },
            };
            events.push((*end, 1, EventKind::Complete { process, completion }));
        }
    }
    in_order(events)
}

/// What of the calls the watch must find, as far as they were planned.
pub(crate) type Must = fn(&Kind, &[Planned], &[Call<'_>]) -> bool;

fn refuted(kind: &Kind, calls: &[Call<'_>]) -> bool {
    let budget = Budget::unlimited_time();
    // The watch of a mutex is its decision: the search has an opinion of its own.
    let algorithm = if kind.id == Mutex::ID { Algorithm::Frontier } else { Algorithm::Auto };
    kind.is_linearizable(calls, algorithm, &budget) == Some(false)
}

/// Holds the watch against the offline check at every instant. Whether there was an alarm.
#[track_caller]
fn agree(kind: &Kind, planned: &[Planned], must: Must) -> bool {
    let events = events(planned);
    let mut watch = Watch::new(&[kind.id]);
    events.iter().for_each(|event| drop(watch.feed(event).cloned()));
    let alarm = watch.settle().map(|alarm| alarm.time);
    let blind = !watch.blind().is_empty();
    for (place, event) in events.iter().enumerate() {
        let passed = events.get(place + 1).is_none_or(|next| next.time > event.time);
        if passed {
            let by_now = alarm.is_some_and(|time| time <= event.time);
            let so_far = history(&events[..=place], &[]);
            let mut keys = by_key(so_far.operations(), kind.serves);
            let calls = keys.pop_first().map(|(_, calls)| calls).unwrap_or_default();
            let now = event.time;
            assert!(!by_now || refuted(kind, &calls), "false alarm at {now}: {planned:#?}");
            let missed = !by_now && !blind && must(kind, planned, &calls);
            assert!(!missed, "missed at {now}: {planned:#?}");
        }
    }
    alarm.is_some()
}

/// The operations as they were drawn; of a hundred that end, so many fail.
fn planned(dice: &mut Dice, drawn: Vec<Drawn>, fail: u64) -> Vec<Planned> {
    let plan = |Drawn { op, outcome, start, end }| {
        let end = match end {
            Some(end) if dice.chance(fail) => Some((end, How::Fail)),
            Some(end) => Some((end, How::Ok(outcome))),
            None => dice.chance(50).then(|| (start + dice.below(12), How::Info)),
        };
        Planned { op, start, end }
    };
    drawn.into_iter().map(plan).collect()
}

/// The answer as one to `op`: of a transaction only what its reads found is another's.
fn fitting(op: &Op, outcome: Outcome) -> Outcome {
    let (Op::Txn { ops }, Outcome::Txn { ops: answered }) = (op, &outcome) else { return outcome };
    let mut found = answered.iter().filter_map(|part| match part {
        Micro::Read { seen, .. } => Some(seen.clone()),
        _ => None,
    });
    let part = |part: &Micro| match part {
        Micro::Read { key, .. } => {
            Micro::Read { key: key.clone(), seen: found.next().unwrap_or(ReadValue::Unknown) }
        }
        other => other.clone(),
    };
    Outcome::Txn { ops: ops.iter().map(part).collect() }
}

/// Two operations of a kind exchange their answers, or one is moved in time.
fn confused(dice: &mut Dice, mut drawn: Vec<Drawn>) -> Vec<Drawn> {
    for _ in 0..1 + dice.below(2) {
        if drawn.is_empty() {
            continue;
        }
        let first = dice.below(drawn.len() as u64) as usize;
        let second = dice.below(drawn.len() as u64) as usize;
        if dice.chance(50) && drawn[first].op.kind() == drawn[second].op.kind() {
            let (a, b) = (drawn[first].outcome.clone(), drawn[second].outcome.clone());
            drawn[first].outcome = fitting(&drawn[first].op, b);
            drawn[second].outcome = fitting(&drawn[second].op, a);
        } else {
            let (by, moved) = (dice.below(13), &mut drawn[first]);
            moved.start = (moved.start + by).saturating_sub(6);
            moved.end = moved.end.map(|end| (end + by).saturating_sub(6));
        }
    }
    drawn
}

/// Clients that do one thing at a time and see the end of each.
const CAREFUL: Shape = Shape { clients: 3, one_at_a_time: true, unseen: 0, late: 6 };

/// Holds the watch on `count` histories of each sort; prints what was counted.
#[track_caller]
pub(crate) fn check<M: Object>(sampler: &Sampler<M>, count: usize, must: Must) {
    type Sort<M> = fn(&Sampler<M>, &mut Dice) -> Vec<Planned>;
    let sorts: [(&str, Sort<M>); 6] = [
        ("any answers", |sampler, dice| {
            let drawn = sampler.anything(dice, 9);
            planned(dice, drawn, 8)
        }),
        ("legal", |sampler, dice| {
            let drawn = sampler.execution(dice, 12, CROWD);
            planned(dice, drawn, 0)
        }),
        ("confused", |sampler, dice| {
            let drawn = sampler.execution(dice, 12, CROWD);
            let drawn = confused(dice, drawn);
            planned(dice, drawn, 3)
        }),
        ("careful and confused", |sampler, dice| {
            let drawn = sampler.execution(dice, 14, CAREFUL);
            let drawn = confused(dice, drawn);
            planned(dice, drawn, 6)
        }),
        ("long and legal", |sampler, dice| {
            let drawn = sampler.execution(dice, 60, CLIENTS);
            planned(dice, drawn, 0)
        }),
        ("long and confused", |sampler, dice| {
            let drawn = sampler.execution(dice, 60, CLIENTS);
            let drawn = confused(dice, drawn);
            planned(dice, drawn, 1)
        }),
    ];
    let (kind, seed) = (Kind::of::<M>(), 29);
    let mut dice = Dice::new(seed);
    for (name, draw) in sorts {
        let mut alarms = 0;
        for _ in 0..count {
            alarms += usize::from(agree(&kind, &draw(sampler, &mut dice), must));
        }
        println!("{}, {name}: {count} histories, {alarms} alarms, seed {seed}", kind.id);
        assert_eq!(alarms > 0, !name.contains("legal"), "{}, {name}: {alarms} alarms", kind.id);
    }
}

/// All that the offline check finds.
const ALL: Must = |kind, _, calls| refuted(kind, calls);

fn key() -> fracas_checker::Key {
    "k".into()
}

fn pick(dice: &mut Dice, limit: u64) -> Value {
    Value::Int(dice.below(limit) as i64)
}

fn ask_lock(dice: &mut Dice, holder: u64) -> Op {
    match dice.chance(50) {
        true => Op::Acquire { key: key(), holder, ttl: None },
        false => Op::Release { key: key(), holder },
    }
}

fn granted(op: &Op) -> Outcome {
    match op {
        Op::Acquire { .. } => Outcome::Acquire { token: None },
        _ => Outcome::Release,
    }
}

const MUTEX: Sampler<Mutex> = Sampler {
    ask: ask_lock,
    answer: |_, op| granted(op),
    fit: |_, _, op| (op.clone(), granted(&op)),
};

const LOCK: Sampler<Lock> = Sampler {
    ask: ask_lock,
    answer: |_, op| granted(op),
    fit: |_, _, op| (op.clone(), granted(&op)),
};

/// All, where no holder has two operations at a time, one of unknown end counting as open for ever.
const ONE_AT_A_TIME: Must = |kind, planned, calls| {
    let span = |planned: &Planned| {
        let (Op::Acquire { holder, .. } | Op::Release { holder, .. }) = planned.op else {
            return (0, 0, 0);
        };
        let end = planned.end.as_ref().filter(|(_, how)| !matches!(how, How::Info));
        (holder, planned.start, end.map_or(Nanos::MAX, |(end, _)| *end))
    };
    let mut spans: Vec<(u64, Nanos, Nanos)> = planned.iter().map(span).collect();
    spans.sort_unstable();
    let apart = |pair: &[(u64, Nanos, Nanos)]| pair[0].0 != pair[1].0 || pair[0].2 < pair[1].1;
    spans.windows(2).all(apart) && refuted(kind, calls)
};

const FENCING: Sampler<Fencing> = Sampler {
    ask: |dice, holder| match dice.below(3) {
        0 => Op::Acquire { key: key(), holder, ttl: None },
        1 => Op::GuardedWrite { key: key(), token: dice.below(6), value: pick(dice, 12) },
        _ => Op::Read { key: key() },
    },
    answer: |dice, op| match op {
        Op::Acquire { .. } => Outcome::Acquire { token: dice.chance(80).then(|| dice.below(9)) },
        Op::Read { .. } => Outcome::Read { value: dice.chance(80).then(|| pick(dice, 12)) },
        _ => Outcome::GuardedWrite,
    },
    fit: |dice, state, op| match op {
        Op::Acquire { .. } => {
            let token = state.granted.map_or(0, |token| token + 1 + dice.below(2));
            (op, Outcome::Acquire { token: Some(token) })
        }
        Op::Read { .. } => (op, Outcome::Read { value: state.value.clone() }),
        _ => {
            let token = state.accepted.unwrap_or(0) + dice.below(3) / 2;
            let value = pick(dice, 1_000_000);
            (Op::GuardedWrite { key: key(), token, value }, Outcome::GuardedWrite)
        }
    },
};

/// All, where no two operations put in the same value.
const UNIQUE: Must = |kind, planned, calls| {
    let mut values: Vec<&Value> = planned.iter().flat_map(|planned| planned.op.values()).collect();
    let count = values.len();
    values.sort_unstable();
    values.dedup();
    values.len() == count && refuted(kind, calls)
};

const COUNTER: Sampler<Counter> = Sampler {
    ask: |dice, _| match dice.chance(50) {
        true => Op::Increment { key: key(), by: dice.below(6) as i64 - 2 },
        false => Op::Read { key: key() },
    },
    answer: |dice, op| match op {
        Op::Increment { .. } => Outcome::Increment,
        _ => Outcome::Read { value: Some(Value::Int(dice.below(12) as i64 - 3)) },
    },
    fit: |_, state, op| match op {
        Op::Increment { .. } => (op, Outcome::Increment),
        _ => (op, Outcome::Read { value: Some(Value::Int(state.0 as i64)) }),
    },
};

/// A read that shows less, or more, than can have been counted.
const OUT_OF_BOUNDS: Must = |_, _, calls| {
    calls.iter().any(|read| {
        let Some(Outcome::Read { value: Some(Value::Int(shown)) }) = read.outcome else {
            return false;
        };
        let (mut least, mut most) = (0, 0);
        for call in calls {
            let Op::Increment { by, .. } = call.op else { continue };
            let asked = read.end.is_none_or(|end| call.start <= end);
            let (up, down) = if *by > 0 { (*by, 0) } else { (0, *by) };
            least += if call.precedes(read) { up } else { 0 } + if asked { down } else { 0 };
            most += if call.precedes(read) { down } else { 0 } + if asked { up } else { 0 };
        }
        *shown < least || *shown > most
    })
};

const SET: Sampler<Set> = Sampler {
    ask: |dice, _| {
        let value = pick(dice, 4);
        match dice.below(6) {
            0 | 1 => Op::Add { key: key(), value },
            2 => Op::Remove { key: key(), value },
            3 | 4 => Op::Contains { key: key(), value },
            _ => Op::ReadAll { key: key() },
        }
    },
    answer: |dice, op| match op {
        Op::Add { .. } => Outcome::Add,
        Op::Remove { .. } => Outcome::Remove,
        Op::Contains { .. } => Outcome::Contains { present: dice.chance(50) },
        _ => Outcome::ReadAll { values: (0..dice.below(3)).map(|_| pick(dice, 4)).collect() },
    },
    fit: |_, state, op| {
        let outcome = match &op {
            Op::Add { .. } => Outcome::Add,
            Op::Remove { .. } => Outcome::Remove,
            Op::Contains { value, .. } => Outcome::Contains { present: state.contains(value) },
            _ => Outcome::ReadAll { values: state.elements().into_iter().cloned().collect() },
        };
        (op, outcome)
    },
};

/// An element that was never added, one that is missing, or one that is back; where nothing fails.
const PHANTOM_MISSING_OR_BACK: Must = |_, planned, calls| {
    let fails = |planned: &Planned| matches!(planned.end, Some((_, How::Fail)));
    let wrong = |look: &Call<'_>, value: &Value| {
        let of_it = |call: &&Call<'_>| call.op.values().contains(&value);
        let begun = |call: &&Call<'_>| look.end.is_none_or(|end| call.start <= end);
        let mine = || calls.iter().filter(of_it).filter(begun);
        let adds = || mine().filter(|call| matches!(call.op, Op::Add { .. }));
        let mut removals = mine().filter(|call| matches!(call.op, Op::Remove { .. }));
        let seen = match look.outcome {
            Some(Outcome::Contains { present }) if look.op.values().contains(&value) => *present,
            Some(Outcome::ReadAll { values }) => values.contains(value),
            _ => return false,
        };
        match seen {
            true => {
                removals.any(|gone| gone.precedes(look) && adds().all(|add| add.precedes(gone)))
                    || adds().count() == 0
            }
            false => removals.count() == 0 && adds().any(|add| add.precedes(look)),
        }
    };
    let values: Vec<Value> = (0..4).map(Value::Int).collect();
    !planned.iter().any(fails)
        && calls.iter().any(|look| values.iter().any(|value| wrong(look, value)))
};

const KV: Sampler<Kv> = Sampler {
    ask: |dice, _| match dice.below(40) {
        0 => Op::Append { key: key(), value: Value::text("x") },
        1..20 => Op::Write { key: key(), value: pick(dice, 1_000_000) },
        _ => Op::Read { key: key() },
    },
    answer: |dice, op| match op {
        Op::Append { .. } => Outcome::Append,
        Op::Write { .. } => Outcome::Write,
        _ => Outcome::Read { value: dice.chance(50).then(|| pick(dice, 2)) },
    },
    fit: |dice, state, op| match op {
        Op::Append { .. } => (op, Outcome::Append),
        Op::Write { .. } => (op, Outcome::Write),
        _ => {
            let absent = state.0.is_empty() && dice.chance(50);
            let value = (!absent).then(|| Value::Text(state.0.clone()));
            (op, Outcome::Read { value })
        }
    },
};

macro_rules! watched {
    ($quick:ident, $slow:ident, $sampler:expr, $must:expr) => {
        #[test]
        fn $quick() {
            check(&$sampler, 150, $must);
        }

        #[test]
        #[ignore = "slow: 5,000 histories of each of six sorts"]
        fn $slow() {
            check(&$sampler, 5_000, $must);
        }
    };
}

watched!(mutexes_are_watched, many_mutexes_are_watched, MUTEX, ALL);
watched!(locks_are_watched, many_locks_are_watched, LOCK, ONE_AT_A_TIME);
watched!(fencing_is_watched, many_fencing_locks_are_watched, FENCING, UNIQUE);
watched!(counters_are_watched, many_counters_are_watched, COUNTER, OUT_OF_BOUNDS);
watched!(sets_are_watched, many_sets_are_watched, SET, PHANTOM_MISSING_OR_BACK);
watched!(stores_are_watched, many_stores_are_watched, KV, UNIQUE);
