//! The lines that are exchanged with a client program, `fracas.client/1`: what is said, and what
//! answers mean. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use fracas_checker::event::Stamp;
use fracas_checker::op::Tells;
use fracas_checker::{Completion, NodeId, Op, OpKind, ProcessId};
use serde_json::{Map, Value as Json, json};

use crate::answer::unknown;
use crate::arguments::arguments;
use crate::cluster::NodeSpec;
use crate::content::{ValueAs, ValueAt};
use crate::extract::{Body, NodeAs, NodeAt, NumberAt, Place, Written};
use crate::nearest::nearest;
use crate::outcome::{Places, ValueRule, outcome, tells_value};
use crate::spec::Serves;
use crate::text::bounded;

/// The word for telling who leads.
const STATUS: &str = "status";

/// The name of the protocol.
const PROTOCOL: &str = "fracas.client/1";

/// What every client program is told first.
#[derive(Debug, Clone)]
pub(crate) struct Hello {
    pub(crate) nodes: BTreeMap<NodeId, Json>,
    pub(crate) timeout: Duration,
    pub(crate) parameters: BTreeMap<String, String>,
}

/// What is told of a cluster.
pub(crate) fn hello(
    nodes: &[NodeSpec],
    ports: &BTreeMap<String, u16>,
    timeout: Duration,
    parameters: &BTreeMap<String, String>,
) -> Hello {
    let node = |node: &NodeSpec| (node.id, json!({ "ip": node.ip.to_string(), "ports": ports }));
    let nodes = nodes.iter().map(node).collect();
    Hello { nodes, timeout, parameters: parameters.clone() }
}

impl Hello {
    /// The first line.
    pub(super) fn line(&self, client: u64) -> Json {
        let nodes: Map<String, Json> =
            self.nodes.iter().map(|(node, told)| (node.to_string(), told.clone())).collect();
        let timeout = u64::try_from(self.timeout.as_millis()).unwrap_or(u64::MAX);
        json!({
            "hello": PROTOCOL,
            "client": client,
            "nodes": nodes,
            "timeout_ms": timeout,
            "parameters": self.parameters,
        })
    }
}

/// What a program serves by its first line; an error says what was expected.
pub(super) fn ready(line: &str) -> Result<Serves, String> {
    let expected = "`{\"ready\":true,\"serves\":[…]}` was expected as its first line";
    let said = parse(line, expected)?;
    let serves = said.get("serves").and_then(Json::as_array);
    let Some(serves) = serves.filter(|_| said.get("ready") == Some(&Json::Bool(true))) else {
        return Err(wrong(line, expected));
    };
    let is_status = |word: &&Json| word.as_str() == Some(STATUS);
    let ops = serves.iter().filter(|word| !is_status(word)).map(|word| served(word, line));
    Ok(Serves {
        ops: ops.collect::<Result<_, _>>()?,
        status: serves.iter().any(|word| is_status(&word)),
    })
}

fn served(word: &Json, line: &str) -> Result<OpKind, String> {
    let word = word.as_str().unwrap_or_default();
    let found = OpKind::asked().find(|kind| kind.word() == word);
    found.ok_or_else(|| {
        let words: Vec<&str> = OpKind::asked().map(OpKind::word).collect();
        let near = nearest(word, words.iter().copied());
        let near = near.map_or(String::new(), |near| format!("; did you mean `{near}`?"));
        let word = bounded(word);
        let words = words.join(", ");
        wrong(line, &format!("`{word}` is no operation; expected {words} or `status`{near}"))
    })
}

/// A node is to be asked who leads.
pub(super) fn status_of(node: NodeId) -> Json {
    json!({ STATUS: node.to_string() })
}

/// Whether a line is an answer about this node. Which node it is about may be left out.
pub(super) fn tells_of(line: &str, node: NodeId) -> Result<(), String> {
    let expected = format!("`{{\"status\":\"{node}\",\"role\":…}}` was expected");
    let said = parse(line, &expected)?;
    let other = said.get("id").is_some() || said.get("opened").is_some();
    match said.get(STATUS).map(Json::as_str) {
        None if !other => Ok(()),
        Some(Some(told)) if told == node.to_string() => Ok(()),
        _ => Err(wrong(line, &expected)),
    }
}

/// A new process begins.
pub(super) fn opening(process: ProcessId, node: NodeId) -> Json {
    json!({ "open": process.0, "node": node.to_string() })
}

/// Whether a session was opened, or why it was refused.
pub(super) fn opened(line: &str, process: ProcessId) -> Result<Result<(), String>, String> {
    let number = process.0;
    let expected =
        format!("`{{\"opened\":{number}}}` or `{{\"refused\":{number},\"why\":…}}` was expected");
    let said = parse(line, &expected)?;
    let is = |key| said.get(key).and_then(Json::as_u64) == Some(number);
    match (is("opened"), is("refused")) {
        (true, false) => Ok(Ok(())),
        (false, true) => Ok(Err(text(said.get("why"), "refused"))),
        _ => Err(wrong(line, &expected)),
    }
}

