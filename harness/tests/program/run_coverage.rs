//! Runs in which too little happened, and those that go on until it was enough: what counts is what
//! happened under load, and nothing is changed before it was looked at.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::{Room, events, has_fuse, json, lab};

/// A run of the reference cluster on three nodes with seed 3, and with workloads that a few seconds
/// are enough for.
fn run(room: &Room, flags: &str) -> crate::support::Ended {
    let usual = "run regent --nodes 3 --seed 3 --workload register,leadership,lock,lease";
    let flags: Vec<&str> = usual.split(' ').chain(flags.split_whitespace()).collect();
    room.run(&flags)
}

#[test]
fn without_faults_no_election_is_needed_and_the_verdict_says_that_there_were_none() {
    let Some(_lab) = lab() else { return };
    let room = Room::new();
    let ended = run(&room, "--time 4s --faults none");
    ended.assert_code(0).assert_stdout(&["PASS: ", "No fault was injected"]);
    let dir = room.only_run();
    let summary = std::fs::read_to_string(dir.join("summary.md")).unwrap();
    assert!(summary.contains("No fault was injected"), "{summary}");
    looked_before_it_wrote(&dir);
    run(&room, "--time 2s --faults none --min-elections 1 --extend 0s").assert_code(2);
}

#[test]
fn faults_that_were_asked_for_must_happen() {
    let Some(_lab) = lab() else { return };
    let needs_fuse =
        has_fuse().then_some("--time 3s --faults kill,power --fault-every 30s").into_iter();
    for flags in ["--time 1s --faults kill", "--time 0s"].into_iter().chain(needs_fuse) {
        let room = Room::new();
        let ended = run(&room, &format!("{flags} --extend 0s --min-elections 0"));
        ended.assert_code(2).assert_stdout(&["faults were asked for", "`--fault-every`"]);
        let results = json(&room.only_run().join("results.json"));
        let never = results["fault_kinds"]["never_tried"].as_array().unwrap();
        assert!(never.contains(&json!("kill")), "{never:?}");
    }
}

fn kill_at(at_ms: u64) -> String {
    let planned =
        json!([{ "at_ms": at_ms, "lasts_ms": 500, "act": { "kind": "kill", "whom": "leader" } }]);
    json!({ "schema": "fracas.schedule/2", "planned": planned }).to_string()
}

#[test]
fn a_schedule_brings_its_time_and_faults_that_did_not_happen_are_named() {
    let room = Room::new();
    room.file("late.json", &kill_at(58_500));
    let shown = run(&room, "--schedule late.json --dry-run").assert_code(0).json();
    assert_eq!(shown["time_ms"], 60_000);
    let Some(_lab) = lab() else { return };
    let ended = run(&room, "--schedule late.json --time 2s --extend 0s");
    ended.assert_code(2).assert_stdout(&["1 planned fault did not happen: 1 (kill of the leader)"]);
}

/// Of a load that ends before its one fault comes, the extension makes room for it.
#[test]
fn a_run_that_lacks_a_little_goes_on_a_little() {
    let Some(_lab) = lab() else { return };
    let room = Room::new();
    room.file("soon.json", &kill_at(4_000));
    let flags = "run regent --nodes 3 --seed 3 --workload register --schedule soon.json --time 3s \
                 --extend 20s --min-elections 0";
    let ended = room.run(&flags.split_whitespace().collect::<Vec<_>>());
    ended.assert_stderr(&["the load goes on for at most 20s: it lacks planned faults"]);
    let results = json(&room.only_run().join("results.json"));
    let fault = &results["faults"][0];
    assert_eq!(fault["kind"], "kill", "{results:#}");
    assert!(fault["load"]["asked"].as_u64().unwrap() > 0, "{fault:#}");
}

/// Fails unless every object that was written under load was read after the last heal before any
/// client changed anything again.
fn looked_before_it_wrote(run: &Path) {
    let events = events(run);
    let place = |phase: &str| events.iter().position(|event| event["phase"] == phase).unwrap();
    let (load, recover) = (place("load"), place("recover"));
    let kind = |event: &Value| event["op"]["f"].as_str().map(str::to_owned);
    let changes = |event: &&Value| {
        let looks = event["process"].as_u64().is_some_and(|process| process >= 1_000_000);
        kind(event).is_some_and(|kind| kind != "read") && !looks
    };
    let key = |event: &Value| event["op"]["key"].as_str().unwrap().to_owned();
    let written: BTreeSet<String> = events[load..recover].iter().filter(changes).map(key).collect();
    let again = recover + events[recover..].iter().position(|event| changes(&event)).unwrap();
    let answered = |place: &usize| {
        let process = &events[*place]["process"];
        let mut later = events[*place + 1..again].iter();
        let answer = later.find(|event| &event["process"] == process);
        answer.is_some_and(|event| event["completion"]["type"] == "ok")
    };
    let reads = (recover..again).filter(|place| kind(&events[*place]).as_deref() == Some("read"));
    let read: BTreeSet<String> = reads.filter(answered).map(|place| key(&events[place])).collect();
    let missed: Vec<&String> = written.difference(&read).collect();
    assert!(missed.is_empty() && written.len() > 5, "{missed:?} of {written:?}");
}
