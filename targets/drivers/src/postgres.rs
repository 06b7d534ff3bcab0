//! PostgreSQL, by the crate `tokio-postgres`, which sends nothing twice. Which statements is in
//! [`statements`].
//!
//! Whether a server leads tells itself: it is in recovery or not. Its generation is the timeline that
//! it writes; two servers that do not see each other may choose the same number.

mod statements;

use std::collections::BTreeMap;
use std::error::Error as _;

use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client as Session, Config, Error, NoTls};

use crate::answer::{Answer, Wrong};
use crate::client::Client;
use crate::message::{Hello, Node, Operation};
use crate::sql::{
    Bind, Database, Dialect, Effect, Place, Refusal, Row, Sql, Statement, WORDS, text_cell,
};

/// What a node says of itself.
const STATUS: &str = "SELECT CASE WHEN pg_is_in_recovery() THEN '' \
    ELSE substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) END";

/// The types of columns that hold texts.
const TEXTS: &[Type] = &[Type::TEXT, Type::VARCHAR, Type::BPCHAR, Type::NAME, Type::UNKNOWN];

/// What is bound, in the type of its place.
type Bound = Box<dyn ToSql + Sync>;

/// A session at a server of PostgreSQL.
pub struct Postgres(Sql<Connection>);

impl Client for Postgres {
    const SERVES: &'static [&'static str] = WORDS;

    async fn open(node: &Node, hello: &Hello) -> Result<Self, String> {
        Sql::open(node, hello).await.map(Self)
    }

    async fn perform(&mut self, operation: &Operation) -> Answer {
        self.0.perform(operation).await
    }

    async fn status(node: &Node, hello: &Hello) -> Answer {
        let place = Place::of(node, hello, &Connection::DIALECT).map_err(Wrong::Fail)?;
        status(&place).await.map_err(|refusal| Wrong::Info(refusal.to_string()))
    }
}

