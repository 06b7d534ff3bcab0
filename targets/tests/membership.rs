//! How the members of a cluster change: what is sent to whom, what its answers mean, and what is wrong
//! with a section that says so.

mod support;

use std::path::Path;

use axum::Router;
use axum::http::{Method, StatusCode, Uri};
use fracas_checker::NodeId;
use fracas_targets::{Concern, MemberStep, Membership, Target};
use tokio::net::TcpListener;
use tokio::sync::watch;

const N1: NodeId = NodeId(1);
const N3: NodeId = NodeId(3);

/// The members of etcd on nodes of which the second one answers, with this status and text.
struct Cluster {
    members: Membership,
    answer: watch::Sender<(u16, String)>,
    asked: watch::Receiver<String>,
}

impl Cluster {
    async fn start() -> Self {
        let (answer, to_give) = watch::channel((200, String::new()));
        let (heard, asked) = watch::channel(String::new());
        let app = Router::new().fallback(async move |method: Method, uri: Uri, body: String| {
            heard.send_replace(format!("{method} {} {body}", uri.path()));
            let (status, text) = to_give.borrow().clone();
            (StatusCode::from_u16(status).unwrap(), text)
        });
        let listener = TcpListener::bind((support::address(2), 0)).await.unwrap();
        let own = listener.local_addr().unwrap().port().to_string();
        tokio::spawn(async move { axum::serve(listener, app).await });
        let text = Target::builtin_text("etcd").unwrap().replace("2379", &own);
        let target = Target::parse("etcd.toml", &text, &support::FAULTS);
        let target = target.unwrap_or_else(|error| panic!("{error}"));
        let cluster = support::loopback("etcd", 3, Path::new("/nodes"));
        let members = target.deploy(&cluster).unwrap().membership().unwrap();
        Self { members, answer, asked }
    }

    /// What was asked for a step about n1, and what it came to.
    async fn ask(&self, step: MemberStep, status: u16, text: &str) -> (String, Result<(), String>) {
        self.answer.send_replace((status, text.to_owned()));
        let concern = Concern { node: N1, via: NodeId(2), member: "8e9e05".to_owned() };
        let done = self.members.ask(step, &concern).await.map(drop);
        (self.asked.borrow().clone(), done)
    }

    /// What a node is called in this list of members.
    async fn member(&self, node: NodeId, list: &str) -> Result<Option<String>, String> {
        self.answer.send_replace((200, list.to_owned()));
        let concern = Concern { node, via: NodeId(2), member: String::new() };
        let answer = self.members.ask(MemberStep::List, &concern).await?;
        self.members.member(node, &answer)
    }
}

fn peer(node: u8) -> String {
    format!("http://{}:2380", support::address(node))
}

#[tokio::test]
async fn another_node_is_asked_to_remove_and_to_add() {
    let cluster = Cluster::start().await;
    assert!(cluster.members.forgets() && cluster.members.lists());
    let (asked, done) = cluster.ask(MemberStep::Remove, 200, "{}").await;
    assert_eq!(asked, r#"POST /v3/cluster/member/remove {"ID": "8e9e05"}"#);
    assert_eq!(done, Ok(()));
    let (asked, done) = cluster.ask(MemberStep::Add, 200, "{}").await;
    let body = format!(r#"{{"peerURLs": ["{}"]}}"#, peer(1));
    assert_eq!(asked, format!("POST /v3/cluster/member/add {body}"));
    assert_eq!(done, Ok(()));
    let (_, refused) = cluster.ask(MemberStep::Add, 503, "unhealthy cluster").await;
    assert!(refused.unwrap_err().contains("unhealthy cluster"));
}

#[tokio::test]
async fn a_list_tells_who_is_a_member_and_what_it_is_called() {
    let cluster = Cluster::start().await;
    // A member that has not started yet has no name.
    let list = format!(
        r#"{{"members": [{{"ID": "11", "name": "n2", "peerURLs": ["{}"]}},
                        {{"ID": "12", "peerURLs": ["{}"]}}]}}"#,
        peer(2),
        peer(1),
    );
    assert_eq!(cluster.member(N1, &list).await, Ok(Some("12".to_owned())));
    assert_eq!(cluster.member(N3, &list).await, Ok(None));
    for wrong in ["", "{}", r#"{"members": {}}"#, r#"{"error": "no leader"}"#] {
        let why = cluster.member(N1, wrong).await.unwrap_err();
        assert!(why.contains("no list of members at `/members`"), "{why}");
    }
    let nameless = format!(r#"{{"members": [{{"peerURLs": ["{}"]}}]}}"#, peer(1));
    assert!(cluster.member(N1, &nameless).await.unwrap_err().contains("is called nothing"));
}

