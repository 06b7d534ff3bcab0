//! The agent: what it does and tells is the same whether its orders come from the process that it is
//! in or through a socket, from one that shares nothing with it.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;
use std::process::{Child, Command};
use std::sync::Mutex;
use std::time::Duration;

use fracas_checker::NodeId;
use fracas_checker::fault::Stage;
use fracas_lab::agent::{
    Agent, Equip, Facts, Home, LocalAgent, LogOrder, Measure, Order, Report, Start, StopSignal,
};
use fracas_lab::clock::{Clock, Means, Sampling};
use fracas_lab::logs::{Begin, Chunk, Look};
use fracas_lab::resources::Resource;
use fracas_lab::{Lab, LabError, LabSpec, Mechanism, Program, Reach, World};

use super::support::{Body, Test};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    ("an_agent_behind_a_socket_does_what_one_in_the_process_does", Body::Inside(alike)),
    ("an_agent_behind_a_socket_reads_logs_as_one_in_the_process_does", Body::Inside(logs)),
    ("logs_are_read_with_the_powers_of_the_caller", Body::Inside(powers)),
    ("an_agent_uses_no_directory_that_is_a_link", Body::Inside(no_link)),
    ("agent", Body::Server(serve)),
];

const N1: NodeId = NodeId(1);
const N2: NodeId = NodeId(2);

/// Where an agent in another process finds who gives it orders.
const PORT: &str = "FRACAS_TEST_PORT";

/// How a clock is read.
const ONCE: Sampling = Sampling { count: 1, every: Duration::from_millis(1) };

/// How long a program may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// An hour, in nanoseconds.
const HOUR: i64 = 3_600_000_000_000;

/// An agent with a lab of its own, whose files are in `dir`.
fn agent(dir: &Path) -> LocalAgent {
    let nodes = vec![N1, N2];
    let spec = LabSpec { nodes, partition: Mechanism::Auto, ineffective_cut: false };
    let dir = fs::canonicalize(dir).expect("it exists");
    let home = Home { evidence: dir.clone(), dir };
    LocalAgent::at_home(Lab::build(&spec).expect("a lab"), home).expect("an agent")
}

/// The process of an agent: it has a socket, a lab and files, and nothing of who gives it orders.
fn serve() {
    let dir = tempfile::tempdir_in(".").expect("a directory");
    let agent = agent(dir.path());
    let port = std::env::var(PORT).expect("a port").parse::<u16>().expect("a number");
    let mut socket = TcpStream::connect(("127.0.0.1", port)).expect("a socket");
    let orders = BufReader::new(socket.try_clone().expect("the same socket")).lines();
    for order in orders.map_while(Result::ok) {
        let order: Order = serde_json::from_str(&order).expect("an order");
        let report = agent.carry_out(&order);
        writeln!(socket, "{}", serde_json::to_string(&report).expect("a message")).expect("sent");
    }
}

/// Who gives orders to such a process.
struct Distant {
    socket: Mutex<BufReader<TcpStream>>,
    process: Child,
}

impl Distant {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("a port").port().to_string();
        let mut command = Command::new("/proc/self/exe");
        command.args(["__server", "agent"]).env(PORT, port);
        let process = command.spawn().expect("an agent");
        let (socket, _) = listener.accept().expect("it calls");
        Self { socket: Mutex::new(BufReader::new(socket)), process }
    }

    /// Hangs up; the agent ends, and its lab with it.
    fn end(self) {
        let Self { socket, mut process } = self;
        drop(socket);
        assert!(process.wait().expect("it ends").success());
    }
}

impl Agent for Distant {
    fn carry_out(&self, order: &Order) -> Result<Report, LabError> {
        let mut socket = self.socket.lock().expect("nobody panics");
        let order = serde_json::to_string(order).expect("a message");
        writeln!(socket.get_mut(), "{order}").expect("sent");
        let mut report = String::new();
        socket.read_line(&mut report).expect("heard");
        serde_json::from_str(&report).expect("a report")
    }
}

