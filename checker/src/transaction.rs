//! The small reads and writes that one transaction is made of.
//!
//! Only the words are here. What a transaction means is said by the models.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::text::Key;
use crate::value::Value;
use crate::words::listed;

/// One read or write within a transaction.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "f", rename_all = "kebab-case")]
pub enum Micro {
    /// Read `key`.
    Read {
        /// Which one.
        key: Key,
        /// What was read.
        seen: ReadValue,
    },
    /// Set `key` to `value`.
    Write {
        /// Which one.
        key: Key,
        /// Its new value.
        value: Value,
    },
    /// Put `value` at the end of the list `key`.
    Append {
        /// Which list.
        key: Key,
        /// The element.
        value: Value,
    },
}

impl Micro {
    /// The object it acts on.
    #[must_use]
    pub fn key(&self) -> &Key {
        match self {
            Self::Read { key, .. } | Self::Write { key, .. } | Self::Append { key, .. } => key,
        }
    }
}

/// What a read within a transaction answered.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReadValue {
    /// Not answered yet, or nobody knows.
    Unknown,
    /// It was never written.
    Absent,
    /// A register's value.
    Value(Value),
    /// A list's elements, in their order.
    List(Arc<[Value]>),
}

impl fmt::Display for ReadValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("?"),
            Self::Absent => f.write_str("absent"),
            Self::Value(value) => write!(f, "{value}"),
            Self::List(values) => write!(f, "[{}]", listed(values, " ")),
        }
    }
}

impl fmt::Display for Micro {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read { key, seen } => write!(f, "read {key}: {seen}"),
            Self::Write { key, value } => write!(f, "write {key} = {value}"),
            Self::Append { key, value } => write!(f, "append {value} to {key}"),
        }
    }
}
