//! What nodes say to each other and what they write down. Plain data, hardly any behaviour.

use serde::{Deserialize, Serialize};

/// The name of a node: `n1`.
pub type NodeId = String;

/// The number of a leader's reign. 0 is before the first election.
pub type Generation = u64;

/// A position in the log. The first entry is at 1; 0 means "before the first entry".
pub type Index = u64;

/// The client that holds a lock, as clients name themselves.
pub type Holder = u64;

/// What shows that a lock was granted: the index of the grant in the log, so it only ever grows.
pub type FencingToken = u64;

/// What an entry of the log does to the registers and locks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "kebab-case")]
pub enum Command {
    /// Nothing: the first entry of every reign.
    Noop,
    /// Sets a register.
    Put {
        /// Which register.
        key: String,
        /// Its new value.
        value: i64,
    },
    /// Sets a register if it holds a given value.
    Cas {
        /// Which register.
        key: String,
        /// The value it must hold; `None` is a register never written.
        old: Option<i64>,
        /// Its new value.
        new: i64,
    },
    /// Takes a lock that is free.
    Acquire {
        /// Which lock.
        key: String,
        /// Who takes it.
        holder: Holder,
        /// For how long, in milliseconds; for ever if it does not say.
        ttl_ms: Option<u64>,
    },
    /// Extends a lease that its holder still has.
    Renew {
        /// Which lock.
        key: String,
        /// Who holds it.
        holder: Holder,
        /// For how long from now, in milliseconds.
        ttl_ms: Option<u64>,
    },
    /// Gives a lock back.
    Release {
        /// Which lock.
        key: String,
        /// Who held it.
        holder: Holder,
    },
    /// Ends a lease whose time is over, unless it was extended since.
    Expire {
        /// Which lock.
        key: String,
        /// Where in the log it was granted, or last extended.
        since: Index,
    },
    /// Sets a register that a lock guards, unless a higher token was shown to it.
    GuardedPut {
        /// Which register; the lock has the same name.
        key: String,
        /// The token of the grant under which this is written.
        token: FencingToken,
        /// Its new value.
        value: i64,
    },
}

impl Command {
    /// The register or lock that it is about; none if it is about none.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        match self {
            Self::Noop => None,
            Self::Put { key, .. }
            | Self::Cas { key, .. }
            | Self::Acquire { key, .. }
            | Self::Renew { key, .. }
            | Self::Release { key, .. }
            | Self::Expire { key, .. }
            | Self::GuardedPut { key, .. } => Some(key),
        }
    }
}

/// One entry of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The generation of the leader that appended it.
    pub generation: Generation,
    /// What it does.
    pub command: Command,
}

/// The generation a node has reached, and for whom it voted in it. Must survive any crash: a node
/// that forgets it can vote twice.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ballot {
    /// The highest generation the node has seen.
    pub generation: Generation,
    /// Who got its vote in that generation.
    pub vote: Option<NodeId>,
}

/// The log from `from` on is replaced by `entries`. Everything a node ever does to its log is one
/// of these, so that a truncation and what follows it reach the disk together or not at all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Splice {
    /// The first index that is replaced.
    pub from: Index,
    /// What stands there now.
    pub entries: Vec<Entry>,
}

/// What one node asks of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// A candidate asks for a vote.
    Vote(VoteRequest),
    /// A leader hands over entries, or shows that it is there.
    Append(AppendRequest),
}

/// What the other node answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Response {
    /// To [`Request::Vote`].
    Vote(VoteResponse),
    /// To [`Request::Append`].
    Append(AppendResponse),
}

/// A candidate asks for a vote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VoteRequest {
    /// The generation it wants to lead.
    pub generation: Generation,
    /// Who asks.
    pub candidate: NodeId,
    /// Where its log ends.
    pub last_index: Index,
    /// The generation of its last entry.
    pub last_generation: Generation,
}

/// The answer to a [`VoteRequest`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VoteResponse {
    /// The generation of the voter.
    pub generation: Generation,
    /// Whether the candidate has its vote.
    pub granted: bool,
}

/// A leader hands over entries; without entries it is a heartbeat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppendRequest {
    /// The generation of the leader.
    pub generation: Generation,
    /// Who leads.
    pub leader: NodeId,
    /// The index just before `entries`.
    pub prev_index: Index,
    /// The generation of the entry there.
    pub prev_generation: Generation,
    /// What follows it.
    pub entries: Vec<Entry>,
    /// Up to where the leader knows the log to be committed.
    pub commit: Index,
    /// Which round of confirmation this belongs to; the answer repeats it.
    pub round: u64,
}

/// The answer to an [`AppendRequest`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppendResponse {
    /// The generation under which the request was judged.
    pub generation: Generation,
    /// Whether the follower's log now agrees with the request.
    pub ok: bool,
    /// If so, up to where; if not, where it may agree.
    pub last: Index,
    /// The round of the request.
    pub round: u64,
}

/// What a client asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// The value of a register.
    Read {
        /// Which register.
        key: String,
    },
    /// To append a command.
    Write(Command),
}

/// What a client is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// The register held this value.
    Value {
        /// The value, or that it was never written.
        value: Option<i64>,
        /// Who answered, and in which generation it was.
        by: ReignId,
    },
    /// The write is in the log for good.
    Written {
        /// Where.
        index: Index,
        /// Who led, and when.
        reign: ReignId,
    },
    /// The compare-and-set is in the log for good.
    Swapped {
        /// Whether the register held the old value.
        swapped: bool,
        /// Who led, and when.
        reign: ReignId,
    },
    /// The lock was granted.
    Granted {
        /// What shows it.
        token: FencingToken,
        /// Who led, and when.
        reign: ReignId,
    },
    /// It is in the log for good and did nothing: the lock is held, or held by another, or the
    /// token is too old.
    Refused {
        /// Why.
        why: &'static str,
        /// Who led, and when.
        reign: ReignId,
    },
    /// Certainly nothing happened: this node does not lead.
    NotLeader {
        /// Who does, as far as it knows.
        leader: Option<NodeId>,
        /// Its generation.
        generation: Generation,
    },
    /// It may have happened, may yet happen, or never will.
    Unknown {
        /// The generation of this node.
        generation: Generation,
    },
}

/// A node in a generation: who led it, or who answered in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReignId {
    /// The generation.
    pub generation: Generation,
    /// The node.
    pub node: NodeId,
}
