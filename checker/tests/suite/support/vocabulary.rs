//! Random operations of the whole vocabulary, each with an answer of its kind; few names and
//! values, so that they meet.

use std::sync::Arc;

use fracas_checker::transaction::{Micro, ReadValue};
use fracas_checker::{Key, Op, Outcome, Value};
use proptest::prelude::*;
use proptest::sample::select;

/// One of two keys.
fn key() -> impl Strategy<Value = Key> {
    select(vec!["a", "b"]).prop_map(Key::from)
}

/// One of a few values.
fn value() -> impl Strategy<Value = Value> {
    prop_oneof![8 => (0..9_i64).prop_map(Value::Int), 1 => Just(Value::text("x"))]
}

fn maybe() -> impl Strategy<Value = Option<Value>> {
    prop::option::weighted(0.8, value())
}

/// An operation, and what it is answered if it succeeds.
pub(crate) fn operation() -> impl Strategy<Value = (Op, Outcome)> {
    prop_oneof![
        6 => registers(),
        2 => collections(),
        2 => locks(),
        2 => others(),
        1 => transactions(),
    ]
}

fn registers() -> impl Strategy<Value = (Op, Outcome)> {
    let refused = prop_oneof![
        4 => Just(Outcome::Cas),
        1 => Just(Outcome::CasDiffers),
        1 => maybe().prop_map(|value| Outcome::CasFound { value }),
    ];
    prop_oneof![
        (key(), maybe()).prop_map(|(key, value)| (Op::Read { key }, Outcome::Read { value })),
        (key(), value()).prop_map(|(key, value)| (Op::Write { key, value }, Outcome::Write)),
        (key(), value(), value(), refused)
            .prop_map(|(key, old, new, outcome)| (Op::Cas { key, old, new }, outcome)),
        (key(), value(), maybe())
            .prop_map(|(key, new, value)| (Op::Swap { key, value: new }, Outcome::Swap { value })),
        (key(), value()).prop_map(|(key, value)| (Op::Append { key, value }, Outcome::Append)),
    ]
}

fn collections() -> impl Strategy<Value = (Op, Outcome)> {
    let all = prop::collection::vec(value(), 0..4).prop_map(Arc::from);
    prop_oneof![
        (key(), value()).prop_map(|(key, value)| (Op::Add { key, value }, Outcome::Add)),
        (key(), value()).prop_map(|(key, value)| (Op::Remove { key, value }, Outcome::Remove)),
        (key(), value(), any::<bool>()).prop_map(|(key, value, present)| {
            (Op::Contains { key, value }, Outcome::Contains { present })
        }),
        (key(), all).prop_map(|(key, values)| (Op::ReadAll { key }, Outcome::ReadAll { values })),
        (key(), value()).prop_map(|(key, value)| (Op::Enqueue { key, value }, Outcome::Enqueue)),
        (key(), maybe()).prop_map(|(key, value)| (Op::Dequeue { key }, Outcome::Dequeue { value })),
    ]
}

fn locks() -> impl Strategy<Value = (Op, Outcome)> {
    let token = || prop::option::of(0..5_u64);
    let ttl = || prop::option::of(0..900_000_u64);
    prop_oneof![
        (key(), 0..3_u64, ttl(), token()).prop_map(|(key, holder, ttl, token)| {
            (Op::Acquire { key, holder, ttl }, Outcome::Acquire { token })
        }),
        (key(), 0..3_u64, ttl())
            .prop_map(|(key, holder, ttl)| (Op::Renew { key, holder, ttl }, Outcome::Renew)),
        (key(), 0..3_u64).prop_map(|(key, holder)| (Op::Release { key, holder }, Outcome::Release)),
        (key(), 0..5_u64, value()).prop_map(|(key, token, value)| {
            (Op::GuardedWrite { key, token, value }, Outcome::GuardedWrite)
        }),
    ]
}

fn others() -> impl Strategy<Value = (Op, Outcome)> {
    prop_oneof![
        (key(), -3..4_i64).prop_map(|(key, by)| (Op::Increment { key, by }, Outcome::Increment)),
        (key(), value())
            .prop_map(|(key, value)| (Op::Generate { key }, Outcome::Generate { value })),
        (key(), 0..4_u64, maybe()).prop_map(|(key, generation, value)| {
            (Op::ReadVersion { key }, Outcome::ReadVersion { generation, value })
        }),
        (key(), 0..4_u64, value(), 0..4_u64).prop_map(|(key, expected, value, generation)| {
            (Op::Update { key, expected, value }, Outcome::Update { generation })
        }),
    ]
}

fn transactions() -> impl Strategy<Value = (Op, Outcome)> {
    let seen = prop_oneof![
        Just(ReadValue::Unknown),
        Just(ReadValue::Absent),
        value().prop_map(ReadValue::Value),
        prop::collection::vec(value(), 0..3).prop_map(|values| ReadValue::List(values.into())),
    ];
    let micro = prop_oneof![
        (key(), seen).prop_map(|(key, seen)| Micro::Read { key, seen }),
        (key(), value()).prop_map(|(key, value)| Micro::Write { key, value }),
        (key(), value()).prop_map(|(key, value)| Micro::Append { key, value }),
    ];
    prop::collection::vec(micro, 0..4).prop_map(|ops| {
        let ops: Arc<[Micro]> = ops.into();
        (Op::Txn { ops: Arc::clone(&ops) }, Outcome::Txn { ops })
    })
}
