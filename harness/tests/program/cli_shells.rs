//! What shells and readers of manuals know of the command line.

use std::fs;
use std::process::Command;

use crate::support::Room;

#[test]
fn shells_complete_every_command() {
    let room = Room::new();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let ended = room.run(&["completions", shell]);
        ended.assert_code(0).assert_stdout(&["fracas", "client-test", "shard", "until-fail"]);
    }
    room.run(&["completions", "cmd"]).assert_code(64).assert_stderr(&["bash"]);
    let script = room.file("fracas.bash", &room.run(&["completions", "bash"]).stdout);
    let read = Command::new("bash").args(["-n", &script]).output().expect("bash can be started");
    assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
}

#[test]
fn every_command_has_its_page() {
    let room = Room::new();
    room.run(&["man"]).assert_code(0).assert_stdout(&[".TH fracas 1", "fracas\\-run"]);
    room.run(&["man", "pages/man1"]).assert_code(0).assert_no_stdout();
    let read = |name: &str| fs::read_to_string(room.path("pages/man1").join(name));
    let run = read("fracas-run.1").expect("a page");
    assert!(run.contains("\\-\\-shard") && run.contains(".SH OPTIONS"), "{run}");
    for name in ["fracas.1", "fracas-check.1", "fracas-client-test.1", "fracas-man.1"] {
        assert!(read(name).is_ok(), "{name}");
    }
    room.file("file", "");
    room.run(&["man", "file/man1"]).assert_code(64).assert_stderr(&["write the manual pages"]);
}
