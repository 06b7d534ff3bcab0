//! One run as one value: `--dry-run` shows it with the origin of every value, `--spec` reads it.

use serde_json::{Value, json};

use crate::support::Room;

/// The spec that a dry run shows.
#[track_caller]
fn shown(room: &Room, args: &[&str]) -> Value {
    room.run(&[&["run", "--dry-run"], args].concat()).assert_code(0).json()
}

#[test]
fn a_flag_beats_a_variable_and_a_variable_beats_the_target() {
    let room = Room::new();
    let check = |variable: Option<&str>, args: &[&str], nodes: usize, origin: &str| {
        let mut command = room.fracas(&[&["run", "regent", "--dry-run"], args].concat());
        command.envs(variable.map(|value| ("FRACAS_NODES", value)));
        let spec = room.finish(&mut command).assert_code(0).json();
        assert_eq!(spec["nodes"].as_array().unwrap().len(), nodes, "{variable:?} {args:?}");
        assert_eq!(spec["origins"]["nodes"], origin, "{variable:?} {args:?}");
    };
    check(Some("7"), &["--nodes=3"], 3, "flag");
    check(Some("7"), &[], 7, "variable");
    check(Some(""), &[], 5, "target");
    check(None, &[], 5, "target");
}

#[test]
fn what_a_dry_run_shows_is_a_spec_of_the_same_run() {
    let room = Room::new();
    let args = ["regent", "--seed=4", "--nodes=3", "--rate=max", "--mechanism=starve=cgroup"];
    let spec = shown(&room, &args);
    assert_eq!(spec["origins"]["rate"], "flag");
    assert_eq!(spec["origins"].get("keys"), None, "a default is not named: {spec:#}");
    let file = room.file("spec.json", &spec.to_string());
    let mut again = shown(&room, &["--spec", &file]);
    assert_eq!(again["repeat"], format!("fracas run --spec={file}"));
    again["repeat"] = spec["repeat"].clone();
    // Which kinds had room is known where they are drawn.
    again["kinds"] = spec["kinds"].clone();
    assert_eq!(spec, again);
}

/// A spec of before there was a choice means what runs did then.
#[test]
fn how_old_unsynced_data_becomes_is_in_the_spec_and_in_its_command() {
    let room = Room::new();
    for (args, millis, repeated) in [
        (&[][..], json!(30_000), None),
        (&["--disk-age=1m30s"], json!(90_000), Some("--disk-age=90000ms")),
        (&["--disk-age=never"], Value::Null, Some("--disk-age=never")),
    ] {
        let mut spec = shown(&room, &[&["regent", "--seed=4"], args].concat());
        assert_eq!(spec["equipment"]["disk_age_ms"], millis, "{args:?}");
        let command = spec["repeat"].as_str().expect("a command");
        let age = command.split(' ').find(|word| word.starts_with("--disk-age"));
        assert_eq!(age, repeated, "{command}");
        let file = room.file("spec.json", &spec.to_string());
        assert_eq!(shown(&room, &["--spec", &file])["equipment"]["disk_age_ms"], millis);
        spec["equipment"].as_object_mut().unwrap().remove("disk_age_ms");
        let file = room.file("spec.json", &spec.to_string());
        assert_eq!(shown(&room, &["--spec", &file])["equipment"]["disk_age_ms"], 30_000);
    }
    for wrong in ["--disk-age=0s", "--disk-age=old"] {
        let refused = room.run(&["run", "regent", "--dry-run", wrong]);
        refused.assert_code(64).assert_stderr(&["--disk-age", "or `never`"]);
    }
}

