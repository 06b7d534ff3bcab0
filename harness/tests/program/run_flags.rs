//! Runs that end early or are asked for in special ways: signals, `--repeat`, `--format json`.

use std::collections::BTreeSet;

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::run_story::phases;
use crate::support::{Room, events, json, lab};

/// A run that is interrupted under load ends in order, with everything written.
#[track_caller]
fn check_interrupted(signal: Signal, code: i32) {
    let Some(_lab) = lab() else { return };
    let room = Room::new();
    let mut started = room.start(&mut room.fracas(&["run", "regent", "--time", "600s"]));
    started.until(|_| room.is_loaded());
    started.signal(signal);
    let ended = started.wait();
    ended.assert_code(code).assert_stderr(&["healing and stopping"]);
    ended.assert_stdout(&[&format!("The run was interrupted by {signal}"), "report.html"]);
    room.assert_nothing_left();

    let run = room.only_run();
    assert_eq!(phases(&run).last().map(String::as_str), Some("stop"));
    let record = json(&run.join("run.json"));
    assert_eq!(record["ended"]["how"], "interrupted", "{record:#}");
    assert_eq!(record["ended"]["signal"], signal.as_str(), "{record:#}");
    assert!(run.join("report.html").is_file());
}

#[test]
fn ctrl_c_ends_a_run_in_order() {
    check_interrupted(Signal::SIGINT, 130);
}

/// Who stops a run at once knows that it was too short: there is no list of what it lacked.
#[test]
fn ctrl_c_at_once_is_told_in_three_lines() {
    let Some(_lab) = lab() else { return };
    let room = Room::new();
    let mut started = room.start(&mut room.fracas(&["run", "regent", "--time", "600s"]));
    started.until(|_| room.is_loaded());
    started.signal(Signal::SIGINT);
    let ended = started.wait();
    ended.assert_code(130).assert_stdout(&["INCONCLUSIVE: The run was interrupted by SIGINT"]);
    assert_eq!(ended.stdout.lines().count(), 3, "{ended:#?}");
}

#[test]
fn sigterm_ends_a_run_in_order() {
    check_interrupted(Signal::SIGTERM, 143);
}

#[test]
fn a_second_ctrl_c_tears_down_at_once() {
    let Some(_lab) = lab() else { return };
    let room = Room::new();
    // A server that does not listen to SIGTERM keeps an orderly end waiting for its grace.
    let script = format!("#!/bin/sh\ntrap '' TERM\n{} \"$@\"\n", room.regent());
    let server = room.script("stubborn", &script);
    let args = ["run", "regent", "--time", "600s", "--faults", "none", "--binary", &server];
    let mut started = room.start(&mut room.fracas(&args));
    started.until(|_| room.is_loaded());
    started.signal(Signal::SIGINT);
    started.until(|started| started.stderr().contains("healing and stopping"));
    started.signal(Signal::SIGINT);
    started.wait().assert_code(130);
    room.assert_nothing_left();
}

#[test]
fn repeated_runs_have_a_directory_each_and_a_summary() {
    let Some(_lab) = lab() else { return };
    let room = Room::new();
    let ended = room.run(&[
        "run",
        "regent",
        "--time",
        "3s",
        "--faults",
        "none",
        "--min-elections",
        "0",
        "--repeat",
        "2",
        "--seed",
        "40",
        "--nodes",
        "3",
    ]);
    ended.assert_code(0).assert_stdout(&["seed 40: pass", "seed 41: pass", "2 of 2 runs passed"]);
    let seeds: Vec<_> =
        room.runs().iter().map(|run| json(&run.join("run.json"))["seed"].clone()).collect();
    assert_eq!(seeds, [40, 41]);
    let repeats: Vec<_> =
        ended.stdout.lines().filter(|line| line.starts_with("repeat: ")).collect();
    assert!(repeats.iter().all(|line| !line.contains("--repeat")), "{repeats:?}");
    room.assert_nothing_left();
}

/// The nodes that clients asked under load, with this `route` in the target file.
fn asked(route: &str) -> BTreeSet<String> {
    let room = Room::new();
    let text = include_str!("../../../targets/builtin/regent.toml");
    assert!(text.contains("route = \"mixed\""), "the file has something to change");
    let text = text.replace("route = \"mixed\"", &format!("route = \"{route}\""));
    room.file("routed.toml", &text);
    let binary = env!("CARGO_BIN_EXE_regent");
    let args = [
        "run",
        "./routed.toml",
        "--time=3s",
        "--faults=none",
        "--nodes=3",
        "--binary",
        binary,
        "-q",
    ];
    room.run(&args);
    let told = events(&room.only_run());
    let phase = |name: &str| told.iter().position(|event| event["phase"] == name).unwrap();
    let load = &told[phase("load")..phase("recover")];
    let asked = load.iter().filter(|event| event["event"] == "invoke");
    asked.map(|event| event["node"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn clients_ask_the_nodes_that_the_route_says() {
    let Some(_lab) = lab() else { return };
    assert_eq!(asked("leader").len(), 1, "nothing deposes the leader, and every client follows it");
    assert_eq!(asked("mixed").len(), 3);
    assert_eq!(asked("any").len(), 3);
}

#[test]
fn json_on_stdout_is_exactly_one_document() {
    let Some(_lab) = lab() else { return };
    let room = Room::new();
    let args = ["run", "regent", "--time", "4s", "--seed", "6", "--format", "json", "-vv"];
    let ended = room.run(&args);
    let results = ended.json();
    let code = match results["verdict"].as_str().unwrap() {
        "pass" => 0,
        "anomaly" => 1,
        _ => 2,
    };
    ended.assert_code(code);
    assert_ne!(code, 1, "{results:#}");
    assert_eq!(results, json(&room.only_run().join("results.json")));
    assert_ne!(ended.stderr, "", "diagnostics are elsewhere");
}

#[test]
fn a_quiet_run_can_be_recorded_now_and_judged_later() {
    let Some(_lab) = lab() else { return };
    let room = Room::new();
    let ended = room.run(&[
        "run",
        "regent",
        "--time",
        "3s",
        "--faults",
        "none",
        "--min-elections",
        "0",
        "--no-check",
        "-q",
        "--nodes",
        "3",
        "--workload",
        "register",
    ]);
    assert_eq!(ended.assert_code(0).stderr, "");
    let run = room.only_run();
    assert!(ended.stdout.starts_with("recorded: ") && ended.stdout.ends_with("/history.jsonl\n"));
    assert!(!run.join("results.json").exists(), "nothing was judged");
    room.run(&["check", "latest"]).assert_code(0);
    room.run(&["report", "latest"]).assert_code(0);
    assert_eq!(json(&run.join("results.json"))["verdict"], Value::from("pass"));
}

#[test]
fn a_closed_pipe_neither_ends_a_run_nor_hides_its_verdict() {
    let Some(_lab) = lab() else { return };
    let room = Room::new();
    let script = "set -o pipefail; $FRACAS run regent --time 11s --faults none --nodes 3 \
                  --min-elections 1000 2>&1 | true";
    room.finish(&mut room.shell(script)).assert_code(2);
    let run = room.only_run();
    assert_eq!(json(&run.join("run.json"))["ended"]["how"], "finished");
    assert_eq!(json(&run.join("results.json"))["verdict"], "inconclusive");
}
