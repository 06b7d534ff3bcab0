//! ZooKeeper, by the crate `zookeeper-client`. A session of fracas is a session of ZooKeeper at one
//! server; an operation is one write, refused or performed as a whole, mostly after a read.
//!
//! The crate sends no request twice: what was on its way when a connection broke ends with an error.
//! What changes an object after looking at it does so by the version that it saw, so it need not look
//! at the newest state. It deliberately does not watch anything, and it knows no leases.

mod objects;
mod values;

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use zookeeper_client::{
    Acls, Client as Session, CreateMode, CreateSequence, Error, SessionState, Stat,
};

use crate::answer::{Answer, Wrong};
use crate::client::Client;
use crate::message::{Hello, Node, Operation};

/// How long a session lives without its client; servers bound it by their `tickTime`.
const SESSION: Duration = Duration::from_secs(4);

/// Where everything of a test is.
const ROOT: &str = "/fracas";

/// What a read does first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reads {
    /// A write of the same session, which a majority has before the read is served.
    Barrier,
    /// `sync`: the server catches up with the leader, or with whom it takes for one.
    Sync,
    /// Nothing.
    Plain,
}

impl Reads {
    fn named(word: &str) -> Result<Self, String> {
        match word {
            "barrier" => Ok(Self::Barrier),
            "sync" => Ok(Self::Sync),
            "plain" => Ok(Self::Plain),
            other => Err(format!("`{other}` is no kind of reads, expected barrier, sync or plain")),
        }
    }
}

/// A session of ZooKeeper.
pub struct Zookeeper {
    session: Session,
    reads: Reads,
    /// The locks that this session has acquired and not given back.
    locks: BTreeSet<String>,
}

impl Client for Zookeeper {
    const SERVES: &'static [&'static str] = &[
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
        "acquire",
        "release",
        "guarded-write",
        "increment",
        "generate",
        "read-version",
        "update",
    ];

    async fn open(node: &Node, hello: &Hello) -> Result<Self, String> {
        let reads = Reads::named(hello.parameter("reads")?)?;
        let connector = Session::connector()
            .with_session_timeout(SESSION)
            .with_connection_timeout(hello.timeout())
            .with_fail_eagerly();
        let session = connector.connect(&node.address("client")?).await;
        let session = session.map_err(|error| error.to_string())?;
        Ok(Self { session, reads, locks: BTreeSet::new() })
    }

    async fn perform(&mut self, operation: &Operation) -> Answer {
        if self.session.state() != SessionState::SyncConnected {
            return Err(Wrong::Fail("the session has no connection: nothing was sent".to_owned()));
        }
        let key = operation.key()?;
        match operation.word() {
            "read" => self.read(key).await,
            "write" => self.write(key, operation.argument("value")?).await,
            "cas" => self.cas(key, operation).await,
            "swap" => self.swap(key, operation.argument("value")?).await,
            "append" => self.append(key, operation.argument("value")?).await,
            "increment" => self.increment(key, operation.number("by")?).await,
            "read-version" => self.read_version(key).await,
            "update" => self.update(key, operation).await,
            "guarded-write" => self.guarded_write(key, operation).await,
            "add" => self.add(key, operation.number("value")?).await,
            "remove" => self.remove(key, operation.number("value")?).await,
            "contains" => self.contains(key, operation.number("value")?).await,
            "read-all" => self.read_all(key).await,
            "enqueue" => self.enqueue(key, operation.argument("value")?).await,
            "dequeue" => self.dequeue(key).await,
            "acquire" => self.acquire(key, operation).await,
            "release" => self.release(key).await,
            "generate" => self.generate(key).await,
            other => Err(Wrong::Fail(format!("`{other}` is not served"))),
        }
    }
}

impl Zookeeper {
    /// Brings the server up to date, as far as the kind of reads asks for it.
    async fn look(&self) -> Result<(), Wrong> {
        match self.reads {
            Reads::Plain => Ok(()),
            Reads::Sync => self.session.sync("/").await.map_err(|error| wrong(&error)),
            Reads::Barrier => {
                let path = format!("{ROOT}/barrier");
                match self.session.set_data(&path, b"", None).await {
                    Err(Error::NoNode) => {
                        match self.create(&path, b"", CreateMode::Persistent).await {
                            Ok(_) | Err(Error::NodeExists) => Ok(()),
                            Err(error) => Err(wrong(&error)),
                        }
                    }
                    written => written.map(|_| ()).map_err(|error| wrong(&error)),
                }
            }
        }
    }

    /// Creates a node, and those above it if they are not there.
    async fn create(
        &self,
        path: &str,
        data: &[u8],
        mode: CreateMode,
    ) -> Result<(Stat, CreateSequence), Error> {
        let options = mode.with_acls(Acls::anyone_all());
        match self.session.create(path, data, &options).await {
            Err(Error::NoNode) => {
                let above = path.rsplit_once('/').map_or(ROOT, |(above, _)| above);
                let options = CreateMode::Persistent.with_acls(Acls::anyone_all());
                self.session.mkdir(above, &options).await?;
            }
            created => return created,
        }
        self.session.create(path, data, &options).await
    }
}

/// What an error means. Only what the server refuses by its rules has certainly not taken effect.
fn wrong(error: &Error) -> Wrong {
    let why = error.to_string();
    match error {
        Error::NoNode | Error::NodeExists | Error::BadVersion | Error::NotEmpty => Wrong::Fail(why),
        _ => Wrong::Info(why),
    }
}

/// An answer that says no more than that it took effect.
fn done() -> Value {
    json!({})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_server_refuses_has_certainly_failed() {
        for error in [Error::NoNode, Error::NodeExists, Error::BadVersion, Error::NotEmpty] {
            assert!(matches!(wrong(&error), Wrong::Fail(_)), "{error}");
        }
        for error in [
            Error::ConnectionLoss,
            Error::SessionExpired,
            Error::SessionMoved,
            Error::Timeout,
            Error::ClientClosed,
            Error::UnexpectedErrorCode(-4),
        ] {
            assert!(matches!(wrong(&error), Wrong::Info(_)), "{error}");
        }
    }

    #[test]
    fn reads_have_three_kinds() {
        assert_eq!(Reads::named("barrier"), Ok(Reads::Barrier));
        assert_eq!(Reads::named("sync"), Ok(Reads::Sync));
        assert_eq!(Reads::named("plain"), Ok(Reads::Plain));
        assert!(Reads::named("quorum").is_err());
    }
}
