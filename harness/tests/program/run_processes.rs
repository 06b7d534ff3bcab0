//! Nodes of several processes: one waits for the other, each may be hit alone, and the crash of any
//! is found and named.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::{Ended, Room, events, lab, nobody_has_lab};

/// A store that keeps registers in a file, and an agent beside it that needs it to start. Which of
/// them it is says the first argument; what the agent does, the second.
const PAIR: &str = r#"
import http.server, json, os, socket, sys, threading, time, urllib.request

ip, port, agent_port, file = sys.argv[3], int(sys.argv[4]), int(sys.argv[5]), sys.argv[6]
lock = threading.Lock()

class Store(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def answer(self, code, value):
        body = json.dumps(value).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def do_GET(self):
        with lock:
            self.answer(200, {"value": load().get(self.path)})
    def do_PUT(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with lock:
            all = load()
            all[self.path] = asked["value"]
            with open(file + ".new", "w") as out:
                json.dump(all, out)
                out.flush()
                os.fsync(out.fileno())
            os.rename(file + ".new", file)
        self.answer(200, {})
    def log_message(self, *words):
        pass

def load():
    try:
        with open(file) as text:
            return json.load(text)
    except FileNotFoundError:
        return {}

if sys.argv[1] == "store":
    time.sleep(0.4)
    print("store listens", flush=True)
    http.server.ThreadingHTTPServer((ip, port), Store).serve_forever()
urllib.request.urlopen(f"http://{ip}:{port}/kv/none", timeout=2).read()
print("agent finds the store", flush=True)
door = socket.create_server((ip, agent_port))
if sys.argv[2] == "crash":
    time.sleep(4)
    print("agent: fatal: nothing left to do", flush=True)
    sys.exit(7)
while True:
    door.accept()[0].close()
"#;

/// Clients, operations and promises of a store.
const STORE: &str = r#"
[client]
base = "http://{{ node.ip }}:{{ port.store }}"
connect-timeout = "500ms"
timeout = "1s"

[ops.read]
method = "GET"
path = "/kv/{{ key }}"
answers = [{ status = 200, is = "ok", value = { json = "/value" } }]

[ops.write]
method = "PUT"
path = "/kv/{{ key }}"
json = '{"value": {{ value }}}'
answers = [{ status = 200, is = "ok" }]

[promises]
registers = "linearizable"
recovery = "6s"

[faults]
kill = true
pause = true
restart = true
"#;

/// Writes the target file of one node with a store and an agent.
fn pair(room: &Room, does: &str) {
    let script = room.file("pair.py", PAIR);
    let arguments = "\"{{ node.ip }}\", \"{{ port.store }}\", \"{{ port.agent }}\", \"{{ node.dir }}/data.json\"";
    let processes = format!(
        r#"schema = 1
name = "pair"
description = "a store, and an agent beside it"

[binary]
path = "/usr/bin/python3"
others = {{ keeper = "/usr/bin/python3" }}

[cluster]
nodes = 1
ports = {{ store = 8001, agent = 8002 }}

[node]
reads = [{script:?}]

[[node.process]]
name = "agent"
command = ["{{{{ binary.keeper }}}}", {script:?}, "agent", "{does}", {arguments}]
ready = {{ tcp = "{{{{ port.agent }}}}" }}
after = "store"
logs = ["stdout"]
faults = ["pause", "kill"]

[[node.process]]
name = "store"
command = ["{{{{ binary }}}}", {script:?}, "store", "-", {arguments}]
ready = {{ path = "/kv/none", status = 200 }}
"#
    );
    room.file("pair.toml", &format!("{processes}{STORE}"));
}

/// Pauses and kills the agent alone, then kills and restarts the node.
const SCHEDULE: &str = r#"{"schema": "fracas.schedule/2", "planned": [
  {"at_ms": 500, "lasts_ms": 1500, "act": {"kind": "pause", "process": "agent"}},
  {"at_ms": 500, "after": {"heal": 1}, "lasts_ms": 1000, "act": {"kind": "kill", "process": "agent"}},
  {"at_ms": 500, "after": {"heal": 2}, "lasts_ms": 500, "act": {"kind": "kill"}},
  {"at_ms": 500, "after": {"heal": 3}, "lasts_ms": 500, "act": {"kind": "restart"}}]}"#;

