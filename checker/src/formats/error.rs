//! Why a file is not a history, and where.

use std::io;

use super::jsonl;

/// Why a file is not a history.
#[derive(Debug, thiserror::Error)]
#[error("line {line}{}: {reason}", column.map(|column| format!(", column {column}")).unwrap_or_default())]
pub struct ReadError {
    /// Which line, counted from 1.
    pub line: u64,
    /// Which character of the line, counted from 1, where it helps.
    pub column: Option<u64>,
    /// What was wrong and what was expected.
    pub reason: String,
    /// The failure of the underlying reader, if that is the reason.
    #[source]
    pub source: Option<io::Error>,
}

impl From<jsonl::ReadError> for ReadError {
    fn from(error: jsonl::ReadError) -> Self {
        let jsonl::ReadError { line, reason, source } = error;
        Self { line, column: None, reason, source }
    }
}
