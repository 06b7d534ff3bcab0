//! Servers with a user of a certain name: whoever started fracas, they are that user and never root.

use std::fs;
use std::path::Path;

use crate::support::{Ended, Room, gives_ranges, is_root, lab, nobody_has_lab};

/// A server that first says who it is, and whose file the file is that it has made.
const SERVER: &str = r#"#!/bin/sh
touch own
echo "user $(id -un) $(id -u) group $(id -gn) $(id -g) home $HOME as $USER file $(stat -c %U own)"
exec "$(dirname "$0")/regent" "$@"
"#;

/// The reference cluster, with servers that are this user.
fn target(room: &Room, user: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../targets/builtin/regent.toml");
    let text = fs::read_to_string(file).expect("the target file");
    let (server, _) = (room.script("server.sh", SERVER), room.regent());
    let path = text.replacen("path = \"regent\"", &format!("path = {server:?}"), 1);
    let named = path.replacen("[node]\n", &format!("[node]\nuser = \"{user}\"\n"), 1);
    let step = r#"[[setup]]
on = "n1"
command = ["id", "-un"]
expect = { text = '^postgres\n$' }
"#;
    room.file("named.toml", &named.replacen("[status]\n", &format!("{step}\n[status]\n"), 1));
}

const FLAGS: [&str; 10] = [
    "run",
    "named.toml",
    "--workload",
    "register",
    "--nodes",
    "1",
    "--time",
    "2s",
    "--faults",
    "none",
];

/// What became of a run, and that its server was the user.
#[track_caller]
fn check(room: &Room, ended: &Ended) {
    ended.assert_no_anomaly();
    let dir = room.only_run().join("nodes/n1");
    let said = fs::read_to_string(dir.join("stdout")).expect("what the server said");
    let home = dir.canonicalize().expect("it is there");
    let expected = format!(
        "user postgres 1000 group postgres 1000 home {} as postgres file postgres\n",
        home.display()
    );
    assert!(said.starts_with(&expected), "{said}, expected {expected}");
}

#[test]
fn servers_have_a_user_of_that_name() {
    let Some(_lab) = lab() else { return };
    let room = Room::new();
    target(&room, "postgres");
    check(&room, &room.run(&FLAGS));
}

#[test]
fn an_ordinary_user_gives_it_too() {
    let Some(_lab) = lab() else { return };
    if !is_root() || !nobody_has_lab() {
        return;
    }
    let room = Room::for_everyone();
    target(&room, "postgres");
    check(&room, &room.finish(&mut room.fracas_as_nobody(&FLAGS)));
    if gives_ranges() {
        let room = Room::for_everyone();
        target(&room, "postgres");
        check(&room, &room.finish(&mut room.fracas_with_range(&FLAGS)));
    }
}

#[test]
fn doctor_and_validate_know_the_user() {
    let room = Room::new();
    target(&room, "postgres");
    room.run(&["validate", "named.toml"])
        .assert_code(0)
        .assert_stdout(&["each of its servers asks to be the user `postgres`"]);
    room.run(&["doctor", "named.toml"])
        .assert_stdout(&["user        ok  `postgres` for each of its servers"]);
}

/// Where no program could look a user up, that is said before any server is started.
#[test]
fn a_machine_without_users_is_told() {
    let Some(_lab) = lab() else { return };
    if !is_root() {
        println!("skipped: only root can hide the users of a machine");
        return;
    }
    let room = Room::new();
    target(&room, "postgres");
    let hidden = |args: &str| {
        let script = format!("mount -t tmpfs none /etc && exec \"$FRACAS\" {args}");
        let mut shell = room.shell(&format!("unshare --mount sh -c '{script}'"));
        room.finish(&mut shell)
    };
    hidden("run named.toml --nodes 1 --time 2s --faults none --workload register")
        .assert_code(4)
        .assert_stderr(&["give servers the user `postgres`, as `node.user` says", "`/etc/passwd`"]);
    let run = room.only_run();
    assert!(!run.join("nodes/n1/own").exists(), "no server was started");
    hidden("doctor named.toml")
        .assert_stdout(&["user        no  no user `postgres`: `/etc/passwd`"]);
}