const FLAGS: [&str; 7] = [
    "run",
    "pair.toml",
    "--workload=register",
    "--schedule=acts.json",
    "--seed=1",
    "--rate=60/s",
    "--extend=60s",
];

/// The times from when to when each fault was in effect, by its number from 1.
fn effective(events: &[Value]) -> Vec<(u64, u64)> {
    let proof = |id: u64, stage: &str| {
        let found = events
            .iter()
            .find(|event| event["step"] == "proof" && event["id"] == id && event["stage"] == stage);
        found.unwrap_or_else(|| panic!("fault {id} was not measured when {stage}"))
    };
    let time = |value: &Value| value.as_u64().expect("a time");
    let span = |id| (time(&proof(id, "injected")["time"]), time(&proof(id, "held")["since"]));
    (1..=4).map(span).collect()
}

/// All that the first test and that of an ordinary user look at.
#[track_caller]
fn hit_alone_and_together(room: &Room, ended: &Ended) {
    ended.assert_code(0);
    let run = room.only_run();
    let events = events(&run);
    let measured = events.iter().filter(|event| event["step"] == "proof");
    let measured = measured.flat_map(|event| event["measurements"].as_array().expect("a list"));
    let failed: Vec<&Value> = measured.filter(|measured| measured["holds"] == false).collect();
    assert!(failed.is_empty(), "{failed:#?}");
    let effects: Vec<&Value> = events
        .iter()
        .filter(|it| it["step"] == "begin")
        .map(|it| &it["fault"]["effects"][0])
        .collect();
    let words: Vec<&Value> = effects.iter().map(|effect| &effect["effect"]).collect();
    assert_eq!(words, ["process-stopped", "process-down", "node-down", "node-down"]);
    assert_eq!(effects[0]["process"], "agent");
    let answered = |(from, to): (u64, u64)| {
        let within =
            |event: &&Value| (from..=to).contains(&event["time"].as_u64().expect("a time"));
        let ok =
            |event: &&Value| event["event"] == "complete" && event["completion"]["type"] == "ok";
        events.iter().filter(within).filter(ok).count()
    };
    let spans = effective(&events);
    for alone in &spans[..2] {
        assert!(answered(*alone) > 5, "the store answers while the agent does not: {alone:?}");
    }
    assert_eq!(answered(spans[2]), 0, "a node that is killed does not");
    let changes = events.iter().filter(|event| event["event"] == "node");
    let changes: Vec<&str> =
        changes.map(|it| it["change"]["what"].as_str().expect("a word")).collect();
    let whole = ["killed", "started", "killed", "started", "stopped"];
    let alone = ["started", "process-killed", "process-started"];
    assert_eq!(changes, [&alone[..], &whole].concat());
    let log = |name: &str| fs::read_to_string(run.join("nodes/n1").join(name)).expect("a log");
    // An agent that is started before the store listens says so and ends, and that would be a crash.
    // One that is killed soon after its start has said nothing yet.
    for (process, word) in [("agent", "agent finds the store"), ("store", "store listens")] {
        let lines = log(&format!("{process}.stdout"));
        assert!(!lines.is_empty() && lines.lines().all(|line| line == word), "{lines}");
        assert_eq!(log(&format!("{process}.stderr")), "", "{process}");
    }
    let page = fs::read_to_string(run.join("report.html")).expect("a page");
    assert!(page.contains("agent alone"), "the page tells what was hit");
}

#[test]
fn each_process_is_hit_alone_and_all_with_their_node() {
    let Some(_lab) = lab() else { return };
    let room = Room::new();
    pair(&room, "-");
    room.file("acts.json", SCHEDULE);
    hit_alone_and_together(&room, &room.run(&FLAGS));
    room.assert_nothing_left();
}

#[test]
fn an_ordinary_user_hits_each_process_alone() {
    let Some(_lab) = lab() else { return };
    if !nobody_has_lab() {
        return;
    }
    let room = Room::for_everyone();
    pair(&room, "-");
    room.file("acts.json", SCHEDULE);
    let ended = room.finish(&mut room.fracas_as_nobody(&FLAGS));
    hit_alone_and_together(&room, &ended);
    room.assert_nothing_left();
}

