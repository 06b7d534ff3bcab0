//! Plans: which runs a night has, with which seeds, on which shard; and what is said of a plan that is
//! wrong, in its place.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::{Ended, Room, TINY, json, lab};

/// A plan of four rows. Its line numbers are part of what tests expect.
const PLAN: &str = r#"schema = 1
name = "nightly"

[defaults]
time = "20s"
clients = "3n"

[profile.ci]
time = "40s"
keys = 7

[[plan]]
name = "registers"
target = "regent"
workload = "register"
faults = ["partition", "kill"]
nodes = 3
seeds = 3

[[plan]]
name = "all"
target = "regent"
time = "1m"

[plan.matrix]
workload = ["set", "queue"]
faults = ["kill", ["pause", "partition"]]
"#;

/// The documents on stdout, one a line.
#[track_caller]
fn lines(ended: &Ended) -> Vec<Value> {
    let parsed = ended.stdout.lines().map(serde_json::from_str);
    parsed.collect::<Result<_, _>>().unwrap_or_else(|error| panic!("{error}: {ended:#?}"))
}

/// The specs of a night, without running it.
#[track_caller]
fn specs(room: &Room, args: &[&str]) -> Vec<Value> {
    let plan = room.file("fracas.toml", PLAN);
    let all = ["run", "--plan", &plan, "--dry-run", "--format=json", "--date=2026-11-29"];
    lines(room.run(&[&all, args].concat()).assert_code(0))
}

#[test]
fn a_plan_is_rows_times_seeds() {
    let room = Room::new();
    let specs = specs(&room, &[]);
    let seeds: BTreeSet<u64> = specs.iter().filter_map(|spec| spec["seed"].as_u64()).collect();
    assert_eq!((specs.len(), seeds.len()), (3 + 4, 7), "three seeds, four combinations");
    let of = |spec: &Value| (spec["workloads"].clone(), spec["faults"].clone());
    let all: BTreeSet<String> = specs.iter().map(|spec| format!("{:?}", of(spec))).collect();
    assert_eq!(all.len(), 1 + 4, "{all:#?}");
    let times: Vec<u64> = specs.iter().filter_map(|spec| spec["time_ms"].as_u64()).collect();
    assert_eq!(times.iter().filter(|time| **time == 20_000).count(), 3, "{times:?}");
    // Every row has its first run before any has its second.
    let nodes = |spec: &Value| spec["nodes"].as_array().expect("nodes").len();
    assert_eq!(specs.iter().map(nodes).collect::<Vec<_>>(), [3, 5, 5, 5, 5, 3, 3]);
}

/// The same night of the same plan has the same seeds, another has others.
#[test]
fn seeds_follow_from_the_night() {
    let room = Room::new();
    let seeds = |args: &[&str]| -> Vec<Value> {
        specs(&room, args).iter().map(|spec| spec["seed"].clone()).collect()
    };
    let night = seeds(&[]);
    assert_eq!(night, seeds(&[]));
    assert_eq!(night, seeds(&["--profile=ci"]), "a profile changes no seed");
    let plan = room.file("fracas.toml", PLAN);
    let all = ["run", "--plan", &plan, "--dry-run", "--format=json"];
    let mut command = room.fracas(&all);
    command.env("SOURCE_DATE_EPOCH", "1795914000"); // 2026-11-29T01:00:00Z
    let ended = room.finish(&mut command);
    assert_eq!(lines(&ended).iter().map(|it| it["seed"].clone()).collect::<Vec<_>>(), night);
    ended
        .assert_stderr(&["plan `nightly`, night 2026-11-29 by SOURCE_DATE_EPOCH: 7 of its 7 runs"]);
    let mut command = room.fracas(&all);
    let ended = room.finish(command.env("FRACAS_DATE", "2026-11-30"));
    assert_ne!(lines(&ended).iter().map(|it| it["seed"].clone()).collect::<Vec<_>>(), night);
    // Whoever gives a seed repeats that run of each row; whoever repeats has more of the night's.
    assert_eq!(seeds(&["--seed=5"]), [5, 5, 5, 5, 5]);
    assert_eq!(seeds(&["--seed=5", "--repeat=2", "--row=registers"]), [5, 6]);
    assert_eq!(seeds(&["--repeat=1", "--row=registers"]), night[..1]);
}