/// A connection. It ends when it is dropped.
struct Connection {
    session: Session,
    task: JoinHandle<()>,
    prepared: BTreeMap<String, tokio_postgres::Statement>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Database for Connection {
    const DIALECT: Dialect = statements::DIALECT;

    async fn connect(place: &Place) -> Result<Self, Refusal> {
        let mut config = Config::new();
        config.host(&place.ip).port(place.port).user(&place.user).dbname(&place.database);
        if let Some(password) = &place.password {
            config.password(password);
        }
        let level = place.isolation.replace(' ', "\\ ");
        config.options(format!("-c default_transaction_isolation={level}"));
        let (session, connection) = config.connect(NoTls).await.map_err(|error| refusal(&error))?;
        let task = tokio::spawn(async move {
            // Whoever waits for an answer is told of its end.
            let _ = connection.await;
        });
        Ok(Self { session, task, prepared: BTreeMap::new() })
    }

    fn lives(&self) -> bool {
        !self.session.is_closed()
    }

    async fn command(&mut self, text: &str) -> Result<(), Refusal> {
        self.session.batch_execute(text).await.map_err(|error| refusal(&error))
    }

    async fn perform(&mut self, statement: &Statement, binds: &[Bind]) -> Result<Effect, Refusal> {
        let prepared = match self.prepared.get(&statement.text) {
            Some(prepared) => prepared.clone(),
            None => {
                let prepared = self.session.prepare(&statement.text).await;
                let prepared = prepared.map_err(|error| refusal(&error))?;
                self.prepared.insert(statement.text.clone(), prepared.clone());
                prepared
            }
        };
        let types = prepared.params().iter();
        let bound: Result<Vec<Bound>, String> =
            binds.iter().zip(types).map(|(bind, ty)| bound(bind, ty)).collect();
        let bound = bound.map_err(Refusal::lost)?;
        let binds: Vec<&(dyn ToSql + Sync)> = bound.iter().map(|bind| &**bind as _).collect();
        if prepared.columns().is_empty() {
            let affected = self.session.execute(&prepared, &binds).await;
            let affected = affected.map_err(|error| refusal(&error))?;
            return Ok(Effect { affected, ..Effect::default() });
        }
        let rows = self.session.query(&prepared, &binds).await.map_err(|error| refusal(&error))?;
        let rows: Result<Vec<Row>, String> = rows.iter().map(row).collect();
        Ok(Effect { rows: rows.map_err(Refusal::lost)?, ..Effect::default() })
    }
}

/// What a node says of itself.
async fn status(place: &Place) -> Result<Value, Refusal> {
    let connection = Connection::connect(place).await?;
    let row = connection.session.query_one(STATUS, &[]).await.map_err(|error| refusal(&error))?;
    let timeline: String = row.try_get(0).map_err(|error| refusal(&error))?;
    Ok(match i64::from_str_radix(&timeline, 16) {
        Ok(timeline) => json!({"role": "leader", "generation": timeline}),
        Err(_) => json!({"role": "follower"}),
    })
}

/// What went wrong, in one line.
fn refusal(error: &Error) -> Refusal {
    match error.as_db_error() {
        Some(told) => {
            Refusal { state: Some(told.code().code().to_owned()), why: told.message().to_owned() }
        }
        None => match error.source() {
            Some(source) => Refusal::lost(format!("{error}: {source}")),
            None => Refusal::lost(error),
        },
    }
}

/// The columns of a row.
fn row(row: &tokio_postgres::Row) -> Result<Row, String> {
    (0..row.len()).map(|column| cell(row, column)).collect()
}

fn cell(row: &tokio_postgres::Row, at: usize) -> Result<Value, String> {
    let column = &row.columns()[at];
    let wrong = |error: Error| error.to_string();
    match column.type_() {
        &Type::INT8 => row.try_get::<_, Option<i64>>(at).map(Into::into).map_err(wrong),
        &Type::INT4 => row.try_get::<_, Option<i32>>(at).map(Into::into).map_err(wrong),
        &Type::INT2 => row.try_get::<_, Option<i16>>(at).map(Into::into).map_err(wrong),
        &Type::BOOL => row.try_get::<_, Option<bool>>(at).map(Into::into).map_err(wrong),
        other if TEXTS.contains(other) => match row.try_get(at).map_err(wrong)? {
            Some(text) => text_cell(column.name(), text),
            None => Ok(Value::Null),
        },
        other => Err(format!(
            "the column `{}` is of the type `{other}`, expected a number or a text",
            column.name()
        )),
    }
}

/// A bind in the type that the server expects.
fn bound(bind: &Bind, ty: &Type) -> Result<Bound, String> {
    if TEXTS.contains(ty) {
        let text = match bind {
            Bind::Null => None,
            Bind::Number(number) => Some(number.to_string()),
            Bind::Text(text) => Some(text.clone()),
        };
        return Ok(Box::new(text));
    }
    let number = match bind {
        Bind::Null => None,
        Bind::Number(number) => Some(*number),
        Bind::Text(text) => return Err(format!("`{text}` is bound where `{ty}` is expected")),
    };
    let too_large = |_| format!("{number:?} is too large for `{ty}`");
    match *ty {
        Type::INT8 => Ok(Box::new(number)),
        Type::INT4 => Ok(Box::new(number.map(i32::try_from).transpose().map_err(too_large)?)),
        Type::INT2 => Ok(Box::new(number.map(i16::try_from).transpose().map_err(too_large)?)),
        _ => Err(format!("`{ty}` is expected, which is neither a number nor a text")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn binds_are_what_the_server_expects_or_refused() {
        let (number, text) = (Bind::Number(1 << 40), Bind::Text("17".to_owned()));
        for (bind, ty, told) in [
            (&number, Type::INT8, Some("Some(1099511627776)")),
            (&number, Type::TEXT, Some("Some(\"1099511627776\")")),
            (&number, Type::INT4, None),
            (&text, Type::VARCHAR, Some("Some(\"17\")")),
            (&text, Type::INT8, None),
            (&Bind::Null, Type::INT2, Some("None")),
            (&Bind::Null, Type::TEXT, Some("None")),
            (&Bind::Number(1), Type::JSON, None),
        ] {
            let bound = bound(bind, &ty).map(|bound| format!("{bound:?}"));
            assert_eq!(bound.as_deref().ok(), told, "{bind:?} as {ty}: {bound:?}");
        }
    }
}
