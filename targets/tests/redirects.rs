//! Answers that send an operation to another node: followed where the file declares it, to nodes of
//! the cluster only, by the words of each protocol.

#[path = "support/scripted.rs"]
mod scripted;
mod support;

use std::path::Path;

use fracas_checker::{Completion, NodeId, Op, ProcessId};
use fracas_targets::{Attempt, Client, Deployment, Target};
use scripted::{Scripted, answer_of};

const N1: NodeId = NodeId(1);
const P7: ProcessId = ProcessId(7);
const BOTH: &str = "redirects = \"moved\"\n";

fn write() -> Op {
    Op::Write { key: "k".into(), value: 1.into() }
}

/// A sample target with this port, and with or without the declaration.
fn deploy(text: &str, port: u16, declared: bool) -> Deployment {
    let text = text.replace("8001", &port.to_string()).replace("7001", &port.to_string());
    let text = text.replace("redirects = 0\n", "");
    let text =
        if declared { text.replace("[client]\n", &format!("[client]\n{BOTH}")) } else { text };
    let target = Target::parse("sample.toml", &text, &support::FAULTS)
        .unwrap_or_else(|error| panic!("{error}"));
    target.deploy(&support::loopback("server", 3, Path::new("/nodes"))).unwrap()
}

/// How an attempt ended, in words.
fn told(completion: &Completion) -> String {
    match completion {
        Completion::Ok { .. } => "ok".to_owned(),
        Completion::Fail { error } => format!("fail {error}"),
        Completion::Info { error } => format!("info {error}"),
    }
}

/// Follows where the first answer leads, if it does; what came of it.
async fn followed(client: &Client, attempt: &Attempt) -> Option<String> {
    let redirect = attempt.redirect.as_ref()?;
    let next = client.follow(redirect, P7, &write()).await;
    Some(format!("{}: {}", redirect.node(), told(&next.completion)))
}

fn at(node: u8) -> String {
    support::address(node).to_string()
}

#[tokio::test]
async fn http_is_followed_by_its_location() {
    let servers = Scripted::start(2).await;
    let port = servers.port;
    let (n2, n9) = (format!("http://{}:{port}", at(2)), format!("http://{}:{port}", at(9)));
    servers.answers(2, &answer_of(201, "", ""));
    let (put, rest) = ("PUT /moved/k?lead=1 HTTP/1.1", r#"{"value": 1"#);
    for (status, location, leads) in [
        (307, format!("{n2}/moved/k?lead=1"), true),
        (308, format!("http://N2:{port}/moved/k?lead=1"), true),
        (307, format!("{n9}/moved/k"), false),
        (307, format!("http://{}:1/moved/k", at(2)), false),
        (307, format!("https://{}:{port}/moved/k", at(2)), false),
        (302, format!("{n2}/moved/k"), false),
        (307, "no address".to_owned(), false),
    ] {
        servers.answers(1, &answer_of(status, &format!("location: {location}\r\n"), ""));
        let client = deploy(include_str!("valid.toml"), port, true).client().unwrap();
        let attempt = client.attempt(N1, P7, &write()).await;
        let outcome = followed(&client, &attempt).await;
        if leads {
            let expected = format!("fail redirected to n2: HTTP {status} (location: {location}) ");
            assert_eq!(told(&attempt.completion), expected.trim_end());
            assert_eq!(outcome.as_deref(), Some("n2: ok"), "{location}");
            let request = servers.heard(2);
            assert!(request.starts_with(put) && request.contains(rest), "{request}");
        } else {
            assert_eq!(outcome, None, "{location}");
            let error = told(&attempt.completion);
            assert!(
                error.starts_with(&format!("info no rule for the answer HTTP {status}")),
                "{error}"
            );
        }
        let client = deploy(include_str!("valid.toml"), port, false).client().unwrap();
        let attempt = client.attempt(N1, P7, &write()).await;
        assert_eq!(attempt.redirect, None, "nothing is followed undeclared");
    }
}

/// Whatever a path looks like, the request goes to the node that was named.
#[tokio::test]
async fn a_path_that_looks_like_an_address_is_a_path() {
    let servers = Scripted::start(3).await;
    let location = format!("http://{}:{}//{}/k", at(2), servers.port, at(3));
    servers.answers(1, &answer_of(307, &format!("location: {location}\r\n"), ""));
    servers.answers(2, &answer_of(200, "", ""));
    let client = deploy(include_str!("valid.toml"), servers.port, true).client().unwrap();
    let attempt = client.attempt(N1, P7, &write()).await;
    assert_eq!(followed(&client, &attempt).await.as_deref(), Some("n2: ok"));
    assert_eq!(servers.heard(3), "", "n3 was asked nothing");
}

#[tokio::test]
async fn redis_is_followed_by_moved_and_ask() {
    let servers = Scripted::start(2).await;
    let port = servers.port;
    let set = "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\n1\r\n";
    let ask = format!("*1\r\n$6\r\nASKING\r\n{set}");
    let moved = |to: &str| format!("-MOVED 3999 {to}\r\n");
    for (answer, next, expected) in [
        (moved(&format!("{}:{port}", at(2))), "+OK\r\n", Some(("n2: ok", set))),
        (moved(&format!("n2:{port}")), "+OK\r\n", Some(("n2: ok", set))),
        (format!("-ASK 3999 {}:{port}\r\n", at(2)), "+OK\r\n+OK\r\n", Some(("n2: ok", &ask[..]))),
        (
            format!("-ASK 3999 {}:{port}\r\n", at(2)),
            "+OK\r\n-TRYAGAIN not yet\r\n",
            Some(("n2: info no rule for the answer TRYAGAIN not yet", &ask[..])),
        ),
        (moved(&format!("{}:{port}", at(9))), "", None),
        (moved(&format!("?:{port}")), "", None),
        (moved("nonsense"), "", None),
        ("-MOVED\r\n".to_owned(), "", None),
        (format!("-CLUSTERDOWN 3999 {}:{port}\r\n", at(2)), "", None),
    ] {
        servers.answers(1, &answer);
        servers.answers(2, next);
        let client = deploy(include_str!("valid-redis.toml"), port, true).client().unwrap();
        let attempt = client.attempt(N1, P7, &write()).await;
        let outcome = followed(&client, &attempt).await;
        assert_eq!(outcome.as_deref(), expected.map(|(outcome, _)| outcome), "{answer}");
        let word = if expected.is_some() { "fail redirected to n2: " } else { "info no rule" };
        let error = told(&attempt.completion);
        assert!(error.starts_with(word), "{error}");
        if let Some((_, sent)) = expected {
            assert_eq!(servers.heard(2), sent);
        }
    }
}

/// `MOVED 3999 :7001` means the host that was asked.
#[tokio::test]
async fn a_host_that_is_left_out_is_the_one_that_was_asked() {
    let servers = Scripted::start(1).await;
    servers.answers(1, &format!("-MOVED 3999 :{}\r\n", servers.port));
    let client = deploy(include_str!("valid-redis.toml"), servers.port, true).client().unwrap();
    let attempt = client.attempt(N1, P7, &write()).await;
    assert_eq!(attempt.redirect.map(|redirect| redirect.node()), Some(N1));
}