/// A process is at its end.
pub(super) fn closed(process: ProcessId) -> Json {
    json!({ "close": process.0 })
}

/// One operation.
pub(super) fn asked(id: u64, op: &Op) -> Json {
    let mut line =
        Map::from_iter([("id".to_owned(), id.into()), ("op".to_owned(), op.kind().word().into())]);
    line.extend(arguments::<Json>(op).map(|(name, value)| (name.to_owned(), value)));
    Json::Object(line)
}

/// The operation that an answer is to.
pub(super) fn id_of(line: &str) -> Option<u64> {
    serde_json::from_str::<Json>(line).ok()?.get("id")?.as_u64()
}

/// Whether an answer says that nobody knows what became of the operation: then nobody knows what
/// became of the connection either.
pub(super) fn is_unknown(line: &str) -> bool {
    serde_json::from_str::<Json>(line).is_ok_and(|said| said.get("info").is_some())
}

/// How the operation ended. An error says why that is no answer to it.
pub(super) fn answered(line: &str, id: u64, op: &Op, hello: &Hello) -> Result<Completion, String> {
    let expected = format!("an answer to operation {id} was expected, with `ok`, `fail` or `info`");
    let said = parse(line, &expected)?;
    match said.get("id") {
        Some(told) if told.as_u64() == Some(id) => {}
        Some(other) => {
            let other = bounded(&other.to_string());
            let line = bounded(line);
            return Err(format!("it wrote `{line}`, but no operation {other} is open: {expected}"));
        }
        None => return Err(wrong(line, &expected)),
    }
    match (said.get("ok"), said.get("fail"), said.get("info")) {
        (Some(ok @ Json::Object(_)), None, None) => Ok(succeeded(ok, op, hello)),
        (None, fail @ Some(_), None) => Ok(Completion::Fail { error: text(fail, "refused") }),
        (None, None, info @ Some(_)) => Ok(unknown(op, &text(info, "unknown"))),
        _ => Err(wrong(line, &expected)),
    }
}

/// What a success told. What it should have told and did not may be the target's doing, so that is
/// no mistake of the program: nobody knows.
fn succeeded(ok: &Json, op: &Op, hello: &Hello) -> Completion {
    let body = Body { json: Some(ok), text: "" };
    match outcome(op, &places(op.kind(), ok), body) {
        Ok(outcome) => Completion::Ok { outcome, stamp: stamp(ok, hello) },
        Err(error) => unknown(op, &error),
    }
}

/// Where a success holds what such an operation answers.
fn places(kind: OpKind, ok: &Json) -> Places {
    let key = match tells_value(kind) {
        Some(Tells::Flag) => "/present",
        Some(Tells::Values) => "/values",
        Some(Tells::Parts) => "/results",
        _ => "/value",
    };
    let number = |pointer: &str| NumberAt {
        place: Place::At(pointer.to_owned()),
        written: Written::default(),
    };
    let value = ValueAt { place: Place::At(key.to_owned()), written: ValueAs::Plain };
    Places {
        value: Some(ValueRule::At(value)),
        version: Some(number("/version")),
        token: ok.get("token").map(|_| number("/token")),
    }
}

/// Whom a success names. A node outside of the cluster tells nothing.
fn stamp(ok: &Json, hello: &Hello) -> Stamp {
    let node = NodeAt { place: Place::At("/stamp/node".to_owned()), written: NodeAs::String };
    let node = node.read(ok).filter(|node| hello.nodes.contains_key(node));
    Stamp::new(node, ok.pointer("/stamp/generation").and_then(Json::as_u64))
}

fn parse(line: &str, expected: &str) -> Result<Json, String> {
    match serde_json::from_str::<Json>(line) {
        Ok(said) if said.is_object() => Ok(said),
        Ok(_) => Err(format!("it wrote `{}`, which is no JSON object: {expected}", bounded(line))),
        Err(_) => Err(format!("it wrote `{}`, which is no JSON: {expected}", bounded(line))),
    }
}

/// A line that answers an operation again.
pub(super) fn again(line: &str, id: u64) -> String {
    format!("it answered operation {id} twice; the second answer is `{}`", bounded(line))
}

/// A line that says something else than was expected.
pub(super) fn wrong(line: &str, expected: &str) -> String {
    format!("it wrote `{}`, but {expected}", bounded(line))
}

fn text(said: Option<&Json>, otherwise: &str) -> String {
    bounded(said.and_then(Json::as_str).unwrap_or(otherwise))
}

#[cfg(test)]
mod tests {
    use fracas_checker::{Outcome, Value};

    use super::*;

    fn cluster() -> Hello {
        let node =
            |number| (NodeId(number), json!({ "ip": "10.77.0.1", "ports": { "client": 1 } }));
        let parameters = BTreeMap::from([("quorum".to_owned(), "true".to_owned())]);
        let timeout = Duration::from_secs(2);
        Hello { nodes: [node(1), node(2)].into(), timeout, parameters }
    }

