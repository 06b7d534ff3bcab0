//! What servers in nodes lose with their disk's power, and that nothing hangs or stays when the
//! harness is killed in the middle of it.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use fracas_checker::NodeId;
use fracas_lab::disk::{Disk, Latency, Loss, Lost, Model};
use fracas_lab::{Lab, LabSpec, Launch, Mechanism, NodeProcess, Reach, Signal, World};

use super::disk::Fixture;
use super::support::{Body, Test, Way, skip};
use super::world::{Helper, MARKER};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    ("a_kill_alone_loses_nothing_and_a_power_failure_does", Body::Inside(kill_and_lose)),
    ("what_was_written_through_memory_is_lost_too", Body::Inside(mapped_memory)),
    ("what_was_settled_is_not_lost", Body::Inside(settled)),
    ("a_killed_fsync_does_not_come_to_its_end", Body::Inside(killed_fsync)),
    ("redis_loses_what_it_did_not_fsync", Body::Inside(redis_everysec)),
    ("redis_keeps_what_it_did_fsync", Body::Inside(redis_always)),
    ("etcd_keeps_what_it_acknowledged", Body::Inside(etcd)),
    ("a_killed_harness_leaves_no_disk_and_no_hang", Body::Around(killed_harness)),
    ("a busy disk", Body::Helper(busy)),
    ("append", Body::Server(append)),
    ("map", Body::Server(map)),
    ("fsync", Body::Server(fsync)),
];

const N1: NodeId = NodeId(1);

/// How long something that must happen may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often the harness is killed, each time a little later.
const KILLS: u32 = 20;

/// The variable that tells a server which file to work on.
pub(crate) const FILE: &str = "FRACAS_TEST_FILE";

fn own_file() -> File {
    let path = std::env::var_os(FILE).expect("a file");
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).open(path).expect("opened")
}

