//! What clients ask and what they are answered.
//!
//! This is the vocabulary that targets and workloads meet in. One closed list serves all kinds of
//! objects; which operations belong to which kind is said by [`crate::objects`]. It deliberately
//! knows nothing of how an operation is carried out, nor of whether an answer is right.

mod kind;
mod outcome;

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::identity::{Nanos, NodeId};
pub use crate::text::Key;
use crate::transaction::Micro;
pub use crate::value::Value;
pub use kind::OpKind;
pub use outcome::Outcome;

/// What a client asks of the cluster.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "f", rename_all = "kebab-case")]
pub enum Op {
    /// Read the register or counter `key`.
    Read {
        /// Which one.
        key: Key,
    },
    /// Set the register `key` to `value`.
    Write {
        /// Which register.
        key: Key,
        /// Its new value.
        value: Value,
    },
    /// Set the register `key` to `new` if it holds `old`, atomically.
    Cas {
        /// Which register.
        key: Key,
        /// The value it must hold.
        old: Value,
        /// Its new value.
        new: Value,
    },
    /// Append the text `value` to what `key` holds.
    Append {
        /// Which entry of the store.
        key: Key,
        /// What is put at its end.
        value: Value,
    },
    /// Put `value` into the set `key`.
    Add {
        /// Which set.
        key: Key,
        /// The element.
        value: Value,
    },
    /// Take `value` out of the set `key`.
    Remove {
        /// Which set.
        key: Key,
        /// The element.
        value: Value,
    },
    /// Ask whether the set `key` contains `value`.
    Contains {
        /// Which set.
        key: Key,
        /// The element.
        value: Value,
    },
    /// Read every element of the set `key` at once.
    ReadAll {
        /// Which set.
        key: Key,
    },
    /// Put `value` at the end of the queue `key`.
    Enqueue {
        /// Which queue.
        key: Key,
        /// The element.
        value: Value,
    },
    /// Take one element out of the queue `key`.
    Dequeue {
        /// Which queue.
        key: Key,
    },
    /// Take the lock or lease `key`.
    Acquire {
        /// Which lock.
        key: Key,
        /// Who asks: the client as the lock service knows it.
        holder: u64,
        /// For how long, where it is a lease: nanoseconds from when it is granted.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ttl: Option<Nanos>,
    },
    /// Extend the lease `key` by its time to live from now.
    Renew {
        /// Which lease.
        key: Key,
        /// Who holds it.
        holder: u64,
        /// For how long: nanoseconds from when it is granted.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ttl: Option<Nanos>,
    },
    /// Give the lock or lease `key` back.
    Release {
        /// Which lock.
        key: Key,
        /// Who held it.
        holder: u64,
    },
    /// Write `value` to the resource `key` that is guarded by the lock of the same name, showing
    /// the fencing token of the grant.
    GuardedWrite {
        /// Which resource.
        key: Key,
        /// The token of the grant.
        token: u64,
        /// Its new value.
        value: Value,
    },
    /// Add `by` to the counter `key`; negative numbers count down.
    Increment {
        /// Which counter.
        key: Key,
        /// How much.
        by: i64,
    },
    /// Ask the generator `key` for an id that nobody else ever gets.
    Generate {
        /// Which generator.
        key: Key,
    },
    /// Read the configuration `key` with its generation.
    ReadVersion {
        /// Which configuration.
        key: Key,
    },
    /// Replace the configuration `key` if its generation is still `expected` (optimistic update).
    Update {
        /// Which configuration.
        key: Key,
        /// The generation it must have; 0 where it was never set.
        expected: u64,
        /// Its new content.
        value: Value,
    },
    /// Run several reads and writes as one transaction.
    Txn {
        /// What it does, in order. Reads are not answered yet.
        ops: Arc<[Micro]>,
    },
    /// `node` claims to lead `generation`. No client asks this: the leadership check derives it
    /// from observations, so that the linearizability search can judge it as an operation.
    Claim {
        /// The generation that is claimed.
        generation: u64,
        /// Who claims it.
        node: NodeId,
    },
}

