//! `fracas check` and `fracas report` on histories and runs that are on disk already.

use std::fs;
use std::io::Write;

use serde_json::Value;

use crate::support::{Room, json};

/// The first line of a history whose registers are to be judged.
pub(crate) const HEADER: &str = r#"{"schema":"fracas.history/1","run":"by-hand","target":"none","seed":0,"nodes":["n1"],"plan":{"checks":["register/linearizable"],"recovery_ms":1000,"coverage":{"ok_per_kind":{},"ok_per_fault_window":0,"elections":0,"effective_faults":0}}}"#;

/// A whole history of one client that writes 1 and then reads `read`.
pub(crate) fn history(read: &str) -> String {
    let events = [
        r#""event":"invoke","process":0,"node":"n1","op":{"f":"write","key":"k1","value":1}"#,
        r#""event":"complete","process":0,"completion":{"type":"ok","outcome":{"f":"write"}}"#,
        r#""event":"invoke","process":0,"node":"n1","op":{"f":"read","key":"k1"}"#,
        &format!(
            r#""event":"complete","process":0,"completion":{{"type":"ok","outcome":{{"f":"read","value":{read}}}}}"#
        ),
        r#""event":"phase","phase":"stop""#,
    ];
    let lines = events.iter().zip(0..);
    let lines = lines
        .map(|(event, at)| format!("{{\"index\":{at},\"time\":{},{event}}}\n", (at + 1) * 1000));
    format!("{HEADER}\n{}", lines.collect::<String>())
}

/// What the server should have answered, and an answer that forgets the write before it.
const RIGHT: &str = "1";
const STALE: &str = "null";

#[test]
fn a_right_history_passes() {
    let room = Room::new();
    let file = room.file("right.jsonl", &history(RIGHT));
    let ended = room.run(&["check", &file]);
    ended.assert_code(0).assert_stdout(&["right.jsonl: pass", "register/linearizable"]);
    assert_eq!(ended.stderr, "");
}

#[test]
fn an_anomaly_is_told_with_exit_1() {
    let room = Room::new();
    let file = room.file("stale.jsonl", &history(STALE));
    let ended = room.run(&["check", &file]);
    ended.assert_code(1).assert_stdout(&["stale.jsonl: anomaly", "register/linearizable"]);
    // Also where nobody reads on: the verdict must not be lost with the text.
    let script = format!("set -o pipefail; $FRACAS check {file} {file} {file} | true");
    room.finish(&mut room.shell(&script)).assert_code(1);
}

#[test]
fn a_torn_last_line_is_left_out_and_said() {
    let room = Room::new();
    let whole = history(RIGHT);
    for cut in 1..40 {
        let file = room.file("torn.jsonl", &whole[..whole.len() - 1 - cut]);
        let ended = room.run(&["check", &file]);
        ended.assert_code(2).assert_stdout(&["the last line was cut off", "is torn"]);
        ended.assert_stdout(&["pass         register/linearizable"]);
    }
}

#[test]
fn a_malformed_line_is_named_by_its_number() {
    let room = Room::new();
    for (line, from, to) in [
        (1, "fracas.history/1", "fracas.history/99"),
        (2, "invoke", "invok"),
        (3, "\"time\":2000", "\"time\":\"late\""),
        (4, "\"index\":2", "\"index\":7"),
        (3, "{\"index\":1", "{{"),
    ] {
        let file = room.file("bad.jsonl", &history(RIGHT).replacen(from, to, 1));
        let ended = room.run(&["check", &file]);
        ended.assert_code(64).assert_no_stdout();
        ended.assert_stderr(&["bad.jsonl`", &format!("line {line}: ")]);
    }
}

#[test]
fn what_is_no_history_at_all_is_refused() {
    let room = Room::new();
    let mut random = fs::File::create(room.path("noise")).unwrap();
    random.write_all(&[0xff, 0, b'\n', 0x80]).unwrap();
    for (name, text) in [("empty", ""), ("text", "hello\n"), ("list", "[]\n")] {
        let file = room.file(name, text);
        room.run(&["check", &file]).assert_code(64).assert_stderr(&["line 1: "]);
    }
    room.run(&["check", "noise"]).assert_code(64).assert_stderr(&["line 1: "]);
}

