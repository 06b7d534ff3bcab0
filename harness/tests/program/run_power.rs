//! Power failures of real servers: one that acknowledges before it has fsynced is found out, and
//! those that keep their word pass.

use std::fs;

use serde_json::json;

use crate::support::{Room, has_fuse, lab};

/// How many seeds a run may need: a failure may come just after an fsync, and a busy machine may
/// spoil a proof.
const SEEDS: u32 = 3;

/// The exit codes of a pass and of an anomaly.
const PASS: i32 = 0;
const ANOMALY: i32 = 1;

/// What an acknowledged write that is gone looks like to clients.
const CLASSES: [&str; 3] = ["stale-read", "lost-write", "non-linearizable"];

/// Whether this machine has what it takes.
fn able(server: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let installed = std::env::split_paths(&path).any(|dir| dir.join(server).is_file());
    if !installed {
        println!("skipped: {server} is not installed");
    }
    installed && has_fuse()
}

/// What redis says of such a file.
const HOLE: &str = "Bad file format reading the append only file";

/// Runs with power failures, seed after seed, until one ends with this code; returns what that one
/// found. Each ends with one of `others` until then.
#[track_caller]
fn hunt(target: &str, flags: &[&str], wanted: i32, others: &[i32]) -> Vec<String> {
    for seed in 1..=SEEDS {
        let room = Room::new();
        let seed = seed.to_string();
        let usual = ["run", target, "--faults=power", "--time=12s", "--format=json", "--seed"];
        let ended = room.run(&[&usual[..], &[&*seed], flags].concat());
        room.assert_nothing_left();
        let results = ended.json();
        if ended.code == Some(wanted) {
            let findings = results["findings"].as_array().unwrap();
            let class = |finding: &serde_json::Value| finding["class"].as_str().unwrap().to_owned();
            return findings.iter().map(class).collect();
        }
        let refused =
            wanted == PASS && ended.code == Some(ANOMALY) && only_refused_to_start(&results);
        assert!(refused || ended.code.is_some_and(|code| others.contains(&code)), "{ended:#?}");
        println!("seed {seed}: {results:#}");
    }
    panic!("{target} {flags:?}: no run of {SEEDS} ended with {wanted}");
}

/// Whether all that was found is that redis does not start again, as it says itself: of a write that
/// was not acknowledged some sectors reached the disk and earlier ones did not, and redis cuts off a
/// file that is too short, but mends none that has a hole. Nothing that was acknowledged is lost.
fn only_refused_to_start(results: &serde_json::Value) -> bool {
    let findings = results["findings"].as_array().unwrap();
    let ended = findings.iter().filter(|finding| finding["class"] == "node-crashed");
    let told = |finding: &serde_json::Value| finding["story"].to_string().contains(HOLE);
    let others = ["node-crashed", "no-recovery"];
    findings.iter().all(|finding| others.iter().any(|class| finding["class"] == *class))
        && ended.clone().count() > 0
        && ended.clone().all(told)
}

#[test]
fn one_node_has_nobody_to_be_cut_off_from() {
    if !able("redis-server") {
        return;
    }
    let room = Room::new();
    let run = |faults| room.run(&["run", "redis", "--dry-run", "--faults", faults]);
    run("partition").assert_code(64).assert_stderr(&["needs two nodes or more", "`--nodes`"]);
    let shown = run("all").assert_code(0).json();
    let planned = shown["schedule"]["planned"].as_array().unwrap();
    let between = ["partition", "slow", "loss"];
    let of_links = |act: &&serde_json::Value| {
        between.iter().any(|kind| act["act"]["kind"].as_str() == Some(kind))
    };
    assert_eq!(planned.iter().find(of_links), None);
}

#[test]
fn redis_loses_what_it_has_not_fsynced() {
    let Some(_lab) = lab().filter(|_| able("redis-server")) else { return };
    let found = hunt("redis", &["--until-anomaly"], ANOMALY, &[PASS, 2]);
    assert!(found.iter().any(|class| CLASSES.contains(&&**class)), "{found:?}");
}

#[test]
fn redis_keeps_what_it_fsyncs() {
    let Some(_lab) = lab().filter(|_| able("redis-server")) else { return };
    hunt("redis", &["--arg=--appendfsync", "--arg=always"], PASS, &[2]);
}

#[test]
fn redis_durable_keeps_its_word() {
    let Some(_lab) = lab().filter(|_| able("redis-server")) else { return };
    hunt("redis-durable", &["--workload=register,counter"], PASS, &[2]);
}

/// As they declare: what they cannot write they must not answer.
#[track_caller]
fn may_end_when_its_disk_is_full(target: &str, server: &str, more: &[&str]) {
    let Some(_lab) = lab().filter(|_| able(server)) else { return };
    let room = Room::new();
    let act = json!({ "kind": "disk", "trouble": { "does": "full" }, "whom": "one" });
    let planned = json!([{ "at_ms": 1_000, "lasts_ms": 3_000, "act": act }]);
    let schedule = json!({ "schema": "fracas.schedule/2", "planned": planned });
    fs::write(room.path("plan.json"), schedule.to_string()).unwrap();
    let flags = ["run", target, "--format=json", "--schedule=plan.json", "--time=8s"];
    let ended = room.run(&[&flags[..], &["--min-elections=0"], more].concat());
    let results = ended.assert_code(0).json();
    let checks = results["checks"].as_array().unwrap();
    let up = checks.iter().find(|check| check["id"] == "nodes/stay-up").unwrap();
    assert_eq!(up["metrics"]["gave-up"], 1.0, "{up:#}");
}

#[test]
fn redis_may_end_when_its_disk_is_full() {
    let always = ["--arg=--appendfsync", "--arg=always"];
    may_end_when_its_disk_is_full("redis", "redis-server", &always);
}

#[test]
fn etcd_may_end_when_its_disk_is_full() {
    may_end_when_its_disk_is_full("etcd", "etcd", &["--nodes=3"]);
}

#[test]
fn etcd_keeps_what_it_acknowledges() {
    let Some(_lab) = lab().filter(|_| able("etcd")) else { return };
    hunt("etcd", &["--workload=register"], PASS, &[2]);
}