#[test]
fn a_program_does_it_where_the_other_node_is() {
    let text = VALID.replace(REMOVE, r#"remove = { exec = ["ctl", "-n", "{{ via.id }}", "forget", "{{ node.id }}"], text = "^ok" }"#);
    let target = Target::parse("sample.toml", &text, &support::FAULTS);
    let target = target.unwrap_or_else(|error| panic!("{error}"));
    let members = target.deploy(&support::loopback("s", 3, Path::new("/nodes"))).unwrap();
    let members = members.membership().unwrap();
    let concern = Concern { node: N1, via: N3, member: String::new() };
    let program = members.program(MemberStep::Remove, &concern).unwrap().unwrap();
    assert_eq!(program, ["ctl", "-n", "n3", "forget", "n1"]);
    assert_eq!(members.program(MemberStep::Add, &concern), Ok(None));
    assert!(members.said(MemberStep::Remove, "ok, forgotten").is_ok());
    assert_eq!(members.said(MemberStep::Remove, "not now").unwrap_err(), "not now");
}

/// A valid file, of a server that speaks HTTP, with the section.
static VALID: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| {
    let section = ["[membership]", LIST, LISTED, REMOVE, ADD, "forget = true", "within = \"5s\""];
    let faults = "[faults]\nmembership = true";
    include_str!("valid.toml").replace("[faults]", &format!("{}\n{faults}", section.join("\n")))
});
const LIST: &str = r#"list = { path = "/members" }"#;
const LISTED: &str =
    r#"listed = { at = "/members", node = "/name", is = "{{ node.id }}", id = "/id" }"#;
const REMOVE: &str =
    r#"remove = { method = "DELETE", path = "/members/{{ member }}", status = 204 }"#;
const ADD: &str =
    r#"add = { method = "POST", path = "/members", json = '{"name": "{{ node.id }}"}' }"#;

#[test]
fn mistakes_in_the_section_are_told_where_they_are() {
    assert!(Target::parse("sample.toml", &VALID, &support::FAULTS).is_ok());
    for (from, to, title, key) in [
        (LIST, "", "missing key", "membership.listed"),
        (LISTED, "", "missing key", "membership.list"),
        (REMOVE, "", "missing key", "membership"),
        (
            REMOVE,
            r#"remove = { status = 200 }"#,
            "nothing says how members are asked to remove",
            "membership.remove",
        ),
        (
            REMOVE,
            r#"remove = { path = "/x", exec = ["ctl"] }"#,
            "members are asked to remove in two ways",
            "membership.remove.path",
        ),
        (
            REMOVE,
            r#"remove = { exec = [] }"#,
            "the step names no program",
            "membership.remove.exec",
        ),
        (REMOVE, r#"remove = { path = "members" }"#, "not a path", "membership.remove.path"),
        (
            REMOVE,
            r#"remove = { path = "/{{ membr }}" }"#,
            "unknown variable `membr`",
            "membership.remove.path",
        ),
        (
            REMOVE,
            r#"remove = { path = "/x", status = 9 }"#,
            "`9` is not an HTTP status",
            "membership.remove.status",
        ),
        (
            REMOVE,
            r#"remove = { path = "/x", text = "(" }"#,
            "not a regular expression",
            "membership.remove.text",
        ),
        (
            REMOVE,
            r#"remove = { path = "/x", statu = 1 }"#,
            "unknown key",
            "membership.remove.statu",
        ),
        (
            "at = \"/members\"",
            "at = \"members\"",
            "`members` is not a JSON pointer",
            "membership.listed.at",
        ),
        ("within = \"5s\"", "within = \"5x\"", "`5x` is not a duration", "membership.within"),
        ("forget = true", "forgets = true", "unknown key", "membership.forgets"),
    ] {
        let text = VALID.replacen(from, to, 1);
        let error = Target::parse("sample.toml", &text, &support::FAULTS).unwrap_err();
        assert_eq!((error.title.as_str(), error.key.as_str()), (title, key), "{error}");
    }
    let without = include_str!("valid.toml").replace("[faults]", "[faults]\nmembership = true");
    let error = Target::parse("sample.toml", &without, &support::FAULTS).unwrap_err();
    assert!(error.rendered.contains("needs a section `[membership]`"), "{error}");
}
