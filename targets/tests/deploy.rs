//! What a target is rendered to for a cluster.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use fracas_checker::fault::FaultKind;
use fracas_checker::{NodeId, OpKind};
use fracas_targets::{ClusterSpec, KnownFault, LogFile, NodeSpec, Side, Stop, StopSignal, Target};

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
        others: Default::default(),
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
    let version = target.version_command(Path::new("/opt/server"), &BTreeMap::new()).unwrap();
    assert_eq!(version, ["/opt/server", "--version"]);
}

#[test]
fn a_node_has_a_plan() {
    let deployment = sample().deploy(&cluster(2)).unwrap();
    let plan = &deployment.nodes[&NodeId(2)];
    let peers = "n1=http://10.77.0.1:9001,n2=http://10.77.0.2:9001";
    assert_eq!(
        plan.first().argv,
        ["/opt/my server", "--id", "n2", "--peers", peers, "--bug", "{{ not a template }}"]
    );
    assert_eq!(plan.first().env["SERVER_LOG"], "info");
    let conf = PathBuf::from("/run/1/nodes/n2/server.conf");
    assert_eq!(plan.files, [(conf, "peers = 2\n".to_owned())]);
    let raft = PathBuf::from("/run/1/nodes/n2/data/raft.log");
    let files: Vec<&LogFile> = plan.logs.iter().map(|log| &log.file).collect();
    assert_eq!(files, [&LogFile::Stderr, &LogFile::Path(raft)]);
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
    let shown = sample().deploy(&cluster(1)).unwrap().show(Path::new("/targets"));
    assert_eq!(shown, include_str!("shown.txt"), "\n{shown}");
}

#[test]
fn steps_before_the_load_are_filled_in() {
    let text = include_str!("valid-setup.toml").replace(
        "[client]",
        "[[setup]]\non = \"clients\"\ncommand = [\"{{ target.dir }}/join\", \"{{ nodes[1].ip }}\"]\n\
         expect = { exit = 1, text = '^OK' }\nwithin = \"5s\"\n[client]",
    );
    let target = Target::parse("valid.toml", &text, &FAULTS).unwrap();
    assert_eq!(target.setup_node(), Some(NodeId(1)));
    let deployment = target.deploy(&cluster(2)).unwrap();
    let steps = deployment.setup(Path::new("/targets")).unwrap();
    let [first, second] = &steps[..] else { panic!("{steps:?}") };
    assert_eq!(
        (first.on, first.command().as_str()),
        (Side::Node(NodeId(1)), "tool create 10.77.0.1:8001")
    );
    assert_eq!((first.within, first.again_for), (Duration::from_secs(30), Duration::from_secs(30)));
    assert_eq!(first.expect.to_string(), "status 0");
    assert_eq!((second.on, second.command().as_str()), (Side::Clients, "/targets/join 10.77.0.2"));
    assert_eq!((second.within, second.again_for), (Duration::from_secs(5), Duration::ZERO));
    assert_eq!(second.expect.to_string(), "status 1, and output that matches `^OK`");
    let shown = deployment.show(Path::new("/targets"));
    let expected = "setup 2, on clients\n  command  /targets/join 10.77.0.2\n  \
                    expects  status 1, and output that matches `^OK`, within 5s\n";
    assert!(shown.ends_with(expected), "{shown}");
    let alone = target.deploy(&cluster(1)).unwrap().setup(Path::new("/targets")).unwrap_err();
    assert!(alone.to_string().contains("render `setup[1].command[1]`"), "{alone}");
}

/// Each process has its own command, and the order follows from who waits for whom.
#[test]
fn the_processes_of_a_node_are_started_in_order() {
    let text = include_str!("valid-several.toml");
    let target = Target::parse("several.toml", text, &FAULTS).unwrap();
    assert_eq!(target.other_binaries()["agent"], "agentd");
    let mut spec = cluster(3);
    spec.others = [("agent".to_owned(), "/opt/agentd".into())].into();
    let version = target.version_command(&spec.binary, &spec.others).unwrap();
    assert_eq!(version[1], "/opt/agentd");
    let deployment = target.deploy(&spec).unwrap();
    let plan = &deployment.nodes[&NodeId(2)];
    let [server, agent, watch] = &plan.processes[..] else { panic!("{:?}", plan.processes) };
    assert_eq!(agent.argv, ["/opt/agentd", "n2"]);
    assert_eq!(server.argv[1..], spec.extra_args, "they go to the first");
    assert_eq!((agent.env["MODE"].as_str(), agent.env["LEVEL"].as_str()), ("test", "info"));
    assert_eq!((server.after, agent.after, watch.after), (None, Some(0), Some(1)));
    assert_eq!(plan.at_once().0.0, 0);
    assert!(plan.at_once().1.is_empty(), "the others wait");
    assert_eq!(plan.patience(1), Duration::from_secs(35), "one after the other");
    let shown = agent.ready.as_ref().unwrap().to_string();
    assert_eq!(shown, format!("connect to {}:8002", spec.nodes[1].ip));
    let logs: Vec<Option<&str>> = plan.logs.iter().map(|log| log.process.as_deref()).collect();
    assert_eq!(logs, [Some("server"), None, Some("agent")]);
    let alone: Vec<&str> =
        target.processes().filter(|it| !it.1.is_empty()).map(|it| it.0).collect();
    assert_eq!(alone, ["agent"]);
}