    #[test]
    fn the_first_line_tells_everything() {
        assert_eq!(
            cluster().line(3),
            json!({
                "hello": "fracas.client/1",
                "client": 3,
                "nodes": {
                    "n1": {"ip": "10.77.0.1", "ports": {"client": 1}},
                    "n2": {"ip": "10.77.0.1", "ports": {"client": 1}},
                },
                "timeout_ms": 2000,
                "parameters": {"quorum": "true"},
            })
        );
    }

    #[test]
    fn what_is_served_is_known_words() {
        let both = Serves { ops: [OpKind::Read, OpKind::ReadAll].into(), status: false };
        assert_eq!(ready(r#"{"ready":true,"serves":["read","read-all"]}"#), Ok(both));
        let status = Serves { ops: [OpKind::Read].into(), status: true };
        assert_eq!(ready(r#"{"ready":true,"serves":["status","read"]}"#), Ok(status));
        for (line, expected) in [
            ("hello", "it wrote `hello`, which is no JSON: `{\"ready\":true"),
            (r#"{"serves":["read"]}"#, "but `{\"ready\":true"),
            (r#"{"ready":true,"serves":["raed"]}"#, "`raed` is no operation; expected read, write"),
            (r#"{"ready":true,"serves":["raed"]}"#, "did you mean `read`?"),
            (r#"{"ready":true,"serves":["claim"]}"#, "`claim` is no operation"),
        ] {
            let error = ready(line).unwrap_err();
            assert!(error.contains(expected), "{line}: {error}");
        }
    }

    #[test]
    fn an_open_is_answered_for_its_process() {
        let process = ProcessId(7);
        assert_eq!(opened(r#"{"opened":7}"#, process), Ok(Ok(())));
        let why = Ok(Err("connection refused".to_owned()));
        assert_eq!(opened(r#"{"refused":7,"why":"connection refused"}"#, process), why);
        for line in [r#"{"opened":8}"#, r#"{"id":7}"#, "{}", ""] {
            assert!(opened(line, process).unwrap_err().contains("{\"opened\":7}"), "{line}");
        }
    }

    fn read() -> Op {
        Op::Read { key: "k".into() }
    }

    fn write() -> Op {
        Op::Write { key: "k".into(), value: 1.into() }
    }

    fn ok(outcome: Outcome, stamp: Stamp) -> Completion {
        Completion::Ok { outcome, stamp }
    }

    #[test]
    fn answers_mean_how_an_operation_ended() {
        let value = |value: Option<Value>| Outcome::Read { value };
        let stamp = Stamp::new(Some(NodeId(2)), Some(5));
        let fail = |error: &str| Completion::Fail { error: error.to_owned() };
        for (op, line, expected) in [
            (write(), r#"{"id":17,"ok":{}}"#, ok(Outcome::Write, Stamp::default())),
            (
                write(),
                r#"{"id":17,"ok":{"stamp":{"node":"n2","generation":5}}}"#,
                ok(Outcome::Write, stamp),
            ),
            (
                write(),
                r#"{"id":17,"ok":{"stamp":{"node":"n9"}}}"#,
                ok(Outcome::Write, Stamp::default()),
            ),
            (read(), r#"{"id":17,"ok":{"value":null}}"#, ok(value(None), Stamp::default())),
            (
                read(),
                r#"{"id":17,"ok":{"value":"a "}}"#,
                ok(value(Some(Value::text("a "))), Stamp::default()),
            ),
            (
                read(),
                r#"{"id":17,"ok":{}}"#,
                fail("expected an integer or a text at `/value`, found nothing"),
            ),
            (write(), r#"{"id":17,"fail":"mismatch"}"#, fail("mismatch")),
            (write(), r#"{"id":17,"info":"late"}"#, Completion::Info { error: "late".to_owned() }),
            (read(), r#"{"id":17,"info":"late"}"#, fail("late")),
        ] {
            assert_eq!(answered(line, 17, &op, &cluster()), Ok(expected), "{line}");
        }
    }

    #[test]
    fn what_is_no_answer_is_quoted() {
        let none = "but no operation 18 is open: ";
        for (line, complaint) in [
            ("ok", "which is no JSON: "),
            ("[17]", "which is no JSON object: "),
            (r#"{"id":18,"ok":{}}"#, none),
            (r#"{"id":"18","ok":{}}"#, "but no operation \"18\" is open: "),
            (r#"{"ok":{}}"#, "but "),
            (r#"{"id":17}"#, "but "),
            (r#"{"id":17,"ok":true}"#, "but "),
            (r#"{"id":17,"ok":{},"fail":"both"}"#, "but "),
        ] {
            let error = answered(line, 17, &write(), &cluster()).unwrap_err();
            let expected =
                format!("it wrote `{line}`, {complaint}an answer to operation 17 was expected");
            assert!(error.starts_with(&expected), "{error}");
        }
    }
}
