//! A server of text that knows nothing of fracas, spoken to by a target file alone: what a session
//! is to it, and what its answers come to mean.

mod support;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use fracas_checker::{Completion, NodeId, Op, Outcome, ProcessId, Value};
use fracas_targets::{Client, Target};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

const N1: NodeId = NodeId(1);

/// What the operations of a sample target are beside reads and writes.
const OPS: &str = r#"
[ops.cas]
command = ["CAS {{ key }} {{ old }} {{ new }}"]
answers = [{ body = "OK", is = "ok" }, { body = "NO", is = "fail", why = "mismatch" }]

[ops.add]
command = ["ADD {{ key }}", "{{ value }}"]
answers = [{ body = "OK", is = "ok" }]

[ops.read-all]
command = ["ALL {{ key }}"]
answers = [{ text = '^ALL', is = "ok", value = { regex = '^ALL ?(.*)$' } }]

[ops.acquire]
command = ["LOCK {{ key }}"]
answers = [
  { text = '^OK', is = "ok", token = { regex = '^OK (\d+)$' } },
  { text = '^BUSY', is = "fail" },
]

[ops.release]
command = ["UNLOCK {{ key }}"]
answers = [{ body = "OK", is = "ok" }, { body = "NOT-YOURS", is = "fail" }]
"#;

/// What the server keeps.
#[derive(Default)]
struct Kept {
    values: BTreeMap<String, String>,
    /// Elements of sets.
    added: BTreeMap<String, Vec<String>>,
    /// Which connection holds a lock.
    owners: BTreeMap<String, usize>,
    grants: u64,
    connections: usize,
}

/// Answers lines until the connection ends; what it holds is given back then.
async fn serve(stream: TcpStream, kept: Arc<Mutex<Kept>>, connection: usize) {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let more = match line.starts_with("ADD ") {
            true => lines.next_line().await.unwrap().unwrap(),
            false => String::new(),
        };
        let answer = kept.lock().unwrap().answer(&line, &more, connection);
        write.write_all(format!("{answer}\r\n").as_bytes()).await.unwrap();
    }
    kept.lock().unwrap().owners.retain(|_, owner| *owner != connection);
}

impl Kept {
    fn answer(&mut self, line: &str, more: &str, connection: usize) -> String {
        let words: Vec<&str> = line.split(' ').collect();
        let said = |known: bool, yes: &str, no: &str| if known { yes } else { no }.to_owned();
        match words[..] {
            ["GET", key] => {
                self.values.get(key).map_or("NONE".to_owned(), |value| format!("VALUE {value}"))
            }
            ["SET", key, value] => {
                self.values.insert(key.to_owned(), value.to_owned());
                "OK".to_owned()
            }
            ["CAS", key, old, new] => {
                let fits = self.values.get_mut(key).filter(|value| *value == old);
                said(fits.map(|value| *value = new.to_owned()).is_some(), "OK", "NO")
            }
            ["ADD", key] => {
                self.added.entry(key.to_owned()).or_default().push(more.to_owned());
                "OK".to_owned()
            }
            ["ALL", key] => {
                let all = self.added.get(key).map_or(String::new(), |all| all.join(" "));
                format!("ALL {all}").trim_end().to_owned()
            }
            ["LOCK", key] if self.owners.contains_key(key) => "BUSY".to_owned(),
            ["LOCK", key] => {
                self.owners.insert(key.to_owned(), connection);
                self.grants += 1;
                format!("OK {}", self.grants)
            }
            ["UNLOCK", key] => {
                let mine = self.owners.get(key) == Some(&connection);
                self.owners.retain(|held, _| !mine || held != key);
                said(mine, "OK", "NOT-YOURS")
            }
            _ => "WHAT".to_owned(),
        }
    }
}

/// A server on the first node's address, and a client of it.
async fn start() -> (Client, Arc<Mutex<Kept>>) {
    let listener = TcpListener::bind((support::address(1), 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let kept = Arc::new(Mutex::new(Kept::default()));
    let shared = Arc::clone(&kept);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let kept = Arc::clone(&shared);
            let connection = {
                let mut kept = kept.lock().unwrap();
                kept.connections += 1;
                kept.connections
            };
            tokio::spawn(serve(stream, kept, connection));
        }
    });
    let text = include_str!("valid-lines.toml").replace("7001", &port.to_string());
    let text = text.replace("[promises]", &format!("{OPS}\n[promises]"));
    let target = Target::parse("lines.toml", &text, &support::FAULTS);
    let target = target.unwrap_or_else(|error| panic!("{error}"));
    let cluster = support::loopback("server", 1, Path::new("/nodes"));
    (target.deploy(&cluster).unwrap().client().unwrap(), kept)
}

/// What an operation of a process came to.
async fn ask(client: &Client, process: u64, op: Op) -> Completion {
    client.invoke(N1, ProcessId(process), &op).await
}

fn ok(completion: Completion) -> Outcome {
    match completion {
        Completion::Ok { outcome, .. } => outcome,
        other => panic!("{other:?}"),
    }
}

fn refused(completion: &Completion) -> bool {
    matches!(completion, Completion::Fail { .. })
}

#[tokio::test]
async fn answers_mean_what_the_file_says() {
    let (client, kept) = start().await;
    let key = || "k".into();
    let read = async |process| ok(ask(&client, process, Op::Read { key: key() }).await);
    assert_eq!(read(1).await, Outcome::Read { value: None });
    ok(ask(&client, 1, Op::Write { key: key(), value: 17.into() }).await);
    assert_eq!(read(2).await, Outcome::Read { value: Some(17.into()) });
    let cas = |old: i64| Op::Cas { key: key(), old: old.into(), new: 5.into() };
    assert!(refused(&ask(&client, 1, cas(3)).await));
    assert_eq!(ok(ask(&client, 1, cas(17)).await), Outcome::Cas);
    let all = async || ok(ask(&client, 1, Op::ReadAll { key: key() }).await);
    assert_eq!(all().await, Outcome::ReadAll { values: [].into() });
    for value in [3, 4] {
        ok(ask(&client, 1, Op::Add { key: key(), value: value.into() }).await);
    }
    let values: Vec<Value> = vec![3.into(), 4.into()];
    assert_eq!(all().await, Outcome::ReadAll { values: values.into() });
    assert_eq!(kept.lock().unwrap().connections, 2, "one for each process");
}

/// Locks of this server belong to connections, so to sessions; the end of one gives them back.
#[tokio::test]
async fn a_lock_belongs_to_a_session() {
    let (client, kept) = start().await;
    let acquire = || Op::Acquire { key: "l".into(), holder: 1, ttl: None };
    let release = || Op::Release { key: "l".into(), holder: 1 };
    assert_eq!(ok(ask(&client, 1, acquire()).await), Outcome::Acquire { token: Some(1) });
    assert!(refused(&ask(&client, 2, acquire()).await));
    assert!(refused(&ask(&client, 2, release()).await), "it is another session's");
    assert_eq!(ok(ask(&client, 1, release()).await), Outcome::Release);
    assert_eq!(ok(ask(&client, 2, acquire()).await), Outcome::Acquire { token: Some(2) });
    drop(client);
    for _ in 0..100 {
        if kept.lock().unwrap().owners.is_empty() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("the end of the session did not give its lock back");
}
