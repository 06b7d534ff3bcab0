//! Nodes of several processes: one pauses or is killed alone, the others do not notice; all of them
//! end with their node.

use std::fs;
use std::time::{Duration, Instant};

use fracas_checker::NodeId;
use fracas_checker::fault::{Measurement, Stage};
use fracas_lab::agent::{Agent, Facts, Fate, Home, LocalAgent, Measure, Order, Start, StopSignal};
use fracas_lab::resources::Duty;
use fracas_lab::{Lab, LabError, LabSpec, Mechanism, Program, Reach, World};

use super::support::{Body, Test};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    ("a_process_pauses_alone", Body::Inside(pause)),
    ("a_process_that_pauses_alone_gets_no_turn", Body::Inside(turns)),
    ("what_went_to_the_background_belongs_to_no_process", Body::Inside(background)),
    ("a_process_is_killed_alone_and_started_again", Body::Inside(kill)),
    ("the_end_of_each_process_ends_its_node_and_is_told", Body::Inside(ends)),
    ("every_process_is_asked_to_end", Body::Inside(asked_to_end)),
    ("every_process_has_outputs_of_its_own", Body::Inside(outputs)),
];

const N1: NodeId = NodeId(1);

/// How long something that must happen may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// A process with a child, in which some have left its session.
const TREE: &str = "sleep 1000 & setsid sleep 1000 & wait";

/// A lab of one node, with a server and beside it another process.
struct Node {
    agent: LocalAgent,
    dir: tempfile::TempDir,
}

fn program(name: &str, script: &str) -> Program {
    let argv = ["/bin/sh", "-c", script].map(str::to_owned).into();
    Program { name: Some(name.to_owned()), argv, env: [].into() }
}

impl Node {
    /// Starts both, the server first.
    fn start(server: &str, other: &str) -> Self {
        let spec = LabSpec { nodes: vec![N1], partition: Mechanism::Auto, ineffective_cut: false };
        let lab = Lab::build(&spec).expect("a lab");
        let dir = tempfile::tempdir_in(".").expect("a directory");
        let path = fs::canonicalize(dir.path()).expect("it exists");
        let home = Home { dir: path.clone(), evidence: path };
        let agent = LocalAgent::at_home(lab, home).expect("an agent");
        let node = Self { agent, dir };
        let program = program("server", server);
        let (also, reach) = (vec!["/bin/sh".to_owned()], Reach::default());
        let start = Start { node: N1, program, also, monotonic_offset: 0, reach };
        node.done(&Order::Start(Box::new(start)));
        node.begin("agent", other);
        node
    }

    fn begin(&self, name: &str, script: &str) {
        self.done(&Order::Begin(N1, Box::new(program(name, script))));
    }

    fn ask<T: TryFrom<fracas_lab::agent::Report, Error = fracas_lab::agent::Report>>(
        &self,
        order: &Order,
    ) -> Result<T, LabError> {
        let agent: &dyn Agent = &self.agent;
        agent.ask(order)
    }

    #[track_caller]
    fn done(&self, order: &Order) {
        self.ask::<()>(order).unwrap_or_else(|error| panic!("{order:?}: {error}"));
    }

    /// Whether everything that is measured is as it has to be.
    #[track_caller]
    fn holds(&self, measure: Measure, stage: Stage) -> bool {
        let measured = self.measured(measure, stage);
        !measured.is_empty() && measured.iter().all(|measurement| measurement.holds)
    }

    #[track_caller]
    fn measured(&self, measure: Measure, stage: Stage) -> Vec<Measurement> {
        self.ask(&Order::Measure(measure, stage)).expect("it is measured")
    }

