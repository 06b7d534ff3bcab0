//! What `fracas init` writes is a beginning: a target file that validates, and where one is asked for
//! a client program that starts.

use std::process::{Command, Stdio};

use crate::support::Room;

fn has(program: &str, version: &str) -> bool {
    let mut command = Command::new(program);
    command.arg(version).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

#[test]
fn what_is_written_validates() {
    for (protocol, served) in [("--http", "read, write"), ("--resp", "read, write")] {
        let room = Room::new();
        room.run(&["init", "mine", protocol]).assert_code(0).assert_stdout(&["wrote ./mine.toml"]);
        room.run(&["validate", "./mine.toml"]).assert_code(0).assert_stdout(&[served]);
    }
}

#[test]
fn a_client_program_comes_with_its_kit() {
    let tools = [("python", "python3"), ("javascript", "node")];
    for (language, tool) in tools.into_iter().filter(|(_, tool)| has(tool, "--version")) {
        let room = Room::new();
        let told = ["wrote ./mine.toml", "fracas validate ./mine.toml"];
        room.run(&["init", "mine", "--program", language]).assert_code(0).assert_stdout(&told);
        let started = format!("its client program `{tool} ./client.");
        let expected = ["it serves read, write", &started];
        room.run(&["validate", "./mine.toml"]).assert_code(0).assert_stdout(&expected);
    }
    // These must be made first.
    for (language, made) in [("go", "go build"), ("java", "javac"), ("rust", "rustc")] {
        let room = Room::new();
        room.run(&["init", "mine", "--program", language]).assert_code(0).assert_stdout(&[made]);
    }
}

#[test]
fn nothing_is_replaced_and_a_name_is_a_name() {
    let room = Room::new();
    room.file("mine.toml", "");
    let taken = ["`./mine.toml` is there already: nothing was written"];
    room.run(&["init", "mine", "--program", "python"]).assert_code(64).assert_stderr(&taken);
    assert!(!room.path("client.py").exists());
    let name = ["`My Server` cannot be the name of a target"];
    room.run(&["init", "My Server"]).assert_code(64).assert_stderr(&name);
}
