//! Who and when: nodes, clients and moments, which every event names.
//!
//! What they do is said in [`crate::event`].

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Nanoseconds since the start of the run, on the harness's monotonic clock.
pub type Nanos = u64;

/// One server of the cluster; written `n1` … `nN`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct NodeId(pub u16);

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "n{}", self.0)
    }
}

impl From<NodeId> for String {
    fn from(node: NodeId) -> Self {
        node.to_string()
    }
}

/// A text that is not a node's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a node name: expected `n` and a number from 1, such as `n3`")]
pub struct BadNodeId(String);

impl FromStr for NodeId {
    type Err = BadNodeId;

    fn from_str(text: &str) -> Result<Self, BadNodeId> {
        text.strip_prefix('n')
            .and_then(|number| number.parse().ok())
            .filter(|number| *number > 0)
            .map(NodeId)
            .ok_or_else(|| BadNodeId(text.to_owned()))
    }
}

impl TryFrom<String> for NodeId {
    type Error = BadNodeId;

    fn try_from(text: String) -> Result<Self, BadNodeId> {
        text.parse()
    }
}

/// A single-threaded logical client: it has at most one operation open at a time.
///
/// After an operation ended [`Info`](crate::Completion::Info) nobody knows whether it is still open, so its
/// worker goes on under a new process id.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default,
)]
#[serde(transparent)]
pub struct ProcessId(pub u64);

impl ProcessId {
    /// The process that stands for the initial contents of objects. No recorded client has this
    /// number.
    pub const INITIAL: Self = Self(u64::MAX);
}

impl fmt::Display for ProcessId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::INITIAL => f.write_str("initial"),
            Self(number) => write!(f, "{number}"),
        }
    }
}
