//! The built-in target redis-durable, where redis is installed: every object that it serves, and that
//! what it acknowledged is there after a SIGKILL.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use fracas_checker::{Completion, NodeId, Op, Outcome, ProcessId, Value};
use fracas_targets::{Client, Deployment, Target};

const N1: NodeId = NodeId(1);

/// How often a server is asked whether it is there.
const PAUSE: Duration = Duration::from_millis(50);

/// A server, which is killed when this is dropped.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let ended = self.0.kill().and_then(|()| self.0.wait());
        ended.map_or_else(|error| eprintln!("end redis: {error}"), |_| ());
    }
}

/// Starts the first node, and waits until it is ready.
async fn start(deployment: &Deployment) -> Server {
    let plan = &deployment.nodes[&N1];
    let mut command = Command::new(&plan.first().argv[0]);
    command.args(&plan.first().argv[1..]).stdout(Stdio::null()).stderr(Stdio::null());
    let server = Server(command.spawn().unwrap());
    let probe = plan.ready.as_ref().unwrap();
    let deadline = Instant::now() + probe.within * 2;
    while let Err(why) = probe.ask().await {
        assert!(Instant::now() < deadline, "{why}");
        tokio::time::sleep(PAUSE).await;
    }
    server
}

fn installed(binary: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(binary)).find(|file| Path::is_file(file))
}

async fn ok(client: &Client, op: Op) -> Outcome {
    match client.invoke(N1, ProcessId(1), &op).await {
        Completion::Ok { outcome, .. } => outcome,
        other => panic!("{op}: {other:?}"),
    }
}

/// The elements of the set, in order.
async fn all(client: &Client) -> Vec<i64> {
    let Outcome::ReadAll { values } = ok(client, Op::ReadAll { key: "set0".into() }).await else {
        panic!("a set is answered");
    };
    let mut all: Vec<i64> = values.iter().filter_map(Value::as_int).collect();
    all.sort_unstable();
    all
}

async fn objects(client: &Client) {
    let (set, queue, counter, ids) =
        (|| "set0".into(), || "fifo0".into(), || "counter0".into(), || "ids0".into());
    assert_eq!(all(client).await, [0; 0]);
    for value in [3, 4, 5] {
        assert_eq!(ok(client, Op::Add { key: set(), value: value.into() }).await, Outcome::Add);
        let enqueue = Op::Enqueue { key: queue(), value: value.into() };
        assert_eq!(ok(client, enqueue).await, Outcome::Enqueue);
    }
    let remove = Op::Remove { key: set(), value: 4.into() };
    assert_eq!(ok(client, remove).await, Outcome::Remove);
    for (value, present) in [(4, false), (5, true)] {
        let asked = Op::Contains { key: set(), value: value.into() };
        assert_eq!(ok(client, asked).await, Outcome::Contains { present });
    }
    for value in [Some(3), Some(4)] {
        let value = value.map(Value::Int);
        assert_eq!(ok(client, Op::Dequeue { key: queue() }).await, Outcome::Dequeue { value });
    }
    let read = || Op::Read { key: counter() };
    assert_eq!(ok(client, read()).await, Outcome::Read { value: None });
    for by in [7, -2] {
        assert_eq!(ok(client, Op::Increment { key: counter(), by }).await, Outcome::Increment);
    }
    assert_eq!(ok(client, read()).await, Outcome::Read { value: Some(5.into()) });
    for value in [1, 2] {
        let value = Value::Int(value);
        assert_eq!(ok(client, Op::Generate { key: ids() }).await, Outcome::Generate { value });
    }
}

#[tokio::test]
async fn it_serves_its_objects_and_forgets_nothing() {
    let Some(binary) = installed("redis-server") else {
        println!("skipped: redis-server is not installed");
        return;
    };
    let dir = std::env::temp_dir().join(format!("fracas-redis-durable-{}", std::process::id()));
    let target = Target::builtin("redis-durable", &support::FAULTS).unwrap().unwrap();
    let cluster = support::loopback(binary.to_str().unwrap(), 1, &dir);
    let deployment = target.deploy(&cluster).unwrap();
    let plan = &deployment.nodes[&N1];
    plan.data.iter().for_each(|data| fs::create_dir_all(data).unwrap());
    plan.files.iter().for_each(|(path, text)| fs::write(path, text).unwrap());
    let server = start(&deployment).await;
    let client = deployment.client().unwrap();
    objects(&client).await;
    drop(server);
    let _again = start(&deployment).await;
    let client = deployment.client().unwrap();
    assert_eq!(all(&client).await, [3, 5]);
    let left = ok(&client, Op::Dequeue { key: "fifo0".into() }).await;
    assert_eq!(left, Outcome::Dequeue { value: Some(5.into()) });
    let empty = ok(&client, Op::Dequeue { key: "fifo0".into() }).await;
    assert_eq!(empty, Outcome::Dequeue { value: None });
    let value = Value::Int(3);
    assert_eq!(ok(&client, Op::Generate { key: "ids0".into() }).await, Outcome::Generate { value });
    fs::remove_dir_all(&dir).unwrap();
}
