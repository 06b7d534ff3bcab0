//! A night of runs: side by side, tried again, kept and removed, and which outcomes make it fail.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::support::{Room, json, lab};

/// A short run of the reference cluster without faults.
const SHORT: [&str; 7] = [
    "run",
    "regent",
    "--time=2s",
    "--faults=none",
    "--nodes=3",
    "--seed=40",
    "--workload=register",
];

/// A bug that any load shows, without a fault.
const BROKEN: [&str; 2] = ["--arg=--bug=follower-serves-reads", "--time=6s"];

/// The same flags, and more; the last one of each counts.
fn short<'a>(more: &[&'a str]) -> Vec<&'a str> {
    let given = |flag: &str| more.iter().any(|other| other.split('=').next() == Some(flag));
    let kept = SHORT.iter().filter(|word| !given(word.split('=').next().unwrap_or(word)));
    kept.copied().chain(more.iter().copied()).collect()
}

/// The files of a run.
fn files(run: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(run).expect("a run");
    entries.map(|it| it.expect("a file").file_name().to_string_lossy().into_owned()).collect()
}

#[test]
fn runs_side_by_side_are_told_apart() {
    let Some(_lab) = lab() else { return };
    let room = Room::new();
    let ended = room.run(&short(&["--repeat=2", "--jobs=2", "--min-elections=0"]));
    ended.assert_no_anomaly().assert_stderr(&["[regent 40] fracas: regent with seed 40"]);
    ended.assert_stderr(&["[regent 41] fracas: regent with seed 41"]);
    ended.assert_stdout(&["regent seed 40:\n", "regent seed 41:\n", "of 2 runs passed"]);
    let began: Vec<Value> =
        room.runs().iter().map(|run| json(&run.join("supervisor.json"))["pid"].clone()).collect();
    assert_eq!(began.len(), 2);
    assert_ne!(began[0], began[1], "each has a process of its own");
    room.assert_nothing_left();

    let ended = room.run(&short(&["--repeat=2", "--jobs=2", "--format=json", "-q"]));
    let lines: Result<Vec<Value>, _> = ended.stdout.lines().map(serde_json::from_str).collect();
    let lines = lines.unwrap_or_else(|error| panic!("{error}: {ended:#?}"));
    let seeds: BTreeSet<u64> =
        lines.iter().filter_map(|line| line["run"]["seed"].as_u64()).collect();
    assert_eq!(seeds, [40, 41].into(), "a document each, on a line of its own");
}

/// A signal reaches every run, and nothing is left of them.
#[test]
fn runs_side_by_side_end_together() {
    let Some(_lab) = lab() else { return };
    for (signal, code) in [(Signal::SIGINT, 130), (Signal::SIGTERM, 143)] {
        let room = Room::new();
        let long = short(&["--time=120s", "--repeat=9", "--jobs=2"]);
        let mut started = room.start(&mut room.fracas(&long));
        started.until(|_| {
            let loaded = |run: &std::path::PathBuf| {
                let text = fs::read_to_string(run.join("history.jsonl")).unwrap_or_default();
                text.contains("\"phase\":\"load\"")
            };
            room.runs().iter().filter(|run| loaded(run)).count() == 2
        });
        started.signal(signal);
        let ended = started.wait();
        ended.assert_code(code).assert_stdout(&["0 of 2 runs passed"]);
        room.assert_nothing_left();
        let how = |run: &std::path::PathBuf| json(&run.join("run.json"))["ended"]["how"].clone();
        assert!(room.runs().iter().all(|run| how(run) == "interrupted"), "{ended:#?}");
    }
}

#[test]
fn an_anomaly_that_comes_again_is_confirmed_and_stays_one() {
    let Some(_lab) = lab() else { return };
    let room = Room::new();
    let ended =
        room.run(&short(&[&BROKEN[..], &["--confirm=1", "--repeat=2", "--until-fail"]].concat()));
    ended.assert_code(1).assert_stderr(&["replay 1 of 1", "fracas: confirmed: replays found"]);
    let run = room.only_run();
    assert_eq!(json(&run.join("run.json"))["replays"]["times"], 1);
    let results = json(&run.join("results.json"));
    assert_eq!(
        (&results["confirmation"], &results["verdict"]),
        (&"confirmed".into(), &"anomaly".into())
    );
    assert!(ended.stdout.matches("ANOMALY: ").count() == 1, "a replay is no result: {ended:#?}");
}

