//! RabbitMQ, by the crate `lapin`: a key is a durable queue, an element a persistent message.
//!
//! A message is in the queue once its publisher is told so (a *publisher confirm*), and leaves it once
//! whoever was handed it has acknowledged it. A dequeue is done when the message has come: the
//! acknowledgement follows, and no answer tells what became of it. So a message may be handed out
//! again; it is never told here that one was lost.

mod status;

use std::collections::BTreeSet;
use std::time::Duration;

use lapin::options::{
    BasicAckOptions, BasicGetOptions, BasicPublishOptions, ConfirmSelectOptions,
    QueueDeclareOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, Confirmation, Connection, ConnectionProperties};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::answer::{Answer, Wrong};
use crate::client::Client;
use crate::message::{Hello, Node, Operation};

/// The part of the time-out after which a message that was not handed out is given up, of ten.
const PATIENCE_TENTHS: u32 = 7;

/// A cluster is asked about a queue of such a name until it is ready.
const READY: &str = "-ready";

/// Messages that survive a restart of their server.
const PERSISTENT: u8 = 2;

/// Of which kind the queues are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Queues {
    /// Each is a log that a majority agrees on.
    Quorum,
    /// Each is on one node; what mirrors it is a policy of the servers.
    Classic,
}

impl Queues {
    fn named(word: &str) -> Result<Self, String> {
        match word {
            "quorum" => Ok(Self::Quorum),
            "classic" | "mirrored" => Ok(Self::Classic),
            other => {
                Err(format!("`{other}` is no kind of queues, expected quorum, mirrored or classic"))
            }
        }
    }

    /// What a queue is declared with, where there are so many nodes.
    fn arguments(self, nodes: usize) -> FieldTable {
        let mut arguments = FieldTable::default();
        let mut put = |name: &str, value| {
            arguments.insert(name.into(), value);
        };
        match self {
            Self::Classic => put("x-queue-type", AMQPValue::LongString("classic".into())),
            Self::Quorum => {
                put("x-queue-type", AMQPValue::LongString("quorum".into()));
                let members = i32::try_from(nodes).unwrap_or(i32::MAX);
                put("x-quorum-initial-group-size", AMQPValue::LongInt(members));
            }
        }
        arguments
    }
}

/// A session at one node.
pub struct Rabbitmq {
    uri: String,
    arguments: FieldTable,
    /// The queues that are declared while a cluster gets ready: a server of 3.10 whose declaration is
    /// interrupted leaves members of the queue behind, and refuses to declare it from then on.
    first: BTreeSet<String>,
    patience: Duration,
    /// None after an answer that did not come: it may come at any time.
    link: Option<Link>,
}

/// A connection, with one channel.
struct Link {
    channel: Channel,
    /// The queues that it has declared.
    declared: BTreeSet<String>,
    /// Closed when it is dropped: what was handed out and not acknowledged goes back.
    _connection: Connection,
}

impl Client for Rabbitmq {
    const SERVES: &'static [&'static str] = &["enqueue", "dequeue", "status"];

    async fn open(node: &Node, hello: &Hello) -> Result<Self, String> {
        let queues = Queues::named(hello.parameter("queues")?)?;
        let uri = format!("amqp://guest:guest@{}/%2f?heartbeat=10", node.address("client")?);
        let link = Some(Link::open(&uri).await.map_err(|error| error.to_string())?);
        let patience = hello.timeout() * PATIENCE_TENTHS / 10;
        let first = hello.parameter("first")?.split_whitespace().map(str::to_owned).collect();
        Ok(Self { uri, arguments: queues.arguments(hello.nodes.len()), first, patience, link })
    }

    async fn perform(&mut self, operation: &Operation) -> Answer {
        let key = operation.key()?;
        match operation.word() {
            "enqueue" => self.enqueue(key, operation.argument("value")?).await,
            "dequeue" => self.dequeue(key).await,
            other => Err(Wrong::Fail(format!("`{other}` is not served"))),
        }
    }

    async fn status(node: &Node, hello: &Hello) -> Answer {
        status::status(node, hello).await
    }
}