#[test]
fn the_crash_of_a_second_process_is_found_and_named() {
    let Some(_lab) = lab() else { return };
    let room = Room::new();
    pair(&room, "crash");
    let flags =
        ["run", "pair.toml", "--workload=register", "--faults=none", "--time=6s", "--seed=1"];
    let headline = "the process `agent` of n1 ended by itself with status 7";
    room.run(&flags).assert_code(1).assert_stdout(&[headline]);
    let run = room.only_run();
    let exited: Vec<Value> =
        events(&run).into_iter().filter(|event| event["change"]["what"] == "exited").collect();
    assert_eq!(exited.len(), 1, "{exited:#?}");
    assert_eq!(exited[0]["change"]["process"], "agent");
    let page = fs::read_to_string(run.join("report.html")).expect("a page");
    assert!(page.contains("of n1 ended by itself with status 7"));
    assert!(page.contains("agent: fatal: nothing left to do"), "its last words");
    assert!(!page.contains("store listens"), "the other one said nothing of it");
}

#[test]
fn a_process_that_does_not_come_up_is_named() {
    let Some(_lab) = lab() else { return };
    let room = Room::new();
    pair(&room, "-");
    let text = fs::read_to_string(room.path("pair.toml")).unwrap();
    let never = text.replace(
        "ready = { path = \"/kv/none\", status = 200 }",
        "ready = { tcp = \"8009\", within = \"2s\" }",
    );
    assert_ne!(never, text);
    room.file("pair.toml", &never);
    let flags =
        ["run", "pair.toml", "--workload=register", "--faults=none", "--time=1s", "--seed=1"];
    let ended = room.run(&flags);
    ended.assert_code(3).assert_stderr(&["process `store` of n1 is not ready at 10.77.0.1:8009"]);
    let run = room.only_run();
    assert!(!run.join("nodes/n1/agent.stdout").exists(), "the agent waits for the store");
}

/// The reference cluster with an idle process beside each server.
fn with_idle(room: &Room) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../targets/builtin/regent.toml");
    let text = fs::read_to_string(file).expect("the target file");
    let named = text.replacen("name = \"regent\"", "name = \"half\"", 1);
    let named = named.replacen("path = \"regent\"", &format!("path = {:?}", room.regent()), 1);
    let (before, rest) = named.split_once("command = [").expect("a command");
    let (command, after) = rest.split_once("\n]\n").expect("its end");
    let (own, sections) = after.split_once("\n[").expect("the next section");
    let processes = format!(
        r#"
[[node.process]]
name = "server"
command = [{command}
]
faults = ["pause"]

[[node.process]]
name = "idle"
command = ["/bin/sleep", "1000"]
"#
    );
    let logs = "logs = [\"server.stdout\", \"server.stderr\"]";
    let own = own.replace("logs = [\"stdout\", \"stderr\"]", logs);
    let sections = sections.replace("file = \"std", "file = \"server.std");
    room.file("half.toml", &format!("{before}{own}\n{processes}\n[{sections}"));
}

#[test]
fn only_one_process_of_the_leaders_node_pauses() {
    let Some(_lab) = lab() else { return };
    let room = Room::new();
    with_idle(&room);
    let flags = [
        "run",
        "half.toml",
        "--workload=leadership",
        "--nodes=3",
        "--faults=pause",
        "--aim=half-pause",
        "--time=12s",
        "--seed=3",
    ];
    room.run(&flags).assert_code(0);
    let events = events(&room.only_run());
    let begun: Vec<&Value> = events.iter().filter(|event| event["step"] == "begin").collect();
    assert!(!begun.is_empty());
    for fault in begun {
        let effect = &fault["fault"]["effects"][0];
        assert_eq!(
            (&effect["effect"], &effect["process"]),
            (&"process-stopped".into(), &"server".into())
        );
    }
    let leader = |event: &&Value| event["source"] == "poll" && event["role"] == "leader";
    let leaders: std::collections::BTreeSet<&str> =
        events.iter().filter(leader).filter_map(|event| event["node"].as_str()).collect();
    assert!(leaders.len() >= 2, "another node leads meanwhile: {leaders:?}");
}

