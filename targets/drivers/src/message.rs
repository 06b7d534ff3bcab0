//! What fracas says, read: the hello, nodes, and operations with their arguments.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::answer::Wrong;

/// The protocol that is spoken.
pub(crate) const PROTOCOL: &str = "fracas.client/1";

/// What a program is told first.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Hello {
    #[serde(rename = "hello")]
    pub(crate) protocol: String,
    /// The nodes of the cluster, by their names.
    pub nodes: BTreeMap<String, Node>,
    #[serde(rename = "timeout_ms")]
    timeout_ms: u64,
    /// What the target file hands over.
    #[serde(default)]
    pub parameters: BTreeMap<String, String>,
}

impl Hello {
    /// When an answer comes too late.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout_ms)
    }

    /// A parameter of the target file.
    ///
    /// # Errors
    /// When the file does not hand it over.
    pub fn parameter(&self, name: &str) -> Result<&str, String> {
        let value = self.parameters.get(name).map(String::as_str);
        value.ok_or_else(|| format!("the target file has no `client.parameters.{name}`"))
    }
}

/// Where a session is opened.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Node {
    /// Its address.
    pub ip: String,
    /// Its ports, by their names.
    pub ports: BTreeMap<String, u16>,
}

impl Node {
    /// Where it listens for what the target file calls `name`: `10.77.0.1:2181`.
    ///
    /// # Errors
    /// When there is no such port.
    pub fn address(&self, name: &str) -> Result<String, String> {
        let port = self.ports.get(name).ok_or_else(|| format!("there is no port `{name}`"))?;
        Ok(format!("{}:{port}", self.ip))
    }
}

/// An operation: its word and its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation(pub(crate) Map<String, Value>);

impl Operation {
    /// What is asked: `read`, `write`, …
    #[must_use]
    pub fn word(&self) -> &str {
        self.0.get("op").and_then(Value::as_str).unwrap_or_default()
    }

    /// The name of the object. It becomes a part of paths and subjects, so it may hold nothing that
    /// means something there.
    ///
    /// # Errors
    /// `fail` when there is none, or none of letters, digits, `-` and `_`.
    pub fn key(&self) -> Result<&str, Wrong> {
        let key = self.argument("key")?.as_str().unwrap_or_default();
        let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_".contains(letter);
        match !key.is_empty() && key.chars().all(plain) {
            true => Ok(key),
            false => Err(Wrong::Fail(format!("`{key}` is not a key of letters and digits"))),
        }
    }

    /// An argument.
    ///
    /// # Errors
    /// `fail` when it is missing.
    pub fn argument(&self, name: &str) -> Result<&Value, Wrong> {
        self.0.get(name).ok_or_else(|| Wrong::Fail(format!("the operation has no `{name}`")))
    }

    /// An argument that is a number.
    ///
    /// # Errors
    /// `fail` when it is missing, or no whole number.
    pub fn number(&self, name: &str) -> Result<i64, Wrong> {
        let number = self.argument(name)?.as_i64();
        number.ok_or_else(|| Wrong::Fail(format!("`{name}` is not a whole number")))
    }
}
