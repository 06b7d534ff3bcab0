//! SQL, whatever the server: an operation is a list of statements, performed in one transaction at a
//! declared isolation level. Which statements is data: [`statements`](self::statements) of a dialect,
//! or of the target file. Whatever an operation asks for is bound, never written into a statement.
//!
//! A transaction of which no `COMMIT` was sent never takes effect. So everything that goes wrong
//! before has certainly failed, a lost connection and an answer that does not come in time, too; only
//! a `COMMIT` without an answer, or with one that leaves it open, is unknown.
//!
//! It deliberately knows no dialect and no wire protocol: a [`Database`] does.

mod answers;
mod refusal;
mod statement;
mod statements;

use std::future::Future;
use std::rc::Rc;
use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::time::timeout;

use crate::answer::{Answer, Wrong};
use crate::message::{Hello, Node, Operation};
use statements::Statements;

pub(crate) use answers::{Effect, Row, text_cell};
pub(crate) use refusal::Refusal;
pub(crate) use statement::{Bind, Statement};
#[cfg(test)]
pub(crate) use statements::assert_whole;
pub(crate) use statements::{Dialect, WORDS};

/// The part of the time-out, of ten, by which `COMMIT` must be sent: the rest is for its answer.
const BODY_TENTHS: u32 = 7;

/// The port of a node on which it speaks SQL, as target files call it.
const PORT: &str = "sql";

/// A connection to a server, in its dialect.
pub(crate) trait Database: Sized {
    /// Its statements.
    const DIALECT: Dialect;

    /// Connects, and says what isolation level transactions have.
    fn connect(place: &Place) -> impl Future<Output = Result<Self, Refusal>>;

    /// Whether it still can send anything.
    fn lives(&self) -> bool;

    /// Performs a statement that binds nothing and answers nothing.
    fn command(&mut self, text: &str) -> impl Future<Output = Result<(), Refusal>>;

    /// Performs a statement.
    fn perform(
        &mut self,
        statement: &Statement,
        binds: &[Bind],
    ) -> impl Future<Output = Result<Effect, Refusal>>;
}

/// Where a session is, and with which rights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) ip: String,
    pub(crate) port: u16,
    pub(crate) user: String,
    pub(crate) password: Option<String>,
    pub(crate) database: String,
    /// `SERIALIZABLE`, `READ COMMITTED`, …
    pub(crate) isolation: &'static str,
}

impl Place {
    pub(crate) fn of(node: &Node, hello: &Hello, dialect: &Dialect) -> Result<Self, String> {
        let own = |name: &str| hello.parameters.get(name).cloned();
        let port = node.ports.get(PORT).ok_or_else(|| format!("there is no port `{PORT}`"))?;
        Ok(Self {
            ip: node.ip.clone(),
            port: *port,
            user: own("user").unwrap_or_else(|| dialect.user.to_owned()),
            password: own("password"),
            database: own("database").unwrap_or_else(|| dialect.database.to_owned()),
            isolation: isolation(hello.parameter("isolation")?)?,
        })
    }
}

/// The isolation level of this name.
fn isolation(name: &str) -> Result<&'static str, String> {
    match name {
        "read-uncommitted" => Ok("READ UNCOMMITTED"),
        "read-committed" => Ok("READ COMMITTED"),
        "repeatable-read" => Ok("REPEATABLE READ"),
        "serializable" => Ok("SERIALIZABLE"),
        other => Err(format!(
            "`{other}` is no isolation level, expected read-uncommitted, read-committed, repeatable-read or serializable"
        )),
    }
}

/// A session: a connection, which is opened again where it broke and nothing was open.
pub(crate) struct Sql<D> {
    connection: Option<D>,
    place: Place,
    statements: Rc<Statements>,
    /// How long a transaction may take until its `COMMIT` is sent.
    until_commit: Duration,
}

