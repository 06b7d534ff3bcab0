//! What a target is rendered to for a cluster.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use fracas_checker::fault::FaultKind;
use fracas_checker::{NodeId, OpKind};
use fracas_targets::{ClusterSpec, KnownFault, LogFile, NodeSpec, Stop, StopSignal, Target};

/// Kinds of faults that there may be.
const FAULTS: [KnownFault; 2] = [
    KnownFault { word: "kill", needs: Vec::new(), needs_data: false, needs_membership: false },
    KnownFault { word: "pause", needs: Vec::new(), needs_data: false, needs_membership: false },
];

fn sample() -> Target {
    Target::parse("valid.toml", include_str!("valid.toml"), &FAULTS).unwrap()
}

fn cluster(nodes: u8) -> ClusterSpec {
    let node = |number: u8| {
        let id = NodeId(number.into());
        NodeSpec {
            id,
            ip: Ipv4Addr::new(10, 77, 0, number),
            dir: Path::new("/run/1/nodes").join(id.to_string()),
        }
    };
    ClusterSpec {
        binary: PathBuf::from("/opt/my server"),
        nodes: (1..=nodes).map(node).collect(),
        extra_args: vec!["--bug".to_owned(), "{{ not a template }}".to_owned()],
    }
}

#[test]
fn a_target_says_what_it_is() {
    let target = sample();
    assert_eq!(target.name(), "sample");
    assert_eq!(target.description(), "a made-up server");
    assert_eq!(target.binary_path(), "server");
    assert_eq!(target.default_nodes(), 3);
    assert!(target.has_leaders());
    assert_eq!(Vec::from_iter(target.serves()), [OpKind::Read, OpKind::Write]);
    let allowed = target.allowed_faults();
    let allowed: Vec<&str> = allowed.iter().map(FaultKind::word).collect();
    assert_eq!(allowed, ["kill", "pause"]);
    let checks = ["register/linearizable", "leader/one-per-generation"];
    assert_eq!(target.promises().checks(), checks);
    assert_eq!(target.promises().recovery, Some(Duration::from_secs(20)));
    let version = target.version_command(Path::new("/opt/server")).unwrap();
    assert_eq!(version, ["/opt/server", "--version"]);
}

#[test]
fn a_node_has_a_plan() {
    let deployment = sample().deploy(&cluster(2)).unwrap();
    let plan = &deployment.nodes[&NodeId(2)];
    let peers = "n1=http://10.77.0.1:9001,n2=http://10.77.0.2:9001";
    assert_eq!(
        plan.argv,
        ["/opt/my server", "--id", "n2", "--peers", peers, "--bug", "{{ not a template }}"]
    );
    assert_eq!(plan.env["SERVER_LOG"], "info");
    let conf = PathBuf::from("/run/1/nodes/n2/server.conf");
    assert_eq!(plan.files, [(conf, "peers = 2\n".to_owned())]);
    let raft = PathBuf::from("/run/1/nodes/n2/data/raft.log");
    assert_eq!(plan.logs, [LogFile::Stderr, LogFile::Path(raft)]);
    assert_eq!(plan.ports["peer"], 9001);
    let grace = Duration::from_secs(5);
    assert_eq!(plan.stop, Stop { signal: StopSignal::Term, grace });
    let probe = plan.ready.as_ref().unwrap();
    assert_eq!(probe.address(), "http://10.77.0.2:8001/healthz");
    assert_eq!((probe.status, probe.within), (Some(200), Duration::from_secs(10)));
    assert_eq!(deployment.cluster_ready().unwrap().within, Duration::from_secs(30));
    assert_eq!(deployment.poller().unwrap().every(), Duration::from_millis(200));
}

#[test]
fn everything_can_be_shown() {
    let shown = sample().deploy(&cluster(1)).unwrap().show();
    assert_eq!(shown, include_str!("shown.txt"), "\n{shown}");
}
