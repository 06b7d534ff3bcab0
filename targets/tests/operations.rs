//! Every operation that can be asked for: what is sent, and what its answers mean.

#[path = "support/server.rs"]
mod server;
mod support;

use std::sync::Arc;

use fracas_checker::event::Stamp;
use fracas_checker::transaction::{Micro, ReadValue};
use fracas_checker::{Completion, Key, Op, OpKind, Outcome, Value};
use serde_json::{Value as Json, json};
use server::Server;

fn ok(outcome: Outcome) -> Completion {
    Completion::Ok { outcome, stamp: Stamp::default() }
}

fn fail(error: &str) -> Completion {
    Completion::Fail { error: error.to_owned() }
}

fn info(error: &str) -> Completion {
    Completion::Info { error: error.to_owned() }
}

fn key() -> Key {
    "k".into()
}

fn txn() -> Op {
    let read = |key: &str| Micro::Read { key: key.into(), seen: ReadValue::Unknown };
    let write = Micro::Write { key: "x".into(), value: 1.into() };
    let append = Micro::Append { key: "l".into(), value: Value::text("a") };
    Op::Txn { ops: [read("x"), write, append, read("l")].into() }
}

/// The transaction with its reads answered.
fn committed(x: ReadValue, l: ReadValue) -> Completion {
    let Op::Txn { ops } = txn() else { unreachable!("it is one") };
    let mut ops = ops.to_vec();
    ops[0] = Micro::Read { key: "x".into(), seen: x };
    ops[3] = Micro::Read { key: "l".into(), seen: l };
    ok(Outcome::Txn { ops: ops.into() })
}

/// An operation, what is sent for it, a successful answer, and what it means.
type Success = (Op, &'static str, &'static str, Outcome);

fn of_registers_sets_and_queues() -> Vec<Success> {
    let (key, value) = (key(), Value::Int(5));
    vec![
        (
            Op::Read { key: key.clone() },
            "GET /k",
            r#"{"value": "a b "}"#,
            Outcome::Read { value: Some(Value::text("a b ")) },
        ),
        (
            Op::Write { key: key.clone(), value: Value::text("x\"") },
            r#"PUT /k {"value": "x\""}"#,
            "",
            Outcome::Write,
        ),
        (
            Op::Cas { key: key.clone(), old: 1.into(), new: 2.into() },
            "PUT /k [1, 2]",
            "",
            Outcome::Cas,
        ),
        (
            Op::Swap { key: key.clone(), value: 2.into() },
            "POST /k 2",
            r#"{"value": 1}"#,
            Outcome::Swap { value: Some(1.into()) },
        ),
        (
            Op::Append { key: key.clone(), value: Value::text("a ") },
            "PUT /k \"a \"",
            "",
            Outcome::Append,
        ),
        (Op::Add { key: key.clone(), value: value.clone() }, "PUT /k/5", "", Outcome::Add),
        (Op::Remove { key: key.clone(), value: value.clone() }, "DELETE /k/5", "", Outcome::Remove),
        (
            Op::Contains { key: key.clone(), value: value.clone() },
            "GET /k/5",
            r#"{"present": true}"#,
            Outcome::Contains { present: true },
        ),
        (
            Op::ReadAll { key: key.clone() },
            "GET /k",
            r#"[3, "b"]"#,
            Outcome::ReadAll { values: Arc::new([3.into(), Value::text("b")]) },
        ),
        (Op::Enqueue { key: key.clone(), value }, "POST /k 5", "", Outcome::Enqueue),
        (
            Op::Dequeue { key },
            "POST /k",
            r#"{"value": 7}"#,
            Outcome::Dequeue { value: Some(7.into()) },
        ),
    ]
}

fn of_locks_and_others() -> Vec<Success> {
    let (key, value, ttl) = (key(), Value::Int(5), Some(2_000_000_000));
    vec![
        (
            Op::Acquire { key: key.clone(), holder: 3, ttl: None },
            "POST /k [3, 0]",
            r#"{"token": 33}"#,
            Outcome::Acquire { token: Some(33) },
        ),
        (Op::Renew { key: key.clone(), holder: 3, ttl }, "POST /k [3, 2000]", "", Outcome::Renew),
        (Op::Release { key: key.clone(), holder: 3 }, "POST /k 3", "", Outcome::Release),
        (
            Op::GuardedWrite { key: key.clone(), token: 33, value: value.clone() },
            "PUT /k [33, 5]",
            "",
            Outcome::GuardedWrite,
        ),
        (Op::Increment { key: key.clone(), by: -2 }, "POST /k -2", "", Outcome::Increment),
        (
            Op::Generate { key: key.clone() },
            "POST /k",
            r#"{"value": "17"}"#,
            Outcome::Generate { value: Value::text("17") },
        ),
        (
            Op::ReadVersion { key: key.clone() },
            "GET /k",
            r#"{"value": 9, "version": 4}"#,
            Outcome::ReadVersion { generation: 4, value: Some(9.into()) },
        ),
        (
            Op::Update { key, expected: 4, value },
            "PUT /k [4, 5]",
            r#"{"version": "5"}"#,
            Outcome::Update { generation: 5 },
        ),
    ]
}

