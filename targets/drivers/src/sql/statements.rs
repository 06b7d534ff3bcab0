//! The statements of a session: those of the dialect, or what the target file has in their place.

use std::collections::BTreeMap;

use crate::answer::Wrong;
use crate::sql::statement::{Placeholder, Statement, pieces};

/// The operations of every dialect, and `status` at the end, which not every server has.
pub(crate) const WORDS: &[&str] = &[
    "read",
    "write",
    "cas",
    "swap",
    "append",
    "add",
    "remove",
    "contains",
    "read-all",
    "enqueue",
    "dequeue",
    "increment",
    "generate",
    "read-version",
    "update",
    "txn",
    "status",
];

/// Parameters of a target file that are no statements.
const OTHERS: [&str; 5] = ["database", "isolation", "password", "reads", "user"];

/// Where a statement reads rows that it, or the client, then changes: `FOR UPDATE` may stand there.
const LOCK: &str = "{lock}";

/// The statements that every dialect understands alike.
const STANDARD: &[(&str, &str)] = &[
    ("read", "SELECT number, text FROM objects WHERE name = :key"),
    ("cas", "UPDATE objects SET number = :new WHERE name = :key AND number = :old"),
    ("remove", "DELETE FROM elements WHERE name = :key AND number = :value"),
    ("contains", "SELECT 1 FROM elements WHERE name = :key AND number = :value"),
    ("read-all", "SELECT number FROM elements WHERE name = :key"),
    ("enqueue", "INSERT INTO queue (name, number) VALUES (:key, :value)"),
    ("read-version", "SELECT number, version FROM objects WHERE name = :key"),
    ("txn-read", "SELECT number, elements FROM objects WHERE name = :key {lock}"),
];

/// How a server is spoken to, as data.
pub(crate) struct Dialect {
    /// The user and the database where the target file names none.
    pub(crate) user: &'static str,
    pub(crate) database: &'static str,
    pub(crate) placeholder: Placeholder,
    /// `session`, `begin`, `probe`, `tables`, and the statements of each operation, by its word; of the parts
    /// of a transaction by `txn-read`, `txn-write` and `txn-append`. Those of [`STANDARD`] go without
    /// saying.
    pub(crate) statements: &'static [(&'static str, &'static str)],
}

/// The statements of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Statements {
    /// What a connection begins with.
    pub(crate) session: Vec<String>,
    /// What a transaction begins with.
    pub(crate) begin: Vec<String>,
    /// It succeeds where the tables are there.
    pub(crate) probe: String,
    /// They make the tables.
    pub(crate) tables: Vec<String>,
    by_word: BTreeMap<String, Vec<Statement>>,
}

impl Statements {
    /// Those of a dialect, with what the target file hands over.
    pub(crate) fn of(
        dialect: &Dialect,
        parameters: &BTreeMap<String, String>,
    ) -> Result<Self, String> {
        let own: BTreeMap<&str, &str> =
            STANDARD.iter().chain(dialect.statements).copied().collect();
        let known =
            |name: &String| OTHERS.contains(&name.as_str()) || own.contains_key(name.as_str());
        if let Some(unknown) = parameters.keys().find(|name| !known(name)) {
            return Err(format!("`client.parameters.{unknown}` means nothing here"));
        }
        let lock = lock(parameters.get("reads").map_or("plain", String::as_str))?;
        let text = |name: &str| {
            let asked = parameters.get(name).map(String::as_str);
            asked.or(own.get(name).copied()).unwrap_or_default().replace(LOCK, lock)
        };
        let of_word =
            |name: &&str| ((*name).to_owned(), Statement::all(&text(name), dialect.placeholder));
        Ok(Self {
            session: pieces(&text("session")),
            begin: pieces(&text("begin")),
            probe: text("probe"),
            tables: pieces(&text("tables")),
            by_word: own.keys().map(of_word).collect(),
        })
    }

    /// Those of an operation, or a part of a transaction.
    pub(crate) fn of_word(&self, word: &str) -> Result<&[Statement], Wrong> {
        let statements = self.by_word.get(word).filter(|it| !it.is_empty());
        let none = || Wrong::Fail(format!("there is no statement for `{word}`"));
        statements.map(Vec::as_slice).ok_or_else(none)
    }
}

/// What stands for [`LOCK`] where rows are read so.
fn lock(reads: &str) -> Result<&'static str, String> {
    match reads {
        "plain" => Ok(""),
        "for-update" => Ok("FOR UPDATE"),
        other => Err(format!("`{other}` is no kind of reads, expected plain or for-update")),
    }
}

/// Whether every operation of `WORDS` has its statements.
#[cfg(test)]
pub(crate) fn assert_whole(dialect: &Dialect) {
    let statements = Statements::of(dialect, &BTreeMap::new()).expect("its own statements");
    let parts = ["txn-read", "txn-write", "txn-append"];
    let alone = WORDS.iter().filter(|word| !["txn", "status"].contains(word));
    for word in alone.chain(&parts) {
        let found = statements.of_word(word);
        assert!(found.is_ok(), "{word}: {found:?}");
        assert!(!found.unwrap().iter().any(|it| it.text.contains(LOCK)), "{word}");
    }
    assert!(!statements.begin.is_empty());
    assert!(!statements.probe.is_empty() && !statements.tables.is_empty());
}
