//! Asking one node for one operation, with both ends in the history.
//!
//! It deliberately tries nothing again. Where an answer sends an operation to another node, and only
//! if the target file declares that this is followed, the operation is attempted there: the history
//! has the attempt that was sent away, which failed, and after it the other one.

use std::sync::Arc;
use std::time::Duration;

use fracas_checker::event::{Completion, EventKind, NodeId, Op, ProcessId};
use fracas_targets::{Attempt, Client, Redirect};

use crate::enough::Enough;
use crate::given_back::GivenBack;
use crate::recorder::Recorder;

/// So often an operation is sent from node to node at most: nodes that do not know where something is
/// may send it around forever.
const REDIRECTS_MAX: usize = 5;

/// Asks one node, records both ends.
#[derive(Clone)]
pub struct Caller {
    client: Arc<Client>,
    recorder: Recorder,
    enough: Enough,
    given_back: GivenBack,
}

impl Caller {
    /// A caller that uses `client` and records with `recorder`.
    #[must_use]
    pub fn new(client: Arc<Client>, recorder: Recorder) -> Self {
        let (enough, given_back) = Default::default();
        Self { client, recorder, enough, given_back }
    }

    /// Whether a node answers `probe`, without a trace in the history; without one, whether a session
    /// can be opened.
    ///
    /// # Errors
    /// What it says instead.
    pub async fn answers(&self, node: NodeId, probe: Option<&Op>) -> Result<(), String> {
        let Some(probe) = probe else { return self.client.reach(node).await };
        let process = ProcessId(0);
        let asked = self.client.invoke(node, process, probe).await;
        drop(self.client.ended(process));
        match asked {
            Completion::Ok { .. } => Ok(()),
            Completion::Fail { error } | Completion::Info { error } => Err(error),
        }
    }

    /// Carries out `op` at `node` as `process`; both ends are in the history when it returns. Where the
    /// answer sends it to another node, and the target declares that this is followed, it is attempted
    /// there: an operation of its own in the history. How the last attempt ended is returned.
    pub async fn call(&self, process: ProcessId, node: NodeId, op: &Op) -> Completion {
        let mut attempt = self.attempt(process, node, op, None).await;
        for _ in 0..REDIRECTS_MAX {
            let Some(redirect) = attempt.redirect else { break };
            attempt = self.attempt(process, redirect.node(), op, Some(&redirect)).await;
        }
        attempt.completion
    }

    /// Attempts `op` once; `followed` is what led here, if another attempt did.
    async fn attempt(
        &self,
        process: ProcessId,
        node: NodeId,
        op: &Op,
        followed: Option<&Redirect>,
    ) -> Attempt {
        self.given_back.close(self.client.leaves(process, node), &self.recorder);
        self.recorder.record(EventKind::Invoke { process, node: Some(node), op: op.clone() });
        self.enough.asked(op);
        let attempt = match followed {
            None => self.client.attempt(node, process, op).await,
            Some(redirect) => self.client.follow(redirect, process, op).await,
        };
        let completion = attempt.completion.clone();
        self.recorder.record(EventKind::Complete { process, completion });
        self.enough.note(op, &attempt.completion);
        self.given_back.close(self.client.ended(process), &self.recorder);
        attempt
    }

    /// How much of the coverage that a pass needs was seen so far.
    #[must_use]
    pub fn enough(&self) -> &Enough {
        &self.enough
    }

    /// Why nothing more can be learnt through the clients, if that is so.
    #[must_use]
    pub fn broken(&self) -> Option<String> {
        self.client.broken()
    }

    /// What performs the operations.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// How many operations of one client may be open beside each other.
    #[must_use]
    pub fn beside(&self) -> u32 {
        self.client.beside()
    }

    /// How long an operation may take before its outcome is unknown.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        self.client.timeout()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::net::Ipv4Addr;
    use std::path::Path;

    use fracas_checker::event::Event;
    use fracas_checker::history::{Header, Plan, SCHEMA};
    use fracas_targets::{ClusterSpec, NodeSpec, Target};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    const TARGET: &str = r#"schema = 1
name = "sent-away"
description = "servers that send operations to each other"
[binary]
path = "/bin/false"
[cluster]
nodes = 2
ports = { client = PORT }
[node]
command = ["{{ binary }}"]
[client]
base = "http://{{ node.ip }}:{{ port.client }}"
connect-timeout = "60s"
timeout = "60s"
DECLARED
[ops.write]
method = "PUT"
path = "/kv/{{ key }}"
json = '{"value": {{ value }}}'
answers = [{ status = 200, is = "ok" }]
"#;

    /// The answers of n1 and n2.
    type Answers = [String; 2];

    const OK: &str = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

    fn moved(to: &str) -> String {
        let status = "HTTP/1.1 307 Temporary Redirect\r\nconnection: close\r\ncontent-length: 0";
        format!("{status}\r\nlocation: {to}\r\n\r\n")
    }

    /// Two servers on one port of two addresses.
    async fn listeners() -> ([TcpListener; 2], u16) {
        let first = TcpListener::bind((ip(1), 0)).await.unwrap();
        let port = first.local_addr().unwrap().port();
        ([first, TcpListener::bind((ip(2), port)).await.unwrap()], port)
    }

