//! Help, lists, `validate`, `doctor` and `--dry-run`: commands that start no cluster.

use std::fs;

use serde_json::Value;

use crate::cli_check::fabricate;
use crate::support::{Room, TINY, is_root, lab};

#[test]
fn help_and_version_go_to_stdout_and_are_no_error() {
    let room = Room::new();
    room.run(&["--help"]).assert_code(0).assert_stdout(&["Exit codes", "130/143"]);
    room.run(&["run", "--help"]).assert_code(0).assert_stdout(&["--schedule", "FRACAS_SEED"]);
    let version = format!("fracas {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(room.run(&["--version"]).assert_code(0).stdout, version);
    room.run(&[]).assert_code(64).assert_no_stdout().assert_stderr(&["Usage: fracas"]);
}

#[test]
fn a_flag_that_is_for_tests_only_is_not_advertised() {
    let help = Room::new().run(&["run", "--help"]).stdout;
    assert!(!help.contains("ineffective-cut"), "{help}");
}

#[test]
fn every_list_is_for_people_or_one_json_document() {
    let room = Room::new();
    for (list, expected) in [
        ("targets", "regent"),
        ("workloads", "register"),
        ("faults", "partition"),
        ("checks", "register/linearizable"),
    ] {
        room.run(&["list", list]).assert_code(0).assert_stdout(&[expected]);
        let rows = room.run(&["list", list, "--format", "json"]).assert_code(0).json();
        let rows = rows.as_array().unwrap();
        assert!(rows.iter().any(|row| row["name"] == expected), "{list}: {rows:?}");
        let told = |row: &Value| row["about"].as_str().is_some_and(|about| !about.is_empty());
        assert!(rows.iter().all(told), "{list}: {rows:?}");
    }
}

#[test]
fn no_runs_are_an_empty_list() {
    let room = Room::new();
    assert_eq!(room.run(&["list", "runs"]).assert_code(0).stdout, "");
    let rows = room.run(&["list", "runs", "--format", "json"]).assert_code(0).json();
    assert_eq!(rows, Value::Array(Vec::new()));
}

#[test]
fn runs_are_listed_with_what_came_of_them() {
    let room = Room::new();
    let judged = fabricate(&room, "20260102-000000-judged", "finished");
    fs::write(judged.join("results.json"), r#"{"verdict": "anomaly"}"#).unwrap();
    fabricate(&room, "20260102-000001-recorded", "finished");
    fabricate(&room, "20260102-000002-crashed", "running");
    for list in ["runs", "run"] {
        room.run(&["list", list]).assert_code(0).assert_stdout(&[
            "judged    2026-01-02T03:04:05Z, seed 5: anomaly\n",
            "recorded  2026-01-02T03:04:05Z, seed 5: recorded, not judged\n",
            "crashed   2026-01-02T03:04:05Z, seed 5: crashed; `fracas clean` cleans up",
        ]);
    }
}

/// A run that is not found is answered by what is there.
#[test]
fn a_run_is_looked_for_where_it_may_be() {
    let room = Room::new();
    let run = fabricate(&room, "20260102-000000-regent-5", "finished");
    let told = |name: &str, expected: &str| {
        room.run(&["report", name]).assert_code(64).assert_no_stdout().assert_stderr(&[expected]);
    };
    told("lates", "did you mean `latest`?");
    told("20260102-000000-regent-6", "did you mean `20260102-000000-regent-5`?");
    told("zebra", "the newest is `20260102-000000-regent-5`");
    told(&format!("{}/run.json", run.display()), "is in the run `");
    told("runs", "`runs` holds runs: name one of them, such as `runs/latest`");
    told(".", "`.` exists, but it has no `run.json`");
}

#[test]
fn an_anomaly_is_explained_however_it_is_spelt() {
    for name in ["stale-read", "Stale-Read", "stale_read", "stale read"] {
        Room::new().run(&["explain", name]).assert_code(0).assert_stdout(&["stale-read\n"]);
    }
}

#[test]
fn a_closed_pipe_is_not_an_error() {
    let room = Room::new();
    let closed = "set -o pipefail; $FRACAS list faults | true";
    let ended = room.finish(&mut room.shell(closed));
    assert_eq!(ended.assert_code(0).stderr, "");
    let errors = "set -o pipefail; ($FRACAS run regnt 2>&1; exit $?) | true";
    room.finish(&mut room.shell(errors)).assert_code(64);
}

#[test]
fn a_result_that_cannot_be_written_is_told() {
    let room = Room::new();
    let ended = room.finish(&mut room.shell("$FRACAS list faults > /dev/full"));
    ended.assert_stderr(&["failed to write the result"]);
}

#[test]
fn colour_is_for_those_who_want_it() {
    let room = Room::new();
    let mut forced = room.fracas(&["run", "--fautls"]);
    forced.env("CLICOLOR_FORCE", "1");
    assert!(room.finish(&mut forced).assert_code(64).stderr.contains('\x1b'));
    forced.env("NO_COLOR", "1");
    assert!(!room.finish(&mut forced).assert_code(64).stderr.contains('\x1b'));
}

#[test]
fn validate_shows_what_a_target_renders() {
    let room = Room::new();
    let shown = room.run(&["validate", "regent", "--show-commands"]);
    shown.assert_code(0).assert_stdout(&["`regent` is valid", "read, write, cas"]);
    shown.assert_stdout(&["n3", "--listen 10.77.0.3:7000", "PUT http://10.77.0.1:7000/kv/sample"]);
    room.file("tiny.toml", TINY);
    room.run(&["validate", "./tiny.toml"]).assert_code(0).assert_stdout(&["`tiny` is valid"]);
    assert!(room.runs().is_empty());
}

/// As many nodes as it has, and a word where nothing of it would be checked.
#[test]
fn validate_tells_of_a_target_that_promises_nothing() {
    let room = Room::new();
    room.file("tiny.toml", &TINY.replace("nodes = 3", "nodes = 1"));
    let promising = room.run(&["validate", "./tiny.toml", "--show-commands"]);
    promising.assert_code(0).assert_stdout(&["n1\n"]);
    assert!(!promising.stdout.contains("n2"), "{}", promising.stdout);
    assert!(!promising.stderr.contains("[promises]"), "{}", promising.stderr);
    let (before, _) = TINY.split_once("[promises]").expect("it promises something");
    room.file("tiny.toml", before);
    let ended = room.run(&["validate", "./tiny.toml"]);
    ended.assert_code(0).assert_stdout(&["`tiny` is valid"]);
    ended.assert_stderr(&["nothing that clients see is checked, only whether servers end"]);
}

/// The file is right all the same: it may be meant for another machine.
#[test]
fn validate_warns_of_a_server_that_is_missing() {
    let room = Room::new();
    room.file("tiny.toml", &TINY.replace("/bin/false", "no-such-server"));
    let ended = room.run(&["validate", "./tiny.toml"]);
    ended.assert_code(0).assert_stdout(&["`tiny` is valid"]);
    ended
        .assert_stderr(&["warning: failed to find the server `no-such-server`", "`--binary PATH`"]);
    // A directory of `PATH` that nobody can look into holds no server.
    let closed = format!("/usr/bin:/{}", "x".repeat(300));
    let ended = room.start(room.fracas(&["validate", "./tiny.toml"]).env("PATH", closed)).wait();
    ended.assert_stderr(&["warning: failed to find the server `no-such-server`"]);
    let server = room.script("server", "#!/bin/true\n");
    let found = room.run(&["validate", "./tiny.toml", "--binary", &server]);
    assert_eq!(found.assert_code(0).stderr, "");
}

#[test]
fn doctor_says_what_this_machine_can_do() {
    let Some(_lab) = lab() else { return };
    let room = Room::new();
    let text = room.run(&["doctor"]);
    text.assert_code(0);
    assert!(!text.stdout.is_empty());
    let report = room.run(&["doctor", "--format", "json"]).assert_code(0).json();
    assert!(report.is_object(), "{report}");
    let regent = room.run(&["doctor", "regent"]);
    regent.assert_code(0).assert_stdout(&[
        "target `regent`",
        "server      ok  ",
        "ports       ok  server 7000",
    ]);
    regent.assert_stdout(&[
        "faults      ok  partition",
        "clock       ok  ",
        "version     ok  regent",
    ]);
    room.file("tiny.toml", &TINY.replace("/bin/false", "no-such-server"));
    let tiny = room.run(&["doctor", "./tiny.toml", "--format", "json"]);
    tiny.assert_code(64).assert_stderr(&["no-such-server"]);
    assert_eq!(tiny.json()["target"]["needs"][0]["met"], false);
    room.run(&["doctor", "regnt"]).assert_code(64).assert_stderr(&["did you mean `regent`?"]);
    if is_root() {
        let room = Room::for_everyone();
        room.finish(&mut room.fracas_as_nobody(&["doctor"])).assert_code(0);
    }
    room.assert_nothing_left();
}

#[test]
fn a_dry_run_shows_the_same_schedule_for_the_same_seed_and_starts_nothing() {
    let room = Room::new();
    let shown = |seed: &str| {
        let args = ["run", "regent", "--time", "60s", "--seed", seed, "--dry-run"];
        room.run(&args).assert_code(0).json()
    };
    let plan = shown("7");
    assert_eq!(plan, shown("7"));
    assert_ne!(plan["schedule"], shown("8")["schedule"]);
    assert!(plan["schedule"]["planned"].as_array().unwrap().len() > 5, "{plan:#}");
    assert!(plan["repeat"].as_str().unwrap().ends_with("--seed=7"), "{plan:#}");
    assert!(room.runs().is_empty());
}

#[test]
fn a_dry_run_tells_which_kinds_have_room_and_what_time_all_need() {
    let room = Room::new();
    let shown = |time: &str| {
        let ran = room.run(&[
            "run",
            "regent",
            "--faults",
            "kill,slow",
            "--seed",
            "1",
            "--dry-run",
            "--time",
            time,
        ]);
        (ran.json()["kinds"].clone(), ran.assert_code(0).stderr.clone())
    };
    let (kinds, told) = shown("4s");
    let count = |key: &str| kinds[key].as_array().unwrap().len();
    assert_eq!((count("room"), count("no_room")), (1, 1), "{kinds:#}");
    let all_ms = kinds["all_need_ms"].as_u64().unwrap();
    assert!(told.contains(&format!("all 2 kinds need `--time {}s`", all_ms / 1_000)), "{told}");
    let (kinds, told) = shown(&format!("{all_ms}ms"));
    assert_eq!(kinds["no_room"], serde_json::json!([]));
    assert!(!told.contains("room"), "{told}");
    let dry_run = ["run", "regent", "--nodes=1", "--faults=kill,power", "--dry-run"];
    let planned = room.run(&dry_run).assert_code(0).json()["schedule"]["planned"].clone();
    assert!(planned.as_array().unwrap().len() > 2, "a cluster of one has faults: {planned:#}");
}

#[test]
fn a_seed_can_come_from_the_environment_and_a_flag_wins() {
    let room = Room::new();
    let seed = |variable: &str, args: &[&str]| {
        let mut command = room.fracas(&[&["run", "regent", "--dry-run"], args].concat());
        command.env("FRACAS_SEED", variable);
        room.finish(&mut command).assert_code(0).json()["seed"].clone()
    };
    assert_eq!(seed("12", &[]), 12);
    assert_eq!(seed("12", &["--seed=13"]), 13);
    assert_ne!(seed("", &[]), seed("", &[]), "an empty variable counts as unset");
}

#[test]
fn the_command_that_repeats_a_run_names_the_server_that_was_run() {
    let room = Room::new();
    let server = room.script("my server", "#!/bin/true\n");
    let mut command = room.fracas(&[
        "run",
        "--dry-run",
        "--out",
        "regent",
        "regent",
        "--seed",
        "3",
        "-t",
        "40s",
        "--nodes=3",
        "--arg",
        "--seed",
        "--repeat=1",
        "--concurrency",
        "4",
    ]);
    command.env("FRACAS_BINARY", &server);
    let plan = room.finish(&mut command).assert_code(0).json();
    assert_eq!(plan["origins"]["binary"], "variable", "{plan:#}");
    let again = plan["repeat"].as_str().unwrap().replacen("fracas", "$FRACAS", 1);
    let repeated =
        room.finish(&mut room.shell(&format!("{again} --dry-run"))).assert_code(0).json();
    let decided = |mut plan: Value| {
        plan.as_object_mut().unwrap().remove("origins");
        plan
    };
    assert_eq!(decided(plan), decided(repeated));
    let expected = format!(
        "$FRACAS run regent --time=40s --nodes=3 --clients=4 '--binary={server}' --arg=--seed \
         --out=regent --seed=3"
    );
    assert_eq!(again, expected);
}
