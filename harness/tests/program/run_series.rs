//! Several runs of one command: decided before the first one starts, told one line each, and ended
//! by an anomaly where that was asked for.

use serde_json::Value;

use crate::support::{Ended, Room, TINY, json, lab};

#[test]
fn a_target_that_is_wrong_is_told_before_the_first_run() {
    let room = Room::new();
    room.file("broken.toml", &TINY.replace("[cluster]", "[clutser]"));
    let targets = ["run", "regent", "no-such.toml", "./broken.toml", "--time", "5s"];
    let ended = room.run(&targets);
    ended.assert_code(64).assert_no_stdout();
    ended.assert_stderr(&["`no-such.toml`", "No such file", "broken.toml:8", "`cluster`"]);
    assert!(room.runs().is_empty(), "nothing was started");
}

#[test]
fn dry_runs_have_not_passed() {
    let room = Room::new();
    let ended = room.run(&["run", "regent", "--repeat", "2", "--dry-run"]);
    ended.assert_code(0);
    assert!(!ended.stdout.contains("passed"), "{ended:#?}");
    let ended =
        room.run(&["run", "regent", "--repeat=2", "--dry-run", "--format=json", "--seed=5"]);
    let seeds: Vec<_> = lines(&ended).iter().map(|plan| plan["seed"].clone()).collect();
    assert_eq!(seeds, [5, 6]);
}

/// The documents on stdout, one a line.
#[track_caller]
fn lines(ended: &Ended) -> Vec<Value> {
    let parsed = ended.stdout.lines().map(serde_json::from_str);
    parsed.collect::<Result<_, _>>().unwrap_or_else(|error| panic!("{error}: {ended:#?}"))
}

/// A short run of the reference cluster without faults; the caller says how many elections it needs.
const SHORT: [&str; 8] = [
    "run",
    "regent",
    "--time=2s",
    "--faults=none",
    "--nodes=3",
    "--seed=40",
    "--workload=register",
    "-q",
];

#[test]
fn json_of_several_runs_is_a_line_each() {
    let Some(_lab) = lab() else { return };
    let room = Room::new();
    let ended =
        room.run(&[&SHORT[..], &["--min-elections=0", "--repeat=2", "--format=json"]].concat());
    let results = lines(&ended);
    let told: Vec<_> = results.iter().map(|result| &result["run"]["id"]).collect();
    let kept: Vec<_> =
        room.runs().iter().map(|run| json(&run.join("run.json"))["id"].clone()).collect();
    assert_eq!(told, kept.iter().collect::<Vec<_>>());
    assert!(results.iter().all(|result| result["target"]["name"] == "regent"), "{ended:#?}");
    let ended = room.run(&[&SHORT[..], &["--no-check", "--format=json"]].concat());
    let recorded = ended.assert_code(0).json();
    assert_eq!(recorded["verdict"], Value::Null, "{ended:#?}");
    assert!(recorded["history"].as_str().unwrap().ends_with("/history.jsonl"), "{ended:#?}");
}

/// An inconclusive run has found nothing: what was asked for is to go on until something is found.
#[test]
fn until_fail_goes_on_after_an_inconclusive_run() {
    let Some(_lab) = lab() else { return };
    let room = Room::new();
    let never = ["--min-elections=1000", "--until-fail", "--repeat=2"];
    let ended = room.run(&[&SHORT[..], &never].concat());
    ended.assert_code(2).assert_stdout(&["0 of 2 runs passed, 2 inconclusive"]);
    assert_eq!(room.runs().len(), 2);

    let room = Room::new();
    room.file("tiny.toml", TINY);
    let ended = room.run(&["run", "./tiny.toml", "--time=1s", "--until-fail", "-q"]);
    ended.assert_code(3);
    assert_eq!(room.runs().len(), 1, "a server that does not start ends the series");
}