    /// Addresses of this process only, so that a port that is free at one is free at the other.
    fn ip(node: u8) -> Ipv4Addr {
        let [_, _, high, low] = std::process::id().to_be_bytes();
        Ipv4Addr::new(127, high.max(1), low, node)
    }

    async fn serve(listener: TcpListener, answer: String) {
        while let Ok((mut stream, _)) = listener.accept().await {
            let read = stream.read(&mut [0; 1024]).await.unwrap_or(0);
            if read > 0 && !answer.is_empty() {
                stream.write_all(answer.as_bytes()).await.unwrap_or(());
            }
        }
    }

    fn deployed(port: u16, declared: &str) -> Client {
        let text = TARGET.replace("PORT", &port.to_string()).replace("DECLARED", declared);
        let target = Target::parse("sent-away.toml", &text, &crate::targets::known_faults())
            .unwrap_or_else(|e| panic!("{e}"));
        let node = |id: u8| NodeSpec { id: NodeId(id.into()), ip: ip(id), dir: "/nodes".into() };
        let nodes = [1, 2].map(node).to_vec();
        let spec = ClusterSpec {
            binary: "/bin/false".into(),
            others: BTreeMap::new(),
            nodes,
            extra_args: Vec::new(),
        };
        target.deploy(&spec).unwrap().client().unwrap()
    }

    /// What the history has of one write that n1 was asked for.
    async fn recorded(answers: impl Fn(u16) -> Answers, declared: &str) -> Vec<String> {
        let ([first, second], port) = listeners().await;
        let [of_first, of_second] = answers(port);
        tokio::spawn(serve(first, of_first));
        tokio::spawn(serve(second, of_second));
        let header = Header {
            schema: SCHEMA.to_owned(),
            run: String::new(),
            target: String::new(),
            seed: 0,
            nodes: vec![NodeId(1), NodeId(2)],
            plan: Plan::default(),
        };
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("history");
        let (recorder, writer) = Recorder::create(&path, &header, None).unwrap();
        let caller = Caller::new(Arc::new(deployed(port, declared)), recorder);
        let op = Op::Write { key: "k".into(), value: 1.into() };
        caller.call(ProcessId(7), NodeId(1), &op).await;
        drop(caller);
        writer.close().unwrap();
        read(&path, port)
    }

    fn read(path: &Path, port: u16) -> Vec<String> {
        let text = std::fs::read_to_string(path).unwrap();
        let events = text.lines().skip(1).map(|line| serde_json::from_str::<Event>(line).unwrap());
        let words = events.map(|event| match event.kind {
            EventKind::Invoke { process, node, .. } => format!("{process} asks {}", node.unwrap()),
            EventKind::Complete { completion, .. } => match completion {
                Completion::Ok { .. } => "ok".to_owned(),
                Completion::Fail { error } => format!("fail {error}"),
                Completion::Info { error } => format!("info {error}"),
            },
            other => format!("{other:?}"),
        });
        let named = |word: String| {
            let word = word.replace(&format!(":{port}"), "");
            word.replace(&ip(1).to_string(), "N1").replace(&ip(2).to_string(), "N2")
        };
        words.map(named).collect()
    }

    const MOVED: &str = "redirects = \"moved\"";

    #[tokio::test]
    async fn an_operation_that_is_sent_away_is_two_operations_in_the_history() {
        let to = |node: u8, port: u16| moved(&format!("http://{}:{port}/elsewhere", ip(node)));
        let sent = "fail redirected to n2: HTTP 307 (location: http://N2/elsewhere)";
        let asked = ["7 asks n1", sent, "7 asks n2"];
        let ok = |port| [to(2, port), OK.to_owned()];
        assert_eq!(recorded(ok, MOVED).await, [&asked[..], &["ok"]].concat());
        // The unknown outcome of the second attempt is that of the operation.
        let mute = |port| [to(2, port), String::new()];
        let unknown = recorded(mute, MOVED).await;
        assert_eq!(unknown[..3], asked);
        assert!(unknown[3].starts_with("info "), "{unknown:?}");
    }

    #[tokio::test]
    async fn nothing_is_followed_undeclared_or_out_of_the_cluster() {
        let no_rule = "info no rule for the answer HTTP 307 (location: ";
        for (node, declared) in [(2, ""), (2, "redirects = 0"), (3, MOVED)] {
            let answers =
                |port: u16| [moved(&format!("http://{}:{port}/kv/k", ip(node))), OK.to_owned()];
            let history = recorded(answers, declared).await;
            assert_eq!(history.len(), 2, "{history:?}");
            assert!(history[1].starts_with(no_rule), "{history:?}");
        }
    }

    #[tokio::test]
    async fn nodes_that_send_it_around_are_asked_a_few_times() {
        let to = |node: u8, port: u16| moved(&format!("http://{}:{port}/kv/k", ip(node)));
        let around = recorded(|port| [to(2, port), to(1, port)], MOVED).await;
        assert_eq!(around.len(), 2 * (1 + REDIRECTS_MAX));
        assert!(around.iter().skip(1).step_by(2).all(|end| end.starts_with("fail redirected to")));
    }
}
