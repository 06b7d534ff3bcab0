//! Objects that are the data of one node: registers, texts, counters, and what tokens guard.

use serde_json::{Value, json};
use zookeeper_client::{CreateMode, Error};

use super::{ROOT, Zookeeper, done, wrong};
use crate::answer::{Answer, Wrong};
use crate::message::Operation;

/// How often a write finds the node missing and then there: nobody removes it, so once is the most.
const TURNS: usize = 2;

/// What a node holds.
struct Held {
    value: Value,
    /// The token of the last guarded write, or 0.
    token: i64,
    version: i32,
}

/// Where a value is.
fn path(key: &str) -> String {
    format!("{ROOT}/values/{key}")
}

/// A refusal by the rules of the operation.
fn refused(why: &str) -> Wrong {
    Wrong::Fail(why.to_owned())
}

impl Zookeeper {
    pub(super) async fn read(&self, key: &str) -> Answer {
        self.look().await?;
        let held = self.held(key).await?;
        Ok(json!({"value": held.map(|held| held.value)}))
    }

    pub(super) async fn write(&self, key: &str, value: &Value) -> Answer {
        let data = data(value, 0);
        for _ in 0..TURNS {
            match self.session.set_data(&path(key), &data, None).await {
                Err(Error::NoNode) => {}
                written => return written.map(|_| done()).map_err(|error| wrong(&error)),
            }
            match self.create(&path(key), &data, CreateMode::Persistent).await {
                Err(Error::NodeExists) => {}
                created => return created.map(|_| done()).map_err(|error| wrong(&error)),
            }
        }
        Err(refused("the node is missing and there by turns"))
    }

    pub(super) async fn cas(&self, key: &str, operation: &Operation) -> Answer {
        let (old, new) = (operation.argument("old")?, operation.argument("new")?);
        let held = self.held(key).await?.filter(|held| held.value == *old);
        let held = held.ok_or_else(|| refused("mismatch"))?;
        self.replace(key, Some(&held), &data(new, 0)).await.map(|_| done())
    }

    pub(super) async fn swap(&self, key: &str, value: &Value) -> Answer {
        let held = self.held(key).await?;
        self.replace(key, held.as_ref(), &data(value, 0)).await?;
        Ok(json!({"value": held.map(|held| held.value)}))
    }

    pub(super) async fn append(&self, key: &str, value: &Value) -> Answer {
        let held = self.held(key).await?;
        let before = held.as_ref().and_then(|held| held.value.as_str()).unwrap_or_default();
        let text = before.to_owned() + value.as_str().ok_or_else(|| refused("not a text"))?;
        self.replace(key, held.as_ref(), &data(&text.into(), 0)).await.map(|_| done())
    }

    pub(super) async fn increment(&self, key: &str, by: i64) -> Answer {
        let held = self.held(key).await?;
        let before = held.as_ref().and_then(|held| held.value.as_i64()).unwrap_or(0);
        let after = before.checked_add(by).ok_or_else(|| refused("the counter is full"))?;
        self.replace(key, held.as_ref(), &data(&after.into(), 0)).await.map(|_| done())
    }

    /// Versions of ZooKeeper begin with 0, those of fracas with 1: 0 means that it was never set.
    pub(super) async fn read_version(&self, key: &str) -> Answer {
        self.look().await?;
        Ok(match self.held(key).await? {
            None => json!({"value": null, "version": 0}),
            Some(held) => json!({"value": held.value, "version": i64::from(held.version) + 1}),
        })
    }

    pub(super) async fn update(&self, key: &str, operation: &Operation) -> Answer {
        let (expected, value) = (operation.number("expected")?, operation.argument("value")?);
        let version = i32::try_from(expected - 1).map_err(|_| refused("no such version"))?;
        let held = Held { value: Value::Null, token: 0, version };
        let held = (expected > 0).then_some(&held);
        let version = self.replace(key, held, &data(value, 0)).await?;
        Ok(json!({"version": i64::from(version) + 1}))
    }

    pub(super) async fn guarded_write(&self, key: &str, operation: &Operation) -> Answer {
        let (token, value) = (operation.number("token")?, operation.argument("value")?);
        let held = self.held(key).await?;
        if held.as_ref().is_some_and(|held| held.token > token) {
            return Err(refused("stale token"));
        }
        self.replace(key, held.as_ref(), &data(value, token)).await.map(|_| done())
    }

    /// What the server of this session has, which may be old.
    async fn held(&self, key: &str) -> Result<Option<Held>, Wrong> {
        let (data, stat) = match self.session.get_data(&path(key)).await {
            Err(Error::NoNode) => return Ok(None),
            got => got.map_err(|error| wrong(&error))?,
        };
        let unknown = |error| Wrong::Info(format!("not what a driver writes: {error}"));
        let (value, token) = serde_json::from_slice(&data).map_err(unknown)?;
        Ok(Some(Held { value, token, version: stat.version }))
    }

    /// Puts data in the place of what was seen, if nobody else did meanwhile; its new version.
    async fn replace(&self, key: &str, held: Option<&Held>, data: &[u8]) -> Result<i32, Wrong> {
        let stat = match held {
            Some(held) => self.session.set_data(&path(key), data, Some(held.version)).await,
            None => self.create(&path(key), data, CreateMode::Persistent).await.map(|it| it.0),
        };
        stat.map(|stat| stat.version).map_err(|error| wrong(&error))
    }
}

/// How a value is stored, with the token of who wrote it.
fn data(value: &Value, token: i64) -> Vec<u8> {
    json!([value, token]).to_string().into_bytes()
}