/// A server that lives on.
fn start(node: NodeId) -> Order {
    let script = "cat conf/greeting; while :; do sleep 0.05; done";
    Order::Start(Box::new(Start {
        node,
        program: Program {
            name: None,
            argv: ["/bin/sh", "-c", script].map(str::to_owned).into(),
            env: [].into(),
        },
        also: Vec::new(),
        monotonic_offset: 0,
        reach: Reach::default(),
    }))
}

/// The orders of a small run.
fn orders() -> Vec<Order> {
    let cut = vec![(N1, N2)];
    let measure = |measure: &Measure, stage| Order::Measure(measure.clone(), stage);
    let read = ["/bin/cat", "conf/greeting"].map(str::to_owned).to_vec();
    let mut orders = vec![
        Order::Facts,
        Order::Equip(N1, Equip::Dir("data".into())),
        Order::Write(N1, "conf/greeting".into(), "hello\n".into()),
        Order::Pause(N1),
        start(N1),
        start(N1),
        Order::Run(N1, read, PATIENCE),
        Order::Cut(cut.clone()),
        measure(&Measure::Cut(cut.clone()), Stage::Injected),
        measure(&Measure::Cut(cut.clone()), Stage::Held),
        Order::Cut(Vec::new()),
        measure(&Measure::Cut(cut), Stage::Healed),
        Order::Pause(N1),
        measure(&Measure::Pause(N1), Stage::Injected),
        Order::Resume(N1),
        measure(&Measure::Pause(N1), Stage::Healed),
        measure(&Measure::Pause(N1), Stage::Injected),
        Order::Limit(N1, Resource::Files, Some(100)),
        measure(&Measure::Limit(N1, Resource::Files), Stage::Injected),
        Order::Limit(N1, Resource::Files, None),
        Order::Kill(N1),
        measure(&Measure::Kill(N1), Stage::Injected),
        Order::Kill(N1),
        start(N1),
        measure(&Measure::Kill(N1), Stage::Healed),
        Order::Ended(N1),
        Order::Lost { ask: true },
        Order::Clock(N2, None),
        Order::Resume(NodeId(9)),
        Order::Terminate(N1, StopSignal::Term, PATIENCE),
    ];
    if cfg!(target_arch = "x86_64") {
        let with_clock = vec![
            Order::Equip(N1, Equip::Clock(Means::Redirect)),
            start(N1),
            Order::Clock(N1, Some(Clock::Step { nanos: HOUR })),
            measure(&Measure::Clock(N1), Stage::Injected),
            Order::ReadClock(N1, ONCE),
            Order::Clock(N1, None),
            measure(&Measure::Clock(N1), Stage::Healed),
            Order::ReadClock(N1, ONCE),
            Order::Kill(N1),
        ];
        orders.extend(with_clock);
    }
    orders
}

/// Runs a script where the server is.
fn script(text: &str) -> Order {
    Order::Run(N1, ["/bin/sh", "-c", text].map(str::to_owned).to_vec(), PATIENCE)
}

/// An order about a log of the server.
fn log(name: &str, order: LogOrder) -> Order {
    Order::Log(N1, name.into(), order)
}

