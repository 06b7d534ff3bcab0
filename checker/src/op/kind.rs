//! The kinds of operations, without their arguments.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The kinds of [`Op`](crate::Op), for tables of what a target serves and what a workload needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OpKind {
    /// [`Op::Read`](crate::Op::Read).
    Read,
    /// [`Op::Write`](crate::Op::Write).
    Write,
    /// [`Op::Cas`](crate::Op::Cas).
    Cas,
    /// [`Op::Append`](crate::Op::Append).
    Append,
    /// [`Op::Add`](crate::Op::Add).
    Add,
    /// [`Op::Remove`](crate::Op::Remove).
    Remove,
    /// [`Op::Contains`](crate::Op::Contains).
    Contains,
    /// [`Op::ReadAll`](crate::Op::ReadAll).
    ReadAll,
    /// [`Op::Enqueue`](crate::Op::Enqueue).
    Enqueue,
    /// [`Op::Dequeue`](crate::Op::Dequeue).
    Dequeue,
    /// [`Op::Acquire`](crate::Op::Acquire).
    Acquire,
    /// [`Op::Renew`](crate::Op::Renew).
    Renew,
    /// [`Op::Release`](crate::Op::Release).
    Release,
    /// [`Op::GuardedWrite`](crate::Op::GuardedWrite).
    GuardedWrite,
    /// [`Op::Increment`](crate::Op::Increment).
    Increment,
    /// [`Op::Generate`](crate::Op::Generate).
    Generate,
    /// [`Op::ReadVersion`](crate::Op::ReadVersion).
    ReadVersion,
    /// [`Op::Update`](crate::Op::Update).
    Update,
    /// [`Op::Txn`](crate::Op::Txn).
    Txn,
    /// [`Op::Claim`](crate::Op::Claim).
    Claim,
}

impl OpKind {
    /// Every kind that a client can ask for: all but claims.
    pub const ASKED: [Self; 19] = [
        Self::Read,
        Self::Write,
        Self::Cas,
        Self::Append,
        Self::Add,
        Self::Remove,
        Self::Contains,
        Self::ReadAll,
        Self::Enqueue,
        Self::Dequeue,
        Self::Acquire,
        Self::Renew,
        Self::Release,
        Self::GuardedWrite,
        Self::Increment,
        Self::Generate,
        Self::ReadVersion,
        Self::Update,
        Self::Txn,
    ];

    /// The kinds that a target of this version can be asked for, in the order of lists.
    pub const REQUESTS: [Self; 3] = [Self::Read, Self::Write, Self::Cas];

    /// The word used in target files, histories and reports.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Cas => "cas",
            Self::Append => "append",
            Self::Add => "add",
            Self::Remove => "remove",
            Self::Contains => "contains",
            Self::ReadAll => "read-all",
            Self::Enqueue => "enqueue",
            Self::Dequeue => "dequeue",
            Self::Acquire => "acquire",
            Self::Renew => "renew",
            Self::Release => "release",
            Self::GuardedWrite => "guarded-write",
            Self::Increment => "increment",
            Self::Generate => "generate",
            Self::ReadVersion => "read-version",
            Self::Update => "update",
            Self::Txn => "txn",
            Self::Claim => "claim",
        }
    }

    /// Whether operations of this kind change nothing, so that one of unknown outcome says nothing.
    #[must_use]
    pub fn only_looks(self) -> bool {
        matches!(self, Self::Read | Self::Contains | Self::ReadAll | Self::ReadVersion)
    }
}

impl fmt::Display for OpKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