    /// How a process ended by itself, once one has.
    #[track_caller]
    fn fate(&self) -> Fate {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(fate) = self.ask::<Option<Fate>>(&Order::Ended(N1)).expect("an answer") {
                return fate;
            }
            assert!(Instant::now() < until, "nothing ended");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// What a process has written to a file of its own, once this is in it.
    #[track_caller]
    fn written(&self, name: &str, wanted: &str) -> String {
        let file = self.dir.path().join("nodes/n1").join(name);
        let until = Instant::now() + PATIENCE;
        loop {
            let text = fs::read_to_string(&file).unwrap_or_default();
            if text.contains(wanted) {
                return text;
            }
            assert!(Instant::now() < until, "no `{wanted}` in {name}: {text}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

fn paused(name: &str) -> Measure {
    Measure::PausedProcess(N1, name.to_owned())
}

fn killed(name: &str) -> Measure {
    Measure::KilledProcess(N1, name.to_owned())
}

fn agent() -> String {
    "agent".to_owned()
}

/// Whole and in part, and each proof fails where its fault is not there.
fn pause(_: &World) {
    let node = Node::start(TREE, "i=0; while :; do i=$((i+1)); echo $i; sleep 0.02; done");
    node.written("agent.stdout", "3\n");
    assert!(!node.holds(paused("agent"), Stage::Injected), "nobody paused it");
    node.done(&Order::PauseProcess(N1, agent()));
    assert!(node.holds(paused("agent"), Stage::Injected));
    assert!(!node.holds(paused("server"), Stage::Injected), "the other one runs");
    assert!(!node.holds(Measure::Pause(N1), Stage::Injected), "the node is not paused");
    assert!(!node.holds(paused("agent"), Stage::Healed));
    let before = node.written("agent.stdout", "3\n");
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(node.written("agent.stdout", "3\n"), before, "it stands still");
    node.done(&Order::ResumeProcess(N1, agent()));
    assert!(node.holds(paused("agent"), Stage::Healed));
    assert!(!node.holds(paused("agent"), Stage::Held));
    node.done(&Order::Pause(N1));
    let measured = node.measured(paused("agent"), Stage::Injected);
    let holds: Vec<bool> = measured.iter().map(|measurement| measurement.holds).collect();
    assert_eq!(holds, [true, false], "the others must run: {measured:?}");
    node.done(&Order::Resume(N1));
    let missing = node.ask::<()>(&Order::PauseProcess(N1, "other".to_owned())).unwrap_err();
    assert!(missing.to_string().contains("process `other`: it does not run"), "{missing}");
}

/// What is starved by turns goes on at its turn, and the paused process does not.
fn turns(_: &World) {
    let node = Node::start(TREE, "i=0; while :; do i=$((i+1)); echo $i; sleep 0.01; done");
    node.written("agent.stdout", "3\n");
    let duty = Duty { run: Duration::from_millis(20), period: Duration::from_millis(60) };
    node.done(&Order::Time(N1, Some(duty)));
    node.done(&Order::PauseProcess(N1, agent()));
    let before = node.written("agent.stdout", "3\n");
    std::thread::sleep(Duration::from_millis(400));
    assert_eq!(node.written("agent.stdout", "3\n"), before, "no turn of it came");
    assert!(node.holds(paused("agent"), Stage::Held));
    node.done(&Order::Pause(N1));
    node.done(&Order::Resume(N1));
    assert!(node.holds(paused("agent"), Stage::Held), "it was not let go with the others");
    node.done(&Order::Time(N1, None));
    node.done(&Order::ResumeProcess(N1, agent()));
    assert!(node.holds(paused("agent"), Stage::Healed));
}

/// A daemon that a process has started descends from nobody: it is hit with the node alone.
fn background(_: &World) {
    let daemon = "(setsid sh -c 'while :; do echo lives; sleep 0.02; done' &) ; \
        echo started; exec sleep 1000";
    let node = Node::start(TREE, daemon);
    node.written("agent.stdout", "lives");
    node.done(&Order::PauseProcess(N1, agent()));
    assert!(node.holds(paused("agent"), Stage::Injected));
    let before = node.written("agent.stdout", "lives").len();
    let until = Instant::now() + PATIENCE;
    while node.written("agent.stdout", "lives").len() <= before {
        assert!(Instant::now() < until, "the daemon stands still");
        std::thread::sleep(Duration::from_millis(10));
    }
    node.done(&Order::ResumeProcess(N1, agent()));
    node.done(&Order::Pause(N1));
    assert!(node.holds(Measure::Pause(N1), Stage::Injected));
}

fn kill(_: &World) {
    let tree = format!("sleep 1000 & setsid sleep 1000 & echo born; {TREE}");
    let node = Node::start(TREE, &tree);
    node.written("agent.stdout", "born");
    assert!(!node.holds(killed("agent"), Stage::Injected), "nobody killed it");
    node.done(&Order::KillProcess(N1, agent()));
    let measured = node.measured(killed("agent"), Stage::Injected);
    assert!(measured.iter().all(|measurement| measurement.holds), "{measured:?}");
    let (before, now) = measured[0].result.split_once(" before the kill, ").expect("two counts");
    assert!(before.parse::<u32>().unwrap() >= 3 && now == "0 now", "{measured:?}");
    assert!(!node.holds(killed("server"), Stage::Injected), "the other one lives");
    assert!(!node.holds(killed("agent"), Stage::Healed), "nobody started it again");
    assert_eq!(node.ask::<Option<Fate>>(&Order::Ended(N1)).unwrap(), None, "the node lives");
    let again = node.ask::<()>(&Order::KillProcess(N1, agent())).unwrap_err();
    assert!(again.to_string().contains("it does not run"), "{again}");
    node.begin("agent", TREE);
    assert!(node.holds(killed("agent"), Stage::Healed));
    assert!(!node.holds(killed("agent"), Stage::Held));
    let twice = node.ask::<()>(&Order::Begin(N1, Box::new(program("agent", TREE)))).unwrap_err();
    assert!(twice.to_string().contains("start a process that runs"), "{twice}");
    node.done(&Order::Kill(N1));
    assert!(node.holds(Measure::Kill(N1), Stage::Injected), "all of the node");
}

fn ends(_: &World) {
    for (server, other, process) in
        [(TREE, "sleep 0.1; exit 3", "agent"), ("sleep 0.1; exit 3", TREE, "server")]
    {
        let node = Node::start(server, other);
        let fate = node.fate();
        assert_eq!((fate.process.as_deref(), fate.how.as_str()), (Some(process), "status 3"));
        assert!(!fate.background, "what the others do is not of it");
        let gone = node.ask::<()>(&Order::PauseProcess(N1, agent())).unwrap_err();
        assert!(gone.to_string().contains("not running"), "{gone}");
    }
    let node = Node::start(TREE, "(setsid sleep 1000 &) ; sleep 0.1");
    assert!(node.fate().background, "it ended well and went to the background");
}

fn asked_to_end(_: &World) {
    let polite = "trap 'echo bye; exit 0' TERM; while :; do sleep 0.02; done";
    let slow = "trap 'sleep 0.3; echo bye; exit 0' TERM; while :; do sleep 0.02; done";
    let node = Node::start(slow, polite);
    std::thread::sleep(Duration::from_millis(200)); // both have set their traps by then
    node.done(&Order::PauseProcess(N1, agent()));
    node.done(&Order::Terminate(N1, StopSignal::Term, PATIENCE));
    let measured = node.measured(Measure::Stop(N1), Stage::Injected);
    assert!(measured.iter().all(|measurement| measurement.holds), "{measured:?}");
    assert!(measured[0].result.starts_with("status 0,"), "{measured:?}");
    for log in ["server.stdout", "agent.stdout"] {
        assert_eq!(node.written(log, "bye"), "bye\n", "{log}");
    }
}

fn outputs(_: &World) {
    let say = |word: &str| format!("echo {word}; echo not {word} >&2; exec sleep 1000");
    let node = Node::start(&say("server"), &say("agent"));
    for name in ["server", "agent"] {
        assert_eq!(node.written(&format!("{name}.stdout"), name), format!("{name}\n"));
        assert_eq!(node.written(&format!("{name}.stderr"), name), format!("not {name}\n"));
    }
    let facts: Facts = node.ask(&Order::Facts).unwrap();
    assert!(!facts.nodes[&N1].dir.join("stdout").exists(), "no process has no name");
}
