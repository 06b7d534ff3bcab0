//! Whole runs against the reference cluster: the verdict, the files, the proof of every fault.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::{Room, events, has_iptables, is_root, json, lab, nobody_has_lab};

const FILES: [&str; 4] = ["report.html", "results.json", "junit.xml", "summary.md"];

/// Every fault's events of a step: `begin`, `proof`, `end`.
fn faults(run: &Path, step: &str) -> Vec<Value> {
    let mut events = events(run);
    events.retain(|event| event["event"] == "fault" && event["step"] == step);
    events
}

/// Fails unless faults were in effect for a time, and all that was measured of them held. On a busy
/// machine the measurements of one in four may fail, or of one where there are fewer; then that is
/// told.
#[track_caller]
pub(crate) fn assert_proven(run: &Path) {
    let ends = faults(run, "end");
    assert_eq!(ends.len(), faults(run, "begin").len(), "every fault ended");
    let failed: Vec<&Value> =
        ends.iter().filter(|end| !end["problems"].is_null()).map(|end| &end["id"]).collect();
    let proven = ends.len() - failed.len();
    assert!(proven > 0 && failed.len() <= (ends.len() / 4).max(1), "{failed:?}: {ends:#?}");
    let schedule = json(&run.join("schedule.json"));
    let actual = schedule["actual"].as_array().unwrap().iter();
    for fault in actual.filter(|fault| !fault["id"].is_null() && !failed.contains(&&fault["id"])) {
        let lasted =
            fault["effective"].as_array().map(|times| (times[0].as_u64(), times[1].as_u64()));
        assert!(lasted.is_some_and(|(from, to)| from < to), "{fault:#}");
    }
    for proof in faults(run, "proof").iter().filter(|proof| !failed.contains(&&proof["id"])) {
        let measurements = proof["measurements"].as_array().unwrap();
        assert!(measurements.iter().all(|measurement| measurement["holds"] == true), "{proof:#}");
    }
}

/// The phases that a history tells, in order.
pub(crate) fn phases(run: &Path) -> Vec<String> {
    let events = events(run);
    events.iter().filter_map(|event| event["phase"].as_str().map(str::to_owned)).collect()
}

#[test]
fn a_right_cluster_passes_under_every_fault() {
    let Some(_lab) = lab() else { return };
    let room = Room::new();
    let ended = room.run(&["run", "regent", "--time", "16s", "--seed", "1", "--out", "runs"]);
    let run = room.only_run();
    ended.assert_code(0).assert_stdout(&["PASS: ", "report.html", "repeat: fracas run regent "]);
    ended.assert_stderr(&["regent with seed 1: 5 nodes"]);
    room.assert_nothing_left();

    assert_proven(&run);
    assert_eq!(phases(&run), ["start", "load", "recover", "final-reads", "stop"]);
    let results = json(&run.join("results.json"));
    assert_eq!(results["verdict"], "pass", "{results:#}");
    assert_eq!(json(&run.join("run.json"))["ended"]["how"], "finished");
    FILES.iter().for_each(|file| assert!(run.join(file).is_file(), "{file}"));
    assert_eq!(
        fs::canonicalize(room.path("runs/latest")).unwrap(),
        fs::canonicalize(&run).unwrap()
    );

    let repeat = ended.stdout.lines().find_map(|line| line.strip_prefix("repeat: ")).unwrap();
    assert_eq!(repeat, "fracas run regent --time=16s --seed=1");
    assert_eq!(json(&run.join("run.json"))["command"], repeat);
    room.run(&["check", "latest"]).assert_code(0);
    room.run(&["list", "runs"]).assert_stdout(&["seed 1: pass"]);

    // What was planned can be fed back, and does not depend on the seed then.
    let schedule = run.join("schedule.json");
    let again =
        ["run", "regent", "--dry-run", "--seed=2", "--schedule", schedule.to_str().unwrap()];
    let plan = room.run(&again).assert_code(0).json();
    assert_eq!(plan["schedule"]["planned"], json(&schedule)["planned"]);
    let actual = json(&schedule)["actual"].as_array().unwrap().len();
    assert_eq!(actual, json(&schedule)["planned"].as_array().unwrap().len());
}

#[test]
fn a_fault_without_effect_is_inconclusive_and_said() {
    let Some(_lab) = lab() else { return };
    let room = Room::new();
    let ended = room.run(&[
        "run",
        "regent",
        "--time",
        "8s",
        "--seed",
        "2",
        "--faults",
        "partition",
        "--test-ineffective-cut",
    ]);
    ended.assert_code(2).assert_stdout(&["INCONCLUSIVE: "]);
    let run = room.only_run();
    let ends = faults(&run, "end");
    assert!(!ends.is_empty());
    for fault in json(&run.join("schedule.json"))["actual"].as_array().unwrap() {
        assert_eq!(fault["effective"], Value::Null, "{fault:#}");
    }
    let text = ended.stdout.to_lowercase();
    assert!(text.contains("fault") || text.contains("partition"), "{ended:#?}");
    assert_eq!(json(&run.join("results.json"))["verdict"], "inconclusive");
}

#[test]
fn iptables_makes_partitions_that_are_proven() {
    let Some(_lab) = lab() else { return };
    let room = Room::new();
    let ended = room.run(&[
        "run",
        "regent",
        "--time",
        "8s",
        "--seed",
        "4",
        "--faults",
        "partition",
        "--mechanism",
        "partition=iptables",
    ]);
    if ended.code == Some(4) && !has_iptables() {
        return println!("skipped: {}", ended.stderr);
    }
    assert!(matches!(ended.code, Some(0 | 2)), "{ended:#?}");
    let run = room.only_run();
    assert_proven(&run);
    assert_eq!(json(&run.join("run.json"))["host"]["mechanisms"]["partition"], "iptables");
    room.assert_nothing_left();
}

#[test]
fn an_ordinary_user_needs_no_rights() {
    let Some(_lab) = lab() else { return };
    if !is_root() {
        return println!("skipped: every other test has run as an ordinary user");
    }
    if !nobody_has_lab() {
        return;
    }
    let room = Room::for_everyone();
    let args = ["run", "regent", "--time", "8s", "--seed", "5"];
    let ended = room.finish(&mut room.fracas_as_nobody(&args));
    assert!(matches!(ended.code, Some(0 | 2)), "{ended:#?}");
    let run = room.only_run();
    assert_proven(&run);
    assert_eq!(json(&run.join("run.json"))["host"]["isolation"], "userns");
    let user =
        std::os::unix::fs::MetadataExt::uid(&fs::metadata(run.join("history.jsonl")).unwrap());
    assert_eq!(user, 65534);
    room.assert_nothing_left();
}