#[test]
fn shards_share_a_night() {
    let room = Room::new();
    let repeats = |args: &[&str]| -> Vec<String> {
        specs(&room, args).iter().map(|spec| spec["repeat"].to_string()).collect()
    };
    let mut all = repeats(&[]);
    let mut shards: Vec<String> =
        ["1/3", "2/3", "3/3"].iter().flat_map(|shard| repeats(&["--shard", shard])).collect();
    all.sort();
    shards.sort();
    assert_eq!(all, shards);
    let plan = room.file("fracas.toml", PLAN);
    let mut command = room.fracas(&["run", "--plan", &plan, "--dry-run", "--shard=auto"]);
    command.envs([("CI_NODE_INDEX", "2"), ("CI_NODE_TOTAL", "4")]);
    let ended = room.finish(&mut command);
    ended
        .assert_code(0)
        .assert_stderr(&["shard 2/4 by CI_NODE_INDEX=2, CI_NODE_TOTAL=4 (GitLab CI): 2 of"]);
    let ended = room.run(&["run", "--plan", &plan, "--dry-run", "--shard=99/100"]);
    ended.assert_code(0).assert_no_stdout().assert_stderr(&["shard 99/100: 0 of its 7 runs"]);
}

#[test]
fn a_flag_beats_a_variable_and_that_a_profile_and_that_a_row_and_that_the_defaults() {
    let room = Room::new();
    let check = |args: &[&str], variable: Option<&str>, time: u64, origin: &str| {
        let plan = room.file("fracas.toml", PLAN);
        let all = ["run", "--plan", &plan, "--dry-run", "--format=json", "--row=all/set/kill"];
        let mut command = room.fracas(&[&all, args].concat());
        command.envs(variable.map(|value| ("FRACAS_TIME", value)));
        let spec = &lines(room.finish(&mut command).assert_code(0))[0];
        assert_eq!(spec["time_ms"], time, "{args:?} {variable:?}");
        assert_eq!(spec["origins"]["time_ms"], origin, "{args:?} {variable:?}");
        assert_eq!(spec["origins"]["clients"], "plan");
    };
    check(&[], None, 60_000, "plan");
    check(&["--profile=ci"], None, 40_000, "profile");
    check(&["--profile=ci"], Some("50s"), 50_000, "variable");
    check(&["--profile=ci", "--time=70s"], Some("50s"), 70_000, "flag");
}

/// A run of a plan can be repeated without the plan.
#[test]
fn the_command_that_repeats_a_run_needs_no_plan() {
    let room = Room::new();
    let spec = &specs(&room, &["--row=registers"])[0];
    let command = spec["repeat"].as_str().expect("a command");
    let words: Vec<&str> = command.split_whitespace().skip(1).collect();
    assert!(
        words.contains(&"--faults=partition,kill") && words.contains(&"--nodes=3"),
        "{command}"
    );
    let again = room.run(&[&words[..], &["--dry-run"]].concat()).assert_code(0).json();
    for key in ["seed", "schedule", "nodes", "workloads", "clients", "time_ms", "faults"] {
        assert_eq!(again[key], spec[key], "{key}");
    }
}

/// A plan with one thing changed is refused at its place, by `validate` and by `run`.
#[track_caller]
fn check_plan(change: (&str, &str), expected: &[&str]) {
    let room = Room::new();
    assert!(PLAN.contains(change.0), "the change has something to change");
    room.file("fracas.toml", &PLAN.replacen(change.0, change.1, 1));
    for command in [&["run", "--plan", "fracas.toml"][..], &["validate", "fracas.toml"]] {
        room.run(command).assert_code(64).assert_no_stdout().assert_stderr(expected);
    }
    assert!(room.runs().is_empty(), "nothing was started");
}

