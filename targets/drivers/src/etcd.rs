//! Locks, leases and transactions of etcd, through its JSON gateway. Registers need no driver: the
//! target `etcd` asks for them itself.
//!
//! No request is sent twice, and a redirect is not followed. Numbers of 64 bits are texts in answers,
//! and fields that are zero, false or empty are left out of them.

mod locks;
mod transactions;

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::answer::{Answer, Wrong};
use crate::client::Client;
use crate::message::{Hello, Node, Operation};

/// What etcd answers, as gRPC counts errors, where it was asked about a lease that is not there.
const NOT_FOUND: i64 = 5;

/// A session at one node.
pub struct Etcd {
    http: reqwest::Client,
    address: String,
    /// The leases that this session was granted and has not given back, by the name of the lock that
    /// hangs on each.
    leases: BTreeMap<String, String>,
}

impl Client for Etcd {
    const SERVES: &'static [&'static str] =
        &["acquire", "renew", "release", "guarded-write", "read", "txn"];

    async fn open(node: &Node, hello: &Hello) -> Result<Self, String> {
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .timeout(hello.timeout())
            .build()
            .map_err(|error| error.to_string())?;
        Ok(Self { http, address: node.address("client")?, leases: BTreeMap::new() })
    }

    async fn perform(&mut self, operation: &Operation) -> Answer {
        match operation.word() {
            "acquire" => self.acquire(operation).await,
            "renew" => self.renew(operation.key()?).await,
            "release" => self.release(operation).await,
            "guarded-write" => self.guarded_write(operation).await,
            "read" => self.read(operation.key()?).await,
            "txn" => self.transact(operation.argument("ops")?).await,
            other => Err(Wrong::Fail(format!("`{other}` is not served"))),
        }
    }
}

impl Etcd {
    /// Sends one request.
    async fn ask(&self, path: &str, body: &Value) -> Answer {
        let request = self.http.post(format!("http://{}/v3/{path}", self.address)).json(body);
        let sent = request.send().await.map_err(|error| match error.is_connect() {
            true => Wrong::Fail("no connection".to_owned()),
            false => Wrong::Info(error.to_string()),
        })?;
        let status = sent.status().as_u16();
        let text = sent.text().await.map_err(|error| Wrong::Info(error.to_string()))?;
        answered(status, &text)
    }
}

/// What an answer means. Nobody knows what came of a request with any status but 200, but for one
/// about a lease that is not there.
fn answered(status: u16, text: &str) -> Answer {
    let body = serde_json::from_str(text);
    match body {
        Ok(body) if status == 200 => Ok(body),
        Ok(Value::Object(error)) if error.get("code") == Some(&json!(NOT_FOUND)) => {
            Err(Wrong::Fail(format!("HTTP {status}: {text}")))
        }
        _ => Err(Wrong::Info(format!("HTTP {status}: {text}"))),
    }
}

/// What went wrong before anything was asked for has certainly failed.
fn certain(wrong: Wrong) -> Wrong {
    match wrong {
        Wrong::Fail(reason) | Wrong::Info(reason) => Wrong::Fail(reason),
    }
}

/// Whether the condition of a transaction held.
fn succeeded(answer: &Value) -> bool {
    answer["succeeded"] == json!(true)
}

/// The value of the first key of a range, or nothing.
fn first_value(range: &Value) -> Answer {
    let Some(value) = range.pointer("/kvs/0/value") else { return Ok(Value::Null) };
    let bytes = value.as_str().and_then(|text| STANDARD.decode(text).ok());
    let value = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    value.ok_or_else(|| Wrong::Info(format!("not what a driver writes: {range}")))
}

/// A key or a value, as etcd wants it.
fn encoded(text: &str) -> String {
    STANDARD.encode(text)
}

#[cfg(test)]
mod tests;
