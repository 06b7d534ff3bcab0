//! Client programs that do not do what they should, played by tasks.

use std::collections::BTreeMap;
use std::io;
use std::sync::Mutex;
use std::time::Duration;

use fracas_checker::event::Stamp;
use fracas_checker::{OpKind, Outcome, Value};
use serde_json::{Value as Json, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream};

use super::*;

const SOON: Duration = Duration::from_millis(200);

/// What a program says to a line: nothing, or some text. It ends after a text that says so.
type Script = fn(&Json) -> Says;

enum Says {
    Nothing,
    Line(String),
    /// After so long.
    Late(Duration, String),
    End,
}

/// Programs that play a script; what was noted, and how many were started.
struct Actors {
    script: Script,
    notes: Mutex<Vec<String>>,
    started: Mutex<u64>,
}

impl Programs for Actors {
    fn start(&self, _: u64) -> io::Result<Running> {
        *self.started.lock().unwrap() += 1;
        let (ours, theirs) = tokio::io::duplex(1 << 16);
        let task = tokio::spawn(play(theirs, self.script)).abort_handle();
        let (output, input) = tokio::io::split(ours);
        let handle = Box::new(Actor(task));
        Ok(Running { input: Box::new(input), output: Box::new(output), handle })
    }

    fn answered_late(&self, number: u64, by: Duration, answer: String) {
        // It was asked to answer so much after the time-out, and may have been slower.
        assert!(by >= SOON / 2, "{by:?}");
        self.notes.lock().unwrap().push(format!("client {number} was late: {answer}"));
    }

    fn broke(&self, number: u64, why: &str) {
        self.notes.lock().unwrap().push(format!("client {number} is broken: {why}"));
    }
}

struct Actor(tokio::task::AbortHandle);

impl Handle for Actor {
    fn ended(&mut self) -> Option<String> {
        Some("exit status: 1".to_owned())
    }

    fn last_words(&mut self) -> Vec<String> {
        vec!["Traceback: oh".to_owned()]
    }
}

impl Drop for Actor {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn play(stream: DuplexStream, script: Script) {
    let (read, mut write) = tokio::io::split(stream);
    let mut lines = BufReader::new(read).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let line: Json = serde_json::from_str(&line).unwrap();
        let text = match script(&line) {
            Says::Nothing => continue,
            Says::Line(text) => text,
            Says::Late(time, text) => {
                tokio::time::sleep(time).await;
                text
            }
            Says::End => return,
        };
        if write.write_all(format!("{text}\n").as_bytes()).await.is_err() {
            return;
        }
    }
}

