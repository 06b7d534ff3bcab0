//! `--until-anomaly`: a run against a planted bug ends at once when an anomaly is proven, and the
//! verdict over the whole history agrees.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::run_story::phases;
use crate::support::{Room, events, has_fuse, json, lab, slow};

/// Process ids of the final reads begin here.
const FINAL_READS: u64 = 1_000_000;

/// By then no client may ask any more, in milliseconds after the event that proves an anomaly. A
/// second is promised; machines on which tests run may be busy.
const BY_THEN_MS: u64 = 2_000;

fn milliseconds(event: &Value) -> u64 {
    event["time"].as_u64().unwrap() / 1_000_000
}

/// The event that the run says proves an anomaly.
fn proving(run: &Path) -> Value {
    let events = events(run);
    let mut notes = events.iter().filter_map(|event| event["text"].as_str());
    let note = notes.rfind(|text| text.contains("proves an anomaly")).expect("a note");
    let index: usize = note.split_whitespace().nth(1).unwrap().parse().unwrap();
    assert!(note.contains("the load was ended at"), "{note}");
    events[index].clone()
}

/// A run against `bug` that would take ten minutes ends soon after `check` is proven broken.
#[track_caller]
fn check(bug: &str, faults: &str, check: &str) {
    let Some(_lab) = lab() else { return };
    let room = Room::new();
    let bug = format!("--arg=--bug={bug}");
    let ended = room.run(&[
        "run",
        "regent",
        &bug,
        "--workload",
        "register,leadership",
        "--faults",
        faults,
        "--time",
        "600s",
        "--seed",
        "1",
        "--until-anomaly",
    ]);
    ended.assert_code(1).assert_stdout(&["ANOMALY: ", "proves an anomaly", "--until-anomaly"]);
    ended.assert_stderr(&["checking during the run: register/linearizable, ", check]);
    room.assert_nothing_left();

    let run = room.only_run();
    let proof = proving(&run);
    let asked = |event: &&Value| {
        event["event"] == "invoke" && event["process"].as_u64().unwrap() < FINAL_READS
    };
    let last = events(&run).iter().filter(asked).map(milliseconds).max().unwrap();
    let after = last.saturating_sub(milliseconds(&proof));
    println!("{bug}: proven at {} ms, last asked {after} ms later", milliseconds(&proof));
    assert!(after <= BY_THEN_MS, "asked {after} ms after {proof:#}");

    assert_eq!(phases(&run), ["start", "load", "recover", "final-reads", "stop"]);
    assert_eq!(json(&run.join("run.json"))["ended"]["how"], "finished");
    let results = json(&run.join("results.json"));
    assert_eq!(results["verdict"], "anomaly", "{results:#}");
    room.run(&["check", "latest"]).assert_code(1);
}

#[test]
fn a_stale_read_ends_a_run() {
    check("follower-serves-reads", "partition", "`register/linearizable`");
}

#[test]
fn a_generation_that_went_back_ends_a_run() {
    check("generation-not-persisted", "kill", "`leader/one-per-generation`");
}

#[test]
fn a_crash_ends_a_run() {
    if has_fuse() {
        check("panics-on-full-disk", "disk", "`nodes/stay-up`");
    }
}

/// A server that ends by itself when a file says so.
const CRASHES: &str = "#!/bin/sh
\"$REGENT\" \"$@\" &
until [ -e '$NOW' ]; do sleep 0.1; done
printf '\\033[31mfatal: term 7 is lost\\n' >&2
kill -9 $!
exit 77
";

#[test]
fn the_last_words_of_a_server_that_crashed_are_told() {
    let Some(_lab) = lab() else { return };
    let room = Room::new();
    let now = room.path("now");
    let wrapper = CRASHES.replace("$REGENT", &room.regent());
    let wrapper = wrapper.replace("$NOW", now.to_str().unwrap());
    let binary = format!("--binary={}", room.script("crashes.sh", &wrapper));
    let args = ["run", "regent", &binary, "--nodes=1", "--faults=none", "--time=12s", "--quiet"];
    let mut started = room.start(&mut room.fracas(&args));
    started.until(|_| room.is_loaded());
    fs::write(now, "").unwrap();
    let ended = started.wait();
    ended.assert_stderr(&["ended by itself: no fault in effect allows it"]);
    ended.assert_code(1).assert_stdout(&[
        "ANOMALY: Crash: the server of n1 ended by itself with status 77",
        "its log ends with “\\u{1b}[31mfatal: term 7 is lost”",
        "No fault was in effect on n1.",
    ]);
    let run = room.only_run();
    let ends = events(&run).into_iter().find(|event| event["change"]["what"] == "exited").unwrap();
    let log = ends["change"]["log"].to_string();
    assert!(log.contains("fatal: term 7 is lost"), "{ends:#}");
    let results = json(&run.join("results.json"));
    assert_eq!(results["findings"][0]["class"], "node-crashed", "{results:#}");
}

#[test]
fn other_planted_bugs_end_a_run() {
    if slow() {
        check("ack-before-quorum", "partition", "`register/linearizable`");
        check("minority-quorum", "partition", "`register/linearizable`");
        // Two leaders, or what a client saw of them: whichever is seen first.
        check("no-step-down", "pause", "proves an anomaly (`");
    }
}

#[test]
fn a_right_cluster_is_watched_to_the_end() {
    let Some(_lab) = lab() else { return };
    let room = Room::new();
    let ended = room.run(&[
        "run",
        "regent",
        "--faults",
        "none",
        "--min-elections",
        "0",
        "--time",
        "8s",
        "--seed",
        "3",
        "--until-anomaly",
        "--repeat",
        "2",
        "--until-fail",
    ]);
    // A run is undecided only where the machine was too busy for it; no run may have an anomaly.
    match ended.code {
        Some(2) => ended.assert_stdout(&["on a machine that is less busy"]),
        _ => ended.assert_code(0).assert_stdout(&["2 of 2 runs passed"]),
    };
    for word in ["proves an anomaly", "warning"] {
        assert!(!ended.stderr.contains(word), "{ended:#?}");
    }
}

#[test]
fn the_first_run_with_an_anomaly_is_the_last() {
    let Some(_lab) = lab() else { return };
    let room = Room::new();
    let bug = "--arg=--bug=follower-serves-reads";
    let ended = room.run(&[
        "run",
        "regent",
        bug,
        "--faults",
        "partition",
        "--time",
        "600s",
        "--seed",
        "1",
        "--until-anomaly",
        "--repeat",
        "5",
        "--until-fail",
    ]);
    ended.assert_code(1);
    assert_eq!(room.runs().len(), 1, "{ended:#?}");
}