#[test]
fn what_is_wrong_in_a_plan_is_pointed_at() {
    for (change, expected) in [
        (("schema = 1", "schema = 2"), &["fracas.toml:1:10", "expected `1`"][..]),
        (("schema = 1\n", ""), &["missing key `schema`", "add `schema = 1`"]),
        (
            ("[defaults]", "[default]"),
            &[":4:2", "unknown key `default`", "did you mean `defaults`?"],
        ),
        (("clients = ", "client = "), &[":6:1", "did you mean `clients`?", "in `defaults.client`"]),
        (
            ("\"3n\"", "\"many\""),
            &[":6:11", "expected a number, or a number per node such as `3n`"],
        ),
        (("\"20s\"", "\"soon\""), &[":5:8", "expected", "such as `20s`", "in `defaults.time`"]),
        (("\"20s\"", "true"), &[":5:8", "expected a text or a number", "such as `time = \"2m\"`"]),
        (("keys = 7", "until-fail = 7"), &[":10:14", "expected `true` or `false`"]),
        (
            ("keys = 7", "keys = 0"),
            &[":10:8", "expected a whole number from 1", "in `profile.ci.keys`"],
        ),
        (("[profile.ci]", "[profile.\"c i\"]"), &[":8:10", "expected the name of a profile"]),
        (("name = \"registers\"\n", ""), &[":12:1", "a row needs a `name`"]),
        (("\"registers\"", "\"a b\""), &[":13:8", "expected the name of a row"]),
        (("\"registers\"", "\"all/set/kill\""), &[":13:8", "expected the name of a row"]),
        (
            ("target = \"regent\"", "target = [\"regent\"]"),
            &[":14:10", "expected a text or a number"],
        ),
        (("target = \"regent\"\n", ""), &[":13:8", "the row needs a `target`"]),
        (("\"regent\"", "\"regnet\""), &["`regnet`", "did you mean `regent`?", "row `registers`"]),
        (
            ("\"regent\"", "\"no.toml\""),
            &["failed to read target file `no.toml`", "row `registers`"],
        ),
        (("\"register\"", "\"registre\""), &[":15:12", "did you mean `register`?"]),
        (("\"kill\"]\n", "\"kil\"]\n"), &[":16:10", "`kil` is unknown", "did you mean `kill`?"]),
        (("nodes = 3", "nodes = 99"), &[":17:9", "expected 1 to"]),
        (
            ("nodes = 3", "until-fail = true"),
            &[":17:1", "expected in `[defaults]` or `[profile.NAME]`"],
        ),
        (("nodes = 3", "disk = \"ext3\""), &[":17:8", "expected one of `ext4`", "mean `ext4`?"]),
        (
            ("nodes = 3", "schedule = \"no.json\""),
            &[":13:8", "no run can be made of this row", "cannot be used with", "--faults"],
        ),
        (("seeds = 3", "seeds = 0"), &[":18:9", "expected a number of seeds from 1"]),
        (("seeds = 3", "seeds = [1, -2]"), &[":18:9", "expected whole numbers from 0"]),
        (("seeds = 3", "seeds = \"three\""), &[":18:9", "the number of seeds, or a list"]),
        (
            ("workload = [\"set\"", "seeds = [1, 2]\nworkload = [\"set\""),
            &[":26:1", "beside `matrix`"],
        ),
        (
            ("workload = [\"set\"", "time = \"5s\"\nworkload = [\"set\""),
            &[":26:8", "expected a list of"],
        ),
        (
            ("workload = [\"set\"", "time = [\"5s\"]\nworkload = [\"set\""),
            &[":26:9", "key of the row"],
        ),
        (("[\"set\", \"queue\"]", "[\"set\", \"qeue\"]"), &[":26:20", "did you mean `queue`?"]),
        (("[\"set\", \"queue\"]", "[\"set\", \"set\"]"), &["another row is called `all/set/kill`"]),
    ] {
        check_plan(change, expected);
    }
}

