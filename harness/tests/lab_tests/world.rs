//! The world itself: exit codes, signals, and that nothing survives whoever is killed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::iter;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use fracas_checker::NodeId;
use fracas_lab::{Isolation, Lab, LabError, LabSpec, Launch, Mechanism, Reach, World};
use nix::sys::signal::{SigSet, Signal, kill};
use nix::unistd::Pid;

use super::support::{Body, Test, Way};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    ("the_exit_code_is_passed_on", Body::Around(exit_codes)),
    ("a_panic_inside_is_a_bug", Body::Around(panics)),
    ("signals_are_passed_on", Body::Around(signals)),
    ("a_killed_inside_is_an_error", Body::Around(killed_inside)),
    ("nothing_survives_a_killed_outside", Body::Around(killed_outside)),
    ("a_world_needs_a_single_thread", Body::Outside(many_threads)),
    ("a_world_is_private", Body::Inside(private)),
    ("code 42", Body::Helper(|_| 42)),
    ("panic", Body::Helper(|_| panic!("on purpose"))),
    ("await a signal", Body::Helper(await_signal)),
    ("busy", Body::Helper(busy)),
];

/// The variable that marks every process of one helper.
pub(crate) const MARKER: &str = "FRACAS_LAB_TEST";

/// How long something that must happen may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// How often the outside is killed, each time a little later.
const KILLS: u32 = 25;

/// Waits for SIGINT or SIGTERM and returns its number.
fn await_signal(_: &World) -> u8 {
    let signals: SigSet = [Signal::SIGINT, Signal::SIGTERM].into_iter().collect();
    signals.thread_block().expect("blocked");
    println!("ready");
    u8::try_from(signals.wait().expect("a signal") as i32).expect("small")
}

/// A lab full of processes, some of which have left their session.
fn busy(_: &World) -> u8 {
    let nodes: Vec<NodeId> = (1..=3).map(NodeId).collect();
    let spec = LabSpec { nodes, partition: Mechanism::Auto, ineffective_cut: false };
    let lab = Lab::build(&spec).expect("a lab");
    let launch = |node: &NodeId| Launch {
        node: *node,
        name: None,
        also: Vec::new(),
        argv: ["/bin/sh", "-c", "sleep 1000 & setsid sleep 1000 & wait"].map(String::from).into(),
        env: BTreeMap::from([(MARKER.into(), std::env::var(MARKER).expect("a marker"))]),
        dir: "/".into(),
        stdout: "/dev/null".into(),
        stderr: "/dev/null".into(),
        clock: None,
        monotonic_offset: 0,
        reach: Reach::default(),
    };
    let started: Vec<_> = lab.nodes().iter().map(|node| lab.start(&launch(node))).collect();
    assert!(started.iter().all(Result::is_ok), "{started:?}");
    println!("ready");
    std::thread::sleep(Duration::from_secs(1000));
    0
}

/// A helper, with the marker that it and all it starts carry.
pub(crate) struct Helper {
    pub(crate) child: Child,
    pub(crate) stdout: BufReader<ChildStdout>,
    marker: String,
}

impl Helper {
    pub(crate) fn start(way: &Way, name: &str) -> Self {
        use std::sync::atomic::{AtomicU32, Ordering};
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let marker = format!("{}-{number}", std::process::id());
        let mut command = way.command(name);
        command.env(MARKER, &marker).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the helper starts");
        let stdout = BufReader::new(child.stdout.take().expect("it is piped"));
        Self { child, stdout, marker }
    }

    /// Waits until it says that it is ready.
    #[track_caller]
    fn ready(&mut self) {
        let mut line = String::new();
        self.stdout.read_line(&mut line).expect("a line");
        assert_eq!(line, "ready\n");
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).expect("it fits");
        kill(Pid::from_raw(pid), signal).expect("sent");
    }

    #[track_caller]
    fn code(mut self) -> Option<i32> {
        self.child.wait().expect("it ends").code()
    }

    /// The processes that carry its marker, and all below them: an ordinary user may not read the
    /// markers of processes that run as other users.
    fn processes(&self) -> BTreeSet<i32> {
        let wanted = format!("{MARKER}={}", self.marker);
        let marked = |pid: &i32| {
            let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            environment.split(|byte| *byte == 0).any(|entry| entry == wanted.as_bytes())
        };
        let number = |entry: fs::DirEntry| entry.file_name().to_str()?.parse::<i32>().ok();
        let all = fs::read_dir("/proc").expect("processes").filter_map(Result::ok);
        let all: Vec<i32> = all.filter_map(number).collect();
        let below = |pid: &i32| iter::successors(Some(*pid), |pid| parent(*pid)).take(DEEP);
        all.into_iter().filter(|pid| below(pid).any(|above| marked(&above))).collect()
    }

    /// Waits until there is nothing more of it.
    #[track_caller]
    pub(crate) fn all_gone(&self) {
        gone("processes with its marker", || self.processes());
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        // It has ended long ago, unless the test failed.
        drop(self.child.kill().and_then(|()| self.child.wait()));
    }
}

