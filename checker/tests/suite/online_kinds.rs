//! What the watch notices of other kinds of objects, against the offline check and a plain count.

use crate::support::events::{history, in_order};
use fracas_checker::event::{Completion, Event, EventKind, Nanos, ProcessId, Stamp};
use fracas_checker::linearizability::call::{Call, by_key};
use fracas_checker::objects::{Kind, named};
use fracas_checker::online::Watch;
use fracas_checker::{Algorithm, Budget, Key, Op, Outcome, Value};
use proptest::prelude::*;

/// An operation with a process of its own: what, the answer (none: it fails), from when to when
/// (none: nobody knows).
type Drawn = (Op, Option<Outcome>, Nanos, Option<Nanos>);

fn events(drawn: &[Drawn]) -> Vec<Event> {
    let mut events = Vec::new();
    for (process, (op, outcome, start, end)) in (0..).map(ProcessId).zip(drawn) {
        events.push((*start, 0, EventKind::Invoke { process, node: None, op: op.clone() }));
        if let Some(end) = end {
            let completion = match outcome.clone() {
                Some(outcome) => Completion::Ok { outcome, stamp: Stamp::default() },
                None => Completion::Fail { error: String::new() },
            };
            events.push((*end, 1, EventKind::Complete { process, completion }));
        }
    }
    in_order(events)
}

/// The calls on the one object of a history, judged by `judge`.
fn judged<T>(events: &[Event], kind: &Kind, judge: impl Fn(&[Call<'_>]) -> T) -> T {
    let history = history(events, &[]);
    let mut keys = by_key(history.operations(), kind.serves);
    judge(&keys.pop_first().map(|(_, calls)| calls).unwrap_or_default())
}

/// Holds the watch against the offline check of `kind` at every instant: there is no false alarm,
/// and there is one as soon as `plain` sees it in the calls. Whether there was an alarm.
fn agree(
    drawn: &[Drawn],
    kind: &Kind,
    plain: fn(&[Call<'_>]) -> bool,
) -> Result<bool, TestCaseError> {
    let events = events(drawn);
    let mut watch = Watch::new(&[kind.id]);
    events.iter().for_each(|event| drop(watch.feed(event).cloned()));
    let alarm = watch.settle().map(|alarm| alarm.time);
    prop_assert_eq!(watch.blind(), []);
    for (place, event) in events.iter().enumerate() {
        let passed = events.get(place + 1).is_none_or(|next| next.time > event.time);
        if passed {
            let by_now = alarm.is_some_and(|time| time <= event.time);
            let so_far = &events[..=place];
            prop_assert_eq!(by_now, judged(so_far, kind, plain), "{:#?}", so_far);
            let budget = Budget::unlimited_time();
            let legal = |calls: &[Call<'_>]| kind.is_linearizable(calls, Algorithm::Auto, &budget);
            prop_assert!(!by_now || judged(so_far, kind, legal) == Some(false), "{so_far:#?}");
        }
    }
    Ok(alarm.is_some())
}

fn key() -> Key {
    "k".into()
}

/// Answers one operation out of ten with a failure, and lets two of ten never end.
fn ending() -> impl Strategy<Value = (bool, Option<Nanos>)> {
    (prop::bool::weighted(0.9), prop::option::weighted(0.8, 0..8_u64))
}

/// Enqueues of values of their own, in turn with dequeues of any.
fn queue() -> impl Strategy<Value = Vec<Drawn>> {
    let answer = prop::option::weighted(0.9, 0..10_i64);
    let dice = (any::<bool>(), answer, 0..12_u64, ending());
    prop::collection::vec(dice, 1..10).prop_map(|drawn| {
        type Dice = (bool, Option<i64>, Nanos, (bool, Option<Nanos>));
        let draw = |(own, (enqueue, answer, start, (ok, lasts))): (i64, Dice)| {
            let value = Value::Int(own);
            let (op, outcome) = if enqueue {
                (Op::Enqueue { key: key(), value }, Outcome::Enqueue)
            } else {
                let value = answer.map(Value::Int);
                (Op::Dequeue { key: key() }, Outcome::Dequeue { value })
            };
            (op, ok.then_some(outcome), start, lasts.map(|lasts| start + lasts))
        };
        (0..).zip(drawn).map(draw).collect()
    })
}

/// Whether an element was handed out twice, or before it came.
fn handed_out_too_often(calls: &[Call<'_>]) -> bool {
    let taken = |call: &Call<'_>| match call.outcome {
        Some(Outcome::Dequeue { value: Some(value) }) => Some((value.clone(), call.end)),
        _ => None,
    };
    calls.iter().filter_map(taken).any(|(value, end)| {
        let same = calls.iter().filter_map(taken).filter(|(other, _)| *other == value).count();
        let came = calls.iter().any(|call| match call.op {
            Op::Enqueue { value: own, .. } => *own == value && Some(call.start) <= end,
            _ => false,
        });
        same > 1 || !came
    })
}

/// Ids of a few.
fn generator() -> impl Strategy<Value = Vec<Drawn>> {
    let dice = (0..40_i64, 0..12_u64, ending());
    prop::collection::vec(dice, 1..10).prop_map(|drawn| {
        let draw = |(value, start, (ok, lasts)): (i64, Nanos, (bool, Option<Nanos>))| {
            let outcome = ok.then_some(Outcome::Generate { value: value.into() });
            (Op::Generate { key: key() }, outcome, start, lasts.map(|lasts| start + lasts))
        };
        drawn.into_iter().map(draw).collect()
    })
}

/// Whether an id was given twice.
fn given_twice(calls: &[Call<'_>]) -> bool {
    let outcomes: Vec<&Outcome> = calls.iter().filter_map(|call| call.outcome).collect();
    (1..outcomes.len()).any(|place| outcomes[..place].contains(&outcomes[place]))
}

/// Whether a timestamp is not greater than one that had been given before it was asked for, or was
/// given twice.
fn given_backwards(calls: &[Call<'_>]) -> bool {
    let given = |call: &Call<'_>| match call.outcome {
        Some(Outcome::Generate { value }) => Some(value.clone()),
        _ => None,
    };
    let wrong = |call: &Call<'_>, other: &Call<'_>| {
        let (Some(first), Some(second)) = (given(call), given(other)) else { return false };
        call.id != other.id && (first == second || call.precedes(other) && first > second)
    };
    calls.iter().any(|call| calls.iter().any(|other| wrong(call, other)))
}

fn kind(name: &str) -> &'static Kind {
    named(name).expect("a kind of that name")
}

macro_rules! agreement {
    ($quick:ident, $slow:ident, $drawn:expr, $kind:expr, $plain:expr) => {
        proptest! {
            #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]
            #[test]
            fn $quick(drawn in $drawn) {
                agree(&drawn, kind($kind), $plain)?;
            }
        }

        proptest! {
            #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]
            #[test]
            #[ignore = "slow: 20,000 histories"]
            fn $slow(drawn in $drawn) {
                agree(&drawn, kind($kind), $plain)?;
            }
        }
    };
}

agreement!(queues_are_watched, many_queues_are_watched, queue(), "queue", handed_out_too_often);
agreement!(bags_are_watched, many_bags_are_watched, queue(), "bag", handed_out_too_often);
agreement!(ids_are_watched, many_ids_are_watched, generator(), "unique-ids", given_twice);
agreement!(
    timestamps_are_watched,
    many_timestamps_are_watched,
    generator(),
    "timestamps",
    given_backwards
);
