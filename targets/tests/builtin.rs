//! The built-in targets: what they make of the answers and log lines their servers really write.

mod support;

use std::path::Path;

use axum::Router;
use axum::http::StatusCode;
use fracas_checker::event::Stamp;
use fracas_checker::observation::{Grade, Role};
use fracas_checker::{Completion, NodeId, Op, Outcome, ProcessId};
use fracas_targets::{Deployment, LogFile, Sighting, Target};
use tokio::net::TcpListener;

const N1: NodeId = NodeId(1);

fn deploy(name: &str) -> Deployment {
    let target = Target::builtin(name, &support::FAULTS).unwrap().unwrap();
    target.deploy(&support::loopback(name, 3, Path::new("/nodes"))).unwrap()
}

/// Starts a server on node n1's own address and port that gives one answer to everything.
async fn serve(port: u16, status: u16, body: &'static str) -> tokio::task::JoinHandle<()> {
    let status = StatusCode::from_u16(status).unwrap();
    let listener = TcpListener::bind((support::address(1), port)).await.unwrap();
    let app = Router::new().fallback(move || std::future::ready((status, body)));
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() })
}

fn read() -> Op {
    Op::Read { key: "k".into() }
}

fn write() -> Op {
    Op::Write { key: "k".into(), value: 17.into() }
}

fn swap() -> Op {
    Op::Swap { key: "k".into(), value: 7.into() }
}

fn cas() -> Op {
    Op::Cas { key: "k".into(), old: 16.into(), new: 17.into() }
}

fn ok(outcome: Outcome) -> Completion {
    Completion::Ok { outcome, stamp: Stamp::default() }
}

fn stamped(outcome: Outcome, node: u16, generation: u64) -> Completion {
    let stamp = Stamp::new(Some(NodeId(node)), Some(generation));
    Completion::Ok { outcome, stamp }
}

fn value(value: i64) -> Outcome {
    Outcome::Read { value: Some(value.into()) }
}

fn fail(error: &str) -> Completion {
    Completion::Fail { error: error.to_owned() }
}

fn info(error: &str) -> Completion {
    Completion::Info { error: error.to_owned() }
}

