//! The loop of a client program: lines of JSON in and out, one session, one operation at a time.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use crate::answer::{Answer, Wrong};
use crate::client::Client;
use crate::message::{Hello, Node, Operation, PROTOCOL};

/// The part of the time-out that a driver has, of ten: the rest is for the way of the answer.
const OWN_TENTHS: u32 = 9;

/// Why a program cannot go on.
#[derive(Debug)]
pub struct Broken(String);

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Broken {}

impl From<std::io::Error> for Broken {
    fn from(error: std::io::Error) -> Self {
        Self(error.to_string())
    }
}

/// Speaks the protocol for a driver until the input ends.
///
/// # Errors
/// When the input is not the protocol, or an end of the conversation breaks.
pub async fn serve<C: Client>(
    input: impl AsyncBufRead + Unpin,
    mut output: impl AsyncWrite + Unpin,
) -> Result<(), Broken> {
    let mut lines = input.lines();
    let Some(line) = lines.next_line().await? else { return Ok(()) };
    let hello: Hello =
        serde_json::from_str(&line).map_err(|error| Broken(format!("not a hello: {error}")))?;
    if hello.protocol != PROTOCOL {
        return Err(Broken(format!("`{}` is spoken, expected `{PROTOCOL}`", hello.protocol)));
    }
    say(&mut output, &json!({"ready": true, "serves": C::SERVES})).await?;
    let mut conversation = Conversation::<C> { hello, session: None };
    while let Some(line) = lines.next_line().await? {
        let message: Map<String, Value> = serde_json::from_str(&line)
            .map_err(|error| Broken(format!("not a message: {error}: `{line}`")))?;
        if let Some(answer) = conversation.hear(message).await {
            say(&mut output, &answer).await?;
        }
    }
    Ok(())
}

async fn say(output: &mut (impl AsyncWrite + Unpin), message: &Value) -> Result<(), Broken> {
    output.write_all(format!("{message}\n").as_bytes()).await?;
    Ok(output.flush().await?)
}

/// One program's side of the conversation.
struct Conversation<C> {
    hello: Hello,
    session: Option<C>,
}

impl<C: Client> Conversation<C> {
    /// What is answered to a message, if anything is.
    async fn hear(&mut self, message: Map<String, Value>) -> Option<Value> {
        if let Some(process) = message.get("open") {
            return Some(match self.open(&message).await {
                Ok(()) => json!({"opened": process}),
                Err(why) => json!({"refused": process, "why": why}),
            });
        }
        if let Some(name) = message.get("status") {
            return Some(self.status(name).await);
        }
        if message.contains_key("close") {
            self.session = None;
            return None;
        }
        let id = message.get("id")?.clone();
        Some(match self.perform(&Operation(message)).await {
            Ok(told) => json!({"id": id, "ok": told}),
            Err(Wrong::Fail(why)) => json!({"id": id, "fail": why}),
            Err(Wrong::Info(why)) => json!({"id": id, "info": why}),
        })
    }

    async fn open(&mut self, message: &Map<String, Value>) -> Result<(), String> {
        self.session = None;
        let node = self.node(message.get("node"))?;
        let opened = self.in_time(C::open(node, &self.hello)).await;
        self.session = Some(opened.ok_or("no session in time")??);
        Ok(())
    }

    async fn perform(&mut self, operation: &Operation) -> Answer {
        let own = self.own_time();
        if !C::SERVES.contains(&operation.word()) {
            return Err(Wrong::Fail(format!("`{}` is not served", operation.word())));
        }
        let no_session = || Wrong::Fail("there is no session".to_owned());
        let session = self.session.as_mut().ok_or_else(no_session)?;
        match timeout(own, session.perform(operation)).await {
            Ok(answer) => answer,
            Err(_) => {
                self.session = None; // its connection may still bring the answer
                Err(Wrong::Info(format!("no answer within {own:?}")))
            }
        }
    }

    async fn status(&self, name: &Value) -> Value {
        let told = match self.node(Some(name)) {
            Ok(node) => self.in_time(C::status(node, &self.hello)).await,
            Err(why) => Some(Err(Wrong::Fail(why))),
        };
        let told = told.unwrap_or_else(|| Err(Wrong::Info("no answer in time".to_owned())));
        let mut told = match told {
            Ok(Value::Object(told)) => told,
            Ok(other) => Map::from_iter([("unknown".to_owned(), other)]),
            Err(Wrong::Fail(why) | Wrong::Info(why)) => {
                Map::from_iter([("unknown".to_owned(), why.into())])
            }
        };
        told.insert("status".to_owned(), name.clone());
        Value::Object(told)
    }

    fn node(&self, name: Option<&Value>) -> Result<&Node, String> {
        let name = name.and_then(Value::as_str).unwrap_or_default();
        self.hello.nodes.get(name).ok_or_else(|| format!("there is no node `{name}`"))
    }

    /// How long a driver may take.
    fn own_time(&self) -> Duration {
        self.hello.timeout() * OWN_TENTHS / 10
    }

    /// What comes of it, if that comes in time.
    async fn in_time<T>(&self, doing: impl Future<Output = T>) -> Option<T> {
        timeout(self.own_time(), doing).await.ok()
    }
}

#[cfg(test)]
mod tests;
