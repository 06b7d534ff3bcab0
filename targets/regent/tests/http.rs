//! Real servers on loopback, each in a thread of its own, asked over HTTP. Only what the
//! simulation cannot show: that the driver, the disk and the wire do as the core says.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use fracas_regent::{ServeError, Settings, serve};
use reqwest::{Client, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::oneshot;

/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running node. It stops when this is dropped, as abruptly as a thread can.
struct Node {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Node {
    fn start(settings: Settings, listener: TcpListener) -> Self {
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = std::thread::spawn(move || {
            let result = block_on(serve_until(settings, listener, stopped));
            result.expect("the node serves");
        });
        Self { stop: Some(stop), thread: Some(thread) }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // If the node has died, the join below tells.
        let _ = self.stop.take().map(|stop| stop.send(()));
        let joined = self.thread.take().map(JoinHandle::join);
        assert!(std::thread::panicking() || matches!(joined, Some(Ok(()))), "the node panicked");
    }
}

async fn serve_until(
    settings: Settings,
    listener: TcpListener,
    stopped: oneshot::Receiver<()>,
) -> Result<(), ServeError> {
    listener.set_nonblocking(true).expect("a listener");
    let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
    // A dropped sender stops the node as well.
    serve(settings, listener, async { drop(stopped.await) }).await
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(future)
}

/// Three nodes and a client.
struct Cluster {
    dir: TempDir,
    addresses: BTreeMap<String, SocketAddr>,
    running: BTreeMap<String, Node>,
    client: Client,
}

impl Cluster {
    fn start() -> Self {
        let names = ["n1", "n2", "n3"].map(str::to_owned);
        let listeners = names.map(|name| (name, TcpListener::bind("127.0.0.1:0").expect("a port")));
        let address = |listener: &TcpListener| listener.local_addr().expect("an address");
        let addresses = listeners.iter().map(|(name, at)| (name.clone(), address(at))).collect();
        let dir = tempfile::tempdir().expect("a directory");
        let client = Client::builder().no_proxy().timeout(Duration::from_secs(5)).build();
        let client = client.expect("a client");
        let mut cluster = Self { dir, addresses, running: BTreeMap::new(), client };
        for (name, listener) in listeners {
            cluster.start_node(&name, listener);
        }
        cluster
    }

    fn start_node(&mut self, name: &str, listener: TcpListener) {
        let settings = settings(name, &self.addresses, self.dir.path().join(name));
        self.running.insert(name.to_owned(), Node::start(settings, listener));
    }

    fn restart(&mut self, name: &str) {
        let listener = TcpListener::bind(self.addresses[name]).expect("the port is free again");
        self.start_node(name, listener);
    }

    fn kill(&mut self, name: &str) {
        self.running.remove(name);
    }

    fn url(&self, name: &str, path: &str) -> String {
        format!("http://{}{path}", self.addresses[name])
    }

    async fn status(&self, name: &str) -> Option<Value> {
        let answer = self.client.get(self.url(name, "/status")).send().await.ok()?;
        answer.json().await.ok()
    }

    /// Asks until some running node says `wanted` of itself.
    async fn await_status(&self, wanted: impl Fn(&Value) -> bool) -> Value {
        let begun = Instant::now();
        loop {
            for name in self.running.keys() {
                if let Some(status) = self.status(name).await.filter(&wanted) {
                    return status;
                }
            }
            assert!(begun.elapsed() < PATIENCE, "no node came to say so");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn leader(&self) -> String {
        text(&self.await_status(|status| status["role"] == "leader").await["node"])
    }

    /// Asks the leader of the moment until one answers 200; the cluster may be electing.
    async fn ask(&self, method: &str, path: &str, body: &Value) -> Value {
        let begun = Instant::now();
        loop {
            let leader = self.leader().await;
            if let Some((StatusCode::OK, answer)) = self.ask_at(&leader, method, path, body).await {
                assert!(answer["generation"].as_u64() > Some(0), "{answer}");
                return answer;
            }
            assert!(begun.elapsed() < PATIENCE, "{method} {path} never succeeded");
        }
    }

    fn request(&self, name: &str, method: &str, path: &str, body: &Value) -> RequestBuilder {
        let url = self.url(name, path);
        match method {
            "get" => self.client.get(url),
            "delete" => self.client.delete(url),
            "put" => self.client.put(url).json(body),
            _ => self.client.post(url).json(body),
        }
    }

    /// Asks the leader of the moment until one answers for good, and leaves out who it was.
    async fn answered(&self, method: &str, path: &str, body: &Value) -> Value {
        let begun = Instant::now();
        loop {
            let leader = self.leader().await;
            let answer = self.ask_at(&leader, method, path, body).await;
            if let Some((status, mut answer)) = answer
                && [StatusCode::OK, StatusCode::CONFLICT, StatusCode::BAD_REQUEST].contains(&status)
            {
                let fields = answer.as_object_mut().expect("an object");
                for stamp in ["node", "generation"] {
                    assert!(fields.remove(stamp).is_some(), "{method} {path}: no `{stamp}`");
                }
                fields.remove("index");
                assert_eq!(status == StatusCode::OK, !fields.contains_key("error"), "{status}");
                return answer;
            }
            assert!(begun.elapsed() < PATIENCE, "{method} {path} was never answered");
        }
    }

    async fn ask_at(
        &self,
        name: &str,
        method: &str,
        path: &str,
        body: &Value,
    ) -> Option<(StatusCode, Value)> {
        let answer = self.request(name, method, path, body).send().await.ok()?;
        Some((answer.status(), answer.json().await.ok()?))
    }
}

fn settings(name: &str, nodes: &BTreeMap<String, SocketAddr>, data: PathBuf) -> Settings {
    Settings {
        id: name.to_owned(),
        nodes: nodes.clone(),
        data,
        election_ms: 400,
        heartbeat_ms: 60,
        bug: None,
    }
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

#[test]
fn a_leader_reads_writes_and_swaps() {
    let cluster = Cluster::start();
    block_on(async {
        assert_eq!(cluster.ask("get", "/kv/x", &json!(null)).await["value"], json!(null));
        assert!(cluster.ask("put", "/kv/x", &json!({"value": 17})).await["index"].is_u64());
        assert_eq!(cluster.ask("get", "/kv/x", &json!(null)).await["value"], 17);
        let swap = json!({"old": 17, "new": 18});
        assert_eq!(cluster.ask("post", "/kv/x/cas", &swap).await["swapped"], true);
        assert_eq!(cluster.ask("post", "/kv/x/cas", &swap).await["swapped"], false);
        let swap = json!({"value": 19});
        assert_eq!(cluster.ask("post", "/kv/x/swap", &swap).await["value"], 18);
        let answer = cluster.ask("get", "/kv/x", &json!(null)).await;
        assert_eq!(answer["value"], 19);
        assert_eq!(cluster.ask("post", "/kv/y/swap", &swap).await["value"], json!(null));
        assert!(cluster.addresses.contains_key(&text(&answer["node"])));
    });
}

#[test]
fn a_follower_refuses_and_names_the_leader() {
    let cluster = Cluster::start();
    block_on(async {
        let knows = |s: &Value| s["role"] == "follower" && s["leader"].is_string();
        let follower = text(&cluster.await_status(knows).await["node"]);
        let body = json!({"value": 1});
        let (status, answer) = cluster.ask_at(&follower, "put", "/kv/x", &body).await.unwrap();
        // Unless it has come to lead in between.
        if status != StatusCode::OK {
            assert_eq!(status, StatusCode::MISDIRECTED_REQUEST);
            assert_eq!(answer["error"], "not leader");
            assert!(answer["generation"].is_u64());
        }
    });
}

#[test]
fn nothing_is_lost_when_the_leader_dies_and_returns() {
    let mut cluster = Cluster::start();
    block_on(async {
        for value in 0..10 {
            let written = cluster.ask("put", "/kv/x", &json!({ "value": value })).await;
            if value % 5 == 4 {
                let (leader, generation) = (text(&written["node"]), written["generation"].clone());
                cluster.kill(&leader);
                let read = cluster.ask("get", "/kv/x", &json!(null)).await;
                assert_eq!(read["value"], value);
                assert!(read["generation"].as_u64() > generation.as_u64(), "{read} {generation}");
                cluster.restart(&leader);
                let applied = read["generation"].as_u64();
                let back = |s: &Value| s["node"] == *leader && s["generation"].as_u64() >= applied;
                cluster.await_status(back).await;
            }
        }
    });
}

#[test]
fn a_lock_is_granted_with_a_token_that_what_it_guards_looks_at() {
    let cluster = Cluster::start();
    block_on(async {
        // Nobody gives a lease back: each ends by itself.
        let lease = |holder: u64| json!({"holder": holder, "ttl_ms": 300});
        let first = cluster.ask("post", "/lock/l/acquire", &lease(1)).await["token"].clone();
        let second = cluster.ask("post", "/lock/l/acquire", &lease(2)).await["token"].clone();
        assert!(second.as_u64() > first.as_u64(), "{second} {first}");

        let write = |token: &Value, value: u64| json!({"token": token, "value": value});
        cluster.ask("post", "/kv/l/guarded", &write(&second, 2)).await;
        let leader = cluster.leader().await;
        let late = cluster.ask_at(&leader, "post", "/kv/l/guarded", &write(&first, 1)).await;
        assert_ne!(late.unwrap().0, StatusCode::OK);
        assert_eq!(cluster.ask("get", "/kv/l", &json!(null)).await["value"], 2);
    });
}

/// A method, a path, a body, and the part of the answer that is not node, generation and index.
type Row = (&'static str, &'static str, Value, Value);

fn sets_queues_and_counters() -> Vec<Row> {
    let none = || json!(null);
    vec![
        ("get", "/set/s", none(), json!({"values": []})),
        ("put", "/set/s/7", none(), json!({})),
        ("put", "/set/s/-3", none(), json!({})),
        ("get", "/set/s/7", none(), json!({"present": true})),
        ("get", "/set/s", none(), json!({"values": [-3, 7]})),
        ("delete", "/set/s/7", none(), json!({})),
        ("get", "/set/s/7", none(), json!({"present": false})),
        ("post", "/queue/q/dequeue", none(), json!({"value": null})),
        ("post", "/queue/q/enqueue", json!({"value": 5}), json!({})),
        ("post", "/queue/q/enqueue", json!({"value": 4}), json!({})),
        ("post", "/queue/q/dequeue", none(), json!({"value": 5})),
        ("post", "/queue/q/dequeue", none(), json!({"value": 4})),
        ("get", "/counter/c", none(), json!({"value": 0})),
        ("post", "/counter/c/add", json!({"by": 7}), json!({})),
        ("post", "/counter/c/add", json!({"by": -2}), json!({})),
        ("get", "/counter/c", none(), json!({"value": 5})),
        ("post", "/ids/i/next", none(), json!({"value": 1})),
        ("post", "/ids/i/next", none(), json!({"value": 2})),
    ]
}

fn mutexes_versions_and_texts() -> Vec<Row> {
    let none = || json!(null);
    let (first, second) = (|| json!({"holder": 1}), || json!({"holder": 2}));
    let refused = |why: &str| json!({ "error": why });
    vec![
        ("post", "/mutex/m/acquire", first(), json!({})),
        ("post", "/mutex/m/acquire", second(), refused("it is held")),
        ("post", "/mutex/m/release", second(), refused("it is not yours")),
        ("post", "/mutex/m/release", first(), json!({})),
        ("post", "/mutex/m/acquire", second(), json!({})),
        ("get", "/versioned/v", none(), json!({"value": null, "version": 0})),
        ("put", "/versioned/v", json!({"expected": 0, "value": 9}), json!({"version": 1})),
        (
            "put",
            "/versioned/v",
            json!({"expected": 0, "value": 8}),
            refused("it has another version"),
        ),
        ("get", "/versioned/v", none(), json!({"value": 9, "version": 1})),
        ("get", "/text/t", none(), json!({"value": null})),
        ("post", "/text/t/append", json!({"value": "a "}), json!({})),
        ("post", "/text/t/append", json!({"value": "b "}), json!({})),
        ("get", "/text/t", none(), json!({"value": "a b "})),
        ("put", "/text/t", json!({"value": "c "}), json!({})),
        ("get", "/text/t", none(), json!({"value": "c "})),
    ]
}

fn transactions() -> Vec<Row> {
    let ops = |ops: Value| json!({ "ops": ops });
    let read = |key: &str| json!({"f": "read", "key": key});
    let write = |key: &str, value: i64| json!({"f": "write", "key": key, "value": value});
    let append = |key: &str, value: i64| json!({"f": "append", "key": key, "value": value});
    let results = |results: Value| json!({ "results": results });
    vec![
        (
            "post",
            "/txn",
            ops(json!([read("x"), write("x", 1), append("l", 2), append("l", 3), read("l")])),
            results(json!([null, null, null, null, [2, 3]])),
        ),
        ("post", "/txn", ops(json!([read("x"), read("l")])), results(json!([1, [2, 3]]))),
        (
            "post",
            "/txn",
            ops(json!([write("x", 2), write("l", 3)])),
            json!({"error": "a list is not written, expected `append`"}),
        ),
        (
            "post",
            "/txn",
            ops(json!([append("l", 9), append("x", 3)])),
            json!({"error": "a number is not appended to, expected `write`"}),
        ),
        ("post", "/txn", ops(json!([read("x"), read("l")])), results(json!([1, [2, 3]]))),
    ]
}

#[test]
fn every_kind_of_object_is_served() {
    let cluster = Cluster::start();
    block_on(async {
        cluster.ask("get", "/kv/x", &json!(null)).await;
        let rows = [sets_queues_and_counters(), mutexes_versions_and_texts(), transactions()];
        for (method, path, body, expect) in rows.concat() {
            let answer = cluster.answered(method, path, &body).await;
            assert_eq!(answer, expect, "{method} {path} {body}");
        }
    });
}

#[test]
fn what_makes_no_sense_is_refused_before_it_is_in_the_log() {
    let cluster = Cluster::start();
    let long = "t".repeat(2_000);
    let parts: Vec<Value> = vec![json!({"f": "read", "key": "x"}); 17];
    let rows = [
        ("put", "/set/s/text", json!(null)),
        ("put", "/text/t", json!({ "value": long })),
        ("post", "/txn", json!({"ops": []})),
        ("post", "/txn", json!({ "ops": parts })),
        ("post", "/txn", json!({"ops": [{"f": "place", "key": "l", "value": 1, "at": 0}]})),
        ("post", "/txn", json!({"ops": [{"f": "read", "key": "x", "value": 1}]})),
        ("post", "/queue/q/enqueue", json!({"value": "text"})),
        ("put", "/versioned/v", json!({"expected": -1, "value": 1})),
    ];
    block_on(async {
        for (method, path, body) in rows {
            let status = cluster.request("n1", method, path, &body).send().await.unwrap().status();
            assert!(status.is_client_error(), "{method} {path} {body}: {status}");
            assert_ne!(status, StatusCode::MISDIRECTED_REQUEST, "{method} {path} {body}");
        }
    });
}

#[test]
fn a_minority_answers_nothing_for_sure() {
    let mut cluster = Cluster::start();
    block_on(async {
        cluster.ask("put", "/kv/x", &json!({"value": 1})).await;
        let leader = cluster.leader().await;
        let others: Vec<String> =
            cluster.running.keys().filter(|n| **n != leader).cloned().collect();
        for other in &others {
            cluster.kill(other);
        }
        for (method, body) in [("get", json!(null)), ("put", json!({"value": 2}))] {
            let (status, _) = cluster.ask_at(&leader, method, "/kv/x", &body).await.unwrap();
            let refused = [StatusCode::SERVICE_UNAVAILABLE, StatusCode::MISDIRECTED_REQUEST];
            assert!(refused.contains(&status), "{method}: {status}");
        }
        cluster.await_status(|status| status["role"] != "leader").await;
    });
}

#[test]
fn strangers_and_nonsense_are_refused() {
    let cluster = Cluster::start();
    block_on(async {
        let vote =
            json!({"generation": 999, "candidate": "n9", "last_index": 9, "last_generation": 9});
        let answer = cluster.ask_at("n1", "post", "/peer/vote", &vote).await;
        assert_eq!(answer.unwrap().0, StatusCode::FORBIDDEN);
        let long = format!("/kv/{}", "k".repeat(300));
        let answer = cluster.ask_at("n1", "get", &long, &json!(null)).await;
        assert_eq!(answer.unwrap().0, StatusCode::BAD_REQUEST);
        let url = cluster.url("n1", "/kv/x");
        let answer = cluster.client.put(url).json(&json!({"value": "text"})).send().await.unwrap();
        assert!(answer.status().is_client_error());
        let status = cluster.status("n1").await.expect("it is still there");
        assert!(status["generation"].as_u64() < Some(999));
    });
}

#[track_caller]
fn check_refused(file: &str, content: &str) {
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::write(dir.path().join(file), content).expect("a file");
    let error = start_on(dir.path()).expect_err("a corrupt file is refused");
    assert!(error.to_string().contains(file), "{error}");
}

fn start_on(data: &Path) -> Result<(), ServeError> {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let at = listener.local_addr().expect("an address");
    let settings = settings("n1", &BTreeMap::from([("n1".to_owned(), at)]), data.to_owned());
    let (_stop, stopped) = oneshot::channel();
    block_on(serve_until(settings, listener, stopped))
}

#[test]
fn a_corrupt_disk_is_refused() {
    check_refused("ballot", "0000000000000000 {\"generation\":5,\"vote\":null}\n");
    check_refused("ballot", "");
    check_refused("log", "nonsense\nnonsense\n");
}
