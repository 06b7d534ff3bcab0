//! The built-in targets redis-sentinel and redis-cluster: what they make of replies that a single
//! server never gives, and what they promise.

mod support;

use std::path::Path;

use fracas_checker::observation::{Grade, Role};
use fracas_checker::{Completion, NodeId, Op, ProcessId};
use fracas_targets::{ClusterSpec, Deployment, Known, Settings, Target};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

fn load(name: &str, settings: &Settings) -> Target {
    let text = Target::builtin_text(name).unwrap();
    let known = Known { faults: &support::FAULTS, settings, serves: None };
    Target::load(name, text, known).unwrap_or_else(|error| panic!("{error}"))
}

fn deploy(name: &str) -> Deployment {
    let others = [("cli".to_owned(), "redis-cli".into())].into();
    let spec = support::loopback("redis-server", 3, Path::new("/nodes"));
    load(name, &Settings::new()).deploy(&ClusterSpec { others, ..spec }).unwrap()
}

/// Gives a reply to the first command of the next client of a node.
async fn serve(node: u8, reply: &'static str) -> JoinHandle<()> {
    let listener = TcpListener::bind((support::address(node), 6379)).await.unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        assert!(stream.read(&mut [0; 1024]).await.unwrap() > 0);
        stream.write_all(reply.as_bytes()).await.unwrap();
    })
}

fn key() -> fracas_checker::event::Key {
    "k".into()
}

/// How an operation ends that node n1 answers so, in words.
async fn ended(target: &str, op: Op, reply: &'static str) -> String {
    let server = serve(1, reply).await;
    let client = deploy(target).client().unwrap();
    let completion = client.invoke(NodeId(1), ProcessId(0), &op).await;
    server.await.unwrap();
    match completion {
        Completion::Ok { .. } => "ok".to_owned(),
        Completion::Fail { error } => format!("fail {error}"),
        Completion::Info { error } => format!("info {error}"),
    }
}

/// What n1 is seen to be by a reply to its status.
async fn seen(target: &str, reply: &'static str) -> (Option<Role>, Option<u64>) {
    let server = serve(1, reply).await;
    let sightings = deploy(target).poller().unwrap().ask(NodeId(1)).await;
    server.await.unwrap();
    let [sighting] = &sightings[..] else { panic!("{sightings:?}") };
    assert_eq!(sighting.grade, Grade::Hearsay, "{target} proves nothing");
    (sighting.role, sighting.generation)
}

/// All in turn: a node's port is fixed.
#[tokio::test]
async fn replies_are_classified_by_their_rules() {
    let read = || Op::Read { key: key() };
    let add = || Op::Add { key: key(), value: 7.into() };
    let contains = || Op::Contains { key: key(), value: 7.into() };
    let replica = "-READONLY You can't write against a read only replica.\r\n";
    let few = "-NOREPLICAS Not enough good replicas to write.\r\n";
    let down = "-CLUSTERDOWN Hash slot not served\r\n";
    let stranger = "-MOVED 3999 192.0.2.9:6379\r\n";
    for (target, op, reply, expected) in [
        ("redis-sentinel", read(), "$2\r\n17\r\n", "ok"),
        ("redis-sentinel", read(), "-READONLY no master\r\n", "fail a replica"),
        ("redis-sentinel", contains(), "-READONLY no master\r\n", "fail a replica"),
        ("redis-sentinel", Op::ReadAll { key: key() }, "-READONLY no master\r\n", "fail a replica"),
        ("redis-sentinel", add(), replica, "fail a replica"),
        ("redis-sentinel", add(), few, "fail too few replicas follow"),
        ("redis-sentinel", add(), "-ERR odd\r\n", "info no rule for the answer ERR odd"),
        ("redis-cluster", add(), ":1\r\n", "ok"),
        ("redis-cluster", add(), few, "fail too few replicas follow"),
        ("redis-cluster", add(), down, "fail its slots are not served"),
        ("redis-cluster", add(), stranger, "info no rule for the answer MOVED 3999 192.0.2.9:6379"),
    ] {
        assert_eq!(ended(target, op, reply).await, expected, "{target}: {reply}");
    }
    for (target, reply, role, generation) in [
        ("redis-sentinel", "*3\r\n$6\r\nmaster\r\n:17\r\n*0\r\n", Role::Leader, None),
        ("redis-sentinel", "*2\r\n$5\r\nslave\r\n:17\r\n", Role::Follower, None),
        (
            "redis-cluster",
            "$108\r\na 10.77.0.2:6379@16379 slave b 0 1 8 connected\n\
             b 10.77.0.1:6379@16379 myself,master - 0 1 8 connected 0-5460\r\n",
            Role::Leader,
            Some(8),
        ),
        // A replica shows the epoch of its master, and before there is a cluster there is none.
        (
            "redis-cluster",
            "$46\r\na 10.77.0.2:6379@1 myself,slave b 0 1 8 connec\r\n",
            Role::Follower,
            None,
        ),
        (
            "redis-cluster",
            "$48\r\na 10.77.0.2:6379@1 myself,master - 0 0 0 connect\r\n",
            Role::Leader,
            None,
        ),
    ] {
        assert_eq!(seen(target, reply).await, (Some(role), generation), "{target}: {reply}");
    }
}

/// Redis documents no more than that; a user may ask for more.
#[test]
fn nothing_is_promised_of_objects_unless_somebody_asks_for_it() {
    for (name, asked) in [
        ("redis-sentinel", &["registers", "sets"][..]),
        ("redis-cluster", &["registers", "sets", "counters"]),
    ] {
        let made = |objects: Option<&str>| -> Vec<&str> {
            let chosen = objects.map(|word| ("objects".to_owned(), word.to_owned()));
            let target = load(name, &chosen.into_iter().collect());
            target.promises().made.iter().map(|promise| promise.key).collect()
        };
        assert_eq!(made(None), [""; 0], "{name}");
        assert_eq!(made(Some("linearizable")), asked, "{name}");
    }
}
