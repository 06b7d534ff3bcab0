//! What nodes say to each other and what they write down. Plain data, no behaviour.

use serde::{Deserialize, Serialize};

pub use crate::identity::{FencingToken, Generation, Holder, Index, NodeId, RequestId, Session};
pub use crate::objects::object::{Answer, Content, Outcome, Refusal};
pub use crate::objects::{Command, Query};

/// One entry of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The generation of the leader that appended it.
    pub generation: Generation,
    /// What it does.
    pub command: Command,
    /// Whose request it was, if a client's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<RequestId>,
}

impl Entry {
    /// An entry that no client asked for.
    #[must_use]
    pub fn own(generation: Generation, command: Command) -> Self {
        Self { generation, command, request: None }
    }
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
    /// A node that led hands on what clients still wait for.
    Submit(SubmitRequest),
}

/// What the other node answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Response {
    /// To [`Request::Vote`].
    Vote(VoteResponse),
    /// To [`Request::Append`].
    Append(AppendResponse),
    /// To [`Request::Submit`].
    Submit(SubmitResponse),
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

/// A node that led hands on what clients asked of it. It learns what came of it from its log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubmitRequest {
    /// The generation of the leader that it means.
    pub generation: Generation,
    /// Who hands it on.
    pub from: NodeId,
    /// What was asked.
    pub commands: Vec<(RequestId, Command)>,
}

/// The answer to a [`SubmitRequest`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubmitResponse {
    /// The generation of the node that was asked.
    pub generation: Generation,
    /// Whether it leads the generation that was meant, and has put the commands into its log.
    pub taken: bool,
}

/// What a client asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// To look at an object.
    Read(Query),
    /// To append a command.
    Write(Command),
}

/// What a client is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// It is done, or refused, for good: committed, or read from the leader's copy.
    Done {
        /// What came of it.
        outcome: Outcome,
        /// Where in the log it stands, or how far the copy went that was read.
        at: Index,
        /// Who led, and when; or who answered.
        by: ReignId,
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
