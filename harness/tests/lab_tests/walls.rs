//! A hostile server tries every row of the table of promises, in each mode; `probe` is what it tries.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use fracas_checker::NodeId;
use fracas_lab::promises::{Mode, PROMISES};
use fracas_lab::{Lab, LabSpec, Launch, Limits, Mechanism, NodeProcess, Reach, World};

use super::probe::{self, MACHINE, Paths};
use super::processes::Fixture;
use super::support::{Body, Test, Way};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    ("every_promise_of_isolation_holds", Body::Outside(prove)),
    ("a_server_gets_what_its_target_asks_for", Body::Inside(asked)),
    ("limits_of_a_server_hold", Body::Inside(limits)),
    ("what_speaks_with_servers_has_no_capability", Body::Inside(powerless)),
    ("a_world_has_no_capability_that_no_lab_needs", Body::Inside(world)),
    ("hostile", Body::Helper(hostile)),
    ("probe", Body::Server(probe::main)),
];

/// How long a server may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// What the file holds that stands for evidence.
const EVIDENCE: &str = "what really happened";

/// Tries every row in the modes that this way stands for.
fn prove(way: &Way) {
    match way.isolation {
        "root" => {
            prove_in(Mode::Root, way, "root");
            prove_in(Mode::RootUserns, way, "userns");
        }
        _ => {
            prove_in(Mode::User, way, "userns");
            match way.with_range() {
                Some(way) => prove_in(Mode::UserWithRange, &way, "userns"),
                None => println!(
                    "skipped: {:?}: needs root, `newuidmap` and `/etc/subuid`",
                    Mode::UserWithRange
                ),
            }
        }
    }
}

fn prove_in(mode: Mode, way: &Way, isolation: &str) {
    let machine = Machine::new(way);
    let mut command = way.command_in(isolation, "hostile");
    let output = command.env(MACHINE, machine.dir.path()).output().expect("the helper starts");
    let said = String::from_utf8_lossy(&output.stdout);
    if said.contains("skipped: cannot ") {
        return println!("skipped: {mode:?}: {said}");
    }
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    check(mode, &said);
}

/// Compares what the probe found with what is promised.
#[track_caller]
fn check(mode: Mode, said: &str) {
    let found: BTreeMap<&str, &str> =
        said.lines().filter_map(|line| line.split_once('\t')).collect();
    let (mut broken, filter) = (Vec::new(), fracas_lab::filters_calls().is_ok());
    for promise in PROMISES {
        let result = found.get(promise.key).copied().unwrap_or("left out by the probe");
        let expected = if must_be_tried(promise.key) { probe::REFUSED } else { probe::NOT_TRIED };
        let as_promised = result.starts_with(expected) || !promise.holds_in(mode, filter);
        println!("{mode:?} | {} | {result}", promise.attempt);
        if !as_promised {
            broken.push(format!("{}: {result}", promise.key));
        }
    }
    assert_eq!(found.len(), PROMISES.len(), "each row is tried once: {said}");
    assert_eq!(broken, Vec::<String>::new(), "{mode:?}");
}

/// Whether this machine has something that the row can be tried on: else nothing is refused.
fn must_be_tried(key: &str) -> bool {
    let files = probe::OF_THE_MACHINE.iter().find(|(known, _)| *known == key);
    files.is_none_or(|(_, files)| files.iter().any(|file| !probe::is_lacking(file)))
}

