//! The built-in redis target: what it makes of replies, and of a real server where one is installed.

mod support;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use fracas_checker::observation::Role;
use fracas_checker::{Completion, NodeId, Op, Outcome, ProcessId};
use fracas_targets::{Client, Deployment, Target};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const N1: NodeId = NodeId(1);
const N2: NodeId = NodeId(2);
/// Played by a script: the real servers are others, as both tests run at once.
const N3: NodeId = NodeId(3);

/// How often a server is asked whether it is there.
const PAUSE: Duration = Duration::from_millis(50);

fn read() -> Op {
    Op::Read { key: "k".into() }
}

fn write() -> Op {
    Op::Write { key: "k".into(), value: (-17).into() }
}

fn cas(old: i64, new: i64) -> Op {
    Op::Cas { key: "k".into(), old: old.into(), new: new.into() }
}

fn swap(value: i64) -> Op {
    Op::Swap { key: "k".into(), value: value.into() }
}

fn deploy(binary: &str, nodes: u8, dir: &Path) -> Deployment {
    let target = Target::builtin("redis", &support::FAULTS).unwrap().unwrap();
    target.deploy(&support::loopback(binary, nodes, dir)).unwrap()
}

/// One word and what it is about.
async fn ask(client: &Client, node: NodeId, op: Op) -> String {
    match client.invoke(node, ProcessId(0), &op).await {
        Completion::Ok { outcome: Outcome::Read { value } | Outcome::Swap { value }, .. } => {
            format!("ok {:?}", value.and_then(|value| value.as_int()))
        }
        Completion::Ok { .. } => "ok".to_owned(),
        Completion::Fail { error } => format!("fail {error}"),
        Completion::Info { error } => format!("info {error}"),
    }
}

/// Gives one of these replies per connection, on node n3's own address and port.
async fn serve(replies: Vec<&'static str>) {
    let listener = TcpListener::bind((support::address(3), 6379)).await.unwrap();
    tokio::spawn(async move {
        for reply in replies {
            let (mut stream, _) = listener.accept().await.unwrap();
            assert!(stream.read(&mut [0; 1024]).await.unwrap() > 0);
            stream.write_all(reply.as_bytes()).await.unwrap();
        }
    });
}

#[tokio::test]
async fn replies_are_classified_by_their_rules() {
    let loading = "-LOADING Redis is loading the dataset in memory\r\n";
    let failing = "-MISCONF Errors writing to the AOF file\r\n";
    let cases = [
        (read(), "$2\r\n17\r\n", "ok Some(17)"),
        (read(), "$-1\r\n", "ok None"),
        (read(), "$1\r\nx\r\n", "fail expected an integer in a string at `/reply`, found \"x\""),
        (
            read(),
            loading,
            "fail no rule for the answer LOADING Redis is loading the dataset in memory",
        ),
        (write(), "+OK\r\n", "ok"),
        (write(), "$-1\r\n", "info no rule for the answer null"),
        (write(), loading, "fail still loading"),
        (write(), failing, "fail its disk fails"),
        (write(), "-READONLY You can't write against a read only replica.\r\n", "fail a replica"),
        (write(), "-ERR odd\r\n", "info no rule for the answer ERR odd"),
        (write(), "what\r\n", "info `what` is no reply"),
        (swap(1), "$2\r\n17\r\n", "ok Some(17)"),
        (swap(1), "$-1\r\n", "ok None"),
        (swap(1), loading, "fail still loading"),
        (swap(1), "-ERR odd\r\n", "info no rule for the answer ERR odd"),
        (cas(1, 2), ":1\r\n", "ok"),
        (cas(1, 2), ":0\r\n", "fail mismatch"),
        (cas(1, 2), loading, "fail still loading"),
        (cas(1, 2), "-ERR odd\r\n", "info no rule for the answer ERR odd"),
    ];
    serve(cases.iter().map(|(_, reply, _)| *reply).collect()).await;
    for (op, reply, expected) in cases {
        let client = deploy("redis-server", 3, Path::new("/nodes")).client().unwrap();
        assert_eq!(ask(&client, N3, op).await, expected, "{reply}");
    }
}