/// So many generations of processes a helper has at most.
const DEEP: usize = 8;

/// The parent of a process.
fn parent(pid: i32) -> Option<i32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, after_name) = stat.rsplit_once(')')?;
    after_name.split_whitespace().nth(1)?.parse().ok()
}

/// Waits until there are no such processes.
#[track_caller]
fn gone(processes: &str, left: impl Fn() -> BTreeSet<i32>) {
    let deadline = Instant::now() + PATIENCE;
    while !left().is_empty() {
        assert!(Instant::now() < deadline, "{processes} are left: {:?}", left());
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// What of a lab can be seen on the machine: its links by name, and its mounts by place.
fn traces() -> (Vec<String>, usize) {
    let ours = |name: &String| name == "br0" || ["v1", "v2", "v3"].contains(&name.as_str());
    let links = fs::read_dir("/sys/class/net").expect("links");
    let links = links.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into());
    let mounts = fs::read_to_string("/proc/self/mounts").expect("mounts");
    let place = |line: &str| line.split(' ').nth(1).map(str::to_owned);
    let places = mounts.lines().filter_map(place);
    (
        links.filter(ours).collect(),
        places.filter(|place| place == "/run" || place == "/proc").count(),
    )
}

fn exit_codes(way: &Way) {
    assert_eq!(Helper::start(way, "code 42").code(), Some(42));
}

fn panics(way: &Way) {
    let mut helper = Helper::start(way, "panic");
    let mut said = String::new();
    let mut stderr = helper.child.stderr.take().expect("it is piped");
    stderr.read_to_string(&mut said).expect("what it says");
    assert_eq!(helper.code(), Some(70));
    assert!(said.contains("on purpose"));
}

fn signals(way: &Way) {
    let passed_on = [
        (Signal::SIGINT, Signal::SIGINT),
        (Signal::SIGTERM, Signal::SIGTERM),
        (Signal::SIGHUP, Signal::SIGTERM),
    ];
    for (sent, expect) in passed_on {
        let mut helper = Helper::start(way, "await a signal");
        helper.ready();
        helper.signal(sent);
        assert_eq!(helper.code(), Some(expect as i32), "{sent}");
    }
}

fn killed_inside(way: &Way) {
    let mut helper = Helper::start(way, "busy");
    helper.ready();
    let outer = i32::try_from(helper.child.id()).expect("it fits");
    let children = format!("/proc/{outer}/task/{outer}/children");
    let inner = fs::read_to_string(children).expect("children");
    let inner = Pid::from_raw(inner.trim().parse().expect("one child"));
    kill(inner, Signal::SIGKILL).expect("sent");
    helper.child.wait().expect("the outside ends too");
    helper.all_gone();
    let mut said = String::new();
    helper.stdout.read_to_string(&mut said).expect("what it says");
    assert!(said.contains("the process inside was ended by signal 9"), "{said}");
}

fn killed_outside(way: &Way) {
    let before = traces();
    for attempt in 0..KILLS {
        let mut helper = Helper::start(way, "busy");
        let mut seen = BTreeSet::new();
        if attempt + 1 == KILLS {
            helper.ready();
            seen = helper.processes();
            assert!(seen.len() > 9, "nodes and their servers are found: {seen:?}");
        } else {
            std::thread::sleep(Duration::from_millis(4) * attempt);
        }
        helper.signal(Signal::SIGKILL);
        helper.child.wait().expect("it ends");
        helper.all_gone();
        let exists = |pid: &i32| Path::new(&format!("/proc/{pid}")).exists();
        gone("nodes", || seen.iter().copied().filter(exists).collect());
    }
    assert_eq!(traces(), before);
}

fn many_threads(_: &Way) {
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let other = std::thread::spawn(move || stopped.recv());
    let entered = fracas_lab::enter(Isolation::Auto, |_| 0);
    drop(stop);
    let _ended = other.join();
    match entered {
        Err(LabError::Asked(why)) => assert!(why.contains("2 threads"), "{why}"),
        other => panic!("{other:?}"),
    }
}

fn private(world: &World) {
    assert_eq!(std::process::id(), 1);
    assert!(nix::unistd::geteuid().is_root(), "of its own namespace: {world:?}");
    assert_eq!(fs::read_dir("/run").expect("/run").count(), 0);
    let processes = fs::read_dir("/proc").expect("/proc").filter(|entry| {
        let name = entry.as_ref().expect("an entry").file_name();
        name.to_string_lossy().bytes().all(|byte| byte.is_ascii_digit())
    });
    assert_eq!(processes.count(), 1, "alone in a fresh /proc");
    let listing = Command::new("true").status().expect("programs still run");
    assert!(listing.success());
}
