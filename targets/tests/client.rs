//! What a client makes of the answers of a server, and of a server that does not answer.

mod support;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path as UrlPath, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::routing::get;
use fracas_checker::event::Stamp;
use fracas_checker::observation::{Grade, Role};
use fracas_checker::{Completion, NodeId, Op, Outcome, ProcessId};
use fracas_targets::{Client, Deployment, Route, Target};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const N1: NodeId = NodeId(1);
const P7: ProcessId = ProcessId(7);

/// The sample target with the server's port in it, and short time-outs.
fn deploy(port: u16) -> Deployment {
    let text = include_str!("valid.toml")
        .replace("8001", &port.to_string())
        .replace("timeout = \"2s\"", "timeout = \"1s\"");
    let target = Target::parse("valid.toml", &text, &support::FAULTS)
        .unwrap_or_else(|error| panic!("{error}"));
    target.deploy(&support::loopback("server", 2, Path::new("/nodes"))).unwrap()
}

async fn listen() -> TcpListener {
    TcpListener::bind((support::address(1), 0)).await.unwrap()
}

/// How many requests have arrived.
type Count = Arc<AtomicUsize>;

/// Answers as the key says: `200:BODY` is status 200 with that body.
async fn answer(UrlPath(key): UrlPath<String>, State(count): State<Count>) -> (StatusCode, String) {
    count.fetch_add(1, Ordering::SeqCst);
    let (status, body) = key.split_once(':').unwrap_or((&key, ""));
    match status {
        "slow" => tokio::time::sleep(Duration::from_secs(5)).await,
        "huge" => return (StatusCode::OK, format!("{{\"value\": {}}}", "1".repeat(1_100_000))),
        _ => {}
    }
    (status.parse().unwrap_or(StatusCode::OK), body.to_owned())
}

