//! The lab's nodes: start, pause, resume, signal, kill, and what they may not do.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use fracas_checker::NodeId;
use fracas_checker::fault::Stage;
use fracas_lab::{Lab, LabSpec, Launch, Mechanism, NodeProcess, Reach, Threads, World, proofs};
use nix::sys::signal::Signal;

use super::support::{Body, Test};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    ("a_pause_stops_every_thread_of_a_tree", Body::Inside(pause)),
    ("a_pause_stops_what_keeps_forking", Body::Inside(pause_forks)),
    ("a_kill_takes_the_whole_tree", Body::Inside(kill)),
    ("a_node_starts_again_after_a_kill", Body::Inside(restart)),
    ("a_server_that_cannot_start_is_named", Body::Inside(cannot_start)),
    ("the_end_of_a_server_is_told", Body::Inside(ends)),
    ("a_server_gets_what_it_is_given", Body::Inside(surroundings)),
    ("a_server_finds_names_addresses_and_ports", Body::Inside(names)),
    ("a_server_has_no_rights", Body::Inside(no_rights)),
    ("a_server_is_reached_while_it_is_cut_off", Body::Inside(reached)),
    ("nodes_talk_in_both_directions_or_not_at_all", Body::Inside(between_nodes)),
    ("a_node_outlives_the_thread_that_started_it", Body::Inside(outlives)),
    ("terminate_asks_first", Body::Inside(terminate)),
    ("a_killed_waiter_takes_the_node_along", Body::Inside(killed_waiter)),
    ("threads", Body::Server(threads)),
    ("listen", Body::Server(listen)),
    ("ask", Body::Server(ask)),
    ("names", Body::Server(look_up)),
];

/// A tree of processes in which some have left the server's session.
const TREE: &str =
    "sleep 1000 & setsid sleep 1000 & (setsid sh -c 'sleep 1000 & sleep 1000' &) ; wait";

/// The processes of that tree.
const TREE_SIZE: usize = 6;

/// How long something that must happen may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

const N1: NodeId = NodeId(1);

/// Threads that sleep; the server ends only by a signal.
fn threads() {
    let sleepers: Vec<_> = (0..8).map(|_| std::thread::spawn(std::thread::park)).collect();
    sleepers.into_iter().for_each(|sleeper| sleeper.join().expect("it never ends"));
}

/// Answers every connection with a word.
fn listen() {
    use std::io::Write;
    let listener = TcpListener::bind("0.0.0.0:7000").expect("a listener");
    for client in listener.incoming() {
        client.expect("a client").write_all(b"hello").expect("written");
    }
}