/// What a program does that keeps to the protocol; `others` says what it answers to operations.
fn well(line: &Json, others: impl Fn(u64, &Json) -> Says) -> Says {
    match (line.get("hello"), line["open"].as_u64(), line["id"].as_u64()) {
        (Some(_), ..) => Says::Line(r#"{"ready":true,"serves":["read","write","acquire"]}"#.into()),
        (_, Some(process), _) => Says::Line(json!({ "opened": process }).to_string()),
        (_, _, Some(id)) => others(id, line),
        _ => Says::Nothing,
    }
}

/// Answers right.
fn good(line: &Json) -> Says {
    well(line, |id, line| {
        let ok = if line["op"] == "read" { json!({ "value": 9 }) } else { json!({}) };
        Says::Line(json!({ "id": id, "ok": ok }).to_string())
    })
}

fn actors(script: Script) -> (Arc<Actors>, ClientPrograms) {
    let actors = Arc::new(Actors { script, notes: Mutex::default(), started: Mutex::default() });
    let programs: Arc<dyn Programs> = Arc::clone(&actors) as _;
    let hello = Hello {
        nodes: [(NodeId(1), json!({}))].into(),
        timeout: SOON,
        parameters: BTreeMap::new(),
    };
    (actors, ClientPrograms::new(programs, hello))
}

fn read() -> Op {
    Op::Read { key: "k".into() }
}

fn write() -> Op {
    Op::Write { key: "k".into(), value: Value::Int(1) }
}

/// Opens a session of a process and performs one operation in it; the session stays open.
async fn ask(
    clients: &ClientPrograms,
    process: u64,
    op: &Op,
) -> Result<(Completion, Box<dyn Session>), String> {
    let opened = clients.open(NodeId(1), ProcessId(process)).await;
    let mut session = opened.map_err(|Refused(why)| why)?;
    let completion = session.invoke(op, None).await.completion;
    Ok((completion, session))
}

fn text(completion: &Completion) -> String {
    match completion {
        Completion::Ok { .. } => "ok".to_owned(),
        Completion::Fail { error } => format!("fail {error}"),
        Completion::Info { error } => format!("info {error}"),
    }
}

#[tokio::test]
async fn a_session_follows_another_in_one_program() {
    let (actors, clients) = actors(good);
    for process in 0..3 {
        let (completion, session) = ask(&clients, process, &read()).await.unwrap();
        let outcome = Outcome::Read { value: Some(Value::Int(9)) };
        assert_eq!(completion, Completion::Ok { outcome, stamp: Stamp::default() });
        assert!(!session.is_over());
    }
    assert_eq!(*actors.started.lock().unwrap(), 1);
    assert_eq!(clients.broken(), None);
    let (completion, _) = ask(&clients, 3, &Op::Dequeue { key: "k".into() }).await.unwrap();
    assert_eq!(text(&completion), "fail the client program serves no `dequeue`");
}

#[tokio::test]
async fn processes_beside_each_other_have_programs_of_their_own() {
    let (actors, clients) = actors(good);
    let mut sessions = Vec::new();
    for process in 0..3 {
        sessions.push(ask(&clients, process, &read()).await.unwrap());
    }
    assert_eq!(*actors.started.lock().unwrap(), 3);
}

/// Its operation is unknown, and it is killed and started again; that it hangs does not break it.
#[tokio::test]
async fn a_program_that_hangs_is_replaced() {
    let (actors, clients) = actors(|line| well(line, |_, _| Says::Nothing));
    for process in 0..2 {
        let (completion, session) = ask(&clients, process, &write()).await.unwrap();
        assert_eq!(text(&completion), "info timed out");
        assert!(session.is_over());
    }
    assert_eq!(*actors.started.lock().unwrap(), 2);
    let (completion, _) = ask(&clients, 2, &read()).await.unwrap();
    assert_eq!(text(&completion), "fail timed out", "a read changes nothing");
    assert_eq!(clients.broken(), None);
}

/// That of a read, too, which has failed for the history.
#[tokio::test]
async fn a_session_ends_with_an_answer_that_nobody_knows() {
    let (actors, clients) = actors(|line| {
        well(line, |id, _| Says::Line(json!({ "id": id, "info": "broken pipe" }).to_string()))
    });
    for op in [read(), write()] {
        let (completion, session) = ask(&clients, 1, &op).await.unwrap();
        assert!(text(&completion).ends_with(" broken pipe"), "{completion:?}");
        assert!(session.is_over());
    }
    assert_eq!(*actors.started.lock().unwrap(), 1, "the program goes on");
}

/// A late answer never counts, and the program is used again.
#[tokio::test]
async fn an_answer_that_is_late_is_noted() {
    let late = |line: &Json| {
        well(line, |id, line| {
            let answer = json!({ "id": id, "ok": {} }).to_string();
            if line["op"] == "write" { Says::Late(SOON * 2, answer) } else { good(line) }
        })
    };
    let (actors, clients) = actors(late);
    let (completion, session) = ask(&clients, 1, &write()).await.unwrap();
    assert_eq!(text(&completion), "info timed out");
    drop(session);
    let (completion, _) = ask(&clients, 2, &read()).await.unwrap();
    assert_eq!(text(&completion), "ok");
    let note = "client 1 was late: {\"id\":1,\"ok\":{}}";
    assert_eq!(*actors.notes.lock().unwrap(), [note]);
    let late = clients.late().unwrap();
    assert!(late.starts_with("1 answer came after the time-out, by "), "{late}");
    assert_eq!(*actors.started.lock().unwrap(), 1);
}

#[tokio::test]
async fn five_ends_without_an_answer_break_it() {
    let (actors, clients) = actors(|line| well(line, |_, _| Says::End));
    for process in 0..5 {
        assert_eq!(clients.broken(), None, "{process}");
        let (completion, _) = ask(&clients, process, &write()).await.unwrap();
        assert!(
            text(&completion).starts_with("info client program 1: it ended "),
            "{completion:?}"
        );
    }
    let broken = clients.broken().unwrap();
    assert_eq!(
        broken,
        "the client program (client 1) is broken: it ended 5 times without an answer, last with \
         exit status: 1\n  end of its standard error:\n    Traceback: oh"
    );
    let refused = ask(&clients, 6, &write()).await.err().unwrap();
    assert!(refused.starts_with("the client program (client 1) is broken"), "{refused}");
    assert_eq!(*actors.started.lock().unwrap(), 5);
    assert_eq!(actors.notes.lock().unwrap().len(), 1, "told once");
}

#[tokio::test]
async fn an_answer_in_between_forgives_the_ends_before() {
    let (_, clients) = actors(|line| {
        well(line, |id, line| match line["op"] == "read" {
            true => Says::Line(json!({ "id": id, "ok": { "value": null } }).to_string()),
            false => Says::End,
        })
    });
    for process in 0..8 {
        let op = if process == 4 { read() } else { write() };
        ask(&clients, process, &op).await.unwrap();
    }
    assert_eq!(clients.broken(), None);
}

/// How a program that plays this script breaks, at the second operation at the latest.
async fn breaks(script: Script) -> String {
    let (_, clients) = actors(script);
    for process in 0..2 {
        let _whatever = ask(&clients, process, &write()).await;
    }
    clients.broken().expect("it is broken")
}

#[tokio::test]
async fn what_is_not_of_the_protocol_breaks_it() {
    let twice = |line: &Json| {
        well(line, |id, _| {
            let answer = json!({ "id": id, "ok": {} });
            Says::Line(format!("{answer}\n{answer}"))
        })
    };
    for (script, expected) in [
        (
            (|_| Says::Line("hello".into())) as Script,
            "it wrote `hello`, which is no JSON: `{\"ready\":true",
        ),
        (|_| Says::Line(r#"{"ready":true}"#.into()), "but `{\"ready\":true,\"serves\":[…]}` was"),
        (
            |line| well(line, |_, _| Says::Line("Traceback".into())),
            "it wrote `Traceback`, which is no JSON: an answer to operation 1 was expected",
        ),
        (
            |line| well(line, |_, _| Says::Line(r#"{"id":99,"ok":{}}"#.into())),
            "it wrote `{\"id\":99,\"ok\":{}}`, but no operation 99 is open: an answer to operation 1",
        ),
        (twice, "it answered operation 1 twice; the second answer is `{\"id\":1,\"ok\":{}}`"),
        (
            |line| well(line, |_, _| Says::Line("x".repeat(2 << 20))),
            "it wrote a line longer than 1048576 bytes",
        ),
    ] {
        let broken = breaks(script).await;
        let begin = "the client program (client 1) is broken: ";
        assert!(broken.starts_with(begin) && broken.contains(expected), "{broken}");
        assert!(broken.ends_with("    Traceback: oh"), "{broken}");
    }
}

#[tokio::test]
async fn a_refused_session_fails_its_operation() {
    let (actors, clients) = actors(|line| match line["open"].as_u64() {
        Some(process) => {
            Says::Line(json!({ "refused": process, "why": "connection refused" }).to_string())
        }
        None => good(line),
    });
    for process in 0..7 {
        let refused = ask(&clients, process, &write()).await.err();
        assert_eq!(refused.as_deref(), Some("connection refused"));
    }
    assert_eq!((clients.broken(), *actors.started.lock().unwrap()), (None, 1));
}

#[tokio::test]
async fn a_program_is_asked_what_it_serves() {
    let (_, clients) = actors(good);
    let ops = [OpKind::Read, OpKind::Write, OpKind::Acquire].into();
    assert_eq!(clients.serves().await, Ok(Serves { ops, status: false }));
    let (_, clients) = actors(|_| Says::End);
    let error = clients.serves().await.unwrap_err();
    assert_eq!(
        error,
        "client program 1: it ended with exit status: 1\n  end of its standard error:\n    \
         Traceback: oh"
    );
}

/// Tells of n1 what the script says.
async fn status(script: Script) -> (ClientPrograms, Arc<Actors>, Vec<Result<String, String>>) {
    let (actors, clients) = actors(script);
    let asker = clients.status().expect("programs can be asked");
    let mut told = Vec::new();
    for _ in 0..2 {
        let answer = asker.ask(NodeId(1)).await;
        told.push(
            answer.map(|reply| reply.text().into_owned()).map_err(|failure| failure.to_string()),
        );
    }
    (clients, actors, told)
}

#[tokio::test]
async fn a_program_tells_of_a_node() {
    let leads = r#"{"status":"n1","role":"leader","generation":5}"#;
    let (_, actors, told) = status(|line| match line["status"].as_str() {
        Some("n1") => Says::Line(r#"{"status":"n1","role":"leader","generation":5}"#.into()),
        _ => good(line),
    })
    .await;
    assert_eq!(told, [Ok(leads.to_owned()), Ok(leads.to_owned())]);
    assert_eq!(*actors.started.lock().unwrap(), 1, "the program of the node is kept");
    let (clients, _, told) = status(|line| match line["status"].as_str() {
        Some(_) => Says::Line(r#"{"role":"follower"}"#.into()),
        _ => good(line),
    })
    .await;
    assert_eq!(told[0].as_deref(), Ok(r#"{"role":"follower"}"#), "the node may be left out");
    assert_eq!(clients.broken(), None);
}

/// It is as with operations: who is late is waited for, who hangs is replaced, who breaks the protocol
/// is broken.
#[tokio::test]
async fn a_program_that_tells_of_nodes_is_held_to_the_protocol() {
    const LATE: &str = r#"{"status":"n1","role":"leader"}"#;
    let timed_out = || Err("timed out".to_owned());
    let (clients, actors, told) = status(|line| match line["status"].as_str() {
        Some(_) => Says::Late(SOON * 2, LATE.into()),
        _ => good(line),
    })
    .await;
    assert_eq!(told, [timed_out(), timed_out()]);
    assert_eq!((clients.broken(), *actors.started.lock().unwrap()), (None, 1));
    let (clients, actors, told) = status(|line| match line["status"].as_str() {
        Some(_) => Says::Nothing,
        _ => good(line),
    })
    .await;
    assert_eq!(told, [timed_out(), timed_out()]);
    assert_eq!((clients.broken(), *actors.started.lock().unwrap()), (None, 2));
    for (script, expected) in [
        (
            (|line| match line["status"].as_str() {
                Some(_) => Says::Line(r#"{"status":"n2","role":"leader"}"#.into()),
                None => good(line),
            }) as Script,
            "it wrote `{\"status\":\"n2\",\"role\":\"leader\"}`, but `{\"status\":\"n1\"",
        ),
        (
            |line| match line["status"].as_str() {
                Some(_) => Says::Line("leader".into()),
                None => good(line),
            },
            "it wrote `leader`, which is no JSON: `{\"status\":\"n1\",\"role\":…}` was expected",
        ),
    ] {
        let broken = status(script).await.0.broken().expect("it is broken");
        assert!(broken.contains(expected), "{broken}");
    }
}
