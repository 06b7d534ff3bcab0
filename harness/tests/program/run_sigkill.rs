//! A harness that is killed at any moment leaves nothing on the machine but a readable history.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;

use crate::run_story::phases;
use crate::support::{Room, events, has_fuse, interfaces, json, lab, processes, slow};

/// The moments are random but always the same.
const SEED: u64 = 0x51_6b_11;
/// Start-up, load, recovery and judging of the run that is killed take about this long.
const WHOLE_MS: u64 = 6_500;
/// Judged histories: a right cluster passes or is too short to say.
const JUDGED: [Option<i32>; 2] = [Some(0), Some(2)];

/// Which process is killed.
#[derive(Debug, Clone, Copy)]
enum Victim {
    /// The one that the user started.
    Outer,
    /// Its child: process 1 of the world in which everything happens.
    Inner,
    /// One of the processes around the servers: a disk, or the waiter or the init of a node. Which, if
    /// they are counted in the order in which they were started.
    Helper(usize),
}

impl Victim {
    /// Its number in a run that this process was started for; none if there is no such process.
    fn find(self, outer: i32) -> Option<i32> {
        match self {
            Self::Outer => Some(outer),
            Self::Inner => first_child(outer),
            Self::Helper(number) => {
                let helpers = helpers(outer);
                (!helpers.is_empty()).then(|| helpers[number % helpers.len()])
            }
        }
    }
}

/// The processes of `of` around its servers, in the order of their numbers.
fn helpers(of: i32) -> Vec<i32> {
    let (mut found, mut todo) = (Vec::new(), children(of));
    while let Some(pid) = todo.pop() {
        let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let role = words.split(|byte| *byte == 0).nth(1).unwrap_or_default();
        if [&b"__node"[..], b"__disk"].contains(&role) {
            found.push(pid);
        }
        todo.extend(children(pid));
    }
    found.sort_unstable();
    found
}

/// The children of a process.
pub(crate) fn children(of: i32) -> Vec<i32> {
    let parent = |pid: &i32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest).to_owned();
        after_name.split_whitespace().nth(1).and_then(|ppid| ppid.parse().ok()) == Some(of)
    };
    processes().into_iter().filter(parent).collect()
}

/// The child of a process, awaited a moment; none if the process has ended before.
fn first_child(of: i32) -> Option<i32> {
    let until = Instant::now() + Duration::from_secs(10);
    loop {
        let child = children(of).first().copied();
        if child.is_some() || Instant::now() >= until || is_zombie(of) {
            return child;
        }
        sleep(Duration::from_millis(1));
    }
}

/// Whether a process has ended, and only waits to be taken note of.
fn is_zombie(pid: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(')').is_none_or(|(_, rest)| rest.trim_start().starts_with('Z'))
}

/// Starts a run, kills `victim` after `delay_ms`, and looks at what is left.
fn kill_at(delay_ms: u64, victim: Victim) {
    println!("SIGKILL to {victim:?} after {delay_ms} ms");
    let room = Room::new();
    let before = interfaces();
    let args = ["run", "regent", "--time", "4s", "--fault-every", "1s", "--nodes", "3"];
    let started = room.start(&mut room.fracas(&args));
    sleep(Duration::from_millis(delay_ms));
    let pid = victim.find(started.pid());
    let killed = pid.is_some_and(|pid| kill(Pid::from_raw(pid), Signal::SIGKILL).is_ok());
    println!("{}", if killed { "killed" } else { "there was none, or no more" });
    let ended = started.wait();
    if let (Victim::Inner | Victim::Helper(_), Some(70)) = (victim, ended.code) {
        let named =
            ["signal 9", "process that does it ended"].map(|said| ended.stderr.contains(said));
        assert!(named.contains(&true), "{ended:#?}");
    } else if let (Victim::Inner, Some(4)) = (victim, ended.code) {
        // The first child was one that tries what this machine can do.
        ended.assert_stderr(&["SIGKILL"]);
    } else if killed {
        // The outer one, or another one when it had said how the run ended: never is that the target's
        // fault.
        assert!(matches!(ended.code, None | Some(0 | 2)), "{ended:#?}");
    }
    room.assert_nothing_left();
    let new: BTreeSet<_> = interfaces().difference(&before).cloned().collect();
    assert!(new.is_empty(), "left behind: {new:?}");
    room.runs().iter().for_each(|run| assert_readable(&room, run));
}

/// What a killed run left is judged as far as it goes, and `clean` knows that it died.
#[track_caller]
fn assert_readable(room: &Room, run: &Path) {
    let name = run.to_str().unwrap();
    if run.join("history.jsonl").is_file() {
        let checked = room.run(&["check", name]);
        assert!(JUDGED.contains(&checked.code), "{checked:#?}");
    }
    room.run(&["clean"]).assert_code(0);
    if run.join("run.json").is_file() {
        let how = json(&run.join("run.json"))["ended"]["how"].clone();
        assert!(how == "failed" || how == "finished", "no longer running: {how}");
    }
    if run.join("history.jsonl").is_file() && run.join("run.json").is_file() {
        room.run(&["report", name]).assert_code(0);
    }
}

/// Kills at `count` moments, spread over a whole run.
fn kill_often(count: u64) {
    let Some(_lab) = lab() else { return };
    let mut random = ChaCha8Rng::seed_from_u64(SEED);
    for number in 0..count {
        let slice = WHOLE_MS / count;
        let delay = 50 + number * slice + random.random_range(0..slice);
        let victim = match random.next_u32() % 4 {
            0 => Victim::Inner,
            1 => Victim::Outer,
            _ => Victim::Helper(random.random_range(0..100)),
        };
        kill_at(delay, victim);
    }
}

