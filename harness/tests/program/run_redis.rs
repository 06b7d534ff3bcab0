//! Redis with sentinels and Redis Cluster, where `redis-server` and `redis-cli` are installed: a process
//! is hit alone, a master that stands still is replaced, and clients go where they are sent.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use crate::support::{Room, events, lab};

/// The exit codes of a pass, and of a run that saw too little on a busy machine.
const PASS: i32 = 0;
const INCONCLUSIVE: i32 = 2;

/// Whether the programs are there; where they are not, says what to install.
fn installed() -> bool {
    let missing = [("redis-server", "redis-server"), ("redis-cli", "redis-tools")]
        .into_iter()
        .find(|(program, _)| !Path::new("/usr/bin").join(program).is_file());
    if let Some((_, package)) = missing {
        println!("skipped: the package `{package}` is not installed");
    }
    missing.is_none()
}

/// Runs a target with a schedule, and gives its events. It may see too little; it may not find anything.
#[track_caller]
fn played(flags: &[&str], acts: &str) -> Vec<Value> {
    let room = Room::new();
    room.file("acts.json", &format!(r#"{{"schema": "fracas.schedule/2", "planned": [{acts}]}}"#));
    let usual = ["--schedule=acts.json", "--seed=1", "--extend=20s"];
    let ended = room.run(&[&["run"], flags, &usual].concat());
    room.assert_nothing_left();
    assert!(ended.code.is_some_and(|code| [PASS, INCONCLUSIVE].contains(&code)), "{ended:#?}");
    events(&room.only_run())
}

/// Checks that everything that was measured of faults is as it has to be; gives their effects.
#[track_caller]
fn proven(events: &[Value]) -> Vec<&str> {
    let measured = events.iter().filter(|event| event["step"] == "proof");
    let measured = measured.flat_map(|event| event["measurements"].as_array().expect("a list"));
    let failed: Vec<&Value> = measured.filter(|measured| measured["holds"] == false).collect();
    assert!(failed.is_empty(), "{failed:#?}");
    let begun = events.iter().filter(|event| event["step"] == "begin");
    begun.filter_map(|event| event["fault"]["effects"][0]["effect"].as_str()).collect()
}

/// The nodes that were masters under load.
fn masters(events: &[Value]) -> BTreeSet<&str> {
    let seen = events.iter().filter(|event| event["source"] == "poll");
    seen.filter(|event| event["role"] == "leader")
        .filter_map(|event| event["node"].as_str())
        .collect()
}

/// Without a failover there is a single master, and registers are linearizable.
#[test]
fn a_sentinel_is_hit_alone_and_nothing_is_lost() {
    let Some(_lab) = lab().filter(|_| installed()) else { return };
    let acts = r#"
      {"at_ms": 500, "lasts_ms": 1500,
       "act": {"kind": "pause", "process": "sentinel", "whom": {"node": "n2"}}},
      {"at_ms": 500, "after": {"heal": 1}, "lasts_ms": 1500,
       "act": {"kind": "kill", "process": "sentinel", "whom": "leader"}}"#;
    let settings = ["--set=objects=linearizable", "--set=quorum=4"];
    let flags = [&["redis-sentinel", "--workload=register", "--time=10s"], &settings[..]].concat();
    let events = played(&flags, acts);
    assert_eq!(proven(&events), ["process-stopped", "process-down"]);
    assert_eq!(masters(&events), ["n1"].into());
}

/// What the old master acknowledges when it goes on is lost. Redis documents that, and nothing is
/// promised of it as long as nobody asks.
#[test]
fn a_master_whose_server_stands_still_is_replaced() {
    let Some(_lab) = lab().filter(|_| installed()) else { return };
    let acts = r#"
      {"at_ms": 1000, "lasts_ms": 9000,
       "act": {"kind": "pause", "process": "server", "whom": {"node": "n1"}}}"#;
    let events = played(&["redis-sentinel", "--time=14s"], acts);
    assert_eq!(proven(&events), ["process-stopped"]);
    assert!(masters(&events).len() >= 2, "another node is the master meanwhile");
}

#[test]
fn clients_of_a_cluster_are_sent_to_the_node_that_has_a_key() {
    let Some(_lab) = lab().filter(|_| installed()) else { return };
    let acts = r#"
      {"at_ms": 1000, "lasts_ms": 2000, "act": {"kind": "kill", "whom": {"node": "n1"}}}"#;
    let settings = ["--set=objects=linearizable", "--set=failover=no"];
    let flags = [&["redis-cluster", "--time=10s"], &settings[..]].concat();
    let events = played(&flags, acts);
    assert_eq!(proven(&events), ["node-down"]);
    let mut errors = events.iter().filter_map(|event| event["completion"]["error"].as_str());
    assert!(errors.any(|why| why.starts_with("redirected to n")), "no client was sent on");
}
