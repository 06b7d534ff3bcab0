//! Servers that end by themselves because of a fault on which they may give up.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use crate::support::{Room, events, has_fuse, lab};

/// The toy server and its target.
const TOY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/toy-kv");

/// What the toy server does at a failed fsync: it says so, and ends two seconds later.
const ENDS_LATE: &str = "
    try:
        os.fsync(log.fileno())
    except OSError as error:
        print(error, flush=True)
        threading.Event().wait(2)
        os._exit(1)
";

fn has_python() -> bool {
    let answers = Command::new("python3").arg("--version").output().is_ok();
    if !answers {
        println!("skipped: python3 is not installed");
    }
    answers
}

/// A toy server that may give up on errors of its disk, and takes its time.
fn late_server(room: &Room) -> String {
    let server = fs::read_to_string(format!("{TOY}/server.py")).unwrap();
    room.script("server.py", &server.replace("    os.fsync(log.fileno())\n", ENDS_LATE));
    let target = fs::read_to_string(format!("{TOY}/toy-kv.toml")).unwrap();
    let target = target
        .replace("\n[ready]", "data = [\"{{ node.dir }}/data\"]\n\n[ready]")
        .replace("/registers\"", "/data/registers\"")
        .replace("kill = true\npause = true", "disk = true")
        .replace("recovery = \"10s\"", "recovery = \"10s\"\ngives-up-on = [\"disk-errors\"]");
    room.file("late.toml", &target)
}

/// It is started again though the fault was healed before it ended.
#[test]
fn a_server_that_gives_up_late_is_started_again() {
    let Some(_lab) = lab().filter(|_| has_fuse() && has_python()) else { return };
    let room = Room::new();
    let target = late_server(&room);
    let act = json!({ "kind": "disk", "trouble": { "does": "fsync-fails" }, "whom": "all" });
    let planned = json!([{ "at_ms": 1_000, "lasts_ms": 1_000, "act": act }]);
    let schedule = json!({ "schema": "fracas.schedule/2", "planned": planned });
    let schedule = room.file("plan.json", &schedule.to_string());
    let ended = room.run(&["run", &target, "--schedule", &schedule, "--time", "8s"]);
    assert_ne!(ended.code, Some(1), "{ended:#?}");
    ended.assert_stderr(&["fsync fails) allows it"]);
    let events = events(&room.only_run());
    let changes = events.iter().filter(|event| event["event"] == "node");
    let changes: Vec<&Value> = changes.map(|event| &event["change"]["what"]).collect();
    assert_eq!(changes, ["started", "exited", "started", "stopped"], "{ended:#?}");
    room.assert_nothing_left();
}
