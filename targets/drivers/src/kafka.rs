//! Kafka, on the wire protocol of the crate `kafka-protocol`. A key is a partition's records about it,
//! in the order of the log: whoever reads them up to the same record comes to the same (`replay`). So
//! a partition can be a queue, a set, a register or a text, and the offsets that it gives are numbers
//! that nobody gets twice.
//!
//! A record is sent once, by a producer that is not idempotent: nothing is there to be sent again. An
//! operation that looks puts a record at the end first, and looks at what is before it.

mod log;
mod replay;
mod requests;
mod status;
mod wire;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::json;

use self::log::{Log, Until};
use self::replay::{Action, Entry, State};
use crate::answer::{Answer, Wrong};
use crate::client::Client;
use crate::message::{Hello, Node, Operation};

/// The part of the time-out after which a broker gives up a record, of ten.
const PATIENCE_TENTHS: u32 = 8;

/// What an operation that looks does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reads {
    /// It puts a record into the log and looks at what is before that.
    Marked,
    /// It looks at what whoever takes itself for the leader lets consumers see.
    Leader,
}

impl Reads {
    fn named(word: &str) -> Result<Self, String> {
        match word {
            "marked" => Ok(Self::Marked),
            "leader" => Ok(Self::Leader),
            other => Err(format!("`{other}` is no kind of reads, expected marked or leader")),
        }
    }
}

/// How many brokers must have a record before its producer is told so.
fn acks(word: &str) -> Result<i16, String> {
    match word {
        "all" => Ok(-1),
        "1" => Ok(1),
        other => Err(format!("`{other}` is no kind of acks, expected all or 1")),
    }
}

/// How many nodes have a copy of a partition, where there are so many.
fn replicas(word: &str, nodes: usize) -> Result<i16, String> {
    let number: i16 = word.parse().map_err(|_| format!("`{word}` is no number of replicas"))?;
    Ok(number.min(i16::try_from(nodes).unwrap_or(i16::MAX)))
}

/// A session that began at one node.
pub struct Kafka {
    log: Log,
    reads: Reads,
    /// What the ids of its records begin with.
    name: String,
    /// How many records it has made.
    records: u64,
}

impl Client for Kafka {
    const SERVES: &'static [&'static str] = &[
        "read", "write", "append", "add", "remove", "contains", "read-all", "enqueue", "dequeue",
        "generate", "status",
    ];

    async fn open(node: &Node, hello: &Hello) -> Result<Self, String> {
        let reads = Reads::named(hello.parameter("reads")?)?;
        let acks = acks(hello.parameter("acks")?)?;
        let patience = hello.timeout() * PATIENCE_TENTHS / 10;
        let replicas = replicas(hello.parameter("replicas")?, hello.nodes.len())?;
        let log = Log::open(node.address("client")?, acks, replicas, patience).await?;
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        let name = format!("{}-{}", std::process::id(), since.as_nanos());
        Ok(Self { log, reads, name, records: 0 })
    }

    async fn perform(&mut self, operation: &Operation) -> Answer {
        let key = operation.key()?;
        let value = || operation.argument("value").cloned();
        match operation.word() {
            "read" => self.look(key).await.map(|state| json!({"value": state.value})),
            "write" => self.change(key, Action::Set(value()?)).await,
            "append" => self.change(key, Action::Append(text(operation)?)).await,
            "add" => self.change(key, Action::Add(operation.number("value")?)).await,
            "remove" => self.change(key, Action::Remove(operation.number("value")?)).await,
            "contains" => {
                let element = operation.number("value")?;
                let state = self.look(key).await?;
                Ok(json!({"present": state.set.contains(&element)}))
            }
            "read-all" => self.look(key).await.map(|state| json!({"values": state.set})),
            "enqueue" => self.change(key, Action::Put(value()?)).await,
            "dequeue" => {
                let (offset, id) = self.append(key, Action::Take).await?;
                self.before(key, offset, &id).await.map(|state| json!({"value": state.taken}))
            }
            "generate" => {
                let (offset, _) = self.append(key, Action::Look).await?;
                Ok(json!({"value": offset}))
            }
            other => Err(Wrong::Fail(format!("`{other}` is not served"))),
        }
    }

    async fn status(node: &Node, hello: &Hello) -> Answer {
        status::status(node, hello).await
    }
}

impl Kafka {
    /// Puts a record into the log: where it is, and its id.
    async fn append(&mut self, key: &str, action: Action) -> Result<(i64, String), Wrong> {
        self.records += 1;
        let id = format!("{}-{}", self.name, self.records);
        let entry = Entry { key: key.to_owned(), id: id.clone(), action };
        Ok((self.log.append(&entry).await?, id))
    }

    async fn change(&mut self, key: &str, action: Action) -> Answer {
        self.append(key, action).await.map(|_| json!({}))
    }

    /// What a key is now.
    async fn look(&mut self, key: &str) -> Result<State, Wrong> {
        match self.reads {
            Reads::Marked => {
                let (offset, id) = self.append(key, Action::Look).await?;
                self.before(key, offset, &id).await
            }
            Reads::Leader => {
                let all = self.log.read(key, Until::Visible).await?;
                Ok(State::after(all.iter().map(|(_, entry)| &entry.action)))
            }
        }
    }

    /// What a key is after an own record. If another one stands in its place, the log was cut off and
    /// has gone on: what the record did is gone.
    async fn before(&mut self, key: &str, offset: i64, id: &str) -> Result<State, Wrong> {
        let all = self.log.read(key, Until::Offset(offset)).await?;
        match all.last() {
            Some((last, entry)) if *last == offset && entry.id == id => {
                Ok(State::after(all.iter().map(|(_, entry)| &entry.action)))
            }
            _ => Err(Wrong::Info("another record has its offset: the log was cut off".to_owned())),
        }
    }
}

/// The text that an operation brings.
fn text(operation: &Operation) -> Result<String, Wrong> {
    let text = operation.argument("value")?.as_str().map(str::to_owned);
    text.ok_or_else(|| Wrong::Fail("`value` is not a text".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_known_words() {
        assert_eq!(Reads::named("marked"), Ok(Reads::Marked));
        assert_eq!(Reads::named("leader"), Ok(Reads::Leader));
        assert!(Reads::named("all").is_err());
        assert_eq!((acks("all"), acks("1")), (Ok(-1), Ok(1)));
        assert!(acks("0").is_err());
        assert_eq!((replicas("3", 5), replicas("3", 1)), (Ok(3), Ok(1)));
        assert!(replicas("all", 3).is_err());
    }
}
