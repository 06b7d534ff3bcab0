//! Transactions on a server that does as it is told: what is sent, and what becomes of it.

use std::cell::RefCell;
use std::future::pending;

use super::*;

thread_local! {
    /// What was sent since the last look.
    static SENT: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    /// The command that goes wrong, and how.
    static WRONG: RefCell<Option<(&'static str, Fate)>> = const { RefCell::new(None) };
}

/// What becomes of a command.
#[derive(Clone, Copy)]
enum Fate {
    Refused(&'static str),
    Lost,
    Silence,
}

/// A connection. It is broken once something was lost.
struct Toy {
    lives: bool,
}

impl Toy {
    async fn send(&mut self, text: &str) -> Result<(), Refusal> {
        SENT.with_borrow_mut(|sent| sent.push(text.to_owned()));
        let wrong = WRONG.with_borrow(|wrong| *wrong).filter(|(begin, _)| text.starts_with(begin));
        match wrong.map(|(_, fate)| fate) {
            None => Ok(()),
            Some(Fate::Refused(state)) => {
                Err(Refusal { state: Some(state.to_owned()), why: "no".to_owned() })
            }
            Some(Fate::Lost) => {
                self.lives = false;
                Err(Refusal::lost("connection closed"))
            }
            Some(Fate::Silence) => pending().await,
        }
    }
}

impl Database for Toy {
    const DIALECT: Dialect = Dialect {
        user: "toy",
        database: "toy",
        placeholder: |_| "?".to_owned(),
        statements: &[
            ("session", "SET a"),
            ("begin", "BEGIN"),
            ("probe", "PROBE"),
            ("tables", "MAKE 1; MAKE 2"),
            ("read", "ROW {lock}"),
            ("write", "CHANGE :key; CHANGE :value"),
            ("cas", "NOTHING :old :new"),
            ("txn-read", "ROW"),
            ("txn-append", "CHANGE :value"),
        ],
    };

    async fn connect(place: &Place) -> Result<Self, Refusal> {
        let mut toy = Self { lives: true };
        toy.send(&format!("CONNECT {} {}", place.user, place.isolation)).await?;
        Ok(toy)
    }

    fn lives(&self) -> bool {
        self.lives
    }

    async fn command(&mut self, text: &str) -> Result<(), Refusal> {
        self.send(text).await
    }

    async fn perform(&mut self, statement: &Statement, binds: &[Bind]) -> Result<Effect, Refusal> {
        self.send(&format!("{} {binds:?}", statement.text)).await?;
        match statement.text.as_str() {
            "CHANGE ?" => Ok(Effect { affected: 1, ..Effect::default() }),
            "NOTHING ? ?" => Ok(Effect::default()),
            _ => Ok(Effect { rows: vec![vec![Value::Null, json!([1, 2])]], affected: 0 }),
        }
    }
}

/// What the session answers to the operation, and what it sent for it, while `wrong` goes wrong.
fn ask(
    session: &mut Sql<Toy>,
    operation: &str,
    wrong: Option<(&'static str, Fate)>,
) -> (Answer, String) {
    WRONG.set(wrong);
    SENT.take();
    let Value::Object(operation) = serde_json::from_str(operation).unwrap() else { panic!() };
    let answer = runtime().block_on(session.perform(&Operation(operation)));
    (answer, SENT.take().join(", "))
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap()
}

fn open(parameters: &Value, wrong: Option<(&'static str, Fate)>) -> Result<Sql<Toy>, String> {
    WRONG.set(wrong);
    SENT.take();
    let hello = json!({
        "hello": "fracas.client/1", "timeout_ms": 200, "parameters": parameters,
        "nodes": {"n1": {"ip": "10.0.0.1", "ports": {"sql": 7}}},
    });
    let hello: Hello = serde_json::from_value(hello).unwrap();
    runtime().block_on(Sql::<Toy>::open(&hello.nodes["n1"], &hello))
}

fn usual() -> Sql<Toy> {
    open(&json!({"isolation": "serializable"}), None).unwrap_or_else(|why| panic!("{why}"))
}

const WRITE: &str = r#"{"op":"write","key":"k","value":5}"#;

#[test]
fn an_operation_is_one_transaction_of_its_statements() {
    let body = r#"CHANGE ? [Text("k")], CHANGE ? [Number(5)]"#;
    let (answer, sent) = ask(&mut usual(), WRITE, None);
    assert_eq!((answer, sent), (Ok(json!({})), format!("BEGIN, {body}, COMMIT")));
    let parts = r#"{"op":"txn","ops":[{"f":"read","key":"x"},{"f":"append","key":"l","value":2}]}"#;
    let (answer, sent) = ask(&mut usual(), parts, None);
    assert_eq!(answer, Ok(json!({"results": [[1, 2], null]})));
    assert_eq!(sent, "BEGIN, ROW [], CHANGE ? [Number(2)], COMMIT");
}

/// The case that decides whether fracas can be trusted: what is unknown, and what has failed.
#[test]
fn only_a_commit_leaves_it_open() {
    use Fate::{Lost, Refused, Silence};
    let begun = r#"BEGIN, CHANGE ? [Text("k")]"#;
    let body = r#"BEGIN, CHANGE ? [Text("k")], CHANGE ? [Number(5)]"#;
    for (wrong, fails, expected) in [
        (("BEGIN", Refused("57P03")), true, "BEGIN, ROLLBACK".to_owned()),
        (("CHANGE", Refused("40001")), true, format!("{begun}, ROLLBACK")),
        (("CHANGE", Lost), true, format!("{begun}, ROLLBACK")),
        (("CHANGE", Silence), true, begun.to_owned()),
        (("COMMIT", Refused("40001")), true, format!("{body}, COMMIT")),
        (("COMMIT", Refused("57P01")), false, format!("{body}, COMMIT")),
        (("COMMIT", Lost), false, format!("{body}, COMMIT")),
    ] {
        let (answer, sent) = ask(&mut usual(), WRITE, Some(wrong));
        assert_eq!(sent, expected);
        let wrong = answer.expect_err("it went wrong");
        assert_eq!(matches!(wrong, Wrong::Fail(_)), fails, "{expected}: {wrong:?}");
    }
}

#[test]
fn a_silent_commit_is_for_the_loop_to_end() {
    let session = &mut usual();
    WRONG.set(Some(("COMMIT", Fate::Silence)));
    let Value::Object(operation) = serde_json::from_str(WRITE).unwrap() else { panic!() };
    let operation = Operation(operation);
    let late = async { timeout(Duration::from_millis(300), session.perform(&operation)).await };
    assert!(runtime().block_on(late).is_err(), "nothing may be said of it");
}

#[test]
fn what_was_not_done_is_rolled_back() {
    let cas = r#"{"op":"cas","key":"k","old":4,"new":9}"#;
    let (answer, sent) = ask(&mut usual(), cas, None);
    assert!(matches!(answer, Err(Wrong::Fail(_))), "{answer:?}");
    assert_eq!(sent, "BEGIN, NOTHING ? ? [Number(4), Number(9)], ROLLBACK");
    let (answer, sent) = ask(&mut usual(), r#"{"op":"write","key":"k"}"#, None);
    assert!(matches!(answer, Err(Wrong::Fail(_))), "{answer:?}");
    assert_eq!(sent, r#"BEGIN, CHANGE ? [Text("k")], ROLLBACK"#);
}

/// A session that has failed goes on with another connection, or fails without having sent anything.
#[test]
fn a_broken_connection_is_opened_again() {
    let session = &mut usual();
    let (answer, _) = ask(session, WRITE, Some(("CHANGE", Fate::Lost)));
    assert!(matches!(answer, Err(Wrong::Fail(_))));
    let (answer, sent) = ask(session, WRITE, Some(("CONNECT", Fate::Lost)));
    assert!(matches!(answer, Err(Wrong::Fail(_))), "{answer:?}");
    assert_eq!(sent, "CONNECT toy SERIALIZABLE");
    let (answer, sent) = ask(session, WRITE, None);
    assert_eq!(answer, Ok(json!({})));
    assert!(sent.starts_with("CONNECT toy SERIALIZABLE, SET a, BEGIN"), "{sent}");
}

#[test]
fn tables_are_made_where_they_are_missing() {
    assert!(open(&json!({"isolation": "serializable"}), None).is_ok());
    assert_eq!(SENT.take().join(", "), "CONNECT toy SERIALIZABLE, SET a, PROBE");
    let refused = Some(("PROBE", Fate::Refused("42P01")));
    let opened = open(&json!({"isolation": "serializable"}), refused);
    assert_eq!(opened.err(), Some("42P01: no".to_owned()), "they are still missing");
    assert!(SENT.take().join(", ").ends_with("PROBE, MAKE 1, MAKE 2, PROBE"));
}

#[test]
fn a_target_file_has_statements_and_rights_of_its_own() {
    let parameters = json!({
        "isolation": "read-committed", "user": "app", "reads": "for-update",
        "write": "MINE :value", "session": "SET b; SET c", "begin": "BEGIN; MARK",
    });
    let session = &mut open(&parameters, None).unwrap_or_else(|why| panic!("{why}"));
    assert_eq!(SENT.take().join(", "), "CONNECT app READ COMMITTED, SET b, SET c, PROBE");
    assert_eq!(ask(session, WRITE, None).1, "BEGIN, MARK, MINE ? [Number(5)], COMMIT");
    let read = r#"{"op":"read","key":"k"}"#;
    assert_eq!(ask(session, read, None).1, "BEGIN, MARK, ROW FOR UPDATE [], COMMIT");
    for (parameters, why) in [
        (json!({}), "the target file has no `client.parameters.isolation`"),
        (json!({"isolation": "snapshot"}), "`snapshot` is no isolation level"),
        (
            json!({"isolation": "serializable", "raed": "X"}),
            "`client.parameters.raed` means nothing",
        ),
        (json!({"isolation": "serializable", "reads": "dirty"}), "`dirty` is no kind of reads"),
    ] {
        let told = open(&parameters, None).err().unwrap_or_default();
        assert!(told.starts_with(why), "{told}");
    }
}