/// Appends lines for ever, and never fsyncs.
fn append() {
    let mut file = own_file();
    loop {
        file.write_all(b"a line of a log\n").expect("written");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Changes a file through memory, and says so.
fn map() {
    let file = own_file();
    file.set_len(3 * 4096).expect("stretched");
    file.sync_all().expect("fsynced");
    let (shared, rights) = (libc::MAP_SHARED, libc::PROT_READ | libc::PROT_WRITE);
    // SAFETY: the file is three pages long, so the two pages written are in it; nobody cuts it.
    #[expect(unsafe_code, reason = "memory that is a file has no safe wrapper")]
    unsafe {
        let null = std::ptr::null_mut();
        let memory = libc::mmap(null, 3 * 4096, rights, shared, file.as_raw_fd(), 0);
        assert_ne!(memory, libc::MAP_FAILED);
        std::ptr::write_bytes(memory.cast::<u8>(), b'm', 2 * 4096);
    }
    println!("mapped");
    std::thread::sleep(Duration::from_secs(1000));
}

/// Writes and fsyncs once, and says when each is done.
fn fsync() {
    let file = own_file();
    file.write_all_at(b"written", 0).expect("written");
    println!("written");
    file.sync_all().expect("fsynced");
    println!("fsynced");
}

/// A lab of one node with a disk.
struct Node {
    lab: Lab,
    it: Fixture,
    output: tempfile::TempDir,
}

impl Node {
    fn new(latency: Latency) -> Self {
        let it = Fixture::new(Model::Ext4, latency);
        let spec = LabSpec { nodes: vec![N1], partition: Mechanism::Auto, ineffective_cut: false };
        let lab = Lab::build(&spec).expect("a lab");
        Self { lab, it, output: tempfile::tempdir_in(".").expect("a directory") }
    }

    fn output(&self, name: &str) -> PathBuf {
        fs::canonicalize(self.output.path()).expect("it exists").join(name)
    }

    fn start(&self, argv: &[&str]) -> NodeProcess {
        let marker = std::env::var(MARKER).unwrap_or_default();
        let file = self.it.path("file").to_string_lossy().into_owned();
        let launch = Launch {
            name: None,
            also: Vec::new(),
            node: N1,
            argv: argv.iter().map(|&word| word.to_owned()).collect(),
            env: BTreeMap::from([(FILE.into(), file), (MARKER.into(), marker)]),
            dir: self.it.path(""),
            stdout: self.output("stdout"),
            stderr: self.output("stderr"),
            clock: None,
            monotonic_offset: 0,
            reach: Reach::default(),
        };
        self.lab.start(&launch).expect("the server starts")
    }

    fn server(&self, name: &str) -> NodeProcess {
        let program = std::env::current_exe().expect("own path");
        self.start(&[program.to_str().expect("its path is text"), "__server", name])
    }

    fn disk(&self) -> &Disk {
        self.it.disk()
    }

    fn lose(&self) -> Lost {
        let lost = self.disk().lose(Loss::All).expect("it loses");
        assert_eq!(lost.problems, Vec::<String>::new());
        println!("{lost:?}");
        lost
    }

    fn says(&self, word: &str) -> bool {
        fs::read_to_string(self.output("stdout")).is_ok_and(|text| text.contains(word))
    }

    fn connect(&self, port: u16) -> TcpStream {
        let address = SocketAddr::new(IpAddr::V4(self.lab.address(N1)), port);
        let stream = eventually("a connection", || TcpStream::connect(address).ok());
        stream.set_read_timeout(Some(PATIENCE)).expect("set");
        stream
    }
}

/// Waits until there is something.
#[track_caller]
pub(crate) fn eventually<T>(condition: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "no {condition} within {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The path of a program, or the end of the test.
fn program(name: &str) -> String {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&paths).map(|path| path.join(name)).find(|it| it.is_file());
    found.unwrap_or_else(|| skip(&format!("`{name}` is not installed"))).display().to_string()
}

fn kill_and_lose(_: &World) {
    let node = Node::new(Latency::NONE);
    let mut process = node.server("append");
    let length = |path: &Path| fs::metadata(path).map_or(0, |file| file.len());
    let path = node.it.path("file");
    eventually("line", || (length(&path) > 1000).then_some(()));
    let file = File::open(&path).expect("opened");
    let durable = length(&path);
    file.sync_all().expect("fsynced");
    eventually("more", || (length(&path) > durable + 1000).then_some(()));
    process.kill().expect("killed");
    let written = length(&path);
    drop(file);
    let lost = node.lose();
    assert!(lost.bytes >= 900 && lost.files == 1, "{lost:?}");
    assert_eq!(length(&path), written - lost.bytes);
    let text = fs::read_to_string(&path).expect("text");
    assert!(text.lines().all(|line| line == "a line of a log"), "whole lines only");
}

fn mapped_memory(_: &World) {
    let node = Node::new(Latency::NONE);
    let mut process = node.server("map");
    eventually("mapped memory", || node.says("mapped").then_some(()));
    process.kill().expect("killed");
    let path = node.it.path("file");
    assert_eq!(fs::read(&path).expect("read")[..8192], [b'm'; 8192], "a kill alone loses nothing");
    let lost = node.lose();
    assert_eq!((lost.bytes, lost.pages), (8192, 2));
    assert_eq!(fs::read(&path).expect("read"), [0; 3 * 4096]);
}

/// Whatever way it was written, by a server that still runs.
fn settled(_: &World) {
    let node = Node::new(Latency::NONE);
    let mut process = node.server("map");
    eventually("mapped memory", || node.says("mapped").then_some(()));
    fs::write(node.it.path("other"), "written").expect("written");
    node.disk().settle().expect("it settles");
    fs::write(node.it.path("later"), "written").expect("written");
    process.kill().expect("killed");
    let lost = node.lose();
    assert_eq!((lost.bytes, lost.entries), (7, 1), "{lost:?}");
    assert_eq!(fs::read(node.it.path("file")).expect("read")[..8192], [b'm'; 8192]);
    assert_eq!(fs::read(node.it.path("other")).expect("read"), b"written");
}

fn killed_fsync(_: &World) {
    let node = Node::new(Latency::exactly(Duration::from_secs(20)));
    let mut process = node.server("fsync");
    eventually("write", || node.says("written").then_some(()));
    std::thread::sleep(Duration::from_millis(100));
    let gone = process.kill().expect("killed");
    assert_eq!(gone.remaining, 0);
    assert!(gone.took < Duration::from_secs(10), "{gone:?}");
    assert_eq!(node.lose().bytes, 7);
    assert!(!node.says("fsynced"));
}

/// Counts with redis for a while, fails its power, and returns the count that was acknowledged
/// last and the one that it knows after its restart.
fn redis(appendfsync: &str) -> (u64, u64) {
    let (redis, node) = (program("redis-server"), Node::new(Latency::USUAL));
    let argv = [
        &redis,
        "--bind",
        "0.0.0.0",
        "--protected-mode",
        "no",
        "--port",
        "6379",
        "--save",
        "",
        "--appendonly",
        "yes",
        "--appendfsync",
        appendfsync,
    ];
    let mut process = node.start(&argv);
    let mut client = BufReader::new(node.connect(6379));
    let (begun, mut acknowledged) = (Instant::now(), 0);
    while begun.elapsed() < Duration::from_millis(1700) {
        acknowledged = ask_redis(&mut client, "INCR counter");
    }
    process.kill().expect("killed");
    let lost = node.lose();
    println!("redis, appendfsync {appendfsync}: {acknowledged} acknowledged, {lost:?}");
    let mut process = node.start(&argv);
    let found = ask_redis(&mut BufReader::new(node.connect(6379)), "INCR counter") - 1;
    process.kill().expect("killed");
    (acknowledged, found)
}

/// Sends one command and reads the number that answers it.
fn ask_redis(client: &mut BufReader<TcpStream>, command: &str) -> u64 {
    eventually("number", || {
        client.get_mut().write_all(format!("{command}\r\n").as_bytes()).expect("sent");
        let mut line = String::new();
        client.read_line(&mut line).expect("answered");
        // While it still loads its data, it answers with an error.
        line.trim().strip_prefix(':').map(|number| number.parse().expect("a number"))
    })
}

fn redis_everysec(_: &World) {
    // An attempt may end just after an fsync.
    let lost = (0..3).map(|_| redis("everysec")).any(|(acknowledged, found)| found < acknowledged);
    assert!(lost, "nothing was lost");
}

fn redis_always(_: &World) {
    let (acknowledged, found) = redis("always");
    assert!(found == acknowledged || found == acknowledged + 1, "{found} of {acknowledged}");
}

fn etcd(_: &World) {
    const KEYS: usize = 50;
    let (etcd, node) = (program("etcd"), Node::new(Latency::USUAL));
    let argv = [
        &etcd,
        "--data-dir",
        "data",
        "--listen-client-urls",
        "http://0.0.0.0:2379",
        "--advertise-client-urls",
        "http://10.77.0.1:2379",
    ];
    let mut process = node.start(&argv);
    // In base64: “k” with a number of two digits needs no padding.
    let put = |key: usize| {
        let body = format!("{{\"key\":\"{}\",\"value\":\"dg==\"}}", key_name(key));
        ask_etcd(&node, "put", &body).then_some(())
    };
    for key in 0..KEYS {
        eventually("acknowledged write", || put(key));
    }
    process.kill().expect("killed");
    node.lose();
    let mut process = node.start(&argv);
    for key in 0..KEYS {
        let body = format!("{{\"key\":\"{}\"}}", key_name(key));
        eventually("key after the restart", || ask_etcd(&node, "range", &body).then_some(()));
    }
    process.kill().expect("killed");
}

/// A key in base64.
fn key_name(number: usize) -> String {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    let digit = |at: usize| char::from(DIGITS[at % DIGITS.len()]);
    format!("k{}{}A", digit(number / DIGITS.len()), digit(number))
}

/// Sends one request; whether it was answered well, and with a key if one was asked for.
fn ask_etcd(node: &Node, verb: &str, body: &str) -> bool {
    let mut stream = node.connect(2379);
    let length = body.len();
    let request = format!("POST /v3/kv/{verb} HTTP/1.0\r\nContent-Length: {length}\r\n\r\n{body}");
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = String::new();
    let read = stream.read_to_string(&mut answer);
    read.is_ok() && answer.contains("200 OK") && (verb == "put" || answer.contains("\"kvs\""))
}

/// A node that writes for ever, in all ways, while the harness uses the same disk.
fn busy(_: &World) -> u8 {
    let node = Node::new(Latency::exactly(Duration::from_millis(50)));
    let _processes = node.server("append");
    let path = node.it.path("harness");
    std::thread::spawn(move || {
        let mut file = File::create(path).expect("made");
        loop {
            file.write_all(&[1; 5000]).and_then(|()| file.sync_all()).expect("fsynced");
        }
    });
    println!("ready");
    loop {
        node.disk().probe().expect("probed");
    }
}

fn killed_harness(way: &Way) {
    let mounts = || fs::read_to_string("/proc/self/mounts").expect("mounts").lines().count();
    let before = mounts();
    for attempt in 0..KILLS {
        let mut helper = Helper::start(way, "a busy disk");
        if attempt % 2 == 0 {
            let mut line = String::new();
            helper.stdout.read_line(&mut line).expect("a line");
            if line.starts_with("skipped") {
                println!("{line}");
                return;
            }
            assert_eq!(line, "ready\n");
        }
        std::thread::sleep(Duration::from_millis(7) * attempt);
        helper.signal(Signal::SIGKILL);
        helper.child.wait().expect("it ends");
        helper.all_gone();
    }
    assert_eq!(mounts(), before);
}
