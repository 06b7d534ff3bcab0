//! Steps before the load: what they do, and what comes of those that fail.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::{Ended, Room, events, has_fuse, lab};

/// The reference cluster's own target file, with these steps before the load.
fn target(room: &Room, steps: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../targets/builtin/regent.toml");
    let text = fs::read_to_string(file).expect("the target file");
    let path = text.replacen("path = \"regent\"", &format!("path = {:?}", room.regent()), 1);
    let name = path.replacen("name = \"regent\"", "name = \"set-up\"", 1);
    room.file("set-up.toml", &name.replacen("[status]\n", &format!("{steps}\n[status]\n"), 1));
}

/// Runs the reference cluster for a moment, with these steps.
fn run(room: &Room, steps: &str) -> Ended {
    target(room, steps);
    let flags = "run set-up.toml --workload register --nodes 3 --seed 5 --time 2s --faults none";
    let flags: Vec<&str> = flags.split_whitespace().collect();
    let ended = room.run(&flags);
    room.assert_nothing_left();
    ended
}

/// The notes of the only run.
fn notes(room: &Room) -> Vec<String> {
    let events = events(&room.only_run());
    events.iter().filter_map(|event| Some(event["text"].as_str()?.to_owned())).collect()
}

#[test]
fn steps_are_taken_in_order_where_they_belong() {
    let Some(_lab) = lab() else { return };
    let room = Room::new();
    let twice = r#"echo x >> tries; hostname; test $(wc -l < tries) -ge 3"#;
    let steps = format!(
        r#"
[[setup]]
on = "n2"
command = ["/bin/sh", "-c", {twice:?}]
again-for = "60s"

[[setup]]
on = "clients"
command = ["/bin/sh", "-c", "cat {{{{ target.dir }}}}/word; exit 9"]
expect = {{ text = '^hello' }}
"#
    );
    room.file("word", "hello");
    let ended = run(&room, &steps);
    ended.assert_no_anomaly().assert_stderr(&["fracas: setup: step 1 of 2, on n2, took "]);
    let page = fs::read_to_string(room.only_run().join("report.html")).expect("a page");
    assert!(page.contains("setup: step 1 of 2, on n2, took "), "{page}");
    let notes = notes(&room);
    let steps: Vec<&String> = notes.iter().filter(|note| note.starts_with("setup: ")).collect();
    let [first, second] = &steps[..] else { panic!("{notes:?}") };
    assert!(first.starts_with("setup: step 1 of 2, on n2, took "), "{first}");
    assert!(first.contains(" s and 3 attempts: `/bin/sh -c "), "{first}");
    assert!(second.starts_with("setup: step 2 of 2, on clients, took "), "{second}");
    assert!(!second.contains("attempts"), "{second}");
    let tries = room.only_run().join("nodes/n2/tries");
    assert_eq!(fs::read_to_string(tries).expect("where the node is"), "x\nx\nx\n");
}

/// There is no test then, and nothing that the target could be blamed for.
#[test]
fn a_step_that_fails_ends_the_run() {
    let Some(_lab) = lab() else { return };
    for (step, told) in [
        (
            "on = \"clients\"\ncommand = [\"/bin/sh\", \"-c\", \"echo first; echo last >&2; exit 3\"]",
            "step 1 of 1 of `setup`, on clients, failed: it ended with status 3, expected status 0, \
             after 1 attempt in ",
        ),
        (
            "on = \"n1\"\ncommand = [\"/bin/sh\", \"-c\", \"echo last\"]\nexpect = { text = 'first' }\n\
             again-for = \"500ms\"",
            "on n1, failed: its output does not match `first`, after ",
        ),
        (
            "on = \"n3\"\ncommand = [\"no-such-last\"]\nexpect = { text = 'no-such' }",
            "on n3, failed: it ended with status 127 (it could not be started)",
        ),
        (
            "on = \"n1\"\ncommand = [\"/bin/sh\", \"-c\", \"echo last; exec sleep 1000\"]\n\
             within = \"1s\"",
            "on n1, failed: it did not end in time",
        ),
    ] {
        let room = Room::new();
        let ended = run(&room, &format!("[[setup]]\n{step}\n"));
        ended.assert_code(3).assert_stderr(&[told, "end of its output:\n    ", "last"]);
        let results = room.only_run().join("results.json");
        let results = fs::read_to_string(results).expect("results");
        assert!(results.contains("\"verdict\": \"error\""), "{results}");
    }
}

#[test]
fn what_a_step_needs_is_told_before() {
    let room = Room::new();
    target(
        &room,
        "[[setup]]\non = \"n2\"\ncommand = [\"no-such-tool\", \"{{ node.ip }}\"]\nagain-for = \"30s\"\n\
         [[setup]]\non = \"clients\"\ncommand = [\"{{ target.dir }}/gone\"]\n",
    );
    room.run(&["validate", "set-up.toml", "--show-commands"])
        .assert_code(0)
        .assert_stdout(&[
            "setup 1, on n2\n  command  no-such-tool 10.77.0.2\n  expects  status 0, within 30s, \
             tried again for 30s\n",
            "setup 2, on clients\n  command  ./gone\n",
        ])
        .assert_stderr(&[
            "step 1 of `setup` runs `no-such-tool`, which is not in `PATH`",
            "step 2 of `setup` runs `./gone`, which is not there",
        ]);
    room.run(&["run", "set-up.toml", "--nodes", "1", "--dry-run"])
        .assert_code(64)
        .assert_stderr(&["a step of `setup` of target `set-up` runs on n2", "1 node", "`--nodes`"]);
}