/// Orders about logs, each with the report that is expected.
fn log_orders() -> Vec<(Order, &'static str)> {
    let next = |name: &str| log(name, LogOrder::Next);
    let end = |from, count| log("logs/log", LogOrder::End { from, count });
    let wait = "until grep -q world stdout; do sleep 0.05; done";
    vec![
        (Order::Write(N1, "conf/greeting".into(), "hello\nworld".into()), "Done"),
        (log("stdout", LogOrder::About), "0 bytes"),
        (next("logs/log"), "[] AtEnd"),
        (start(N1), "Done"),
        (script(wait), "Said(\"\")"),
        (next("stdout"), "[] More"),
        (next("stdout"), "[(0, \"hello\")] AtEnd"),
        (script("mkdir logs; printf 'one\\ntw' > logs/log"), "Said(\"\")"),
        (next("logs/log"), "[] More"),
        (next("logs/log"), "[(0, \"one\")] AtEnd"),
        (script("printf 'o\\n\\n\\303\\050\\n' >> logs/log"), "Said(\"\")"),
        (next("logs/log"), "[(4, \"two\"), (9, \"\u{fffd}(\")] AtEnd"),
        // The log is rotated, and its old file is written to for a moment longer; …
        (script("cd logs; mv log log.1; echo last >> log.1; echo fresh > log"), "Said(\"\")"),
        (next("logs/log"), "[(12, \"last\")] AtEnd"),
        (next("logs/log"), "[] anew, 6 bytes"),
        (next("logs/log"), "[(0, \"fresh\")] AtEnd"),
        // … the log is cut; …
        (script("echo cut > logs/log"), "Said(\"\")"),
        (next("logs/log"), "[] anew, 4 bytes"),
        (next("logs/log"), "[(0, \"cut\")] AtEnd"),
        (log("logs/log", LogOrder::About), "4 bytes"),
        (script("printf '\\nmore\\nend' >> logs/log"), "Said(\"\")"),
        (end(0, 2), "LastLines([\"more\", \"end\"])"),
        (end(10, 2), "LastLines([\"end\"])"),
        (end(13, 2), "LastLines([])"),
        (log("logs/log", LogOrder::Leave), "[] AtEnd, 9 left out"),
        (next("logs/log"), "[] More"),
        (next("logs/log"), "[(0, \"cut\"), (5, \"more\")] AtEnd"),
        // … the log is no file any more, or behind a link, or not of this node.
        (script("rm logs/log; mkfifo logs/log; ln -s conf secret"), "Said(\"\")"),
        (next("logs/log"), "[] Refused(\"a named pipe\")"),
        (end(0, 2), "LastLines([])"),
        (next("secret/greeting"), "[] Refused(\"a file behind a symbolic link\")"),
        (
            next("../n2/stdout"),
            "failed to read the log `../n2/stdout` of node n1: expected a name below the node's directory",
        ),
        (
            Order::Log(NodeId(9), "stdout".into(), LogOrder::Next),
            "failed to reach node n9: not a node of this lab",
        ),
        (Order::Kill(N1), "Done"),
        (log("stdout", LogOrder::About), "11 bytes"),
    ]
}

/// What can be compared of what came of an order: that which is the same in every run.
fn told(report: Result<Report, LabError>) -> String {
    match report {
        Ok(Report::Facts(Facts { nodes, partition, packets, .. })) => {
            let nodes = nodes.iter().map(|(node, site)| format!("{node} {}", site.address));
            format!("{}; {partition}; {packets}", nodes.collect::<Vec<_>>().join(", "))
        }
        Ok(Report::Measured(all)) => {
            let words = all
                .iter()
                .map(|measurement| format!("{}: {}", measurement.what, measurement.holds));
            words.collect::<Vec<_>>().join(", ")
        }
        Ok(Report::Clock(reading)) => {
            let ahead = reading.samples[0].wall.ahead;
            format!("{} h ahead", (ahead + HOUR / 2).div_euclid(HOUR))
        }
        Ok(Report::Log(chunk)) => read(&chunk),
        Ok(Report::LogFile(Begin { size, .. })) => format!("{size} bytes"),
        Ok(other) => format!("{other:?}"),
        Err(error) => format!("failed to {error}"),
    }
}

/// The same of a chunk of a log.
fn read(Chunk { lines, look, skipped }: &Chunk) -> String {
    let look = match look {
        Look::Anew(Begin { size, .. }) => format!("anew, {size} bytes"),
        other => format!("{other:?}"),
    };
    let skipped = if *skipped == 0 { String::new() } else { format!(", {skipped} left out") };
    format!("{:?} {look}{skipped}", lines.iter().collect::<Vec<_>>())
}

/// The reports of some orders, which an agent behind a socket and an agent in this process both give.
fn both(orders: &[Order]) -> Vec<String> {
    let carried_out =
        |agent: &dyn Agent| orders.iter().map(|order| told(agent.carry_out(order))).collect();
    let distant = Distant::start();
    let by_socket: Vec<String> = carried_out(&distant);
    distant.end();
    let dir = tempfile::tempdir_in(".").expect("a directory");
    let here: Vec<String> = carried_out(&agent(dir.path()));
    for ((order, far), near) in orders.iter().zip(&by_socket).zip(&here) {
        println!("{order:?}: {near}");
        assert_eq!(far, near, "{order:?}");
    }
    here
}

