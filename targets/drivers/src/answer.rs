//! What comes of an operation.

use serde_json::Value;

/// What `ok` tells, or what went wrong.
pub type Answer = Result<Value, Wrong>;

/// Why an operation has no `ok`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wrong {
    /// It certainly did not, and never will, take effect.
    Fail(String),
    /// Nobody knows.
    Info(String),
}