#[tokio::test]
async fn every_operation_is_asked_for_with_its_arguments() {
    let server = Server::start(include_str!("valid-all.toml"), "8001").await;
    let mut kinds = vec![OpKind::Txn];
    let successes = of_registers_sets_and_queues().into_iter().chain(of_locks_and_others());
    for (op, sent, body, outcome) in successes {
        assert_eq!(server.ask(&op, 200, body).await, (sent.to_owned(), ok(outcome)), "{op}");
        kinds.push(op.kind());
    }
    let sent = json!([
        {"f": "read", "key": "x"},
        {"f": "write", "key": "x", "value": 1},
        {"f": "append", "key": "l", "value": "a"},
        {"f": "read", "key": "l"},
    ]);
    let (asked, completion) =
        server.ask(&txn(), 200, r#"{"results": [null, null, 3, [2, "a"]]}"#).await;
    let body = asked.strip_prefix("POST /txn ").expect("the path is fixed");
    assert_eq!(serde_json::from_str::<Json>(body).expect("JSON"), sent);
    let list = ReadValue::List(Arc::new([2.into(), Value::text("a")]));
    assert_eq!(completion, committed(ReadValue::Absent, list));
    kinds.sort();
    assert_eq!(kinds, Vec::from_iter(OpKind::asked()), "every kind of operation is in the table");
}

#[tokio::test]
async fn nothing_found_is_an_answer() {
    let server = Server::start(include_str!("valid-all.toml"), "8001").await;
    let (k, value) = (key, Value::Int(5));
    let none = Outcome::ReadVersion { generation: 0, value: None };
    for (op, status, body, outcome) in [
        (Op::Read { key: k() }, 200, r#"{"value": null}"#, Outcome::Read { value: None }),
        (Op::Dequeue { key: k() }, 200, r#"{"value": null}"#, Outcome::Dequeue { value: None }),
        (Op::Dequeue { key: k() }, 404, "", Outcome::Dequeue { value: None }),
        (
            Op::Contains { key: k(), value: value.clone() },
            404,
            "",
            Outcome::Contains { present: false },
        ),
        (Op::Contains { key: k(), value }, 204, "", Outcome::Contains { present: true }),
        (Op::ReadAll { key: k() }, 404, "", Outcome::ReadAll { values: Arc::new([]) }),
        (Op::ReadVersion { key: k() }, 200, r#"{"value": null, "version": 0}"#, none.clone()),
        (Op::ReadVersion { key: k() }, 404, "", none),
    ] {
        assert_eq!(server.ask(&op, status, body).await.1, ok(outcome), "{op}: {status} {body}");
    }
}

/// What only looks has certainly failed; what may have changed something is unknown.
#[tokio::test]
async fn an_answer_that_is_not_as_declared_is_never_a_success() {
    let server = Server::start(include_str!("valid-all.toml"), "8001").await;
    let hint = "(a number in quotes is a text or a number only where `as` says so)";
    for (op, body, completion) in [
        (
            Op::Read { key: key() },
            r#"{"value": "17"}"#,
            fail(&format!("expected an integer or a text at `/value`, found \"17\" {hint}")),
        ),
        (
            Op::Contains { key: key(), value: 5.into() },
            r#"{"present": "yes"}"#,
            fail("expected `true` or `false` at `/present`, found \"yes\""),
        ),
        (Op::ReadAll { key: key() }, "{}", fail("expected a list at ``, found {}")),
        (
            Op::ReadVersion { key: key() },
            r#"{"value": 9}"#,
            fail("expected an integer at `/version`, found nothing"),
        ),
        (
            Op::ReadVersion { key: key() },
            r#"{"value": 9, "version": null}"#,
            fail("expected a version beside the value, found `null`"),
        ),
        (
            Op::Dequeue { key: key() },
            "{}",
            info("expected an integer or a text at `/value`, found nothing"),
        ),
        (Op::Generate { key: key() }, r#"{"value": null}"#, info("expected an id, found `null`")),
        (
            Op::Update { key: key(), expected: 4, value: 5.into() },
            r#"{"version": null}"#,
            info("expected the new version, found `null`"),
        ),
        (txn(), r#"{"results": 1}"#, info("expected a list at `/results`, found 1")),
        (txn(), r#"{"results": [null]}"#, info("expected 4 results at `/results`, found 1")),
        (
            txn(),
            r#"{"results": [{}, null, null, null]}"#,
            info("expected an integer or a text at `/results`, found {}"),
        ),
    ] {
        assert_eq!(server.ask(&op, 200, body).await.1, completion, "{op}: {body}");
    }
}
