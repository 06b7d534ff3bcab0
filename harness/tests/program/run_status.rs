//! Who leads, told by a text or by a program instead of a request in the protocol of the target.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::{Room, events, lab};

/// The reference cluster's own target file, with this instead of its `[status]` request. It answers
/// `GET` over HTTP 1.0 with a text whose last line is JSON.
fn target(room: &Room, status: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../targets/builtin/regent.toml");
    let text = fs::read_to_string(file).expect("the target file");
    let (before, rest) = text.split_once("[status]\n").expect("a status");
    let (_, logs) = rest.split_once("[[status.log]]").expect("a log rule");
    let (_, after) = logs.split_once("[client]").expect("a client");
    let places = r#"
every = "200ms"
atomic = true
role = { regex = '"role":"(\w+)"', map = { leader = "leader", follower = "follower" } }
generation = { regex = '"generation":(\d+)' }
leader = { regex = '"leader":"(n\d+)"' }
"#;
    let name = before.replacen("name = \"regent\"", "name = \"told\"", 1);
    let path = name.replacen("path = \"regent\"", &format!("path = {:?}", room.regent()), 1);
    room.file("told.toml", &format!("{path}[status]\n{status}{places}\n[client]{after}"));
}

/// What nodes were seen to be, by polls: their names, groups and roles.
fn polls(run: &Path) -> BTreeSet<(String, Option<String>, String)> {
    let seen = events(run).into_iter().filter(|event| event["source"] == "poll");
    let text = |value: &Value| value.as_str().map(str::to_owned);
    seen.filter_map(|event| {
        Some((text(&event["node"])?, text(&event["group"]), text(&event["role"])?))
    })
    .collect()
}

#[track_caller]
fn check(status: &str, group: Option<&str>) {
    let Some(_lab) = lab() else { return };
    let room = Room::new();
    target(&room, status);
    let flags = "run told.toml --workload leadership --nodes 3 --seed 5 --time 8s --faults kill";
    let flags: Vec<&str> = flags.split_whitespace().collect();
    room.run(&flags).assert_code(0);
    let polls = polls(&room.only_run());
    let leaders = polls.iter().filter(|(.., role)| role == "leader").count();
    assert!(leaders >= 2, "a killed leader has a successor: {polls:?}");
    assert!(polls.iter().all(|(_, of, _)| of.as_deref() == group), "{polls:?}");
}

#[test]
fn a_text_over_tcp_tells_who_leads() {
    let send = r#"tcp = { port = "{{ port.server }}", send = "GET /status HTTP/1.0\r\n\r\n" }"#;
    check(&format!("{send}\ngroup = \"meta\""), Some("meta"));
}

#[test]
fn a_program_where_the_node_is_tells_who_leads() {
    if !Path::new("/bin/bash").exists() {
        println!("skipped: no /bin/bash");
        return;
    }
    let script = "exec 3<>/dev/tcp/{{ node.ip }}/{{ port.server }}; \
                  printf 'GET /status HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3";
    check(&format!("command = [\"/bin/bash\", \"-c\", {script:?}]"), None);
}

#[test]
fn a_status_is_asked_for_in_one_way() {
    let room = Room::new();
    for (status, wrong) in [
        ("path = \"/status\"\ntcp = { port = \"1\", send = \"x\" }", "in two ways"),
        ("path = \"/status\"\ncommand = [\"x\"]", "in two ways"),
        ("command = []", "names no program"),
        ("tcp = { port = \"{{ node.id }}\", send = \"x\" }", "`n1` is not a port"),
    ] {
        target(&room, status);
        room.run(&["validate", "told.toml"]).assert_code(64).assert_stderr(&[wrong]);
    }
}