#[test]
fn a_spec_that_makes_no_sense_is_refused_with_the_reason() {
    let room = Room::new();
    let whole = shown(&room, &["regent", "--seed=4"]);
    let without = |key: &str| {
        let mut spec = whole.clone();
        spec.as_object_mut().unwrap().remove(key);
        spec
    };
    let with = |key: &str, value: Value| {
        let mut spec = whole.clone();
        spec[key] = value;
        spec
    };
    let schedule = |node: &str| {
        let act = json!({ "kind": "kill", "whom": { "node": node } });
        let planned = json!([{ "at_ms": 1, "lasts_ms": 1, "act": act }]);
        json!({ "schema": whole["schedule"]["schema"], "planned": planned })
    };
    for (spec, expected) in [
        (json!([]), "expected a JSON object"),
        (json!({ "id": "x", "ended": { "how": "finished" } }), "has no `spec`"),
        (without("schema"), "expected `fracas.spec/1`"),
        (with("schema", json!("fracas.spec/9")), "has schema `fracas.spec/9`"),
        (without("seed"), "missing field `seed`"),
        (with("sead", json!(1)), "unknown field `sead`"),
        (with("workloads", json!(["registar"])), "there is no workload `registar`"),
        (with("nodes", json!([])), "expected 1 to"),
        (with("nodes", json!(["n1", "n1"])), "names n1 twice"),
        (with("clients", json!(0)), "expected at least 1 client"),
        (with("rate", json!(-1.0)), "expected a rate above 0"),
        (with("schedule", schedule("n9")), "there is no node `n9`"),
    ] {
        let file = room.file("spec.json", &spec.to_string());
        let ended = room.run(&["run", "--spec", &file]);
        ended.assert_code(64).assert_no_stdout().assert_stderr(&[expected]);
    }
    let file = room.file("spec.json", &whole.to_string());
    room.run(&["run", "regent", "--spec", &file]).assert_code(64).assert_stderr(&["--spec"]);
    room.run(&["run", "--spec", &file, "--time=5s"]).assert_code(64).assert_stderr(&["--time"]);
    room.run(&["run", "--spec", &file, "--seed=5"]).assert_code(64).assert_stderr(&["has a seed"]);
    room.run(&["run"]).assert_code(64).assert_stderr(&["TARGET"]);
}

/// A spec from another machine: the server lies elsewhere, or is another one, or is not here.
#[test]
fn a_spec_from_elsewhere_runs_with_the_server_that_is_here_or_says_what_is_missing() {
    let room = Room::new();
    let mut spec = shown(&room, &["regent", "--seed=4"]);
    let own = spec["binary"].clone();
    spec["binary"] = json!("/elsewhere/regent");
    let file = room.file("spec.json", &spec.to_string());
    assert_eq!(shown(&room, &["--spec", &file])["binary"], own, "it is found as for the target");
    let ended = room.run(&["run", "--dry-run", "--spec", &file]);
    ended.assert_code(0).assert_stderr(&["names `/elsewhere/regent`, which does not exist here"]);

    let other = room.script("other", "#!/bin/true\n");
    let ended = room.run(&["run", "--dry-run", "--spec", &file, "--binary", &other]);
    ended.assert_code(0).assert_stderr(&["another server than the spec was recorded with"]);

    let text = spec["target"]["text"].as_str().unwrap().replace("\"regent\"", "\"regent-9\"");
    spec["target"] = json!({ "name": "./own.toml", "dir": "/elsewhere", "text": text });
    let file = room.file("spec.json", &spec.to_string());
    let ended = room.run(&["run", "--spec", &file]);
    ended
        .assert_code(64)
        .assert_stderr(&["failed to find the server", "the spec names `/elsewhere"]);
}

/// A target of queues that elects leaders; its server may be this program itself.
const QUEUES: &str = r#"
schema = 1
name = "queues"
description = "queues"

[binary]
path = "SERVER"

[cluster]
nodes = 3
ports = { http = 8000 }

[node]
command = ["{{ binary }}"]

[status]
path = "/status"
every = "1s"
atomic = true
role = { json = "/role", map = { leader = "leader" } }
generation = { json = "/term" }

[client]
base = "http://{{ node.ip }}:{{ port.http }}"
connect-timeout = "1s"
timeout = "1s"

[ops.enqueue]
method = "PUT"
path = "/{{ key }}"
answers = [{ status = 200, is = "ok" }]

[ops.dequeue]
method = "DELETE"
path = "/{{ key }}"
answers = [{ status = 200, is = "ok", value = { json = "/value" } }]

[promises]
queues = "at-least-once"
leaders = "one-per-generation"

[faults]
kill = true
"#;

/// The workload that watches leaders writes; a promise is no less of one where nothing can be written.
#[test]
fn leaders_are_judged_where_nothing_can_be_written() {
    let room = Room::new();
    let file = room.file("queues.toml", &QUEUES.replace("SERVER", env!("CARGO_BIN_EXE_fracas")));
    let checks = |spec: &Value| spec["judging"]["checks"].clone();
    let leaders = "leader/one-per-generation";
    let queues = shown(&room, &[&file]);
    let others = ["liveness/recovers", "nodes/stay-up"];
    assert_eq!(checks(&queues), json!(["delivery/at-least-once", leaders, others[0], others[1]]));
    let register = shown(&room, &["regent", "--workload=register"]);
    assert_eq!(checks(&register), json!(["register/linearizable", others[0], others[1]]));
}
