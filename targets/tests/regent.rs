//! What the target file of the reference cluster sends for every kind of object, and what it makes
//! of the answers. That the server serves these routes and answers so is tested where the server is.

#[path = "support/server.rs"]
mod server;
mod support;

use std::sync::Arc;

use fracas_checker::event::Stamp;
use fracas_checker::transaction::{Micro, ReadValue};
use fracas_checker::{Completion, Key, NodeId, Op, Outcome, Value};
use server::Server;

/// An operation, what is sent for it, the answer beside node and generation, and what it means.
type Row = (Op, &'static str, &'static str, Outcome);

fn key(name: &str) -> Key {
    name.into()
}

fn sets_queues_and_counters() -> Vec<Row> {
    let (set, queue) = (|| key("set0"), || key("queue0"));
    let five = || Value::Int(5);
    let values: Arc<[Value]> = Arc::new([3.into(), 7.into()]);
    vec![
        (Op::Add { key: set(), value: five() }, "PUT /set/set0/5", "{}", Outcome::Add),
        (Op::Remove { key: set(), value: five() }, "DELETE /set/set0/5", "{}", Outcome::Remove),
        (
            Op::Contains { key: set(), value: five() },
            "GET /set/set0/5",
            r#"{"present":true}"#,
            Outcome::Contains { present: true },
        ),
        (
            Op::ReadAll { key: set() },
            "GET /set/set0",
            r#"{"values":[3,7]}"#,
            Outcome::ReadAll { values },
        ),
        (
            Op::Enqueue { key: queue(), value: five() },
            r#"POST /queue/queue0/enqueue {"value": 5}"#,
            "{}",
            Outcome::Enqueue,
        ),
        (
            Op::Dequeue { key: queue() },
            "POST /queue/queue0/dequeue",
            r#"{"value":5}"#,
            Outcome::Dequeue { value: Some(five()) },
        ),
        (
            Op::Dequeue { key: queue() },
            "POST /queue/queue0/dequeue",
            r#"{"value":null}"#,
            Outcome::Dequeue { value: None },
        ),
        (
            Op::Increment { key: key("counter0"), by: -2 },
            r#"POST /counter/counter0/add {"by": -2}"#,
            "{}",
            Outcome::Increment,
        ),
        (
            Op::Read { key: key("counter0") },
            "GET /counter/counter0",
            r#"{"value":0}"#,
            Outcome::Read { value: Some(0.into()) },
        ),
        (
            Op::Generate { key: key("ids0") },
            "POST /ids/ids0/next",
            r#"{"value":17}"#,
            Outcome::Generate { value: 17.into() },
        ),
    ]
}

fn registers_texts_and_versions() -> Vec<Row> {
    let text = || Value::text("a \"b");
    vec![
        (
            Op::Read { key: key("register0") },
            "GET /kv/register0",
            r#"{"value":null}"#,
            Outcome::Read { value: None },
        ),
        (
            Op::Write { key: key("register0"), value: 5.into() },
            r#"PUT /kv/register0 {"value": 5}"#,
            "{}",
            Outcome::Write,
        ),
        (
            Op::Read { key: key("kv0") },
            "GET /text/kv0",
            r#"{"value":"a \"b"}"#,
            Outcome::Read { value: Some(text()) },
        ),
        (
            Op::Write { key: key("kv0"), value: text() },
            r#"PUT /text/kv0 {"value": "a \"b"}"#,
            "{}",
            Outcome::Write,
        ),
        (
            Op::Append { key: key("kv0"), value: text() },
            r#"POST /text/kv0/append {"value": "a \"b"}"#,
            "{}",
            Outcome::Append,
        ),
        (
            Op::ReadVersion { key: key("versioned0") },
            "GET /versioned/versioned0",
            r#"{"value":9,"version":3}"#,
            Outcome::ReadVersion { generation: 3, value: Some(9.into()) },
        ),
        (
            Op::Update { key: key("versioned0"), expected: 3, value: 8.into() },
            r#"PUT /versioned/versioned0 {"expected": 3, "value": 8}"#,
            r#"{"version":4}"#,
            Outcome::Update { generation: 4 },
        ),
    ]
}