/// A status may be asked for in RESP as well.
#[tokio::test]
async fn a_node_tells_its_role_in_a_reply() {
    for (reply, role) in [
        ("*3\r\n$6\r\nmaster\r\n:17\r\n*0\r\n", Some(Role::Leader)),
        ("*2\r\n$5\r\nslave\r\n:17\r\n", Some(Role::Follower)),
        ("*1\r\n$8\r\nsentinel\r\n", None),
        ("-LOADING not yet\r\n", None),
    ] {
        assert_eq!(role_in(reply).await, role, "{reply}");
    }
}

/// The role that a node tells in this reply. Each has a server of its own: a connection that was
/// kept from the reply before might end at the very moment at which it is used again.
async fn role_in(reply: &str) -> Option<Role> {
    let listener = TcpListener::bind((support::address(1), 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let text = include_str!("valid-redis.toml").replace("7001", &port);
    let target = Target::parse("valid-redis.toml", &text, &support::FAULTS)
        .unwrap_or_else(|e| panic!("{e}"));
    let spec = support::loopback("server", 1, Path::new("/nodes"));
    let poller = target.deploy(&spec).unwrap().poller().unwrap();
    let answer = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        assert!(stream.read(&mut [0; 1024]).await.unwrap() > 0);
        stream.write_all(reply.as_bytes()).await.unwrap();
    };
    let (sighting, ()) = tokio::join!(poller.ask(N1), answer);
    sighting.first().and_then(|sighting| sighting.role)
}

/// A real server and its replica. Dropping them ends them.
struct Servers {
    deployment: Deployment,
    children: Vec<Child>,
    dir: PathBuf,
}

impl Servers {
    fn start(binary: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("fracas-redis-{}", std::process::id()));
        let mut servers =
            Self { deployment: deploy(binary, 2, &dir), children: Vec::new(), dir: dir.clone() };
        for (node, plan) in &servers.deployment.nodes {
            plan.data.iter().for_each(|data| fs::create_dir_all(data).unwrap());
            plan.files.iter().for_each(|(path, text)| fs::write(path, text).unwrap());
            let output = File::create(dir.join(format!("{node}/stdout"))).unwrap();
            let mut command = Command::new(&plan.first().argv[0]);
            command.args(&plan.first().argv[1..]).stdout(output).stderr(Stdio::null());
            servers.children.push(command.spawn().unwrap());
        }
        servers
    }

    async fn ready(&self) {
        for plan in self.deployment.nodes.values() {
            let probe = plan.ready.as_ref().unwrap();
            let deadline = Instant::now() + probe.within * 2;
            while let Err(why) = probe.ask().await {
                assert!(Instant::now() < deadline, "{why}");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        for child in &mut self.children {
            let ended = child.kill().and_then(|()| child.wait());
            ended.map_or_else(|error| eprintln!("end redis: {error}"), |_| ());
        }
        if let Err(error) = fs::remove_dir_all(&self.dir) {
            eprintln!("remove {}: {error}", self.dir.display());
        }
    }
}

fn installed(binary: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(binary)).find(|file| Path::is_file(file))
}

#[tokio::test]
async fn a_real_server_is_started_spoken_to_and_understood() {
    let Some(binary) = installed("redis-server") else {
        println!("skipped: redis-server is not installed");
        return;
    };
    let mut servers = Servers::start(binary.to_str().unwrap());
    servers.ready().await;
    let client = servers.deployment.client().unwrap();
    for (op, expected) in [
        (read(), "ok None"),
        (cas(1, 2), "fail mismatch"),
        (write(), "ok"),
        (read(), "ok Some(-17)"),
        (cas(1, 2), "fail mismatch"),
        (cas(-17, 2), "ok"),
        (read(), "ok Some(2)"),
        (swap(3), "ok Some(2)"),
        (read(), "ok Some(3)"),
    ] {
        assert_eq!(ask(&client, N1, op).await, expected);
    }
    assert_eq!(ask(&client, N2, write()).await, "fail a replica");
    servers.children[0].kill().unwrap();
    servers.children[0].wait().unwrap();
    let gone = ask(&client, N1, write()).await;
    assert!(gone.starts_with("fail connect: "), "{gone}");
}
