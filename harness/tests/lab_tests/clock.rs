//! Wall clocks of nodes: wrong as asked, in one node alone, and right again.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use fracas_checker::NodeId;
use fracas_checker::fault::{Measurement, Stage};
use fracas_lab::clock::{Clock, ClockPage, Faketime, Sampling, prove, prove_shift};
use fracas_lab::{Lab, LabSpec, Launch, Mechanism, NodeProcess, Reach, World};

use super::support::{Body, Test, skip};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    ("a_clock_is_wrong_as_asked_and_right_again", Body::Inside(wrong_and_right)),
    ("a_clock_that_was_not_changed_proves_nothing", Body::Inside(unproven)),
    ("one_node_alone_has_the_wrong_clock", Body::Inside(one_node)),
    ("a_drift_of_a_tenth_is_a_tenth", Body::Inside(drift)),
    ("a_clock_stays_wrong_over_a_restart", Body::Inside(restart)),
    ("a_monotonic_clock_is_shifted_from_the_start", Body::Inside(monotonic)),
    ("faketime_steps_the_clock_of_a_program_that_loads_libraries", Body::Inside(faketime)),
    ("a_clock_costs_little", Body::Inside(cost)),
];

const N1: NodeId = NodeId(1);
const N2: NodeId = NodeId(2);

/// An hour, in nanoseconds and in seconds.
pub(crate) const HOUR: i64 = 3_600_000_000_000;
pub(crate) const HOUR_S: i64 = 3_600;

/// How long something that must happen may take on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// How far apart times may be that were read one after the other on a busy machine.
pub(crate) const READ_WITHIN_S: i64 = 30;

