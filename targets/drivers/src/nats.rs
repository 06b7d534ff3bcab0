//! NATS JetStream, by the crate `async-nats`: a key is a subject of one replicated stream that keeps
//! the last message of each subject, as NATS' own key-value buckets do, and is changed only if its
//! last message is still the one that was seen.
//!
//! A request is sent once and waits for its answer. What the crate knows of JetStream is not used: it
//! tries some requests again.

mod keys;
mod status;

use async_nats::connection::State;
use async_nats::{Client as Connection, ConnectOptions, HeaderMap, Request, RequestErrorKind};
use serde_json::{Value, json};

use crate::answer::{Answer, Wrong};
use crate::client::Client;
use crate::message::{Hello, Node, Operation};

/// The stream.
const STREAM: &str = "KV_fracas";

/// The beginning of its subjects.
const SUBJECTS: &str = "$KV.fracas";

/// How many nodes have a copy, where there are so many.
const REPLICAS: usize = 3;

/// The error of a request about a stream that is not there.
const NO_STREAM: i64 = 10_059;

/// The error of a message that was to follow another one than the last.
const WRONG_LAST: i64 = 10_071;

/// The error of a subject without messages.
const NO_MESSAGE: i64 = 10_037;

/// What a read does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reads {
    /// It writes what it found once more, which succeeds only if nothing else was written meanwhile.
    Confirmed,
    /// It asks the leader of the stream, or whoever takes itself for that.
    Leader,
}

impl Reads {
    fn named(word: &str) -> Result<Self, String> {
        match word {
            "confirmed" => Ok(Self::Confirmed),
            "leader" => Ok(Self::Leader),
            other => Err(format!("`{other}` is no kind of reads, expected confirmed or leader")),
        }
    }
}

/// A connection to one server.
pub struct Nats {
    connection: Connection,
    reads: Reads,
}

impl Client for Nats {
    const SERVES: &'static [&'static str] =
        &["read", "write", "cas", "swap", "append", "increment", "generate", "status"];

    async fn open(node: &Node, hello: &Hello) -> Result<Self, String> {
        let reads = Reads::named(hello.parameter("reads")?)?;
        let options = ConnectOptions::new()
            .connection_timeout(hello.timeout())
            .request_timeout(None)
            .ignore_discovered_servers();
        let connection = options.connect(format!("nats://{}", node.address("client")?)).await;
        let connection = connection.map_err(|error| error.to_string())?;
        let session = Self { connection, reads };
        let replicas = if hello.nodes.len() < REPLICAS { 1 } else { REPLICAS };
        session.stream(replicas).await?;
        Ok(session)
    }

    async fn perform(&mut self, operation: &Operation) -> Answer {
        let key = operation.key()?;
        match operation.word() {
            "read" => self.read(key).await,
            "write" => self.write(key, operation.argument("value")?).await,
            "cas" => self.cas(key, operation).await,
            "swap" => self.swap(key, operation.argument("value")?).await,
            "append" => self.append(key, operation.argument("value")?).await,
            "increment" => self.increment(key, operation.number("by")?).await,
            "generate" => self.generate(key).await,
            other => Err(Wrong::Fail(format!("`{other}` is not served"))),
        }
    }

    async fn status(node: &Node, hello: &Hello) -> Answer {
        status::status(node, hello).await
    }
}

impl Nats {
    /// Makes the stream if it is not there.
    async fn stream(&self, replicas: usize) -> Result<(), String> {
        let told = self.api(&format!("STREAM.INFO.{STREAM}"), &json!({})).await;
        match error_of(&told.map_err(|wrong| format!("{wrong:?}"))?) {
            None => return Ok(()),
            Some((NO_STREAM, _)) => {}
            Some((_, why)) => return Err(why),
        }
        let config = json!({
            "name": STREAM, "subjects": [format!("{SUBJECTS}.>")], "storage": "file",
            "num_replicas": replicas, "max_msgs_per_subject": 1, "retention": "limits",
            "discard": "new", "max_msgs": -1, "max_bytes": -1, "max_age": 0,
        });
        let made = self.api(&format!("STREAM.CREATE.{STREAM}"), &config).await;
        match error_of(&made.map_err(|wrong| format!("{wrong:?}"))?) {
            None => Ok(()),
            Some((_, why)) => Err(why),
        }
    }

    /// Asks JetStream.
    async fn api(&self, question: &str, body: &Value) -> Answer {
        let subject = format!("$JS.API.{question}");
        self.ask(subject, Request::new().payload(body.to_string().into())).await
    }

    /// Puts a message at the end of a subject; only if its last one has the number `last`, where that
    /// is given. Its own number.
    async fn publish(
        &self,
        subject: String,
        data: &Value,
        last: Option<i64>,
    ) -> Result<i64, Wrong> {
        let mut request = Request::new().payload(data.to_string().into());
        if let Some(last) = last {
            let mut headers = HeaderMap::new();
            headers.insert("Nats-Expected-Last-Subject-Sequence", last.to_string());
            request = request.headers(headers);
        }
        let told = self.ask(subject, request).await?;
        match (error_of(&told), told["seq"].as_i64()) {
            (Some((WRONG_LAST, why)), _) => Err(Wrong::Fail(why)),
            (Some((_, why)), _) => Err(Wrong::Info(why)),
            (None, Some(number)) => Ok(number),
            (None, None) => Err(Wrong::Info(format!("not an acknowledgement: {told}"))),
        }
    }

    /// Sends a request once and waits for its answer; the loop bounds how long.
    async fn ask(&self, subject: String, request: Request) -> Answer {
        if self.connection.connection_state() != State::Connected {
            return Err(Wrong::Fail("there is no connection: nothing was sent".to_owned()));
        }
        match self.connection.send_request(subject, request).await {
            Ok(message) => serde_json::from_slice(&message.payload)
                .map_err(|error| Wrong::Info(format!("the answer is no JSON: {error}"))),
            // The server says that it passed the message to nobody.
            Err(error) if error.kind() == RequestErrorKind::NoResponders => {
                Err(Wrong::Fail("nobody leads the stream".to_owned()))
            }
            Err(error) => Err(Wrong::Info(error.to_string())),
        }
    }
}

/// The number and the text of the error in an answer, if it is one.
fn error_of(told: &Value) -> Option<(i64, String)> {
    let error = told.get("error")?;
    let text = error["description"].as_str().unwrap_or("an error without a text");
    Some((error["err_code"].as_i64().unwrap_or(0), text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_known_by_their_numbers() {
        let refused = json!({"error": {"code": 400, "err_code": 10071, "description": "wrong last sequence: 1"}});
        assert_eq!(error_of(&refused), Some((WRONG_LAST, "wrong last sequence: 1".to_owned())));
        assert_eq!(error_of(&json!({"stream": "KV_fracas", "seq": 1})), None);
        assert_eq!(
            error_of(&json!({"error": {}})),
            Some((0, "an error without a text".to_owned()))
        );
    }
}