/// The server shows its bug once: what does not come again was found all the same.
#[test]
fn an_anomaly_that_does_not_come_again_stays_one() {
    let Some(_lab) = lab() else { return };
    let room = Room::new();
    let (regent, flag) = (room.regent(), room.path("shown"));
    let flag = flag.display();
    let script = format!(
        "#!/bin/sh\n[ -e '{flag}' ] || exec '{regent}' \"$@\" --bug=follower-serves-reads\nexec '{regent}' \"$@\"\n"
    );
    let server = room.script("server", &script);
    let args = short(&["--binary", &server, "--time=6s", "--confirm=2", "--until-anomaly"]);
    let mut started = room.start(&mut room.fracas(&args));
    started.until(|started| started.stderr().contains("replay 1 of 2"));
    fs::write(room.path("shown"), "").expect("a file can be written");
    let ended = started.wait();
    if ended.stderr.contains("no replay was judged") {
        return; // the machine is too busy for it
    }
    ended.assert_code(1).assert_stderr(&["fracas: once: replays found"]);
    assert_eq!(json(&room.only_run().join("results.json"))["confirmation"], "once");
}

#[test]
fn some_outcomes_are_no_failure_where_others_were_asked_for() {
    let Some(_lab) = lab() else { return };
    let room = Room::new();
    let never = ["--min-elections=1000", "--repeat=2"];
    let with = |more: &[&str]| room.run(&short(&[&never[..], more].concat()));
    let told = "regent seed 41: inconclusive, no failure by `--fail-on`\n0 of 2 runs passed, 2 inc";
    with(&["--fail-on=anomaly"]).assert_code(0).assert_stdout(&[told]);
    with(&["--fail-on=anomaly,ineffective,unknown"]).assert_code(0);
    with(&["--fail-on=anomaly,inconclusive"]).assert_code(2);
    let ended = room.run(&short(&["--fail-on=anomolies"]));
    ended.assert_code(64).assert_stderr(&["'anomolies'", "anomaly"]);
    let ended = room.run(&short(&[&BROKEN[..], &["--fail-on=inconclusive"]].concat()));
    ended.assert_code(0).assert_stdout(&["ANOMALY: "]);
}

#[test]
fn files_are_kept_and_written_as_asked() {
    let Some(_lab) = lab() else { return };
    let room = Room::new();
    let ended = room.run(&short(&["--min-elections=0", "--keep=failure", "--report=md"]));
    let run = room.only_run();
    if ended.assert_no_anomaly().code == Some(0) {
        let left = ["results.json", "run.json", "supervisor.json"];
        assert_eq!(files(&run), left.map(str::to_owned).into(), "{ended:#?}");
        ended.assert_stderr(&["only `run.json` and `results.json` are kept"]);
    }
    let room = Room::new();
    let args = short(&["--min-elections=1000", "--keep=failure", "--report=md,junit"]);
    let ended = room.run(&args);
    ended.assert_code(2);
    assert!(!ended.stdout.contains("report.html"), "there is none: {ended:#?}");
    let left = files(&room.only_run());
    let has = |name: &str| left.contains(name);
    assert!(has("summary.md") && has("junit.xml") && has("results.json") && has("history.jsonl"));
    assert!(!has("report.html") && !has("metrics.prom"), "{left:?}");
}

#[test]
fn old_runs_are_removed() {
    let Some(_lab) = lab() else { return };
    let room = Room::new();
    let ended = room.run(&short(&["--repeat=3", "--min-elections=1000", "--retain=2"]));
    ended.assert_code(2).assert_stderr(&["fracas: removed the run `"]);
    let seeds: Vec<Value> =
        room.runs().iter().map(|run| json(&run.join("run.json"))["seed"].clone()).collect();
    assert_eq!(seeds, [41, 42]);
    assert_eq!(json(&room.path("runs/latest/run.json"))["seed"], 42);
}