fn alike(_: &World) {
    let orders = orders();
    let here = both(&orders);
    let expect = [
        (3, "failed to node n1 is not running"),
        (4, "Done"),
        (5, "failed to start node n1: it is running"),
        (6, "Said(\"hello\\n\")"),
        (8, "probe n1→n2, cut: true, probe n2→n1, not cut: true"),
        (9, "probe n1→n2, cut: true, probe n2→n1, not cut: true"),
        (11, "probe n1→n2, not cut: true, probe n2→n1, not cut: true"),
        (13, "threads of n1 stopped: true"),
        (15, "threads of n1 stopped: true"),
        (16, "threads of n1 stopped: false"),
        (18, "limits of n1: file descriptors: true"),
        (21, "processes of n1: true"),
        (22, "failed to kill node n1: it is not running"),
        (24, "threads of n1, started again: true"),
        (25, "Ended(None)"),
        (26, "Lost(None)"),
        (27, "failed to reach the clock of n2: it has none of its own"),
        (28, "failed to reach node n9: not a node of this lab"),
        (29, "Done"),
    ];
    for (place, words) in expect {
        assert_eq!(here[place], words, "{:?}", orders[place]);
    }
    if let [_, _, _, wrong, an_hour, _, right, none, _] = &here[30..] {
        assert!(wrong.starts_with("clock of n1: true, "), "{wrong}");
        assert!(right.starts_with("clock of n1: true, "), "{right}");
        assert_eq!((an_hour.as_str(), none.as_str()), ("1 h ahead", "0 h ahead"));
    }
}

fn logs(_: &World) {
    let (orders, expect): (Vec<Order>, Vec<&str>) = log_orders().into_iter().unzip();
    let here = both(&orders);
    for ((order, words), found) in orders.iter().zip(expect).zip(here) {
        assert_eq!(found, words, "{order:?}");
    }
}

/// The agent lends its caller no powers: a thread without the right to read a log cannot have it read,
/// and a thread that may only read files can.
fn powers(_: &World) {
    let dir = tempfile::tempdir_in(".").expect("a directory");
    let agent = agent(dir.path());
    for order in [start(N1), script("umask 077; echo secret > log")] {
        agent.carry_out(&order).expect("it is carried out");
    }
    let read_after = |give_up: fn() -> Result<(), LabError>| {
        let read = || {
            give_up().expect("it is given up");
            [(); 2].map(|()| told(agent.carry_out(&log("log", LogOrder::Next))))
        };
        std::thread::scope(|scope| scope.spawn(read).join().expect("it ends"))
    };
    let owner = fs::metadata(dir.path().join("nodes/n1/log")).expect("it is there").uid();
    if owner != nix::unistd::geteuid().as_raw() {
        let [refused, _] = read_after(fracas_lab::give_up_capabilities);
        assert_eq!(refused, "failed to read the log `log` of node n1: permission denied (EACCES)");
    }
    let read = read_after(fracas_lab::keep_reading_only);
    assert_eq!(read, ["[] More", "[(0, \"secret\")] AtEnd"]);
}

fn no_link(_: &World) {
    let dir = tempfile::tempdir_in(".").expect("a directory");
    let home = fs::canonicalize(dir.path()).expect("it exists");
    fs::create_dir_all(home.join("elsewhere")).expect("a directory");
    fs::create_dir(home.join("nodes")).expect("a directory");
    symlink(home.join("elsewhere"), home.join("nodes/n1")).expect("a link");
    let spec = LabSpec { nodes: vec![N1], partition: Mechanism::Auto, ineffective_cut: false };
    let lab = Lab::build(&spec).expect("a lab");
    let refused = LocalAgent::at_home(lab, Home { evidence: home.clone(), dir: home });
    let refused = refused.err().expect("it is refused").to_string();
    assert!(refused.contains("nodes/n1"), "{refused}");
}