/// What there is on the machine that a server could reach for.
struct Machine {
    dir: tempfile::TempDir,
    elsewhere: tempfile::TempDir,
    _sockets: [UnixListener; 2],
    _baits: Vec<tempfile::NamedTempFile>,
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
        let set_uid = elsewhere.path().join("set-uid");
        fs::copy("/usr/bin/id", &set_uid).expect("copied");
        fs::set_permissions(&set_uid, fs::Permissions::from_mode(0o4755)).expect("chmod");
        let sockets = [bind(dir.path().join("socket")), bind(elsewhere.path().join("socket"))];
        // One in each place that is to be empty, where this user may make it.
        let places = ["/tmp", "/var/tmp", "/dev/shm", "/run"].into_iter();
        let baits = places.filter_map(|place| tempfile::NamedTempFile::new_in(place).ok());
        Self { dir, elsewhere, _sockets: sockets, _baits: baits.collect() }
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
        name: None,
        also: Vec::new(),
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

/// The server puts a link to the history where the harness writes its output, then one to its
/// directory above that.
fn planted(lab: &Lab, paths: &Paths, launch: &Launch) {
    use std::os::unix::fs::symlink;
    fs::remove_file(&launch.stdout).expect("removed");
    symlink(paths.history(), &launch.stdout).expect("a link");
    let history = paths.history();
    symlink(history.parent().expect("a directory"), launch.dir.join("logs")).expect("a link");
    let behind = launch.dir.join("logs").join(history.file_name().expect("a name"));
    let launches = [launch, &Launch { stdout: behind, ..launch.clone() }];
    let start = |launch| lab.start(launch).map(|mut node| ended(&mut node));
    let started = launches.map(start).map(|started| started.map_err(|error| error.to_string()));
    let result = match fs::read_to_string(paths.history()).expect("the history").as_str() {
        EVIDENCE => format!("{}{started:?}", probe::REFUSED),
        other => format!("got through: the history is {other:?}"),
    };
    println!("planted-link\t{result}");
}

/// What a shell prints that is started with this reach.
fn said(reach: impl Fn(&Path) -> Reach, script: &str) -> String {
    let fixture = Fixture::new();
    let hidden = tempfile::tempdir().expect("a directory");
    fs::set_permissions(hidden.path(), fs::Permissions::from_mode(0o755)).expect("chmod");
    fs::write(hidden.path().join("file"), "content").expect("written");
    let script = script.replace("HIDDEN", &hidden.path().display().to_string());
    let launch =
        Launch { reach: reach(hidden.path()), ..fixture.launch(&["/bin/sh", "-c", &script]) };
    ended(&mut fixture.lab.start(&launch).expect("it starts"));
    fs::read_to_string(&launch.stdout).expect("the output")
}

fn asked(_: &World) {
    const SCRIPT: &str = "cat HIDDEN/file; echo; (echo more >> HIDDEN/file) 2>&- && echo written; \
        unshare --user true 2>&- && echo namespaces; [ -e /dev/fuse ] && echo fuse; echo end";
    let nothing = said(|_| Reach::default(), SCRIPT);
    assert_eq!(nothing.trim(), "end");
    let all = |hidden: &Path| Reach {
        reads: vec![hidden.to_owned()],
        fuse: true,
        namespaces: true,
        ..Reach::default()
    };
    let fuse = if Path::new("/dev/fuse").exists() { "fuse\n" } else { "" };
    assert_eq!(said(all, SCRIPT), format!("content\nnamespaces\n{fuse}end\n"));
}

fn limits(_: &World) {
    const SCRIPT: &str = "head -c 3000000 /dev/zero > big; wc -c < big; \
        grep -E '^Max (processes|data size)' /proc/self/limits | tr -s ' '; \
        i=0; while [ $i -lt 30 ]; do sleep 5 & i=$((i+1)); done; echo all";
    let limited = |_: &Path| Reach {
        limits: Limits { processes: Some(20), memory: Some(1 << 30), file: Some(1 << 20) },
        ..Reach::default()
    };
    let found = said(limited, SCRIPT);
    assert!(found.starts_with("1048576\n"), "{found}");
    assert!(found.contains("Max data size 1073741824 1073741824"), "{found}");
    assert!(found.contains("Max processes 24 24"), "{found}");
    assert!(!found.contains("all"), "{found}");
    assert!(said(|_| Reach::default(), SCRIPT).ends_with("all\n"));
}

/// The capabilities in effect of the thread that asks.
fn capabilities() -> String {
    let status = fs::read_to_string("/proc/thread-self/status").expect("its status");
    let line = status.lines().find_map(|line| line.strip_prefix("CapEff:\t"));
    line.expect("they are told").to_owned()
}

/// Neither the harness nor what it starts may load a module, reboot, or read the kernel's log; what it
/// makes labs with, it keeps.
fn world(_: &World) {
    let number = |text: &str| u64::from_str_radix(text.trim(), 16).expect("a number");
    let output = std::process::Command::new("/bin/cat").arg("/proc/self/status").output();
    let status = String::from_utf8(output.expect("it starts").stdout).expect("text");
    let of_child = status.lines().find_map(|line| line.strip_prefix("CapEff:\t"));
    for held in [number(&capabilities()), number(of_child.expect("they are told"))] {
        for (capability, expect) in
            [(16, false), (17, false), (22, false), (34, false), (12, true), (21, true)]
        {
            assert_eq!(held & 1 << capability != 0, expect, "{capability} of {held:x}");
        }
    }
}

fn powerless(_: &World) {
    let runtime = fracas_engine::powerless::runtime().expect("a runtime");
    let (own, none) = (capabilities(), "0000000000000000");
    assert_ne!(own, none);
    let (spawned, blocking, beside) = runtime.block_on(async {
        let spawned = tokio::spawn(async { capabilities() }).await;
        let blocking = tokio::task::spawn_blocking(capabilities).await;
        let beside = fracas_engine::powerless::beside("lab", async { capabilities() });
        (spawned, blocking, beside.expect("a thread").await)
    });
    assert_eq!(spawned.expect("it ends"), none);
    assert_eq!(blocking.expect("it ends"), none);
    let reads = std::thread::spawn(|| {
        fracas_engine::powerless::only_read();
        capabilities()
    });
    assert_eq!(reads.join().expect("it ends"), "0000000000000004", "to read files");
    let judges = fracas_engine::powerless::apart("judge", capabilities).expect("a thread");
    assert_eq!(judges, "0000000000000004", "to read files");
    assert_eq!(beside.expect("it ends").expect("it is told"), own, "the lab still works");
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
