//! What operations are answered.
//!
//! Only successful ones: how an operation ends otherwise is a [`crate::Completion`].

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::OpKind;
use crate::transaction::Micro;
use crate::value::Value;

/// What a successful operation answered; mirrors [`crate::Op`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "f", rename_all = "kebab-case")]
pub enum Outcome {
    /// The value; `None` where it was never written.
    Read {
        /// What was read.
        value: Option<Value>,
    },
    /// The value was written.
    Write,
    /// The register held the old value and now holds the new one.
    Cas,
    /// The register held `value` and not the old one, so nothing was changed.
    CasFound {
        /// What it held; `None` where it was never written.
        value: Option<Value>,
    },
    /// The register did not hold the old value, so nothing was changed; what it held was not told.
    CasDiffers,
    /// The text was appended.
    Append,
    /// The element is in the set.
    Add,
    /// The element is not in the set.
    Remove,
    /// Whether the set contains the element.
    Contains {
        /// The answer.
        present: bool,
    },
    /// Every element of the set, in any order.
    ReadAll {
        /// What was read.
        values: Arc<[Value]>,
    },
    /// The element was put at the end.
    Enqueue,
    /// The element that was taken; `None` where the queue was empty.
    Dequeue {
        /// What was taken.
        value: Option<Value>,
    },
    /// The lock was granted.
    Acquire {
        /// Its fencing token, where the lock has one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        token: Option<u64>,
    },
    /// The lease was extended.
    Renew,
    /// The lock was given back.
    Release,
    /// The guard accepted the token, and the value was written.
    GuardedWrite,
    /// It was counted.
    Increment,
    /// An id.
    Generate {
        /// The id.
        value: Value,
    },
    /// The configuration and its generation.
    ReadVersion {
        /// The generation; 0 where it was never set.
        generation: u64,
        /// The content; `None` where it was never set.
        value: Option<Value>,
    },
    /// The configuration was replaced.
    Update {
        /// Its new generation.
        generation: u64,
    },
    /// The transaction was committed.
    Txn {
        /// What it did, its reads answered.
        ops: Arc<[Micro]>,
    },
    /// The claim was seen.
    Claim,
}

impl Outcome {
    /// What it told beyond that it was done; none if that was all.
    #[must_use]
    pub fn told(&self) -> Option<String> {
        let maybe = |value: &Option<Value>| {
            value.as_ref().map_or_else(|| "nothing".to_owned(), ToString::to_string)
        };
        match self {
            Self::Read { value } | Self::Dequeue { value } => Some(maybe(value)),
            Self::CasFound { value } => Some(format!("no, {}", maybe(value))),
            Self::CasDiffers => Some("no, another".to_owned()),
            Self::Contains { present } => Some(if *present { "yes" } else { "no" }.to_owned()),
            Self::ReadAll { values } => {
                let values: Vec<String> = values.iter().map(ToString::to_string).collect();
                Some(format!("{{{}}}", values.join(" ")))
            }
            Self::Acquire { token } => token.map(|token| format!("token {token}")),
            Self::Generate { value } => Some(value.to_string()),
            Self::ReadVersion { generation, value } => {
                Some(format!("{} of generation {generation}", maybe(value)))
            }
            Self::Update { generation } => Some(format!("generation {generation}")),
            Self::Txn { ops } => {
                Some(ops.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
            }
            Self::Write
            | Self::Cas
            | Self::Append
            | Self::Add
            | Self::Remove
            | Self::Enqueue
            | Self::Renew
            | Self::Release
            | Self::GuardedWrite
            | Self::Increment
            | Self::Claim => None,
        }
    }

    /// Which kind of operation is answered so.
    #[must_use]
    pub fn answers(&self) -> OpKind {
        match self {
            Self::Read { .. } => OpKind::Read,
            Self::Write => OpKind::Write,
            Self::Cas | Self::CasFound { .. } | Self::CasDiffers => OpKind::Cas,
            Self::Append => OpKind::Append,
            Self::Add => OpKind::Add,
            Self::Remove => OpKind::Remove,
            Self::Contains { .. } => OpKind::Contains,
            Self::ReadAll { .. } => OpKind::ReadAll,
            Self::Enqueue => OpKind::Enqueue,
            Self::Dequeue { .. } => OpKind::Dequeue,
            Self::Acquire { .. } => OpKind::Acquire,
            Self::Renew => OpKind::Renew,
            Self::Release => OpKind::Release,
            Self::GuardedWrite => OpKind::GuardedWrite,
            Self::Increment => OpKind::Increment,
            Self::Generate { .. } => OpKind::Generate,
            Self::ReadVersion { .. } => OpKind::ReadVersion,
            Self::Update { .. } => OpKind::Update,
            Self::Txn { .. } => OpKind::Txn,
            Self::Claim => OpKind::Claim,
        }
    }
}