/// Asks node 1 again and again, and writes each time whether it answered.
fn ask() {
    use std::io::Write;
    let address = std::net::SocketAddr::from(([10, 77, 0, 1], 7000));
    loop {
        let answered = TcpStream::connect_timeout(&address, Duration::from_millis(50)).is_ok();
        writeln!(std::io::stdout(), "{answered}").expect("written");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Looks names up, and listens where servers like to, and says what came of it.
fn look_up() {
    use std::net::ToSocketAddrs;
    let own = nix::unistd::gethostname().expect("a name").into_string().expect("text");
    for name in [&own, "n2", "localhost"] {
        let found =
            (name, 0).to_socket_addrs().map(|all| all.map(|address| address.ip().to_string()));
        println!(
            "{name}: {}",
            found.map_or_else(|e| e.to_string(), |all| all.collect::<Vec<_>>().join(" "))
        );
    }
    for address in ["10.77.0.1:80", "[::1]:443", "[::]:22"] {
        let listens = TcpListener::bind(address).map(|_| "listens".to_owned());
        println!("{address}: {}", listens.unwrap_or_else(|error| error.to_string()));
    }
}

/// A lab of two nodes and a directory for their files.
pub(crate) struct Fixture {
    pub(crate) lab: Lab,
    dir: tempfile::TempDir,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        let nodes = vec![N1, NodeId(2)];
        let spec = LabSpec { nodes, partition: Mechanism::Auto, ineffective_cut: false };
        let lab = Lab::build(&spec).expect("a lab");
        Self { lab, dir: tempfile::tempdir_in(".").expect("a directory") }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        fs::canonicalize(self.dir.path()).expect("it exists").join(name)
    }

    pub(crate) fn launch(&self, argv: &[&str]) -> Launch {
        Launch {
            node: N1,
            name: None,
            also: Vec::new(),
            argv: argv.iter().map(|&word| word.to_owned()).collect(),
            env: BTreeMap::from([("GIVEN".to_owned(), "yes".to_owned())]),
            dir: self.path(""),
            stdout: self.path("stdout"),
            stderr: self.path("stderr"),
            clock: None,
            monotonic_offset: 0,
            reach: Reach::default(),
        }
    }

    #[track_caller]
    pub(crate) fn start(&self, argv: &[&str]) -> NodeProcess {
        self.lab.start(&self.launch(argv)).expect("the server starts")
    }

    #[track_caller]
    pub(crate) fn shell(&self, script: &str) -> NodeProcess {
        self.start(&["/bin/sh", "-c", script])
    }

    #[track_caller]
    pub(crate) fn server(&self, name: &str) -> NodeProcess {
        let program = std::env::current_exe().expect("own path");
        self.start(&[program.to_str().expect("its path is text"), "__server", name])
    }

    #[track_caller]
    fn output(&self) -> String {
        fs::read_to_string(self.path("stdout")).expect("the output")
    }
}

/// Waits until something holds.
#[track_caller]
fn eventually(condition: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "{condition}: not within {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Waits until a node has this many threads.
#[track_caller]
fn wait_for_threads(node: &mut NodeProcess, wanted: usize) {
    eventually("threads", || node.threads().expect("a count").total == wanted);
}

/// The processes in this world that have ended and were not reaped.
fn zombies() -> usize {
    let stats = fs::read_dir("/proc").expect("processes").filter_map(|process| {
        fs::read_to_string(process.expect("an entry").path().join("stat")).ok()
    });
    stats.filter(|stat| stat.contains(") Z ")).count()
}

fn pause(_: &World) {
    let fixture = Fixture::new();
    let mut tree = fixture.shell(TREE);
    wait_for_threads(&mut tree, TREE_SIZE);
    pauses(&mut tree, TREE_SIZE);
    tree.kill().expect("a kill");
    let mut threads = fixture.server("threads");
    wait_for_threads(&mut threads, 9);
    pauses(&mut threads, 9);
}

/// Pauses and resumes, with the proofs of it.
#[track_caller]
fn pauses(node: &mut NodeProcess, total: usize) {
    let hold = |node: &mut NodeProcess, stage| {
        let measured = proofs::pause([node], stage).expect("a proof");
        measured.len() == 1 && measured[0].holds
    };
    assert!(!hold(node, Stage::Injected), "not paused yet");
    assert_eq!(node.pause().expect("a pause"), Threads { total, stopped: total });
    assert!(hold(node, Stage::Injected));
    std::thread::sleep(Duration::from_millis(50));
    assert!(hold(node, Stage::Held));
    assert!(!hold(node, Stage::Healed), "not resumed yet");
    assert_eq!(node.resume().expect("a resume"), Threads { total, stopped: 0 });
    assert!(hold(node, Stage::Healed));
}

/// The fork race: each pause hits the tree at another instant.
fn pause_forks(_: &World) {
    let fixture = Fixture::new();
    let mut node =
        fixture.shell("while :; do sh -c 'sleep 0 & sleep 0 & wait' & sleep 0.002; done");
    for round in 0..100 {
        std::thread::sleep(Duration::from_millis(round % 20));
        let threads = node.pause().expect("a pause");
        assert!(threads.total > 0 && threads.total == threads.stopped, "{threads:?}");
        std::thread::sleep(Duration::from_millis(5));
        assert_eq!(node.threads().expect("a count"), threads, "nothing moves");
        assert_eq!(node.resume().expect("a resume").stopped, 0);
    }
}

fn kill(_: &World) {
    let fixture = Fixture::new();
    let mut node = fixture.shell(TREE);
    wait_for_threads(&mut node, TREE_SIZE);
    node.pause().expect("a paused node can be killed too");
    let gone = node.kill().expect("a kill");
    assert_eq!((gone.processes, gone.remaining), (TREE_SIZE, 0));
    for stage in [Stage::Injected, Stage::Held] {
        let measured = proofs::kill([&mut node], stage).expect("a proof");
        assert!(measured[0].holds, "{measured:?}");
    }
    assert_eq!(node.exited(), None, "it did not end by itself");
    assert_eq!(node.threads().expect("a count"), Threads::default());
    assert_eq!(zombies(), 0);
    let again = node.kill().expect("killing twice is no error");
    assert_eq!((again.processes, again.remaining), (0, 0));
}

fn restart(_: &World) {
    let fixture = Fixture::new();
    let mut node = fixture.shell("echo started; exec sleep 1000");
    eventually("first output", || fixture.output() == "started\n");
    assert!(!proofs::kill([&mut node], Stage::Injected).expect("a proof")[0].holds, "not yet");
    node.kill().expect("a kill");
    assert!(!proofs::kill([&mut node], Stage::Healed).expect("a proof")[0].holds, "not yet");
    let mut node = fixture.shell("echo started; exec sleep 1000");
    assert!(proofs::kill([&mut node], Stage::Healed).expect("a proof")[0].holds);
    eventually("output is appended", || fixture.output() == "started\nstarted\n");
}

fn cannot_start(_: &World) {
    use std::os::unix::fs::PermissionsExt;
    let fixture = Fixture::new();
    let script = fixture.path("script");
    fs::write(&script, "#!/no/such/interpreter\n").expect("a file");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("chmod");
    let script = script.to_str().expect("text").to_owned();
    let refused = |launch: Launch, expect: &str| {
        let error = fixture.lab.start(&launch).expect_err("it cannot start").to_string();
        assert!(error.starts_with("start node n1: ") && error.ends_with(expect), "{error}");
        assert_eq!(zombies(), 0);
    };
    refused(fixture.launch(&["/no/such/server"]), "`/no/such/server` was not found");
    refused(
        fixture.launch(&[&script]),
        &format!("the interpreter that `{script}` names was not found"),
    );
    refused(fixture.launch(&["/"]), "start `/`: permission denied (EACCES)");
    refused(fixture.launch(&[]), "no program was named");
    let launch = Launch { dir: "/no/such/dir".into(), ..fixture.launch(&["/bin/sh"]) };
    refused(launch, "enter `/no/such/dir`: no such file or directory (ENOENT)");
    let launch = Launch { stdout: "/no/such/file".into(), ..fixture.launch(&["/bin/sh"]) };
    refused(launch, "open `/no/such/file`: no such file or directory (ENOENT)");
    let launch = Launch { node: NodeId(7), ..fixture.launch(&["/bin/sh"]) };
    let error = fixture.lab.start(&launch).expect_err("there is no such node").to_string();
    assert_eq!(error, "start node n7: not a node of this lab");
}

fn ends(_: &World) {
    let fixture = Fixture::new();
    // A shell's `kill` is given real-time signals by number only.
    for (script, expect) in
        [("exit 3", "status 3"), ("kill -11 $$", "signal 11"), ("kill -40 $$", "signal 40")]
    {
        let mut node = fixture.shell(&format!("sleep 1000 & {script}"));
        eventually(expect, || node.exited().is_some());
        assert_eq!(node.exited().as_deref(), Some(expect));
        assert_eq!(node.remaining().expect("a count"), 0, "the rest goes with the server");
        assert_eq!(node.threads().expect("a count"), Threads::default());
        assert_eq!(node.kill().expect("no error").processes, 0);
        assert_eq!(zombies(), 0);
    }
}

fn surroundings(_: &World) {
    let fixture = Fixture::new();
    let mut node = fixture.shell(
        "id -u; hostname; echo $GIVEN $FRACAS_SECRET; ls /proc/self/fd; \
         echo $$; touch made; read line && echo $line; echo oops >&2",
    );
    eventually("the end", || node.exited().is_some());
    let output = fixture.output();
    let lines: Vec<&str> = output.lines().collect();
    // The last descriptor is the directory that `ls` reads.
    assert_eq!(lines, ["1000", "n1", "yes", "0", "1", "2", "3", "2"], "{output}");
    assert_eq!(fs::read_to_string(fixture.path("stderr")).expect("errors"), "oops\n");
    use std::os::unix::fs::MetadataExt;
    let owner = |name| fs::metadata(fixture.path(name)).expect("a file").uid();
    assert_eq!(owner("made"), owner("stdout"), "all files are the node's user's");
    let own = nix::unistd::geteuid().as_raw();
    let shared = fracas_lab::users().starts_with("the caller's");
    assert_eq!(owner("made") == own, shared, "that is nobody outside, where it can be");
}

fn names(_: &World) {
    let fixture = Fixture::new();
    let mut node = fixture.server("names");
    eventually("the end", || node.exited().is_some());
    let output = fixture.output();
    for line in ["n1: 10.77.0.1", "n2: 10.77.0.2", "10.77.0.1:80: listens"] {
        assert!(output.lines().any(|found| found == line), "{line}: {output}");
    }
    assert!(output.contains("localhost: ") && output.contains("127.0.0.1"), "{output}");
    if fs::exists("/proc/sys/net/ipv6").expect("known") {
        for line in ["[::1]:443: listens", "[::]:22: listens"] {
            assert!(output.lines().any(|found| found == line), "{line}: {output}");
        }
    }
}

fn no_rights(_: &World) {
    let fixture = Fixture::new();
    let mut node = fixture.shell(
        "ls /run; ip link set eth0 down 2>&1; mount -t tmpfs none /tmp 2>&1; \
         grep CapEff /proc/self/status",
    );
    eventually("the end", || node.exited().is_some());
    let output = fixture.output();
    assert!(output.ends_with("CapEff:\t0000000000000000\n"), "no rights: {output}");
    let direction = [(N1, NodeId(2))];
    let heard = fixture.lab.probe(&direction, PATIENCE).expect("a probe");
    assert!(heard[&direction[0]], "the link is still up: {output}");
}

fn reached(_: &World) {
    let fixture = Fixture::new();
    let mut node = fixture.server("listen");
    let address = (fixture.lab.address(N1), 7000);
    let hear = || -> std::io::Result<String> {
        let mut heard = String::new();
        TcpStream::connect(address)?.read_to_string(&mut heard).map(|_| heard)
    };
    eventually("the server listens", || hear().is_ok());
    fixture.lab.cut(&fixture.lab.directions()).expect("a cut");
    assert_eq!(hear().expect("an answer"), "hello");
    node.kill().expect("a kill");
    assert_eq!(hear().expect_err("nobody listens").kind(), std::io::ErrorKind::ConnectionRefused);
}

/// A connection needs both directions; it is made again after the heal.
fn between_nodes(_: &World) {
    let fixture = Fixture::new();
    let _listener = fixture.server("listen");
    let program = std::env::current_exe().expect("own path");
    let argv = [program.to_str().expect("its path is text"), "__server", "ask"];
    let _asker = fixture
        .lab
        .start(&Launch { node: NodeId(2), ..fixture.launch(&argv) })
        .expect("the second server starts");
    let (there, back) = ((NodeId(2), N1), (N1, NodeId(2)));
    for cut in [&[][..], &[there], &[], &[back], &[], &[there, back], &[]] {
        fixture.lab.cut(cut).expect("a cut");
        let seen = fixture.output().lines().count();
        // The first answer after the cut may still have been on its way.
        eventually("three more answers", || fixture.output().lines().count() >= seen + 4);
        let output = fixture.output();
        let answers: Vec<&str> = output.lines().skip(seen + 1).take(3).collect();
        // A server that has just started, or a link that has just healed, may take a moment.
        if cut.is_empty() {
            eventually("it answers", || fixture.output().ends_with("true\n"));
        } else {
            assert_eq!(answers, ["false"; 3], "cut: {cut:?}");
        }
    }
}

/// The request to die with the parent is bound to the parent's thread, a trap for worker threads.
fn outlives(_: &World) {
    let fixture = Fixture::new();
    let started = std::thread::scope(|scope| scope.spawn(|| fixture.shell(TREE)).join());
    let mut node = started.expect("the thread ends well");
    wait_for_threads(&mut node, TREE_SIZE);
    std::thread::sleep(Duration::from_millis(50));
    assert_eq!(node.exited(), None);
    assert_eq!(node.threads().expect("a count").total, TREE_SIZE);
}

fn terminate(_: &World) {
    let fixture = Fixture::new();
    let polite = "trap 'exit 5' TERM; echo ready; while :; do sleep 0.01; done";
    let mut node = fixture.shell(polite);
    eventually("ready", || fixture.output() == "ready\n");
    node.pause().expect("a stopped server hears it too");
    let gone = node.terminate(Signal::SIGTERM, PATIENCE).expect("an end");
    assert_eq!((node.exited().as_deref(), gone.remaining), (Some("status 5"), 0));
    let measured = proofs::stop([&mut node], Stage::Held).expect("a proof");
    assert_eq!(measured[0].result, "status 5, 0 processes now");
    assert!(measured[0].holds);
    let mut node = fixture.shell("trap '' TERM; echo deaf; while :; do sleep 0.01; done");
    eventually("deaf", || fixture.output() == "ready\ndeaf\n");
    let gone = node.terminate(Signal::SIGTERM, Duration::from_millis(100)).expect("an end");
    assert_eq!((node.exited(), gone.remaining), (None, 0));
    assert!(gone.processes > 0);
    let measured = proofs::stop([&mut node], Stage::Injected).expect("a proof");
    assert!(!measured[0].holds, "it was killed: {measured:?}");
    assert_eq!(zombies(), 0);
}

fn killed_waiter(_: &World) {
    let fixture = Fixture::new();
    let mut node = fixture.shell(TREE);
    wait_for_threads(&mut node, TREE_SIZE);
    let parent =
        |stat: &str| stat.rsplit(") ").next().and_then(|rest| rest.split(' ').nth(1)?.parse().ok());
    let children = fs::read_dir("/proc").expect("processes").filter_map(|process| {
        let path = process.expect("an entry").path();
        let stat = fs::read_to_string(path.join("stat")).ok()?;
        (parent(&stat) == Some(1)).then(|| path.file_name()?.to_str()?.parse::<i32>().ok())?
    });
    let children: Vec<i32> = children.collect();
    assert_eq!(children.len(), 1, "the waiter is the only child");
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(children[0]), Signal::SIGKILL).expect("sent");
    eventually("the end", || node.lost().is_some());
    let lost = node.lost().expect("seen");
    assert_eq!((&*lost.name, &*lost.how), ("the waiter of node n1", "signal 9"));
    assert_eq!(node.exited(), None, "the server did not end by itself");
    assert_eq!(node.kill().expect("nothing is left to kill").remaining, 0);
    assert_eq!(zombies(), 0);
}
