//! The built-in etcd target tried on a real cluster, where etcd is installed.

mod support;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use fracas_checker::observation::{Grade, Role};
use fracas_checker::{Completion, NodeId, Op, Outcome, ProcessId};
use fracas_targets::{Client, Deployment, LogFile, Target, agreed_leader};

const NODES: u8 = 3;

/// How often the cluster is asked whether it has a leader.
const PAUSE: Duration = Duration::from_millis(200);

/// A running cluster. Dropping it ends it.
struct Cluster {
    deployment: Deployment,
    children: Vec<Child>,
    dir: PathBuf,
}

impl Cluster {
    fn start(binary: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("fracas-etcd-{}", std::process::id()));
        let target = Target::builtin("etcd", &support::FAULTS).unwrap().unwrap();
        let deployment = target.deploy(&support::loopback(binary, NODES, &dir)).unwrap();
        let mut cluster = Self { deployment, children: Vec::new(), dir };
        for (node, plan) in &cluster.deployment.nodes {
            let dir = cluster.dir.join(node.to_string());
            fs::create_dir_all(&dir).unwrap();
            let child = Command::new(&plan.first().argv[0])
                .args(&plan.first().argv[1..])
                .envs(&plan.first().env)
                .stdout(Stdio::null())
                .stderr(File::create(dir.join("stderr")).unwrap())
                .spawn();
            cluster.children.push(child.unwrap());
        }
        cluster
    }

    async fn leader(&self) -> NodeId {
        let poller = self.deployment.poller().unwrap();
        let deadline = Instant::now() + self.deployment.cluster_ready().unwrap().within * 2;
        while Instant::now() < deadline {
            let mut seen = BTreeMap::new();
            for node in self.deployment.nodes.keys() {
                if let Some(sighting) = poller.ask(*node).await.pop() {
                    assert_eq!(sighting.grade, Grade::Hearsay, "its answer is not of one moment");
                    seen.insert(*node, sighting);
                }
            }
            if let Some(leader) = agreed_leader(NODES.into(), &seen) {
                return leader;
            }
            tokio::time::sleep(PAUSE).await;
        }
        panic!("no leader: {}", fs::read_to_string(self.dir.join("n1/stderr")).unwrap());
    }

    /// All leaders that the logs tell of, with their generations.
    fn leaders_in_logs(&self) -> Vec<(NodeId, u64)> {
        let mut leaders = Vec::new();
        for (node, plan) in &self.deployment.nodes {
            let log = plan.logs.iter().position(|log| log.file == LogFile::Stderr).unwrap();
            let text = fs::read_to_string(self.dir.join(format!("{node}/stderr"))).unwrap();
            let rules = self.deployment.log_rules();
            for sighting in text.lines().filter_map(|line| rules.sight(*node, log, line)) {
                assert_eq!(sighting.grade, Grade::Record);
                if sighting.role == Some(Role::Leader) {
                    leaders.push((*node, sighting.generation.unwrap()));
                }
            }
        }
        leaders
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for child in &mut self.children {
            let ended = child.kill().and_then(|()| child.wait());
            if let Err(error) = ended {
                eprintln!("end etcd: {error}");
            }
        }
        if let Err(error) = fs::remove_dir_all(&self.dir) {
            eprintln!("remove {}: {error}", self.dir.display());
        }
    }
}

async fn invoke(client: &Client, node: NodeId, op: Op) -> Result<Outcome, String> {
    match client.invoke(node, ProcessId(0), &op).await {
        Completion::Ok { outcome, stamp } => {
            assert!(stamp.is_empty(), "its answers do not tell under which leader they were given");
            Ok(outcome)
        }
        Completion::Fail { error } => Err(format!("fail {error}")),
        Completion::Info { error } => Err(format!("info {error}")),
    }
}

async fn speak(client: &Client, node: NodeId, key: &str) {
    let key = || fracas_checker::Key::from(key);
    let read = || Op::Read { key: key() };
    let cas = |old: i64, new: i64| Op::Cas { key: key(), old: old.into(), new: new.into() };
    let is = |value| Ok(Outcome::Read { value });
    let swap = |key: &str, value: i64| Op::Swap { key: key.into(), value: value.into() };
    let found = |value| Ok(Outcome::Swap { value });
    assert_eq!(invoke(client, node, read()).await, is(None));
    assert_eq!(invoke(client, node, cas(1, 2)).await, Err("fail mismatch".to_owned()));
    let write = Op::Write { key: key(), value: (-17).into() };
    assert_eq!(invoke(client, node, write).await, Ok(Outcome::Write));
    assert_eq!(invoke(client, node, read()).await, is(Some((-17).into())));
    assert_eq!(invoke(client, node, cas(1, 2)).await, Err("fail mismatch".to_owned()));
    assert_eq!(invoke(client, node, cas(-17, 2)).await, Ok(Outcome::Cas));
    assert_eq!(invoke(client, node, read()).await, is(Some(2.into())));
    assert_eq!(invoke(client, node, swap(&key(), 3)).await, found(Some(2.into())));
    assert_eq!(invoke(client, node, read()).await, is(Some(3.into())));
    let fresh = format!("{}-swapped", key());
    assert_eq!(invoke(client, node, swap(&fresh, 4)).await, found(None));
    assert_eq!(invoke(client, node, swap(&fresh, 5)).await, found(Some(4.into())));
}

/// Without a majority nothing is certain: reads fail, writes are unknown.
async fn lose_majority(cluster: &mut Cluster, client: &Client) {
    for child in &mut cluster.children[1..] {
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let key = || "lost".into();
    let read = invoke(client, NodeId(1), Op::Read { key: key() }).await.unwrap_err();
    let write = Op::Write { key: key(), value: 1.into() };
    let write = invoke(client, NodeId(1), write).await.unwrap_err();
    let gone = Op::Write { key: key(), value: 2.into() };
    let gone = invoke(client, NodeId(2), gone).await.unwrap_err();
    println!("without a majority: {read}; {write}; {gone}");
    assert!(read.starts_with("fail "), "{read}");
    assert!(write.starts_with("info "), "{write}");
}

fn installed(binary: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(binary)).find(|file| Path::is_file(file))
}

#[tokio::test]
async fn a_real_cluster_is_started_spoken_to_and_understood() {
    let Some(binary) = installed("etcd") else {
        println!("skipped: etcd is not installed");
        return;
    };
    let mut cluster = Cluster::start(binary.to_str().unwrap());
    let leader = cluster.leader().await;
    let client = cluster.deployment.client().unwrap();
    for node in cluster.deployment.nodes.keys() {
        speak(&client, *node, &format!("k{node}")).await;
    }
    let leaders = cluster.leaders_in_logs();
    assert!(leaders.iter().any(|(node, _)| *node == leader), "{leader} leads; logs: {leaders:?}");
    lose_majority(&mut cluster, &client).await;
}
