//! MariaDB and what speaks like it, by the crate `mysql_async`, which sends nothing twice. Which
//! statements is in [`statements`].
//!
//! It tells no status: in a Galera cluster nobody leads.

mod statements;

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Error, OptsBuilder, Params};
use serde_json::Value;

use crate::answer::Answer;
use crate::client::Client;
use crate::message::{Hello, Node, Operation};
use crate::sql::{
    Bind, Database, Dialect, Effect, Place, Refusal, Row, Sql, Statement, WORDS, text_cell,
};

/// The longest answer, in bytes, and after how many seconds a silent connection ends: named here,
/// because the crate would ask the server for them.
const LONGEST: usize = 1 << 24;
const SILENCE: usize = 28_800;

/// A session at a server of MariaDB.
pub struct Mysql(Sql<Connection>);

impl Client for Mysql {
    const SERVES: &'static [&'static str] = match WORDS.split_last() {
        Some((_, all_but_status)) => all_but_status,
        None => WORDS,
    };

    async fn open(node: &Node, hello: &Hello) -> Result<Self, String> {
        Sql::open(node, hello).await.map(Self)
    }

    async fn perform(&mut self, operation: &Operation) -> Answer {
        self.0.perform(operation).await
    }
}

/// A connection. It ends when it is dropped.
struct Connection(Conn);

impl Database for Connection {
    const DIALECT: Dialect = statements::DIALECT;

    async fn connect(place: &Place) -> Result<Self, Refusal> {
        let options = OptsBuilder::default()
            .ip_or_hostname(&place.ip)
            .tcp_port(place.port)
            .user(Some(&place.user))
            .pass(place.password.as_ref())
            .db_name(Some(&place.database))
            .prefer_socket(false)
            .max_allowed_packet(Some(LONGEST))
            .wait_timeout(Some(SILENCE))
            // A row that is found counts, though its value stays as it was.
            .client_found_rows(true);
        let connection = Conn::new(options).await.map_err(|error| refusal(&error))?;
        let mut connection = Self(connection);
        let level = format!("SET SESSION TRANSACTION ISOLATION LEVEL {}", place.isolation);
        connection.command(&level).await?;
        Ok(connection)
    }

    fn lives(&self) -> bool {
        !self.0.is_disconnected()
    }

    async fn command(&mut self, text: &str) -> Result<(), Refusal> {
        self.0.query_drop(text).await.map_err(|error| refusal(&error))
    }

    async fn perform(&mut self, statement: &Statement, binds: &[Bind]) -> Result<Effect, Refusal> {
        let binds: Vec<_> = binds.iter().map(bound).collect();
        let parameters = if binds.is_empty() { Params::Empty } else { Params::Positional(binds) };
        let result = self.0.exec_iter(&statement.text, parameters).await;
        let mut result = result.map_err(|error| refusal(&error))?;
        let told: Vec<mysql_async::Row> =
            result.collect().await.map_err(|error| refusal(&error))?;
        let rows: Result<Vec<Row>, String> = told.into_iter().map(row).collect();
        let affected = self.0.affected_rows();
        Ok(Effect { rows: rows.map_err(Refusal::lost)?, affected })
    }
}

/// What went wrong, in one line.
fn refusal(error: &Error) -> Refusal {
    match error {
        Error::Server(told) => Refusal {
            state: Some(told.state.clone()),
            why: format!("{} {}", told.code, told.message),
        },
        other => Refusal::lost(other),
    }
}

fn bound(bind: &Bind) -> mysql_async::Value {
    match bind {
        Bind::Null => mysql_async::Value::NULL,
        Bind::Number(number) => mysql_async::Value::Int(*number),
        Bind::Text(text) => mysql_async::Value::Bytes(text.clone().into_bytes()),
    }
}

/// The columns of a row.
fn row(row: mysql_async::Row) -> Result<Row, String> {
    let columns = row.columns();
    let cells = row.unwrap().into_iter().zip(columns.iter());
    cells.map(|(value, column)| cell(value, &column.name_str())).collect()
}

fn cell(value: mysql_async::Value, column: &str) -> Result<Value, String> {
    match value {
        mysql_async::Value::NULL => Ok(Value::Null),
        mysql_async::Value::Int(number) => Ok(number.into()),
        mysql_async::Value::UInt(number) => Ok(number.into()),
        mysql_async::Value::Bytes(bytes) => {
            let text = String::from_utf8(bytes);
            text_cell(column, text.map_err(|_| format!("the column `{column}` is no UTF-8"))?)
        }
        _ => Err(format!("the column `{column}` is neither a number nor a text")),
    }
}

#[cfg(test)]
mod tests {
    use mysql_async::Value as Told;
    use serde_json::json;

    use super::*;

    #[test]
    fn cells_are_numbers_texts_and_lists() {
        assert_eq!(cell(Told::NULL, "number"), Ok(Value::Null));
        assert_eq!(cell(Told::Int(-4), "number"), Ok(json!(-4)));
        assert_eq!(cell(Told::UInt(4), "id"), Ok(json!(4)));
        assert_eq!(cell(Told::Bytes(b"1,2".to_vec()), "elements"), Ok(json!([1, 2])));
        assert_eq!(cell(Told::Bytes(b"1,2".to_vec()), "text"), Ok(json!("1,2")));
        for strange in [Told::Bytes(vec![0xff]), Told::Float(1.5)] {
            assert!(cell(strange, "text").is_err());
        }
    }
}