async fn serve() -> (Deployment, Count) {
    let count = Count::default();
    let app = Router::new()
        .route("/kv/{key}", get(answer).put(answer))
        .route("/status", get(async || r#"{"role": "master", "term": 5, "leader": "n9"}"#))
        .route("/healthz", get(async || ""))
        .with_state(Arc::clone(&count));
    let listener = listen().await;
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move { axum::serve(listener, app).await });
    (deploy(port), count)
}

fn read(key: &str) -> Op {
    Op::Read { key: key.into() }
}

fn write(key: &str) -> Op {
    Op::Write { key: key.into(), value: 17.into() }
}

/// One word, and the beginning of the error.
async fn outcome(client: &Client, op: &Op) -> String {
    match client.invoke(N1, P7, op).await {
        Completion::Ok { outcome: Outcome::Read { value }, .. } => {
            format!("ok {:?}", value.and_then(|value| value.as_int()))
        }
        Completion::Ok { .. } => "ok".to_owned(),
        Completion::Fail { error } => format!("fail {error}"),
        Completion::Info { error } => format!("info {error}"),
    }
}

#[tokio::test]
async fn answers_are_classified_by_their_rules() {
    let (deployment, _) = serve().await;
    let client = deployment.client().unwrap();
    for (op, expected) in [
        (read(r#"200:{"value":17}"#), "ok Some(17)"),
        (read(r#"200:{"value":-17}"#), "ok Some(-17)"),
        (read(r#"200:{"value":null}"#), "ok None"),
        (read("404"), "ok None"),
        (read("200:{}"), "fail expected an integer or a text at `/value`, found nothing"),
        (read(r#"200:{"value":1.5}"#), "fail expected an integer or a text at `/value`, found 1.5"),
        (read("200:garbage"), "fail expected an answer in JSON"),
        (read("503:overloaded"), "fail no rule for the answer HTTP 503 overloaded"),
        (read("huge"), "fail answer longer than 1048576 bytes"),
        (read("slow"), "fail timed out"),
        (write("200"), "ok"),
        (write("201:garbage"), "ok"),
        (write("421"), "fail not leader"),
        (write("404"), "info no rule for the answer HTTP 404"),
        (write("503:try\x07again"), "info no rule for the answer HTTP 503 try\u{fffd}again"),
        (write("307"), "info no rule for the answer HTTP 307"),
        (write("huge"), "info answer longer than 1048576 bytes"),
        (write("slow"), "info timed out"),
    ] {
        assert_eq!(outcome(&client, &op).await, expected, "{op}");
    }
}

#[tokio::test]
async fn what_was_not_sent_has_failed() {
    let listener = listen().await;
    let client = deploy(listener.local_addr().unwrap().port()).client().unwrap();
    drop(listener);
    let refused = outcome(&client, &write("k1")).await;
    assert!(refused.starts_with("fail connect: Connection refused"), "{refused}");
    let stranger = client.invoke(NodeId(9), P7, &write("k1")).await;
    assert_eq!(stranger, Completion::Fail { error: "the cluster has no node `n9`".to_owned() });
    let cas = Op::Cas { key: "k1".into(), old: 1.into(), new: 2.into() };
    assert_eq!(outcome(&client, &cas).await, "fail the target serves no `cas`");
}

#[tokio::test]
async fn a_connection_that_breaks_after_the_request_leaves_it_unknown() {
    let listener = listen().await;
    let client = deploy(listener.local_addr().unwrap().port()).client().unwrap();
    let seen = Count::default();
    let counted = Arc::clone(&seen);
    tokio::spawn(async move {
        let mut partial = false;
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            counted.fetch_add(1, Ordering::SeqCst);
            let mut request = [0; 1024];
            assert!(stream.read(&mut request).await.unwrap() > 0);
            if partial {
                stream
                    .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf")
                    .await
                    .unwrap();
            }
            partial = !partial;
        }
    });
    for expected in ["info", "info"] {
        let outcome = outcome(&client, &write("k1")).await;
        assert!(outcome.starts_with(expected), "{outcome}");
    }
    assert!(outcome(&client, &read("k1")).await.starts_with("fail"));
    assert_eq!(seen.load(Ordering::SeqCst), 3, "nothing is sent twice");
}

#[tokio::test]
async fn every_operation_is_one_request() {
    let (deployment, count) = serve().await;
    let client = deployment.client().unwrap();
    for op in [write("200"), write("503"), write("slow"), read("huge")] {
        count.store(0, Ordering::SeqCst);
        client.invoke(N1, P7, &op).await;
        assert_eq!(count.load(Ordering::SeqCst), 1, "{op}");
    }
}

#[tokio::test]
async fn an_answer_may_carry_a_stamp() {
    let (deployment, _) = serve().await;
    let client = deployment.client().unwrap();
    for (body, node, generation) in [
        (r#"{"value":1,"node":"n2","term":5}"#, Some(NodeId(2)), Some(5)),
        (r#"{"value":1,"node":"n9","term":-5}"#, None, None),
        (r#"{"value":1,"node":2,"term":null}"#, None, None),
        (r#"{"value":1}"#, None, None),
    ] {
        let completion = client.invoke(N1, P7, &read(&format!("200:{body}"))).await;
        let outcome = Outcome::Read { value: Some(1.into()) };
        assert_eq!(completion, Completion::Ok { outcome, stamp: Stamp::new(node, generation) });
    }
}

#[tokio::test]
async fn a_request_carries_what_the_file_declares() {
    let requests = Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = Arc::clone(&requests);
    let keep = async move |uri: Uri, headers: HeaderMap, body: Bytes| {
        let header = |name| headers.get(name).map_or("-", |value| value.to_str().unwrap());
        let (accept, sort) = (header("accept"), header("content-type"));
        let body = String::from_utf8(body.to_vec()).unwrap();
        seen.lock().unwrap().push(format!("{uri} {accept} {sort} {body}"));
        r#"{"value": 1}"#
    };
    let listener = listen().await;
    let client = deploy(listener.local_addr().unwrap().port()).client().unwrap();
    let app = Router::new().fallback(keep);
    tokio::spawn(async move { axum::serve(listener, app).await });
    for op in [read("k1"), write("k1"), write("k1")] {
        client.invoke(N1, P7, &op).await;
    }
    assert_eq!(
        *requests.lock().unwrap(),
        [
            "/kv/k1?consistency=linearizable application/json - ",
            r#"/kv/k1 application/json application/json {"value": 17, "id": "7-1"}"#,
            r#"/kv/k1 application/json application/json {"value": 17, "id": "7-2"}"#,
        ]
    );
}

#[tokio::test]
async fn a_poller_tells_what_a_node_says_of_itself() {
    let (deployment, _) = serve().await;
    let poller = deployment.poller().unwrap();
    let sighting = poller.ask(N1).await.remove(0);
    assert_eq!(sighting.grade, Grade::Claim);
    assert_eq!(sighting.role, Some(Role::Leader));
    assert_eq!(sighting.generation, Some(5));
    assert_eq!(sighting.leader, None, "n9 is not part of the cluster");
    assert_eq!(sighting.text, r#"HTTP 200 {"role": "master", "term": 5, "leader": "n9"}"#);
    assert_eq!(poller.ask(NodeId(2)).await, [], "nobody listens there");
    assert_eq!(poller.ask(NodeId(9)).await, []);
}

#[tokio::test]
async fn a_probe_asks_whether_a_node_is_up() {
    let (deployment, _) = serve().await;
    let probe = |node| deployment.nodes[&NodeId(node)].ready.clone().unwrap();
    assert_eq!(probe(1).ask().await, Ok(()));
    assert!(probe(2).ask().await.unwrap_err().starts_with("connect: "));
    let mut strict = probe(1);
    strict.status = Some(204);
    assert_eq!(strict.ask().await, Err("HTTP 200".to_owned()));
}

#[test]
fn a_client_asks_the_node_that_the_file_says() {
    let routes = [
        ("node", [Route::Node; 2]),
        ("any", [Route::Any; 2]),
        ("leader", [Route::Leader; 2]),
        ("mixed", [Route::Leader, Route::Node]),
    ];
    for (route, asked) in routes {
        let text = include_str!("valid.toml");
        let text = text.replace("route = \"leader\"", &format!("route = \"{route}\""));
        let target = Target::parse("valid.toml", &text, &support::FAULTS).unwrap();
        let nodes = support::loopback("server", 2, Path::new("/nodes"));
        let client = target.deploy(&nodes).unwrap().client().unwrap();
        assert_eq!([true, false].map(|seeks| client.route(seeks)), asked, "{route}");
    }
    assert_eq!(deploy(1).client().unwrap().timeout(), Duration::from_secs(1));
}
