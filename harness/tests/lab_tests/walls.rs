//! A hostile server tries every row of the table of promises, in each mode; `probe` is what it tries.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use fracas::lab::promises::{Mode, PROMISES};
use fracas::lab::{Lab, LabSpec, Launch, Mechanism, NodeProcess, Reach, World};
use fracas_checker::NodeId;

use super::probe::{self, MACHINE, Paths};
use super::support::{Body, Test, Way};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    ("every_promise_of_isolation_holds", Body::Outside(prove)),
    ("hostile", Body::Helper(hostile)),
    ("probe", Body::Server(probe::main)),
    ("identity", Body::Server(probe::identity)),
];

/// How long a server may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// What the file holds that stands for evidence.
const EVIDENCE: &str = "what really happened";

/// Tries every row in the modes that this way stands for.
fn prove(way: &Way) {
    let modes: &[(Mode, &str)] = match way.isolation {
        "root" => &[(Mode::Root, "root"), (Mode::RootUserns, "userns")],
        _ => &[(Mode::User, "userns")],
    };
    for (mode, isolation) in modes {
        let machine = Machine::new(way);
        let mut command = way.command_in(isolation, "hostile");
        let output = command.env(MACHINE, machine.dir.path()).output().expect("the helper starts");
        let said = String::from_utf8_lossy(&output.stdout);
        if said.contains("skipped: cannot ") {
            println!("skipped: {mode:?}: {said}");
            continue;
        }
        assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
        check(*mode, &said);
    }
}

/// Compares what the probe found with what is promised.
#[track_caller]
fn check(mode: Mode, said: &str) {
    let found: BTreeMap<&str, &str> =
        said.lines().filter_map(|line| line.split_once('\t')).collect();
    let mut broken = Vec::new();
    for promise in PROMISES {
        let result = found.get(promise.key).copied().unwrap_or("was not tried");
        let as_promised = result.starts_with(probe::REFUSED) || !promise.holds_in(mode);
        println!("{mode:?} | {} | {result}", promise.what);
        if !as_promised {
            broken.push(format!("{}: {result}", promise.key));
        }
    }
    assert_eq!(found.len(), PROMISES.len(), "each row is tried once: {said}");
    assert_eq!(broken, Vec::<String>::new(), "{mode:?}");
}

/// What there is on the machine that a server could reach for.
struct Machine {
    dir: tempfile::TempDir,
    elsewhere: tempfile::TempDir,
    _sockets: [UnixListener; 2],
}

impl Machine {
    /// Makes it where temporary files are, and where the program is, which the server sees.
    fn new(way: &Way) -> Self {
        let open = |dir: &Path| {
            fs::set_permissions(dir, fs::Permissions::from_mode(0o777)).expect("chmod");
        };
        let dir = tempfile::tempdir().expect("a directory");
        let beside = way.program().parent().expect("the program is in a directory");
        let elsewhere = tempfile::tempdir_in(beside).expect("a directory");
        [dir.path(), elsewhere.path()].into_iter().for_each(open);
        let bind = |path: PathBuf| {
            let socket = UnixListener::bind(&path).expect("a socket");
            fs::set_permissions(&path, fs::Permissions::from_mode(0o777)).expect("chmod");
            socket
        };
        let private = elsewhere.path().join("private");
        fs::write(&private, "secret").expect("written");
        fs::set_permissions(&private, fs::Permissions::from_mode(0o600)).expect("chmod");
        way.own(&private);
        let sockets = [bind(dir.path().join("socket")), bind(elsewhere.path().join("socket"))];
        Self { dir, elsewhere, _sockets: sockets }
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        assert!(self.elsewhere.path().join("socket").exists(), "nobody removed it");
    }
}

/// A lab of two nodes: the first one's server is the probe, then tries a planted link.
fn hostile(_: &World) -> u8 {
    let machine = PathBuf::from(std::env::var(MACHINE).expect("a directory"));
    let out = tempfile::tempdir_in(".").expect("a directory");
    let paths = Paths::make(&fs::canonicalize(out.path()).expect("it exists"), &machine);
    fs::write(paths.history(), EVIDENCE).expect("written");
    let nodes = vec![NodeId(1), NodeId(2)];
    let spec = LabSpec { nodes, partition: Mechanism::Auto, ineffective_cut: false };
    let lab = Lab::build(&spec).expect("a lab");
    let program = std::env::current_exe().expect("own path").to_string_lossy().into_owned();
    let launch = |node: NodeId, argv: &[&str]| Launch {
        node,
        argv: argv.iter().map(|&word| word.to_owned()).collect(),
        env: paths.environment(),
        dir: paths.node(node),
        stdout: paths.node(node).join("stdout"),
        stderr: paths.node(node).join("stderr"),
        clock: None,
        monotonic_offset: 0,
        reach: Reach { evidence: vec![paths.out.clone()], ..Reach::default() },
    };
    let other = launch(NodeId(2), &["/bin/sh", "-c", "echo secret > secret; exec sleep 1000"]);
    let _other = lab.start(&other).expect("it starts");
    let probe = launch(NodeId(1), &[&program, "__server", "probe"]);
    ended(&mut lab.start(&probe).expect("it starts"));
    print!("{}", fs::read_to_string(&probe.stdout).expect("the output"));
    print!("{}", fs::read_to_string(&probe.stderr).expect("the errors"));
    planted(&lab, &paths, &launch(NodeId(1), &["/bin/echo", "overwritten"]));
    0
}

/// The server puts a link to the history where the harness writes its output.
fn planted(lab: &Lab, paths: &Paths, launch: &Launch) {
    fs::remove_file(&launch.stdout).expect("removed");
    std::os::unix::fs::symlink(paths.history(), &launch.stdout).expect("a link");
    let started = lab.start(launch).map(|mut node| ended(&mut node));
    let result = match fs::read_to_string(paths.history()).expect("the history").as_str() {
        EVIDENCE => format!("{}{:?}", probe::REFUSED, started.map_err(|error| error.to_string())),
        other => format!("got through: the history is {other:?}"),
    };
    println!("planted-link\t{result}");
}

/// Waits until a server has ended.
#[track_caller]
fn ended(node: &mut NodeProcess) {
    let deadline = Instant::now() + PATIENCE;
    while node.exited().is_none() {
        assert!(Instant::now() < deadline, "the server has not ended within {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