impl Op {
    /// Which kind of operation this is.
    #[must_use]
    pub fn kind(&self) -> OpKind {
        match self {
            Self::Read { .. } => OpKind::Read,
            Self::Write { .. } => OpKind::Write,
            Self::Cas { .. } => OpKind::Cas,
            Self::Append { .. } => OpKind::Append,
            Self::Add { .. } => OpKind::Add,
            Self::Remove { .. } => OpKind::Remove,
            Self::Contains { .. } => OpKind::Contains,
            Self::ReadAll { .. } => OpKind::ReadAll,
            Self::Enqueue { .. } => OpKind::Enqueue,
            Self::Dequeue { .. } => OpKind::Dequeue,
            Self::Acquire { .. } => OpKind::Acquire,
            Self::Renew { .. } => OpKind::Renew,
            Self::Release { .. } => OpKind::Release,
            Self::GuardedWrite { .. } => OpKind::GuardedWrite,
            Self::Increment { .. } => OpKind::Increment,
            Self::Generate { .. } => OpKind::Generate,
            Self::ReadVersion { .. } => OpKind::ReadVersion,
            Self::Update { .. } => OpKind::Update,
            Self::Txn { .. } => OpKind::Txn,
            Self::Claim { .. } => OpKind::Claim,
        }
    }

    /// The values it names, in their order. Those within a transaction are not among them.
    #[must_use]
    pub fn values(&self) -> Vec<&Value> {
        match self {
            Self::Write { value, .. }
            | Self::Append { value, .. }
            | Self::Add { value, .. }
            | Self::Remove { value, .. }
            | Self::Contains { value, .. }
            | Self::Enqueue { value, .. }
            | Self::GuardedWrite { value, .. }
            | Self::Update { value, .. } => vec![value],
            Self::Cas { old, new, .. } => vec![old, new],
            _ => Vec::new(),
        }
    }

    /// The object it acts on; none for a transaction or a claim, whose object is everything.
    #[must_use]
    pub fn key(&self) -> Option<&Key> {
        match self {
            Self::Read { key }
            | Self::Write { key, .. }
            | Self::Cas { key, .. }
            | Self::Append { key, .. }
            | Self::Add { key, .. }
            | Self::Remove { key, .. }
            | Self::Contains { key, .. }
            | Self::ReadAll { key }
            | Self::Enqueue { key, .. }
            | Self::Dequeue { key }
            | Self::Acquire { key, .. }
            | Self::Renew { key, .. }
            | Self::Release { key, .. }
            | Self::GuardedWrite { key, .. }
            | Self::Increment { key, .. }
            | Self::Generate { key }
            | Self::ReadVersion { key }
            | Self::Update { key, .. } => Some(key),
            Self::Txn { .. } | Self::Claim { .. } => None,
        }
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read { key } => write!(f, "read {key}"),
            Self::Write { key, value } => write!(f, "write {key} = {value}"),
            Self::Cas { key, old, new } => write!(f, "cas {key} from {old} to {new}"),
            Self::Append { key, value } => write!(f, "append {value} to {key}"),
            Self::Add { key, value } => write!(f, "add {value} to {key}"),
            Self::Remove { key, value } => write!(f, "remove {value} from {key}"),
            Self::Contains { key, value } => write!(f, "ask whether {key} contains {value}"),
            Self::ReadAll { key } => write!(f, "read all of {key}"),
            Self::Enqueue { key, value } => write!(f, "enqueue {value} to {key}"),
            Self::Dequeue { key } => write!(f, "dequeue from {key}"),
            Self::Acquire { key, holder, .. } => write!(f, "acquire {key} for {holder}"),
            Self::Renew { key, holder, .. } => write!(f, "renew {key} for {holder}"),
            Self::Release { key, holder } => write!(f, "release {key} by {holder}"),
            Self::GuardedWrite { key, token, value } => {
                write!(f, "write {key} = {value} with token {token}")
            }
            Self::Increment { key, by } => write!(f, "increment {key} by {by}"),
            Self::Generate { key } => write!(f, "generate an id from {key}"),
            Self::ReadVersion { key } => write!(f, "read {key} with its generation"),
            Self::Update { key, expected, value } => {
                write!(f, "update {key} = {value} from generation {expected}")
            }
            Self::Txn { ops } => crate::transaction::write_ops(f, ops),
            Self::Claim { generation, node } => write!(f, "{node} claims generation {generation}"),
        }
    }
}
