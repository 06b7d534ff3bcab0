//! Servers whose answers are no JSON: told by headers and by whole bodies, as real answers of HTTP.

#[path = "support/scripted.rs"]
mod scripted;
mod support;

use std::path::Path;

use fracas_checker::{Completion, NodeId, Op, Outcome, ProcessId, Value};
use fracas_targets::{Client, Target};
use scripted::{Scripted, answer_of};

/// In place of the operations of the sample target.
const OPS: &str = r#"
[ops.read]
method = "GET"
path = "/{{ key }}"
answers = [
  { status = 200, body = "(none)", is = "ok", value = "absent" },
  { status = 200, headers = { x-role = "^leader$" }, is = "ok", value = "body" },
  { status = 200, headers = { X-Role = "" }, is = "fail", why = "a follower" },
]

[ops.write]
method = "PUT"
path = "/{{ key }}"
answers = [
  { status = 200, body = "stored", is = "ok" },
  { status = 200, body = "not leader", is = "fail", why = "not leader" },
]

[promises]
"#;

fn client(port: u16) -> Client {
    let (before, rest) = include_str!("valid.toml").split_once("[ops.read]").unwrap();
    let (_, after) = rest.split_once("[promises]").unwrap();
    let text = format!("{before}{OPS}{after}").replace("8001", &port.to_string());
    let target = Target::parse("valid.toml", &text, &support::FAULTS)
        .unwrap_or_else(|error| panic!("{error}"));
    let nodes = support::loopback("server", 1, Path::new("/nodes"));
    target.deploy(&nodes).unwrap().client().unwrap()
}

fn told(completion: Completion) -> String {
    match completion {
        Completion::Ok { outcome: Outcome::Read { value }, .. } => match value {
            Some(Value::Int(number)) => format!("number {number}"),
            Some(text) => format!("text {text}"),
            None => "nothing".to_owned(),
        },
        Completion::Ok { .. } => "ok".to_owned(),
        Completion::Fail { error } => format!("fail {error}"),
        Completion::Info { error } => format!("info {error}"),
    }
}

#[tokio::test]
async fn an_answer_is_told_by_its_headers_and_by_its_whole_body() {
    let servers = Scripted::start(1).await;
    let read = || Op::Read { key: "k".into() };
    let write = || Op::Write { key: "k".into(), value: 1.into() };
    for (op, headers, body, expected) in [
        (read(), "x-role: leader\r\n", "17\n", "number 17"),
        (read(), "X-Role: leader\r\n", "-3", "number -3"),
        (read(), "x-role: follower\r\nx-role: leader\r\n", "a b", "text \"a b\""),
        (read(), "x-role: leader\r\n", "(none)", "nothing"),
        (read(), "x-role: follower\r\n", "17", "fail a follower"),
        (read(), "", "17", "fail no rule for the answer HTTP 200 17"),
        (write(), "", "stored\n", "ok"),
        (write(), "", "not leader", "fail not leader"),
        (write(), "", "stored, perhaps", "info no rule for the answer HTTP 200 stored, perhaps"),
    ] {
        servers.answers(1, &answer_of(200, headers, body));
        let completion = client(servers.port).invoke(NodeId(1), ProcessId(7), &op).await;
        assert_eq!(told(completion), expected, "{op}: {headers}{body}");
    }
    assert!(servers.heard(1).starts_with("PUT /k "), "{}", servers.heard(1));
}
