//! What `fracas check` and `fracas convert` make of the words on their command line: pipes,
//! directories, files of other tools, and several of them at once.

use std::fs;

use serde_json::Value;

use crate::cli_check::{HEADER, history};
use crate::support::Room;

/// A register that is read as 0 before anything was written.
const READ_0: &str = "{:process 0, :type :invoke, :f :read, :value nil}
{:process 0, :type :ok, :f :read, :value 0}
{:process 0, :type :invoke, :f :write, :value 1}
{:process 0, :type :ok, :f :write, :value 1}
";

#[test]
fn pipes_are_read_like_files() {
    let room = Room::new();
    room.file("right.jsonl", &history("1"));
    room.file("zero.edn", READ_0);
    for (script, code) in [
        ("$FRACAS check <(cat right.jsonl)", 0),
        ("$FRACAS check --initial 0 <(gzip -c zero.edn)", 0),
        ("mkfifo pipe; cat right.jsonl > pipe & $FRACAS check pipe", 0),
        ("cat right.jsonl | $FRACAS check /dev/stdin", 0),
        ("cat right.jsonl | $FRACAS check -", 0),
        ("$FRACAS convert --to fracas <(cat zero.edn) | $FRACAS check -", 1),
    ] {
        room.finish(&mut room.shell(script)).assert_code(code);
    }
}

#[test]
fn a_directory_or_a_binary_file_says_what_to_give_instead() {
    let room = Room::new();
    fs::create_dir(room.path("store")).unwrap();
    let ended = room.run(&["check", "store"]);
    ended.assert_code(64).assert_stderr(&[
        "`store`: a directory without `history.jsonl`",
        "expected a file, the name of a run or a run directory",
    ]);
    fs::write(room.path("store/history.edn"), READ_0).unwrap();
    fs::write(room.path("store/history.txt"), "").unwrap();
    let ended = room.run(&["check", "store/"]);
    ended.assert_code(64).assert_stderr(&["expected `store/history.edn`, which is in it"]);
    fs::write(room.path("store/test.jepsen"), b"JEPSEN\0\0\0\x01\xff").unwrap();
    let ended = room.run(&["check", "store/test.jepsen"]);
    ended.assert_code(64).assert_stderr(&["Jepsen's binary file", "`history.edn`"]);
}

#[test]
fn an_initial_value_is_told_by_a_flag() {
    let room = Room::new();
    let file = room.file("zero.edn", READ_0);
    room.run(&["check", &file]).assert_code(2).assert_stdout(&["expected `--initial 0`"]);
    room.run(&["check", &file, "--initial", "0"])
        .assert_code(0)
        .assert_stdout(&["note: `register` held 0 at first, as was told"]);
    room.run(&["check", &file, "--initial=-1"]).assert_code(1);
    room.run(&["check", &file, "--model", "queue", "--initial", "0"]).assert_code(64);
    // Converted, it is the first operation.
    let ours = room.path("ours.jsonl").display().to_string();
    room.run(&["convert", &file, "--to", "fracas", "--initial", "0", "-o", &ours]).assert_code(0);
    room.run(&["check", &ours]).assert_code(0);
    let edn = room.path("again.edn").display().to_string();
    room.run(&["convert", &ours, "--to", "jepsen-edn", "-o", &edn]).assert_code(0);
    room.run(&["check", &edn]).assert_code(0);
}

#[test]
fn a_torn_history_does_not_pass_by_a_named_model() {
    let room = Room::new();
    let whole = history("1");
    let file = room.file("torn.jsonl", &whole[..whole.len() - 9]);
    room.run(&["check", &file, "--model", "register"])
        .assert_code(2)
        .assert_stdout(&["the last line of the history is torn"]);
    room.file("mark.jsonl", &format!("\u{feff}{whole}"));
    room.run(&["check", "mark.jsonl"]).assert_code(0);
}

#[test]
fn a_misfit_model_is_refused_with_the_one_that_would_fit() {
    let room = Room::new();
    let file = room.file("zero.edn", READ_0);
    let ended = room.run(&["check", &file, "--model", "queue"]);
    ended.assert_code(64).assert_no_stdout();
    ended.assert_stderr(&[
        "zero.edn`: `queue` serves none of its operations (`read` and `write`)",
        "expected `--model register`",
    ]);
}

#[test]
fn nothing_that_took_effect_is_said_to_be_the_reason() {
    let room = Room::new();
    let failed = "{:process 0, :type :invoke, :f :write, :value 1}\n\
                  {:process 0, :type :fail, :f :write, :value 1}\n";
    let file = room.file("failed.edn", failed);
    let reason = "no operation that may have taken effect was recorded";
    room.run(&["check", &file]).assert_code(2).assert_stdout(&[reason]);
    let file = room.file("empty.jsonl", &format!("{HEADER}\n"));
    room.run(&["check", &file]).assert_code(2).assert_stdout(&[reason]);
}

#[test]
fn json_is_one_line_per_file_with_its_name_and_notes() {
    let room = Room::new();
    let right = room.file("right.jsonl", &history("1"));
    let zero = room.file("zero.edn", READ_0);
    let ended = room.run(&["check", &right, &zero, "missing", "--format", "json"]);
    ended.assert_code(64);
    let lines: Vec<Value> =
        ended.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let told = |line: &Value| {
        let word = |name: &str| line[name].as_str().unwrap_or("none").to_owned();
        [word("file"), word("status"), word("format")]
    };
    let none = || "none".to_owned();
    assert_eq!(
        lines.iter().map(told).collect::<Vec<_>>(),
        [
            [right, "pass".to_owned(), "fracas".to_owned()],
            [zero, "inconclusive".to_owned(), "jepsen-edn".to_owned()],
            ["missing".to_owned(), none(), none()],
        ]
    );
    assert!(lines[1]["notes"][0].as_str().unwrap().contains("not every record has a time"));
    assert!(lines[2]["error"].as_str().unwrap().contains("`missing`"), "{}", lines[2]);
}