/// A lab of two nodes, a directory for their files, and the first node's clock.
pub(crate) struct Fixture {
    lab: Lab,
    dir: tempfile::TempDir,
    pub(crate) page: ClockPage,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        if cfg!(not(target_arch = "x86_64")) {
            skip("clocks are redirected on x86_64 only");
        }
        let nodes = vec![N1, N2];
        let spec = LabSpec { nodes, partition: Mechanism::Auto, ineffective_cut: false };
        let lab = Lab::build(&spec).expect("a lab");
        let dir = tempfile::tempdir_in(".").expect("a directory");
        Self { lab, dir, page: ClockPage::new().expect("a page") }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        fs::canonicalize(self.dir.path()).expect("it exists").join(name)
    }

    fn launch(&self, argv: &[&str]) -> Launch {
        Launch {
            name: None,
            also: Vec::new(),
            node: N1,
            argv: argv.iter().map(|&word| word.to_owned()).collect(),
            env: [].into(),
            dir: self.path(""),
            stdout: self.path("stdout"),
            stderr: self.path("stderr"),
            clock: Some(self.page.clone()),
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

    pub(crate) fn output(&self) -> String {
        fs::read_to_string(self.path("stdout")).unwrap_or_default()
    }

    #[track_caller]
    pub(crate) fn set(&self, clock: Clock) {
        self.page.set(clock).expect("a sensible clock");
    }

    /// Runs a script to its end with the clock an hour ahead, and returns its output.
    #[track_caller]
    pub(crate) fn an_hour_ahead(&self, script: &str) -> String {
        self.set(Clock::Step { nanos: HOUR });
        let mut node = self.shell(script);
        eventually("the end of the script", || node.exited().is_some());
        let errors = fs::read_to_string(self.path("stderr")).unwrap_or_default();
        assert_eq!(node.exited().as_deref(), Some("status 0"), "{errors}");
        let tally = self.page.tally().expect("notes");
        assert_eq!(tally.missed, 0, "{tally:?}");
        self.output()
    }
}

/// Waits until something holds.
#[track_caller]
pub(crate) fn eventually(condition: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "{condition}: not within {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Seconds since 1970, truly.
pub(crate) fn true_seconds() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    since.as_secs().cast_signed()
}

/// Skips a test whose program is not installed.
pub(crate) fn need(program: &str) -> String {
    let places = ["/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin"];
    let found = places.iter().map(|place| format!("{place}/{program}"));
    found
        .into_iter()
        .find(|path| Path::new(path).exists())
        .unwrap_or_else(|| skip(&format!("`{program}` is not installed")))
}

#[track_caller]
pub(crate) fn holds(measured: &[Measurement]) {
    assert!(!measured.is_empty() && measured.iter().all(|it| it.holds), "{measured:#?}");
}

fn wrong_and_right(_: &World) {
    let fixture = Fixture::new();
    let mut node = fixture.shell("sleep 1000 & sleep 1000");
    holds(&prove([&mut node], Stage::Healed).expect("a proof"));
    let flip = Duration::from_millis(10);
    for clock in [
        Clock::Step { nanos: 60_000_000_000 },
        Clock::Step { nanos: -60_000_000_000 },
        Clock::Step { nanos: 1_000_000 },
        Clock::Drift { ppm: 100_000 },
        Clock::Drift { ppm: -500_000 },
        Clock::Drift { ppm: 1_000 },
        Clock::Strobe { nanos: 200_000_000, flip },
        Clock::Freeze,
    ] {
        fixture.set(clock);
        for stage in [Stage::Injected, Stage::Held] {
            let measured = prove([&mut node], stage).expect("a proof");
            println!("{}: {}", measured[0].what, measured[0].result);
            holds(&measured);
        }
        let early = prove([&mut node], Stage::Healed).expect("a proof");
        assert!(!early[0].holds, "it is not healed yet: {early:?}");
        fixture.page.heal().expect("healed");
        let measured = prove([&mut node], Stage::Healed).expect("a proof");
        holds(&measured);
    }
    assert_eq!(fixture.page.tally().expect("notes").missed, 0);
}

/// A node whose page was never asked for anything, and one that has no page.
fn unproven(_: &World) {
    let fixture = Fixture::new();
    let mut node = fixture.shell("sleep 1000");
    let measured = prove([&mut node], Stage::Injected).expect("a measurement");
    assert!(!measured[0].holds, "{measured:?}");
    drop(node);
    let launch = Launch { clock: None, ..fixture.launch(&["/bin/sleep", "1000"]) };
    let mut plain = fixture.lab.start(&launch).expect("it starts");
    assert!(prove([&mut plain], Stage::Injected).is_err());
    let reading = plain.read_clock(Sampling { count: 1, every: Duration::ZERO }).expect("read");
    assert_eq!((reading.processes, reading.clocked), (1, 0));
}

fn one_node(_: &World) {
    let fixture = Fixture::new();
    let mut first = fixture.shell("sleep 1000");
    let other = ClockPage::new().expect("a page");
    let launch = fixture.launch(&["/bin/sleep", "1000"]);
    let launch = Launch { node: N2, clock: Some(other), ..launch };
    let mut second = fixture.lab.start(&launch).expect("it starts");
    fixture.set(Clock::Step { nanos: HOUR });
    holds(&prove([&mut first], Stage::Injected).expect("a proof"));
    holds(&prove([&mut second], Stage::Healed).expect("a proof"));
    assert!((true_seconds() - fs_time(&fixture)).abs() < READ_WITHIN_S, "ours is true");
}

/// The time by the kernel's stamp of a new file.
fn fs_time(fixture: &Fixture) -> i64 {
    let path = fixture.path("stamp");
    fs::write(&path, "").expect("written");
    let modified = fs::metadata(&path).and_then(|file| file.modified()).expect("a time");
    modified.duration_since(UNIX_EPOCH).expect("after 1970").as_secs().cast_signed()
}

/// Measured over ten seconds, and over what it has gathered since it began.
fn drift(_: &World) {
    let fixture = Fixture::new();
    let mut node = fixture.shell("sleep 1000");
    fixture.set(Clock::Drift { ppm: 100_000 });
    let sampling = Sampling { count: 3, every: Duration::from_secs(5) };
    let reading = node.read_clock(sampling).expect("read");
    let (first, last) = (reading.samples[0].wall, reading.samples[2].wall);
    let rate = (last.ahead - first.ahead) as f64 / (last.at - first.at) as f64;
    println!("a drift of 10 % measured over 10 s: {:.4} %", rate * 100.0);
    assert!((rate - 0.1).abs() < 0.001, "{rate}");
}

fn restart(_: &World) {
    let fixture = Fixture::new();
    let mut node = fixture.shell("sleep 1000");
    fixture.set(Clock::Step { nanos: -HOUR });
    node.kill().expect("a kill");
    let mut node = fixture.shell("sleep 1000");
    holds(&prove([&mut node], Stage::Held).expect("a proof"));
}

fn monotonic(_: &World) {
    let fixture = Fixture::new();
    for (with_clock, offset) in [(true, HOUR), (false, HOUR), (true, 500_000_000)] {
        let page = with_clock.then(|| fixture.page.clone());
        let launch = fixture.launch(&["/bin/sleep", "1000"]);
        let launch = Launch { clock: page, monotonic_offset: offset, ..launch };
        let mut node = fixture.lab.start(&launch).expect("it starts");
        let shifted = prove_shift(&mut node, offset).expect("a measurement");
        println!("{}: {}", shifted.what, shifted.result);
        assert!(shifted.holds, "{shifted:?}");
        assert!(!prove_shift(&mut node, offset + HOUR).expect("a measurement").holds);
    }
    let launch = Launch { monotonic_offset: i64::MIN, ..fixture.launch(&["/bin/sleep", "1"]) };
    let error = fixture.lab.start(&launch).expect_err("before the machine was started");
    assert!(error.to_string().contains("monotonic"), "{error}");
}

fn faketime(_: &World) {
    let fixture = Fixture::new();
    let clock = Faketime::find(&fixture.path("faketime"));
    let clock = clock.unwrap_or_else(|error| skip(&error.to_string()));
    let launch = fixture.launch(&["/bin/sh", "-c", "while :; do date +%s; sleep 0.05; done"]);
    let env = clock.environment(Path::new("/bin/sh")).expect("it loads libraries");
    let mut node = fixture.lab.start(&Launch { env, clock: None, ..launch }).expect("it starts");
    assert!(!clock.prove(&mut node, Stage::Injected).expect("a measurement").holds);
    for nanos in [HOUR, -HOUR] {
        clock.set(Clock::Step { nanos }).expect("set");
        let measured = clock.prove(&mut node, Stage::Injected).expect("a measurement");
        println!("{}: {}", measured.what, measured.result);
        assert!(measured.holds, "{measured:?}");
    }
    clock.heal().expect("healed");
    assert!(clock.prove(&mut node, Stage::Healed).expect("a measurement").holds);
    assert!(clock.set(Clock::Freeze).is_err());
    let ahead: Vec<i64> = fixture
        .output()
        .lines()
        .map(|line| line.parse::<i64>().expect(line) - true_seconds())
        .collect();
    assert!(ahead.iter().any(|ahead| (ahead - HOUR_S).abs() < READ_WITHIN_S), "{ahead:?}");
    if let Ok(error) = clock.environment(Path::new(&need("etcd"))).map_err(|it| it.to_string()) {
        panic!("Go reads the clock by itself: {error:?}");
    }
}

/// Ratios, since absolute times mean little on a busy machine; the bounds are wide.
fn cost(_: &World) {
    let fixture = Fixture::new();
    let sampling = Sampling { count: 1, every: Duration::ZERO };
    let call = |clock: Option<ClockPage>, wrong: bool| {
        let launch = Launch { clock, ..fixture.launch(&["/bin/sleep", "1000"]) };
        let mut node = fixture.lab.start(&launch).expect("it starts");
        if wrong {
            fixture.set(Clock::Step { nanos: HOUR });
        }
        let costs = (0..5).map(|_| node.read_clock(sampling).expect("read").call);
        costs.fold(f64::INFINITY, f64::min)
    };
    let (plain, idle) = (call(None, false), call(Some(fixture.page.clone()), false));
    let wrong = call(Some(fixture.page.clone()), true);
    println!("a clock call: {plain:.0} ns plain, {idle:.0} ns idle, {wrong:.0} ns an hour ahead");
    assert!(wrong < 10.0 * plain, "{wrong} against {plain}");
    let step = |_| {
        let start = Instant::now();
        fixture.set(Clock::Step { nanos: HOUR });
        start.elapsed()
    };
    let mut steps: Vec<Duration> = (0..1_000).map(step).collect();
    steps.sort_unstable();
    println!("a clock step: {:?} (p50)", steps[steps.len() / 2]);
    let execs = |clock: Option<ClockPage>| {
        let script = "i=0; while [ $i -lt 200 ]; do /bin/true; i=$((i+1)); done";
        let launch = Launch { clock, ..fixture.launch(&["/bin/sh", "-c", script]) };
        let start = Instant::now();
        let mut node = fixture.lab.start(&launch).expect("it starts");
        eventually("200 execs", || node.exited().is_some());
        start.elapsed() / 200
    };
    let (plain, followed) = (execs(None), execs(Some(fixture.page.clone())));
    println!("a fork and exec: {plain:?} plain, {followed:?} with the clock");
}