#[test]
fn a_process_that_may_not_be_hit_alone_is_not() {
    let room = Room::new();
    pair(&room, "-");
    room.file("acts.json", &SCHEDULE.replace("agent", "store"));
    let told = "acts.json:2`: act 1: the target lets no process `store` be hit alone by a pause";
    room.run(&FLAGS).assert_code(64).assert_stderr(&[told, "expected one of `agent`"]);
    let aim = ["run", "regent", "--aim=half-pause", "--dry-run"];
    let told = "aim `half-pause` needs a process that a pause may hit alone, and target `regent` names none";
    room.run(&aim).assert_code(64).assert_stderr(&[told]);
}

#[test]
fn every_process_and_program_is_shown_and_looked_for() {
    let room = Room::new();
    pair(&room, "-");
    let shown = room.run(&["validate", "pair.toml", "--show-commands"]);
    let agent = "\n  process agent, when store is ready\n    command  /usr/bin/python3 ";
    shown.assert_code(0).assert_stdout(&[
        agent,
        "\n    ready    connect to 10.77.0.1:8002\n    alone    pause, kill\n",
        "\n  process store\n    command  /usr/bin/python3 ",
        "\n  log      stdout of agent\n",
    ]);
    let text = fs::read_to_string(room.path("pair.toml")).unwrap();
    room.file(
        "pair.toml",
        &text.replace("keeper = \"/usr/bin/python3\"", "keeper = \"no-such-keeper\""),
    );
    let missing = "the program `no-such-keeper` of target `pair`";
    let help = "help: install it, or name it with `--binary keeper=PATH`";
    let validated = room.run(&["validate", "pair.toml"]);
    validated.assert_code(0).assert_stderr(&["warning: failed to find", missing, help]);
    let run = ["run", "pair.toml", "--dry-run", "--faults=none"];
    room.run(&run).assert_code(64).assert_stderr(&[missing, help]);
    let examined = room.run(&["doctor", "pair.toml"]);
    examined.assert_stdout(&["program     no  failed to find the program `no-such-keeper`"]);
    let keeper = room.script("keeper", "#!/bin/sh\n");
    let named = format!("--binary=keeper={keeper}");
    let plan = room.run(&[&run[..], &[&named]].concat()).assert_code(0).json();
    assert_eq!(plan["other_binaries"]["keeper"]["path"], *keeper);
    assert!(plan["repeat"].as_str().unwrap().contains(&named), "{}", plan["repeat"]);
    let unknown = room.run(&[&run[..], &["--binary=kepper=/bin/true"]].concat());
    unknown.assert_code(64).assert_stderr(&["has no program `kepper`: expected one of `keeper`"]);
}

/// What is done for the processes of a node before the load, and a process that tells of it.
const BEFORE: &str = r#"
[[node.process]]
name = "told"
command = ["/bin/sh", "-c", "echo $(id -un) $USER $HOME $(cat made); exec sleep 1000"]

[prepare]
command = ["{{ binary.keeper }}", "-c", "import sys; open(sys.argv[1] + '/made', 'w').write(sys.argv[2])", "{{ prepare.dir }}", "by {{ binary }}"]
key = ["{{ binary.keeper }}"]

[[setup]]
on = "n1"
command = ["{{ binary.keeper }}", "-c", "import socket; socket.create_connection(('{{ node.ip }}', {{ port.agent }}))"]
"#;

/// The step is tried once: it fails unless the last process of the node is ready.
#[test]
fn all_processes_are_ready_before_the_first_step_and_have_the_user() {
    let Some(_lab) = lab() else { return };
    let room = Room::new();
    pair(&room, "-");
    let text = fs::read_to_string(room.path("pair.toml")).unwrap();
    let named = text.replacen("[node]\n", "[node]\nuser = \"keeper\"\n", 1);
    room.file("pair.toml", &named.replacen("\n[client]", &format!("{BEFORE}\n[client]"), 1));
    let flags =
        ["run", "pair.toml", "--workload=register", "--faults=none", "--time=1s", "--seed=1"];
    room.run(&flags).assert_no_anomaly();
    let dir = room.only_run().join("nodes/n1").canonicalize().expect("it is there");
    let said = fs::read_to_string(dir.join("told.stdout")).expect("what it said");
    assert_eq!(said, format!("keeper keeper {} by /usr/bin/python3\n", dir.display()));
}