#[test]
fn nothing_is_left_of_a_harness_that_is_killed() {
    kill_often(6);
}

#[test]
fn nothing_is_left_of_a_harness_that_is_killed_at_many_moments() {
    if slow() {
        kill_often(200);
    }
}

#[test]
fn nothing_is_left_of_a_harness_that_is_killed_while_it_starts() {
    let Some(_lab) = lab() else { return };
    for delay in [1, 10, 30, 60, 100, 200] {
        kill_at(delay, Victim::Outer);
        kill_at(delay, Victim::Inner);
    }
}

/// Three faults that last longer than the run: a disk, a clock and the links of a node each.
const TROUBLED: &str = r#"{ "schema": "fracas.schedule/2", "planned": [
  { "at_ms": 100, "lasts_ms": 60000, "act":
    { "kind": "disk", "trouble": { "does": "slow-fsync", "by_ms": 50 }, "whom": { "node": "n1" } } },
  { "at_ms": 100, "lasts_ms": 60000, "act":
    { "kind": "clock", "change": { "does": "drift", "ppm": 100000 }, "whom": { "node": "n2" } } },
  { "at_ms": 100, "lasts_ms": 60000, "act":
    { "kind": "slow", "link": { "delay_us": 5000 }, "whom": { "node": "n3" } } } ] }"#;

/// How many faults of a run were proven so far.
fn proven(room: &Room) -> usize {
    let histories = room.runs().into_iter().map(|run| run.join("history.jsonl"));
    let texts = histories.filter_map(|history| fs::read_to_string(history).ok());
    texts.map(|text| text.matches(r#""stage":"injected""#).count()).sum()
}

/// Starts a run, waits until disk, clock and links of its nodes are troubled, kills `victim` after
/// another `delay_ms`, and looks at what is left.
fn kill_amid_troubles(delay_ms: u64, victim: Victim) {
    println!("SIGKILL to {victim:?} {delay_ms} ms into the troubles");
    let room = Room::new();
    let before = interfaces();
    fs::write(room.path("plan.json"), TROUBLED).unwrap();
    let args = ["run", "regent", "--nodes", "3", "--time", "30s", "--schedule", "plan.json"];
    let started = room.start(&mut room.fracas(&args));
    let until = Instant::now() + Duration::from_secs(60);
    while proven(&room) < 3 {
        assert!(Instant::now() < until, "the faults take effect: {}", started.stderr());
        sleep(Duration::from_millis(20));
    }
    sleep(Duration::from_millis(delay_ms));
    let pid = victim.find(started.pid()).expect("the run goes on");
    kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
    let ended = started.wait();
    assert_eq!(ended.code, if matches!(victim, Victim::Inner) { Some(70) } else { None });
    room.assert_nothing_left();
    let new: BTreeSet<_> = interfaces().difference(&before).cloned().collect();
    assert!(new.is_empty(), "left behind: {new:?}");
    room.runs().iter().for_each(|run| assert_readable(&room, run));
}

/// Kills `count` harnesses amid such troubles.
fn kill_often_amid_troubles(count: u64) {
    let Some(_lab) = lab() else { return };
    if !has_fuse() {
        return;
    }
    let mut random = ChaCha8Rng::seed_from_u64(SEED);
    for number in 0..count {
        let victim = if number % 3 == 2 { Victim::Inner } else { Victim::Outer };
        kill_amid_troubles(random.random_range(0..1_000), victim);
    }
}

#[test]
fn nothing_is_left_of_a_harness_that_is_killed_amid_troubles() {
    kill_often_amid_troubles(3);
}

#[test]
fn nothing_is_left_of_a_harness_that_is_killed_amid_troubles_many_times() {
    if slow() {
        kill_often_amid_troubles(50);
    }
}

/// The end of a server is the target's crash, not ours: the run goes on and tells it.
#[test]
fn a_server_that_is_killed_from_outside_is_a_crash_in_the_history() {
    let Some(_lab) = lab() else { return };
    let room = Room::new();
    let args = ["run", "regent", "--time", "6s", "--faults", "none", "--nodes", "3"];
    let started = room.start(&mut room.fracas(&args));
    let server = first_server(started.pid());
    kill(Pid::from_raw(server), Signal::SIGKILL).unwrap();
    let ended = started.wait();
    ended.assert_code(1).assert_stdout(&["ANOMALY: ", "nodes/stay-up"]);
    room.assert_nothing_left();
    let run = room.only_run();
    assert_eq!(json(&run.join("run.json"))["ended"]["how"], "finished");
    assert_eq!(phases(&run), ["start", "load", "recover", "final-reads", "stop"]);
    let events = events(&run);
    let exited: Vec<&Value> =
        events.iter().filter(|event| event["change"]["what"] == "exited").collect();
    assert_eq!(exited.len(), 1, "{exited:?}");
}

/// The server of a node, once the cluster is under load.
fn first_server(outer: i32) -> i32 {
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        // The world, the waiters of nodes, and their inits.
        let inits = children(outer).into_iter().flat_map(children).flat_map(children);
        let servers: Vec<i32> = inits.flat_map(children).collect();
        if servers.len() >= 3 {
            sleep(Duration::from_millis(2_500)); // past the start, where a crash ends the run
            return servers[0];
        }
        assert!(Instant::now() < until, "the nodes are started");
        sleep(Duration::from_millis(20));
    }
}
