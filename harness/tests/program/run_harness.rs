//! No failure or stall of the harness ever becomes an anomaly of the target, or a pass.

use std::path::Path;

use crate::support::{Room, events, json, lab};

/// The reference cluster behind a script, and what the target file says otherwise.
pub(crate) fn behind(room: &Room, script: &str, changes: &[(&str, &str)]) -> String {
    let regent = env!("CARGO_BIN_EXE_regent");
    let script = format!("#!/bin/sh\n{script}\nexec {regent} \"$@\"\n");
    room.script("server.sh", &script);
    let mut text = include_str!("../../../targets/builtin/regent.toml").to_owned();
    let usual = [("path = \"regent\"", "path = \"server.sh\""), ("version = [", "# version = [")];
    for (old, new) in usual.iter().chain(changes) {
        assert!(text.contains(old), "{old}");
        text = text.replacen(old, new, 1);
    }
    room.file("behind.toml", &text)
}

/// What the history says of the harness itself.
pub(crate) fn mishaps(run: &Path) -> Vec<serde_json::Value> {
    let told = |event: serde_json::Value| event.get("harness").cloned();
    events(run).into_iter().filter_map(told).collect()
}

/// Four megabytes of log lines of any length, in the middle of a run, delay nobody.
#[test]
fn a_server_that_floods_its_log_stalls_nothing() {
    let Some(_lab) = lab() else { return };
    for line in ["", "2026-11-27T18:33:12Z DEBUG raft: append entries to n3 term=12 prev=1234"] {
        let room = Room::new();
        let flood = format!("( sleep 3; yes '{line}' | head -c 4000000 >&2 ) &");
        let target = behind(&room, &flood, &[]);
        let args = ["run", &target, "--workload", "register", "--faults", "none", "--time", "8s"];
        let ended = room.run(&[&args[..], &["--min-elections", "0"]].concat());
        ended.assert_code(0);
        let skipped: Vec<_> = mishaps(&room.only_run());
        assert!(skipped.is_empty(), "{skipped:?}");
        room.assert_nothing_left();
    }
}

/// A pipe that nobody writes to would keep its reader for ever.
#[test]
fn a_log_that_is_a_pipe_is_refused_by_name() {
    let Some(_lab) = lab() else { return };
    let room = Room::new();
    let rule = "[[status.log]]\nfile = \"{{ node.dir }}/app.log\"\n\
        regex = '^won generation=(?<generation>\\d+)'\nrole = \"leader\"\n\n[client]";
    let logs = r#"logs = ["stdout", "stderr", "{{ node.dir }}/app.log"]"#;
    let changes = [(r#"logs = ["stdout", "stderr"]"#, logs), ("[client]", rule)];
    let target = behind(&room, "mkfifo app.log", &changes);
    let args = ["run", &target, "--faults", "none", "--time", "4s", "--nodes", "3"];
    let ended = room.run(&[&args[..], &["--min-elections", "0"]].concat());
    ended.assert_code(2).assert_stderr(&["`app.log` of n2 is not followed", "a named pipe"]);
    ended.assert_stdout(&["`app.log`", "a named pipe, expected a regular file"]);
    let refused = mishaps(&room.only_run());
    let nodes: Vec<_> = refused.iter().map(|one| one["node"].as_str().unwrap()).collect();
    assert_eq!((nodes, &refused[0]["what"]), (vec!["n1", "n2", "n3"], &"log-refused".into()));
    assert_eq!(json(&room.only_run().join("run.json"))["ended"]["how"], "finished");
    room.assert_nothing_left();
}