impl Rabbitmq {
    async fn enqueue(&mut self, key: &str, value: &Value) -> Answer {
        let link = self.declared(key).await?;
        let body = value.to_string().into_bytes();
        let confirmed = link.publish(key, &body).await;
        if confirmed.is_err() {
            self.link = None;
        }
        match confirmed.map_err(|error| Wrong::Info(error.to_string()))? {
            Confirmation::Ack(None) => Ok(json!({})),
            Confirmation::Ack(Some(_)) | Confirmation::Nack(Some(_)) => {
                Err(Wrong::Fail("it came back: there is no queue to put it into".to_owned()))
            }
            Confirmation::Nack(None) | Confirmation::NotRequested => {
                Err(Wrong::Info("the server does not answer for it".to_owned()))
            }
        }
    }

    /// What was handed out and is not known here is not acknowledged, so it goes back.
    async fn dequeue(&mut self, key: &str) -> Answer {
        let goes_back = |why: &str| Wrong::Fail(format!("{why}: nothing was acknowledged"));
        let got = match timeout(self.patience, self.get(key)).await {
            Ok(got) => got,
            Err(_) => Err(goes_back("no answer in time")),
        };
        let Some(message) = got.inspect_err(|_| self.link = None)? else {
            return Ok(json!({"value": null}));
        };
        let value: Value = serde_json::from_slice(&message.data)
            .map_err(|error| Wrong::Info(format!("not what a driver writes: {error}")))?;
        // Whatever becomes of it, somebody was handed the message.
        let acknowledged = timeout(self.patience / 5, message.ack(BasicAckOptions::default()));
        if !matches!(acknowledged.await, Ok(Ok(true))) {
            self.link = None;
        }
        Ok(json!({"value": value}))
    }

    async fn get(&mut self, key: &str) -> Result<Option<lapin::message::BasicGetMessage>, Wrong> {
        let link = self.declared(key).await?;
        let got = link.channel.basic_get(key.into(), BasicGetOptions::default()).await;
        got.map_err(|error| Wrong::Fail(format!("{error}: nothing was acknowledged")))
    }

    /// The link, on which the queue is known to be there. Nothing has been asked of the queue yet.
    async fn declared(&mut self, key: &str) -> Result<&mut Link, Wrong> {
        let refused = |error: lapin::Error| Wrong::Fail(format!("nothing was asked: {error}"));
        let mut link = match self.link.take() {
            Some(link) => link,
            None => Link::open(&self.uri).await.map_err(refused)?,
        };
        let first = self.first.iter().filter(|_| key.ends_with(READY)).map(String::as_str);
        for name in first.chain([key]) {
            link.declare(name, &self.arguments).await.map_err(refused)?;
        }
        Ok(self.link.insert(link))
    }
}

impl Link {
    async fn open(uri: &str) -> Result<Self, lapin::Error> {
        let connection = Connection::connect(uri, ConnectionProperties::default()).await?;
        let channel = connection.create_channel().await?;
        channel.confirm_select(ConfirmSelectOptions::default()).await?;
        Ok(Self { channel, declared: BTreeSet::new(), _connection: connection })
    }

    /// Makes a queue, unless it is known to be there.
    async fn declare(&mut self, name: &str, arguments: &FieldTable) -> Result<(), lapin::Error> {
        if !self.declared.contains(name) {
            let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
            self.channel.queue_declare(name.into(), options, arguments.clone()).await?;
            self.declared.insert(name.to_owned());
        }
        Ok(())
    }

    /// Sends a message, once, and waits for what the server says of it.
    async fn publish(&self, key: &str, body: &[u8]) -> Result<Confirmation, lapin::Error> {
        let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
        let properties = BasicProperties::default().with_delivery_mode(PERSISTENT);
        self.channel.basic_publish("".into(), key.into(), options, body, properties).await?.await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queues_are_of_three_kinds() {
        assert_eq!(Queues::named("quorum"), Ok(Queues::Quorum));
        assert_eq!(Queues::named("classic"), Ok(Queues::Classic));
        assert_eq!(Queues::named("mirrored"), Ok(Queues::Classic));
        assert!(Queues::named("stream").is_err());
    }

    #[test]
    fn a_quorum_queue_is_on_all_nodes() {
        let told = |queues: Queues| format!("{:?}", queues.arguments(5));
        assert!(told(Queues::Quorum).contains("LongInt(5)"), "{}", told(Queues::Quorum));
        assert!(!told(Queues::Classic).contains("group-size"), "{}", told(Queues::Classic));
    }
}
