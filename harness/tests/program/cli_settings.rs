//! Settings of targets: `--set` chooses, the spec keeps, and what is missing is named.

use serde_json::json;

use crate::support::Room;

/// A valid target with two settings; its server may be this program itself.
const TARGET: &str = r#"
schema = 1
name = "tiny"
description = "tiny"

[settings.reads]
description = "what a read does first"
default = "sync"
one-of = ["sync", "plain"]

[settings.classes]
description = "where its classes are"
default = "/bin/sh"

[binary]
path = "SERVER"
install = "the package `tiny-server` of Debian"
needs = ["{{ set.classes }}"]

[cluster]
nodes = 1
ports = { http = 8000 }

[node]
command = ["{{ binary }}", "--reads", "{{ set.reads }}", "-cp", "{{ set.classes }}"]

[client]
base = "http://{{ node.ip }}:{{ port.http }}"
connect-timeout = "1s"
timeout = "1s"

[ops.read]
method = "GET"
path = "/{{ key }}"
answers = [{ status = 200, is = "ok", value = { json = "/value" } }]

[ops.write]
method = "PUT"
path = "/{{ key }}"
answers = [{ status = 200, is = "ok" }]

[promises]
registers = "linearizable"

[faults]
kill = true
"#;

fn target(room: &Room, server: &str) -> String {
    room.file("tiny.toml", &TARGET.replace("SERVER", server))
}

#[test]
fn a_setting_is_kept_by_the_spec_and_by_the_command_that_repeats_it() {
    let room = Room::new();
    let file = target(&room, "sh");
    let dry = ["run", &file, "--dry-run", "--seed=1", "--set", "reads=plain"];
    let spec = room.run(&dry).assert_code(0).json();
    assert_eq!(spec["target"]["settings"], json!({"reads": "plain"}));
    assert_eq!(spec["origins"]["target.settings"], "flag");
    let repeat = spec["repeat"].as_str().expect("a command");
    assert!(repeat.contains("--set=reads=plain"), "{repeat}");
    let again = room.file("spec.json", &spec.to_string());
    let again = room.run(&["run", "--dry-run", "--spec", &again]).assert_code(0).json();
    assert_eq!(again["target"], spec["target"]);
    let refused = room.run(&["run", "--spec", "spec.json", "--set", "reads=sync"]);
    refused.assert_code(64).assert_stderr(&["--set", "cannot be used with"]);
}

#[test]
fn validate_tells_the_settings_and_shows_what_they_come_to() {
    let room = Room::new();
    let file = target(&room, "sh");
    let shown = room.run(&["validate", &file, "--set", "reads=plain", "--show-commands"]);
    shown.assert_code(0).assert_stdout(&[
        "its setting `reads` is `plain` (or `sync`): what a read does first",
        "its setting `classes` is `/bin/sh`: where its classes are",
        "--reads plain",
    ]);
}

#[test]
fn a_setting_that_is_not_there_is_refused_with_the_nearest() {
    let room = Room::new();
    let file = target(&room, "sh");
    for (set, told) in [
        ("read=plain", &["unknown setting `read`", "did you mean `reads`?"][..]),
        ("reads=plan", &["not a value of setting `reads`", "did you mean `plain`?"]),
        ("reads", &["--set <NAME=VALUE>", "expected `NAME=VALUE`"]),
    ] {
        let refused = room.run(&["run", &file, "--dry-run", "--set", set]);
        refused.assert_code(64).assert_stderr(told);
    }
    let other = room.run(&["run", "regent", "--dry-run", "--set", "reads=plain"]);
    other.assert_code(64).assert_stderr(&["this target has no settings"]);
}

/// By name: the package, or the file that a server cannot do without.
#[test]
fn what_is_missing_is_named_with_what_to_install() {
    let room = Room::new();
    let install = "install the package `tiny-server` of Debian";
    let file = target(&room, "no-such-server");
    let run = room.run(&["run", &file, "--dry-run"]);
    run.assert_code(64).assert_stderr(&["failed to find the server `no-such-server`", install]);
    room.run(&["validate", &file]).assert_code(0).assert_stderr(&["warning", install]);
    let file = target(&room, "sh");
    let lacking = ["run", &*file, "--dry-run", "--set", "classes=/bin/sh:/no/such.jar"];
    let lacking = room.run(&lacking);
    lacking.assert_code(64).assert_stderr(&["failed to find `/no/such.jar`", install]);
}

#[test]
fn a_client_program_that_is_missing_is_named_with_what_to_install() {
    let room = Room::new();
    let ops = TARGET.split("[ops.read]").nth(1).expect("it has operations");
    let ops = format!("[ops.read]{}", ops.split("[promises]").next().expect("it has promises"));
    let client = "[client]\nprogram = [\"no-such-driver\"]\ninstall = \"tiny-tools\"\n\
                  timeout = \"1s\"\n";
    let base = TARGET.find("[client]").zip(TARGET.find("[ops.read]")).expect("it has a client");
    let text = TARGET.replace(&TARGET[base.0..base.1], client).replace(&ops, "");
    let file = room.file("tiny.toml", &text.replace("SERVER", "sh"));
    for command in [&["validate", &file][..], &["run", &file], &["doctor", &file]] {
        let missing = room.run(command);
        let told = ["failed to find the client program `no-such-driver`", "install tiny-tools"];
        missing.assert_code(64).assert_stderr(&told);
    }
}