#[test]
fn of_several_histories_the_worst_decides() {
    let room = Room::new();
    let right = room.file("right.jsonl", &history(RIGHT));
    let stale = room.file("stale.jsonl", &history(STALE));
    let empty = room.file("empty.jsonl", &format!("{HEADER}\n"));
    room.run(&["check", &right, &empty]).assert_code(2);
    room.run(&["check", &right, &stale, &empty]).assert_code(1);
    let ended = room.run(&["check", &stale, "no-such-file", &right]);
    ended.assert_code(64).assert_stdout(&["stale.jsonl: anomaly", "right.jsonl: pass"]);
}

#[test]
fn json_is_one_document_per_history() {
    let room = Room::new();
    let right = room.file("right.jsonl", &history(RIGHT));
    let stale = room.file("stale.jsonl", &history(STALE));
    let verdict = room.run(&["check", &stale, "--format", "json"]).assert_code(1).json();
    assert_eq!(verdict["status"], "anomaly", "{verdict:#}");
    let both = room.run(&["check", &right, &stale, "--format", "json"]);
    let lines = both.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let statuses: Vec<_> = lines.map(|verdict| verdict["status"].clone()).collect();
    assert_eq!(statuses, ["pass", "anomaly"]);
}

#[test]
fn a_budget_of_no_time_is_inconclusive_not_a_pass() {
    let room = Room::new();
    let file = room.file("right.jsonl", &history(RIGHT));
    let ended = room.run(&["check", &file, "--check-time", "0"]);
    assert!(
        matches!(ended.code, Some(0 | 2)),
        "a history so short may be judged at once: {ended:#?}"
    );
}

/// Makes the directory of a run that is `ended`; returns its path.
pub(crate) fn fabricate(room: &Room, id: &str, ended: &str) -> std::path::PathBuf {
    let run = room.path("runs").join(id);
    fs::create_dir_all(&run).unwrap();
    let record = format!(
        r#"{{"schema":"fracas.run/1","id":"{id}","command":"fracas run regent --seed=5",
        "started":"2026-01-02T03:04:05Z","duration_s":null,"seed":5,
        "tool":{{"name":"fracas","version":"0.0.0"}},
        "target":{{"name":"regent","description":"by hand","version":null,"binary":"/bin/true",
                   "binary_sha256":"","nodes":1}},
        "workloads":["register"],"faults":[],"clients":1,"rate":null,"time_s":1.0,
        "host":{{"kernel":"1","isolation":"root","mechanisms":{{}}}},
        "ended":{{"how":"{ended}"}}}}"#
    );
    fs::write(run.join("run.json"), record).unwrap();
    fs::write(run.join("history.jsonl"), history(STALE)).unwrap();
    run
}

#[test]
fn report_writes_all_four_files_of_a_stored_run() {
    let room = Room::new();
    let run = fabricate(&room, "20260102-030405-regent-register-5", "finished");
    let files = ["report.html", "results.json", "junit.xml", "summary.md"];
    for name in ["20260102", "20260102-030405-regent-register-5", run.to_str().unwrap()] {
        for file in files {
            fs::write(run.join(file), "old").unwrap();
        }
        room.run(&["report", name]).assert_code(0).assert_stdout(&files);
        for file in files {
            let text = fs::read_to_string(run.join(file)).unwrap();
            assert!(text.len() > 100, "{file}: {text}");
        }
    }
    let results = json(&run.join("results.json"));
    assert_eq!(results["verdict"], "anomaly", "{results:#}");
    room.run(&["check", "20260102"]).assert_code(1);
    room.run(&["list", "runs"]).assert_code(0).assert_stdout(&["seed 5: anomaly"]);
}

#[test]
fn report_of_a_run_that_died_says_so() {
    let room = Room::new();
    let run = fabricate(&room, "20260102-030405-regent-register-5", "running");
    room.run(&["report", "2026"]).assert_code(0).assert_stderr(&["has not ended, or it crashed"]);
    assert!(fs::read_to_string(run.join("report.html")).unwrap().contains("died"));
}

#[test]
fn a_report_that_cannot_be_written_is_a_warning() {
    let room = Room::new();
    let run = fabricate(&room, "20260102-030405-regent-register-5", "finished");
    fs::create_dir(run.join("junit.xml")).unwrap();
    let ended = room.run(&["report", "2026"]);
    ended.assert_code(70).assert_stderr(&["warning", "junit.xml"]);
    assert!(!ended.stdout.contains("junit.xml"), "it is not there to be read: {ended:#?}");
    assert!(run.join("report.html").is_file());
}