fn locks_and_transactions() -> Vec<Row> {
    let acquire = |name: &str| Op::Acquire { key: key(name), holder: 7, ttl: None };
    let release = |name: &str| Op::Release { key: key(name), holder: 7 };
    let read = |seen| Micro::Read { key: key("x"), seen };
    let append = || Micro::Append { key: key("l"), value: 2.into() };
    let list = ReadValue::List(Arc::new([1.into()]));
    vec![
        (
            acquire("mutex0"),
            r#"POST /mutex/mutex0/acquire {"holder": 7}"#,
            "{}",
            Outcome::Acquire { token: None },
        ),
        (
            acquire("lock0"),
            r#"POST /lock/lock0/acquire {"holder": 7, "ttl_ms": 0}"#,
            r#"{"token":5}"#,
            Outcome::Acquire { token: Some(5) },
        ),
        (release("mutex0"), r#"POST /mutex/mutex0/release {"holder": 7}"#, "{}", Outcome::Release),
        (release("lock0"), r#"POST /lock/lock0/release {"holder": 7}"#, "{}", Outcome::Release),
        (
            Op::Txn { ops: [read(ReadValue::Unknown), append()].into() },
            r#"POST /txn {"ops": [{"f": "read", "key": "x"}, {"f": "append", "key": "l", "value": 2}]}"#,
            r#"{"results":[[1],null]}"#,
            Outcome::Txn { ops: [read(list), append()].into() },
        ),
    ]
}

#[tokio::test]
async fn every_kind_of_object_has_its_routes() {
    let server = Server::start(include_str!("../builtin/regent.toml"), "7000").await;
    let stamp = Stamp::new(Some(NodeId(1)), Some(5));
    let rows =
        [sets_queues_and_counters(), registers_texts_and_versions(), locks_and_transactions()];
    for (op, sent, answer, outcome) in rows.concat() {
        let separator = if answer == "{}" { "" } else { "," };
        let begin = answer.trim_end_matches('}');
        let body = format!(r#"{begin}{separator}"generation":5,"node":"n1"}}"#);
        let (asked, completion) = server.ask(&op, 200, &body).await;
        assert_eq!(asked, sent, "{op}");
        assert_eq!(completion, Completion::Ok { outcome, stamp: stamp.clone() }, "{op}: {body}");
    }
}

#[tokio::test]
async fn what_was_certainly_not_done_has_failed() {
    let server = Server::start(include_str!("../builtin/regent.toml"), "7000").await;
    let rows =
        [sets_queues_and_counters(), registers_texts_and_versions(), locks_and_transactions()];
    for (op, ..) in rows.concat() {
        for (status, why) in [(421, "not leader"), (507, "disk full")] {
            let (_, completion) = server.ask(&op, status, "{}").await;
            assert_eq!(completion, Completion::Fail { error: why.to_owned() }, "{op}");
        }
        let (_, completion) = server.ask(&op, 503, "{}").await;
        let looks = op.kind().only_looks();
        assert_eq!(matches!(completion, Completion::Fail { .. }), looks, "{op}: {completion:?}");
    }
    let update = Op::Update { key: key("versioned0"), expected: 3, value: 8.into() };
    for (op, why) in [
        (update, "another version"),
        (Op::Acquire { key: key("mutex0"), holder: 7, ttl: None }, "held"),
        (Op::Release { key: key("mutex0"), holder: 7 }, "not the holder"),
    ] {
        let (_, completion) = server.ask(&op, 409, r#"{"error":"why"}"#).await;
        assert_eq!(completion, Completion::Fail { error: why.to_owned() }, "{op}");
    }
}
