//! Real servers on loopback, each in a thread of its own, asked over HTTP. Only what the
//! simulation cannot show: that the driver, the disk and the wire do as the core says.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use fracas_regent::{ServeError, Settings, serve};
use reqwest::{Client, StatusCode};
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

    async fn ask_at(
        &self,
        name: &str,
        method: &str,
        path: &str,
        body: &Value,
    ) -> Option<(StatusCode, Value)> {
        let url = self.url(name, path);
        let request = match method {
            "get" => self.client.get(url),
            "put" => self.client.put(url).json(body),
            _ => self.client.post(url).json(body),
        };
        let answer = request.send().await.ok()?;
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
        let answer = cluster.ask("get", "/kv/x", &json!(null)).await;
        assert_eq!(answer["value"], 18);
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
