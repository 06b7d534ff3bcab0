//! Locks. A lock is a key that exists while the lock is held: whoever creates it has the lock, and the
//! revision of that is the fencing token. A lock with a time to live hangs on a lease, and goes with
//! it. A write of what a lock guards is a transaction that asks whether the key still is the one of
//! that revision.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::timeout;

use super::{Etcd, certain, encoded, first_value, succeeded};
use crate::answer::{Answer, Wrong};
use crate::message::Operation;

/// Milliseconds of a second, in which etcd counts the time to live.
const SECOND: i64 = 1_000;

/// How long a renewal waits for its answer: a lease must be asked for again before it ends.
const RENEWAL: Duration = Duration::from_millis(500);

impl Etcd {
    /// A lease first, if the lock has a time to live; then the key, if it does not exist. The lease
    /// of a lock that somebody else holds guards nothing, and ends by itself.
    pub(super) async fn acquire(&mut self, operation: &Operation) -> Answer {
        let (key, holder) = (operation.key()?, operation.number("holder")?);
        let mut put = json!({"key": lock(key), "value": encoded(&holder.to_string())});
        let lease = match operation.argument("ttl_ms") {
            Ok(_) => Some(self.grant(operation.number("ttl_ms")?).await?),
            Err(_) => None,
        };
        if let Some(lease) = &lease {
            put["lease"] = json!(lease);
        }
        let answer = self.transaction(&created(key, 0), &json!({"requestPut": put})).await?;
        if !succeeded(&answer) {
            return Err(Wrong::Fail("held".to_owned()));
        }
        let token = revision(&answer)?;
        if let Some(lease) = lease {
            self.leases.insert(key.to_owned(), lease);
        }
        Ok(json!({"token": token}))
    }

    /// A lease of at least so many milliseconds. Whatever goes wrong, no lock was asked for.
    async fn grant(&self, ttl_ms: i64) -> Result<String, Wrong> {
        let body = json!({"TTL": seconds(ttl_ms)});
        let granted = self.ask("lease/grant", &body).await.map_err(certain)?;
        let id = granted["ID"].as_str().map(str::to_owned);
        id.ok_or_else(|| Wrong::Fail(format!("no lease was granted: {granted}")))
    }

    /// A renewal that is not heard counts as failed, and its session goes on, as etcd's own clients do:
    /// they ask again while the lease may still be there. If it takes effect all the same, the lease
    /// lasts longer than its holder believes, and nobody is granted the lock too early for that.
    pub(super) async fn renew(&mut self, key: &str) -> Answer {
        let lease = self.leases.get(key);
        let lease = lease.ok_or_else(|| Wrong::Fail("this session has no lease".to_owned()))?;
        let body = json!({"ID": lease});
        let asked = timeout(RENEWAL, self.ask("lease/keepalive", &body)).await;
        let answer = asked.map_err(|_| Wrong::Fail("not heard in time".to_owned()))?;
        if renewed(&answer.map_err(certain)?)? {
            return Ok(json!({}));
        }
        self.leases.remove(key);
        Err(Wrong::Fail("the lease has ended".to_owned()))
    }

    /// A lease of this session ends, with its lock. A lock without one is known by its holder, not by
    /// the session: it outlives that.
    pub(super) async fn release(&mut self, operation: &Operation) -> Answer {
        let (key, holder) = (operation.key()?, operation.number("holder")?);
        if let Some(lease) = self.leases.remove(key) {
            return self.ask("lease/revoke", &json!({"ID": lease})).await.map(|_| json!({}));
        }
        let held = json!({
            "target": "VALUE", "result": "EQUAL", "key": lock(key),
            "value": encoded(&holder.to_string()),
        });
        let delete = json!({"requestDeleteRange": {"key": lock(key)}});
        unless_refused(&self.transaction(&held, &delete).await?, "not held")
    }

    pub(super) async fn guarded_write(&self, operation: &Operation) -> Answer {
        let (key, token) = (operation.key()?, operation.number("token")?);
        let value = encoded(&operation.argument("value")?.to_string());
        let put = json!({"requestPut": {"key": guarded(key), "value": value}});
        unless_refused(&self.transaction(&created(key, token), &put).await?, "stale token")
    }

    /// What a lock guards.
    pub(super) async fn read(&self, key: &str) -> Answer {
        first_value(&self.ask("kv/range", &json!({"key": guarded(key)})).await?)
            .map(|value| json!({"value": value}))
    }

    async fn transaction(&self, condition: &Value, request: &Value) -> Answer {
        self.ask("kv/txn", &json!({"compare": [condition], "success": [request]})).await
    }
}

/// The time to live that etcd is asked for, in whole seconds: never less than its holder counts with.
pub(super) fn seconds(ttl_ms: i64) -> i64 {
    ttl_ms.saturating_add(SECOND - 1).div_euclid(SECOND)
}

/// The condition that the key of a lock was created at this revision; at 0 if it is not there.
fn created(key: &str, revision: i64) -> Value {
    let revision = revision.to_string();
    json!({"target": "CREATE", "result": "EQUAL", "key": lock(key), "create_revision": revision})
}

fn unless_refused(answer: &Value, reason: &str) -> Answer {
    if succeeded(answer) { Ok(json!({})) } else { Err(Wrong::Fail(reason.to_owned())) }
}

/// Whether a lease lives on: one that is gone has no time to live left. The answer is a stream of one
/// message, and may be an error with status 200.
pub(super) fn renewed(answer: &Value) -> Result<bool, Wrong> {
    match &answer["result"] {
        Value::Object(result) => Ok(result.get("TTL").is_some_and(|ttl| *ttl != json!("0"))),
        _ => Err(Wrong::Fail(answer.to_string())),
    }
}

/// The revision that a transaction made.
fn revision(answer: &Value) -> Result<i64, Wrong> {
    let number = answer.pointer("/header/revision").and_then(Value::as_str);
    let number = number.and_then(|text| text.parse().ok());
    number.ok_or_else(|| Wrong::Info(format!("no revision in {answer}")))
}

fn lock(key: &str) -> String {
    encoded(&format!("fracas/locks/{key}"))
}

fn guarded(key: &str) -> String {
    encoded(&format!("fracas/guarded/{key}"))
}