/// A server of two nodes that serves nobody before it is told its members. It does not fsync what it
/// was told.
const CLUB: &str = r#"#!/usr/bin/env python3
import json, os, sys, threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.request import Request, urlopen

if sys.argv[1] == "create":
    members = sys.argv[2:]
    for member in members:
        urlopen(Request(f"http://{member}/join", json.dumps(members).encode()), timeout=5).read()
    print(f"created a club of {len(members)}")
    sys.exit()

own, data = sys.argv[1:]
known = os.path.join(data, "members")
members = json.load(open(known)) if os.path.exists(known) else []
log = open(os.path.join(data, "log"), "a+b", buffering=0)
log.seek(0)
lines = [line for line in log if line.endswith(b"\n")]
log.truncate(sum(map(len, lines)))
registers = dict(map(json.loads, lines))
lock = threading.Lock()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    log_message = lambda *_: None

    def answer(self, status, **fields):
        body = json.dumps(fields).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def operate(self):
        global members
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or "{}")
        with lock:
            if self.path == "/health":
                return self.answer(200)
            if self.path == "/join":
                members = body
                with open(known, "w") as file:
                    json.dump(members, file)
                return self.answer(200)
            if members[:1] != [own]:
                return self.answer(503)
            key = self.path.split("/")[2]
            if self.command == "PUT":
                log.write(json.dumps([key, body["value"]]).encode() + b"\n")
                os.fsync(log.fileno())
                registers[key] = body["value"]
                return self.answer(200)
            value = registers.get(key)
            self.answer(404 if value is None else 200, value=value)

    do_GET = do_PUT = do_POST = operate


host, port = own.rsplit(":", 1)
ThreadingHTTPServer((host, int(port)), Handler).serve_forever()
"#;

/// Its target file, but for its steps.
const CLUB_TARGET: &str = r#"schema = 1
name = "club"
description = "two nodes in Python, of which the first serves once it is told so"

[binary]
path = "club.py"

[cluster]
nodes = 2
ports = { http = 8000 }

[node]
command = ["{{ binary }}", "{{ node.ip }}:{{ port.http }}", "{{ node.dir }}/data"]
data = ["{{ node.dir }}/data"]

[ready]
node = { path = "/health", status = 200, within = "60s" }

[client]
base = "http://{{ node.ip }}:{{ port.http }}"
connect-timeout = "500ms"
timeout = "2s"

[ops.read]
method = "GET"
path = "/kv/{{ key }}"
answers = [
  { status = 200, is = "ok", value = { json = "/value" } },
  { status = 404, is = "ok", value = "absent" },
]

[ops.write]
method = "PUT"
path = "/kv/{{ key }}"
json = '{"value": {{ value }}}'
answers = [{ status = 200, is = "ok" }, { status = 503, is = "fail" }]

[promises]
registers = "linearizable"
recovery = "20s"

[faults]
kill = true
power = true
"#;

/// As `redis-cli --cluster create` is run.
const CREATE: &str = r#"
[[setup]]
on = "n1"
command = ["{{ binary }}", "create", MEMBERS]
expect = { text = '^created a club of 2' }
"#;

fn has_python() -> bool {
    let mut python = Command::new("python3");
    python.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
    let there = python.status().is_ok_and(|status| status.success());
    if !there {
        println!("skipped: there is no python3");
    }
    there
}

/// Makes the target of two nodes, with its step or without.
fn club(room: &Room, create: bool) {
    let members = (1..=2).map(|node| format!("\"10.77.0.{node}:{{{{ port.http }}}}\""));
    let members: Vec<String> = members.collect();
    let step = CREATE.replace("MEMBERS", &members.join(", "));
    room.script("club.py", CLUB);
    room.file("club.toml", &format!("{CLUB_TARGET}{}", if create { &step } else { "" }));
}

/// What a step has written survives a power failure, though the server never fsynced it.
#[test]
fn a_cluster_is_put_together_once_and_stays_so() {
    let Some(_lab) = lab() else { return };
    if !has_python() {
        return;
    }
    let faults = if has_fuse() { "power" } else { "kill" };
    let room = Room::new();
    club(&room, true);
    let flags = ["run", "club.toml", "--time", "12s", "--seed", "1", "--faults", faults];
    let ended = room.run(&flags);
    room.assert_nothing_left();
    ended.assert_no_anomaly().assert_stderr(&["setup: step 1 of 1, on n1, took "]);

    let room = Room::new();
    club(&room, false);
    room.run(&flags).assert_code(3).assert_stderr(&["no node answers"]);
}

/// It starts all nodes, since the steps may need them.
#[test]
fn a_rehearsal_takes_the_steps() {
    let Some(_lab) = lab() else { return };
    if !has_python() {
        return;
    }
    let room = Room::new();
    club(&room, true);
    room.run(&["client-test", "club.toml"])
        .assert_code(0)
        .assert_stderr(&[
            "setup: step 1 of 1, on n1, took ",
            "create 10.77.0.1:8000 10.77.0.2:8000",
        ])
        .assert_stdout(&["  ok"]);
}