/// An operation, the status and body it is answered with, and how it must end.
type Case = (Op, u16, &'static str, Completion);

async fn check(target: &str, port: u16, cases: Vec<Case>) {
    for (op, status, body, expected) in cases {
        let server = serve(port, status, body).await;
        let client = deploy(target).client().unwrap();
        assert_eq!(client.invoke(N1, ProcessId(1), &op).await, expected, "{op}: {status} {body}");
        server.abort();
        assert!(server.await.unwrap_err().is_cancelled());
    }
}

#[tokio::test]
async fn regent_answers() {
    let none = "no rule for the answer HTTP";
    let cases = vec![
        (read(), 200, r#"{"value":17,"generation":5,"node":"n3"}"#, stamped(value(17), 3, 5)),
        (
            read(),
            200,
            r#"{"value":null,"generation":5,"node":"n3"}"#,
            stamped(Outcome::Read { value: None }, 3, 5),
        ),
        (read(), 421, r#"{"error":"not leader"}"#, fail("not leader")),
        (read(), 503, "no quorum", fail(&format!("{none} 503 no quorum"))),
        (write(), 200, r#"{"generation":5,"node":"n1","index":9}"#, stamped(Outcome::Write, 1, 5)),
        (write(), 421, r#"{"error":"not leader"}"#, fail("not leader")),
        (write(), 503, "no quorum", info(&format!("{none} 503 no quorum"))),
        (cas(), 200, r#"{"swapped":true,"generation":5,"node":"n1"}"#, stamped(Outcome::Cas, 1, 5)),
        (cas(), 200, r#"{"swapped":false,"generation":5,"node":"n1"}"#, fail("mismatch")),
        (cas(), 200, "{}", info(&format!("{none} 200 {{}}"))),
        (cas(), 421, r#"{"error":"not leader"}"#, fail("not leader")),
        (
            swap(),
            200,
            r#"{"value":5,"generation":5,"node":"n1"}"#,
            stamped(Outcome::Swap { value: Some(5.into()) }, 1, 5),
        ),
        (
            swap(),
            200,
            r#"{"value":null,"generation":5,"node":"n1"}"#,
            stamped(Outcome::Swap { value: None }, 1, 5),
        ),
        (swap(), 421, r#"{"error":"not leader"}"#, fail("not leader")),
    ];
    check("regent", 7000, cases).await;
}

#[tokio::test]
async fn etcd_answers() {
    let none = "no rule for the answer HTTP";
    let late = r#"{"error":"etcdserver: request timed out","code":14}"#;
    let cases = vec![
        (
            read(),
            200,
            r#"{"header":{"revision":"2"},"kvs":[{"key":"aw==","value":"MTc="}],"count":"1"}"#,
            ok(value(17)),
        ),
        (read(), 200, r#"{"header":{"revision":"2"}}"#, ok(Outcome::Read { value: None })),
        (read(), 200, "{}", fail(&format!("{none} 200 {{}}"))),
        (
            read(),
            200,
            r#"{"header":{"revision":"2"},"kvs":[{"key":"aw==","value":"eA=="}]}"#,
            fail("expected base64 of an integer at `/kvs/0/value`, found \"eA==\""),
        ),
        (read(), 503, late, fail(&format!("{none} 503 {late}"))),
        (write(), 200, r#"{"header":{"revision":"2","raft_term":"2"}}"#, ok(Outcome::Write)),
        (write(), 200, "garbage", info(&format!("{none} 200 garbage"))),
        (write(), 503, late, info(&format!("{none} 503 {late}"))),
        (cas(), 200, r#"{"header":{"revision":"2"},"succeeded":true}"#, ok(Outcome::Cas)),
        (cas(), 200, r#"{"header":{"revision":"2"}}"#, fail("mismatch")),
        (
            swap(),
            200,
            r#"{"header":{"revision":"2"},"prev_kv":{"key":"aw==","value":"NQ=="}}"#,
            ok(Outcome::Swap { value: Some(5.into()) }),
        ),
        (swap(), 200, r#"{"header":{"revision":"2"}}"#, ok(Outcome::Swap { value: None })),
        (swap(), 200, "{}", info(&format!("{none} 200 {{}}"))),
        (cas(), 200, "{}", info(&format!("{none} 200 {{}}"))),
        (cas(), 503, late, info(&format!("{none} 503 {late}"))),
    ];
    check("etcd", 2379, cases).await;
}

/// What a line of standard error tells, of n1 by n1.
fn sight(target: &str, line: &str) -> Option<Sighting> {
    let deployment = deploy(target);
    let logs = &deployment.nodes[&N1].logs;
    let stderr = logs.iter().position(|log| log.file == LogFile::Stderr).unwrap();
    let sighting: Sighting = deployment.log_rules().sight(N1, stderr, line)?;
    assert_eq!(sighting.grade, Grade::Record);
    Some(sighting)
}

/// The role and generation that such a line tells.
fn told(target: &str, line: &str) -> Option<(Role, u64)> {
    let sighting = sight(target, line)?;
    Some((sighting.role?, sighting.generation?))
}

#[test]
fn a_line_tells_a_vote() {
    let sighting = sight("regent", "voted for=n3 generation=5 node=n1").unwrap();
    assert_eq!((sighting.voted, sighting.generation), (Some(NodeId(3)), Some(5)));
    assert_eq!(sighting.role, None);
}

#[test]
fn log_lines() {
    let etcd = |message: &str| {
        let begin =
            r#"{"level":"info","ts":"2026-11-21T06:05:27.207Z","caller":"raft/raft.go:771""#;
        told("etcd", &format!(r#"{begin},"msg":"d6e0e369aa3d89f3 {message}"}}"#))
    };
    assert_eq!(etcd("became leader at term 2"), Some((Role::Leader, 2)));
    assert_eq!(etcd("became follower at term 0"), Some((Role::Follower, 0)));
    assert_eq!(etcd("became candidate at term 12"), Some((Role::Candidate, 12)));
    assert_eq!(etcd("became pre-candidate at term 12"), None);
    assert_eq!(etcd("received MsgVoteResp from d6e0e369aa3d89f3 at term 2"), None);
    for (line, expected) in [
        ("won election generation=5 node=n1 votes=3", Some((Role::Leader, 5))),
        ("stepped down generation=5 node=n1 reason=newer generation", Some((Role::Follower, 5))),
        ("started generation=0 node=n1 listen=10.77.0.1:7000", Some((Role::Follower, 0))),
        ("a client said: won election generation=5 node=n1 votes=3", None),
    ] {
        assert_eq!(told("regent", line), expected, "{line}");
    }
}