impl<D: Database> Sql<D> {
    /// Opens a session. No operation has been sent, whatever goes wrong here.
    pub(crate) async fn open(node: &Node, hello: &Hello) -> Result<Self, String> {
        let place = Place::of(node, hello, &D::DIALECT)?;
        let statements = Rc::new(Statements::of(&D::DIALECT, &hello.parameters)?);
        let until_commit = hello.timeout() * BODY_TENTHS / 10;
        let mut session = Self { connection: None, place, statements, until_commit };
        let connected = session.connected().await.map(|_| ());
        connected.map_err(|refusal| refusal.to_string())?;
        session.make_tables().await.map_err(|refusal| refusal.to_string())?;
        Ok(session)
    }

    /// Performs an operation, once.
    pub(crate) async fn perform(&mut self, operation: &Operation) -> Answer {
        let late = self.until_commit;
        let Ok(done) = timeout(late, self.body(operation)).await else {
            self.connection = None; // and with it the transaction
            return Err(Wrong::Fail(format!("not committed: no answer within {late:?}")));
        };
        match done {
            Ok(answer) => self.commit().await.map(|()| answer),
            Err(wrong) => {
                self.roll_back().await;
                Err(wrong)
            }
        }
    }

    /// The connection: another one where there is none, or none that lives.
    async fn connected(&mut self) -> Result<&mut D, Refusal> {
        let lives = self.connection.as_ref().is_some_and(Database::lives);
        let connection = match self.connection.take() {
            Some(connection) if lives => connection,
            _ => {
                let mut connection = D::connect(&self.place).await?;
                for text in &self.statements.session {
                    connection.command(text).await?;
                }
                connection
            }
        };
        Ok(self.connection.insert(connection))
    }

    /// Makes the tables where they are not there.
    async fn make_tables(&mut self) -> Result<(), Refusal> {
        let statements = Rc::clone(&self.statements);
        let connection = self.connected().await?;
        if connection.command(&statements.probe).await.is_ok() {
            return Ok(());
        }
        for text in &statements.tables {
            connection.command(text).await?;
        }
        connection.command(&statements.probe).await
    }

    /// All of a transaction but its `COMMIT`: what the operation is to be answered with.
    async fn body(&mut self, operation: &Operation) -> Answer {
        let statements = Rc::clone(&self.statements);
        let connection = self.connected().await.map_err(Refusal::of_body)?;
        for text in &statements.begin {
            connection.command(text).await.map_err(Refusal::of_body)?;
        }
        if operation.word() != "txn" {
            let effect =
                run(connection, statements.of_word(operation.word())?, &operation.0).await?;
            return answers::answer(operation.word(), &effect);
        }
        let mut results = Vec::new();
        for part in operation.argument("ops")?.as_array().into_iter().flatten() {
            let part = part.as_object().ok_or_else(|| Wrong::Fail(format!("no part: {part}")))?;
            let word = part.get("f").and_then(Value::as_str).unwrap_or_default();
            let effect = run(connection, statements.of_word(&format!("txn-{word}"))?, part).await?;
            results.push(effect.value());
        }
        Ok(json!({"results": results}))
    }

    async fn commit(&mut self) -> Result<(), Wrong> {
        let Some(connection) = &mut self.connection else {
            return Err(Wrong::Fail("not committed: there is no connection".to_owned()));
        };
        let committed = connection.command("COMMIT").await;
        if committed.is_err() {
            self.connection = None; // nobody knows what state it is in
        }
        committed.map_err(Refusal::of_commit)
    }

    /// Ends the transaction without effect, by the end of the connection if need be.
    async fn roll_back(&mut self) {
        let Some(connection) = &mut self.connection else { return };
        if connection.command("ROLLBACK").await.is_err() {
            self.connection = None;
        }
    }
}

/// Performs statements, one after the other; what they did together.
async fn run(
    connection: &mut impl Database,
    statements: &[Statement],
    arguments: &Map<String, Value>,
) -> Result<Effect, Wrong> {
    let mut all = Effect::default();
    for statement in statements {
        let binds = statement.binds(arguments).map_err(Wrong::Fail)?;
        let effect = connection.perform(statement, &binds).await.map_err(Refusal::of_body)?;
        all.affected += effect.affected;
        all.rows.extend(effect.rows);
    }
    Ok(all)
}

#[cfg(test)]
mod tests;
