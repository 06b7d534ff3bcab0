//! A cluster goes from one server program to another, node by node and under load: what its processes
//! execute is measured, both programs are in the record and on the page, and what is wrong in the new
//! one is found after the upgrade only.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::{Ended, Room, events, json as read, lab};

/// The acts of a plan that have been proven, and the fault of each.
fn proven(run: &Path) -> Vec<Value> {
    let schedule = read(&run.join("schedule.json"));
    let actual = schedule["actual"].as_array().unwrap().iter();
    actual.filter(|actual| actual["effective"].is_array()).cloned().collect()
}

/// A copy of the reference server under another name.
fn copy(room: &Room) -> String {
    let copy = room.path("regent-next");
    fs::copy(room.regent(), &copy).unwrap();
    copy.display().to_string()
}

fn upgraded(room: &Room, next: &str, more: &[&str]) -> Ended {
    let next = format!("--binary-next={next}");
    let light = ["--workload=register", "--rate=40/s", "--clients=3"];
    let flags = ["run", "regent", "--nodes=3", "--seed=1", "--min-elections=0", &next];
    let flags = [&flags[..], &light].concat();
    room.run(&[&flags[..], more].concat())
}

#[test]
fn a_cluster_is_upgraded_and_taken_back_node_by_node() {
    let Some(_lab) = lab() else { return };
    let room = Room::new();
    let next = copy(&room);
    let aim = ["--faults=upgrade", "--aim=upgrade-and-back", "--time=18s"];
    let ended = upgraded(&room, &next, &aim);
    assert!(matches!(ended.code, Some(0 | 2)), "a correct cluster was blamed: {ended:#?}");
    let run = room.only_run();
    let proven = proven(&run);
    let nodes = |back: bool| {
        let there =
            proven.iter().filter(|it| it["fault"]["back"].as_bool().unwrap_or(false) == back);
        let mut nodes: Vec<&Value> = there.map(|it| &it["fault"]["nodes"][0]).take(3).collect();
        nodes.sort_by_key(ToString::to_string);
        json!(nodes)
    };
    assert_eq!(nodes(false), json!(["n1", "n2", "n3"]), "{proven:#?}");
    assert_eq!(nodes(true), json!(["n1", "n2", "n3"]), "{proven:#?}");
    let record = read(&run.join("run.json"));
    let first = record["target"]["binary"].as_str().unwrap();
    assert_eq!(programs(&run), [format!("{next}: executed"), format!("{first}: executed")]);
    assert_eq!(record["target"]["next"]["binary"], *next);
    assert_eq!(record["target"]["next"]["version"], record["target"]["version"]);
    assert_eq!(read(&run.join("results.json"))["target"]["next"], record["target"]["next"]);
    let page = fs::read_to_string(run.join("report.html")).unwrap();
    assert!(page.contains("<dt>next binary</dt>") && page.contains(&next), "both are on the page");
    room.assert_nothing_left();
}

/// The programs that were measured after upgrades, and how each was found, each once.
fn programs(run: &Path) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for event in events(run) {
        let measured = event["measurements"].as_array().into_iter().flatten();
        let programs = measured.filter(|it| it["holds"] == true).filter_map(program);
        for program in programs {
            if !all.contains(&program) {
                all.push(program);
            }
        }
    }
    all
}

/// The program that a measurement is about, and how it was found.
fn program(measurement: &Value) -> Option<String> {
    let subject = measurement["what"].as_str()?.strip_prefix("program of ")?;
    let (_, path) = subject.split_once(": ")?;
    let how = measurement["result"].as_str()?.split(';').next()?;
    Some(format!("{path}: {how}"))
}

/// The new version is a script that plants a bug: reads of followers, which no fault is needed for.
#[test]
fn what_is_wrong_in_the_new_version_is_found_after_the_upgrade_only() {
    let Some(_lab) = lab() else { return };
    let room = Room::new();
    let text = format!("#!/bin/sh\nexec {} --bug=follower-serves-reads \"$@\"", room.regent());
    let next = room.script("regent-broken", &text);
    let aim = ["--faults=upgrade", "--aim=rolling-upgrade", "--time=16s"];
    let ended = upgraded(&room, &next, &aim);
    ended.assert_code(1);
    let run = room.only_run();
    let events = events(&run);
    let first = events.iter().find(|event| event["event"] == "fault" && event["step"] == "end");
    let first = first.unwrap()["time"].as_u64().unwrap();
    let found = read(&run.join("results.json"))["findings"].clone();
    let last = |finding: &Value| {
        let last = finding["events"].as_array().unwrap().iter().filter_map(Value::as_u64).max();
        events.iter().find(|event| event["index"].as_u64() == last).unwrap()["time"].as_u64()
    };
    for finding in found.as_array().unwrap() {
        assert!(last(finding) > Some(first), "before any node was upgraded: {finding:#}");
    }
    let told = programs(&run);
    // A machine that is slow may look while the shell still reads it.
    let ways = ["a script with which the node was started", "an argument of a process"];
    let allowed = ways.map(|way| format!("{next}: {way}"));
    assert!(!told.is_empty() && told.iter().all(|how| allowed.contains(how)), "{told:?}");
    room.assert_nothing_left();
}

#[test]
fn an_upgrade_to_nothing_is_refused() {
    let room = Room::new();
    let ended = room.run(&["run", "regent", "--faults=upgrade"]);
    ended
        .assert_code(64)
        .assert_stderr(&["the binary that nodes come back with", "`--binary-next`"]);
    let ended = room.run(&["run", "regent", "--binary-next=no-such-file"]);
    ended.assert_code(64).assert_stderr(&["`--binary-next=no-such-file`", "there is no such file"]);
}