#[test]
fn what_is_not_in_a_plan_is_told() {
    let room = Room::new();
    let plan = room.file("fracas.toml", PLAN);
    let check = |args: &[&str], expected: &[&str]| {
        let ended = room.run(&[&["run", "--plan", &plan], args].concat());
        ended.assert_code(64).assert_no_stdout().assert_stderr(expected);
    };
    check(&["--profile=cy"], &["has no profile `cy`: expected one of `ci`", "did you mean `ci`?"]);
    check(&["--row=register"], &["has no row `register`", "did you mean `registers`?"]);
    check(&["--date=tomorrow"], &["--date", "expected a date such as `2026-11-29`"]);
    check(&["--shard=5/4"], &["there is no shard 5 of 4: expected 1 to 4"]);
    check(&["--shard=auto"], &["no variable tells which shard this is"]);
    check(&["regent"], &["cannot be used with"]);
    room.run(&["run", "regent", "--profile=ci"]).assert_code(64).assert_stderr(&["--plan"]);
    room.run(&["run", "--plan", "no.toml"]).assert_code(64).assert_stderr(&["`no.toml`"]);
    room.run(&["run", "./fracas.toml"]).assert_code(64).assert_stderr(&["`--plan ./fracas.toml`"]);
    assert!(room.runs().is_empty(), "nothing was started");
}

#[test]
fn a_plan_is_validated_with_its_profiles() {
    let room = Room::new();
    room.file("fracas.toml", PLAN);
    let ended = room.run(&["validate", "fracas.toml"]);
    ended.assert_code(0).assert_stdout(&[
        "fracas.toml: the plan is valid",
        "without a profile",
        "  registers: 3 runs of regent, 3 nodes, 9 clients, 20s",
        "  all/queue/pause+partition: 1 run of regent, 5 nodes, 15 clients, 60s",
        "profile `ci`",
        "  registers: 3 runs of regent, 3 nodes, 9 clients, 40s",
    ]);
}

/// Files of a plan are next to it, wherever fracas is started.
#[test]
fn paths_are_seen_from_the_plan() {
    let room = Room::new();
    std::fs::create_dir_all(room.path("code/targets")).expect("a folder can be made");
    room.file("code/targets/tiny.toml", TINY);
    let plan = "schema = 1\n[[plan]]\nname = \"tiny\"\ntarget = \"targets/tiny.toml\"\nbinary = \"./server\"\n";
    room.script("code/server", "#!/bin/sh\n");
    room.file("code/fracas.toml", plan);
    let args = ["run", "--plan", "code/fracas.toml", "--dry-run", "--format=json"];
    let spec = room.run(&args).assert_code(0).json();
    assert_eq!(spec["target"]["name"], "code/targets/tiny.toml");
    assert!(spec["binary"].as_str().expect("a path").ends_with("/server"), "{}", spec["binary"]);
}

#[test]
fn a_run_tells_its_row_its_night_and_its_shard() {
    let Some(_lab) = lab() else { return };
    let room = Room::new();
    let plan = room.file(
        "fracas.toml",
        "schema = 1\n[[plan]]\nname = \"short\"\ntarget = \"regent\"\ntime = \"2s\"\nfaults = \"none\"\n\
         nodes = 3\nworkload = \"register\"\nseeds = [40, 41]\n",
    );
    let ended = room.run(&["run", "--plan", &plan, "--date=2026-11-29", "--shard=2/2"]);
    ended.assert_no_anomaly().assert_stderr(&["row `short`: regent with seed 41"]);
    let run = room.only_run();
    for (file, place) in [("run.json", ""), ("results.json", "/run")] {
        let told = json(&run.join(file));
        let told = told.pointer(place).expect("it is there");
        let row = ["plan", "row", "night", "shard"].map(|key| told[key].as_str().unwrap_or(""));
        assert_eq!(row, ["fracas", "short", "2026-11-29", "2/2"], "{file}");
    }
}
