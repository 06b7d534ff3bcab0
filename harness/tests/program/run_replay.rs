//! `fracas replay`: a run again, and how often its anomaly comes back.

use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::support::{Room, json, lab};

/// A run that ends quickly with an anomaly: any load shows this bug, without a fault.
fn broken(room: &Room) {
    broken_by(room, &[]);
}

fn broken_by(room: &Room, more: &[&str]) {
    let args = ["run", "regent", "--nodes=3", "--faults=none", "--workload=register", "--time=6s"];
    let bug = ["--arg=--bug=follower-serves-reads", "--seed=1", "--quiet"];
    room.run(&[&args[..], &bug, more].concat()).assert_code(1);
}

/// A server that does not start any more after the first replay: the replays that were judged count.
#[test]
fn a_cluster_that_does_not_get_ready_ends_no_replays() {
    let Some(_lab) = lab() else { return };
    let room = Room::new();
    let script = format!("#!/bin/sh\nexec '{}' \"$@\"\n", env!("CARGO_BIN_EXE_regent"));
    let server = room.script("server", &script);
    broken_by(&room, &["--binary", &server]);
    let replays = room.only_run().join("replays");
    let started = room.start(&mut room.fracas(&["replay", "latest-failure", "--times=3"]));
    let until = Instant::now() + Duration::from_secs(60);
    while !replays.join("latest/results.json").is_file() {
        assert!(Instant::now() < until, "a replay is judged: {}", started.stderr());
        sleep(Duration::from_millis(20));
    }
    room.script("server", "#!/bin/sh\nexit 1\n");
    let ended = started.wait();
    ended.assert_code(1).assert_stdout(&["same class in "]);
    ended.assert_stderr(&["of 3 replays were judged; the others do not count"]);
}

#[test]
fn a_replay_tells_how_often_an_anomaly_came_again() {
    let Some(_lab) = lab() else { return };
    let room = Room::new();
    broken(&room);
    let run = room.only_run();
    let record = json(&run.join("run.json"));
    assert_eq!(record["spec"]["extra_args"], serde_json::json!(["--bug=follower-serves-reads"]));
    let ended = room.run(&["replay", "latest-failure", "--times=2", "--quiet"]);
    ended.assert_code(1).assert_stdout(&["same class in 2 of 2 (95 % interval: 16 to 100 %)"]);
    room.assert_nothing_left();

    let results = json(&run.join("results.json"));
    assert_eq!(results["replays"]["times"], 2, "{results:#}");
    assert_eq!(results["replays"]["same_class"], 2, "{results:#}");
    let page = fs::read_to_string(run.join("report.html")).unwrap();
    assert!(page.contains("When this run was carried out again"), "the page tells it");
    assert_eq!(fs::read_dir(run.join("replays")).unwrap().count(), 3, "two runs and `latest`");

    // Another server without the bug: it never comes again, which the exit code says.
    let spec = room.run(&["run", "--dry-run", "--spec", &run.join("run.json").to_string_lossy()]);
    assert_eq!(spec.assert_code(0).json()["extra_args"], record["spec"]["extra_args"]);
}

#[test]
fn only_a_run_with_an_anomaly_can_come_again() {
    let Some(_lab) = lab() else { return };
    let room = Room::new();
    room.run(&["replay", "latest-failure"]).assert_code(64).assert_stderr(&["latest-failure"]);
    let args = ["run", "regent", "--nodes=3", "--faults=none", "--workload=register", "--time=3s"];
    room.run(&[&args[..], &["--quiet"]].concat());
    room.run(&["replay", "latest"]).assert_code(64).assert_stderr(&["no anomaly that could come"]);
}
