//! Words of a command line that the program does not know, and words that mean the same.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use crate::support::{Room, TINY};

/// What a command line with one wrong word is answered, and what it must not be answered.
#[track_caller]
fn check(args: &[&str], expected: &str, never: &str) {
    let ended = Room::new().run(args);
    ended.assert_code(64).assert_no_stdout().assert_stderr(&[expected]);
    assert!(!ended.stderr.contains(never), "{ended:#?}");
}

#[test]
fn an_unknown_flag_is_answered_by_what_was_meant() {
    for (flag, expected) in [
        ("--junit", "every run writes `report.html`, `junit.xml`"),
        ("--json", "`--format json`"),
        ("--users=3", "did you mean `--clients`?"),
        ("--timeout", "did you mean `--time`?"),
        ("--nemesis", "did you mean `--faults`?"),
        ("--runs", "did you mean `--repeat`?"),
        ("--output-dir", "did you mean `--out`?"),
        ("--no-color", "did you mean `--color`?"),
        ("--bug", "`--arg=--bug=NAME`"),
        ("--fautls", "'--faults'"),
    ] {
        check(&["run", "regent", flag], expected, "'--quiet'");
    }
    check(&["check", "x", "--timeout", "5"], "did you mean `--check-time`?", "`--time`");
    check(&["run", "regent", "--xyzzy"], "unexpected argument '--xyzzy'", "tip:");
}

#[test]
fn a_format_that_cannot_be_written_is_answered_by_one_that_can() {
    for (format, expected) in [
        ("edn", "did you mean `jepsen-edn`?"),
        ("jsonl", "did you mean `fracas`?"),
        ("jepsen", "'jepsen-edn'"),
        ("porcupine", "`fracas` is written as lines of JSON, `jepsen-edn` as"),
    ] {
        check(&["convert", "x", "--to", format], expected, "\u{1b}");
    }
}

#[test]
fn an_unknown_command_is_answered_by_what_was_meant() {
    for (command, expected) in [
        ("test", "did you mean `fracas run`?"),
        ("analyze", "did you mean `fracas check`?"),
        ("lint", "did you mean `fracas validate`?"),
        ("rerun", "fracas replay"),
        ("regent", "`fracas run regent`"),
        ("my.toml", "`fracas run my.toml`"),
        ("history.edn", "`fracas check history.edn`"),
        ("chekc", "'check'"),
    ] {
        check(&[command], expected, "\u{1b}");
    }
}

/// The names that users of Jepsen, k6 and locust know.
#[test]
fn other_names_of_flags_are_understood() {
    let room = Room::new();
    let plan = |args: &[&str]| {
        let line = [&["run", "regent", "--dry-run", "--seed=1"], args].concat();
        let mut plan = room.run(&line).assert_code(0).json();
        plan.as_object_mut().unwrap().remove("repeat");
        plan
    };
    for (ours, theirs) in [
        (["--time", "90s"], ["--time-limit", "1m30s"]),
        (["--time", "90s"], ["--duration", "90"]),
        (["-t", "1.5m"], ["--time", "90000ms"]),
        (["--clients", "3n"], ["--concurrency", "3n"]),
        (["-c", "4"], ["-u", "4"]),
        (["--repeat", "1"], ["--test-count", "1"]),
        (["--check-time", "1m"], ["--check-time", "60"]),
    ] {
        assert_eq!(plan(&ours), plan(&theirs), "{theirs:?}");
    }
    room.run(&["run", "regent", "--dry-run", "--logging-json"]).assert_code(0);
}

/// A workflow sets a variable to an input that may be empty.
#[test]
fn a_variable_that_is_empty_counts_as_unset() {
    let room = Room::new();
    let mut command = room.fracas(&["run", "regent", "--dry-run"]);
    command.envs(["FRACAS_BINARY", "FRACAS_SEED", "FRACAS_OUT"].map(|name| (name, "")));
    room.finish(&mut command).assert_code(0);
    let mut command = room.fracas(&["list", "runs"]);
    room.finish(command.env("FRACAS_OUT", "")).assert_code(0);
}

/// Bytes that are no UTF-8, wherever they stand, are told or taken, and never a panic.
#[test]
fn bytes_that_are_not_utf8_are_no_bug() {
    let room = Room::new();
    room.file("tiny.toml", TINY);
    let bad = OsStr::from_bytes(b"a\xffb");
    let lines: [&[&str]; 10] = [
        &["run", "regent", "--dry-run", "--out"],
        &["run", "regent", "--dry-run", "--arg"],
        &["run", "regent", "--dry-run", "--binary"],
        &["run", "regent", "--dry-run", "--schedule"],
        &["run", "regent", "--seed"],
        &["run"],
        &["check"],
        &["report"],
        &["explain"],
        &["validate"],
    ];
    for line in lines {
        let ended = room.finish(room.fracas(line).arg(bad));
        assert_eq!(ended.code, Some(64), "{line:?}: {ended:#?}");
        assert!(ended.stderr.contains("UTF-8"), "{line:?}: {ended:#?}");
    }
    for line in [&["clean", "--out"], &["list", "runs", "--out"][..]] {
        let ended = room.finish(room.fracas(line).arg(bad));
        assert_eq!(ended.code, Some(0), "{line:?}: {ended:#?}");
    }
    let mut command = room.fracas(&["run", "regent", "--dry-run"]);
    let ended = room.finish(command.env("FRACAS_BINARY", bad));
    ended.assert_code(64).assert_stderr(&["UTF-8"]);
}
