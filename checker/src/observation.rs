//! Evidence of who leads, and in which generation.
//!
//! A *generation* is an opaque, totally ordered number of a leader's reign: a Raft term, a ZAB
//! epoch, a Kafka controller epoch, a fencing token. Evidence is graded, because a wrong alarm is
//! as bad as a missed one: a status page that mixes two moments has reported split brains in
//! healthy clusters.

use serde::{Deserialize, Serialize};

use crate::identity::{Nanos, NodeId};
use crate::text::Text;
use crate::value::Value;

/// The role that a node says it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// It leads its generation.
    Leader,
    /// It follows another node.
    Follower,
    /// It asks for votes.
    Candidate,
}

/// How much an observation can prove. Ordered from weakest to strongest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Grade {
    /// What a node believes of another, or an answer whose parts are of different moments: may
    /// raise a suspicion, never prove an anomaly.
    Hearsay,
    /// A node's own claim, role and generation read in one atomic answer.
    Claim,
    /// A durable record of the node: a log line, a vote file.
    Record,
    /// A write that the node acknowledged under this generation.
    Effect,
}

impl Grade {
    /// Whether evidence of this grade may prove an anomaly.
    #[must_use]
    pub fn proves(self) -> bool {
        self > Self::Hearsay
    }
}

/// Where an observation came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// The node answered a status request.
    Poll,
    /// The node wrote a log line.
    Log,
    /// The node acknowledged an operation.
    Ack,
}

/// A committed entry of a replicated log, as one node holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogEntry {
    /// Its place in the log.
    pub index: u64,
    /// The generation in which it was appended.
    pub generation: u64,
    /// What it holds, or a digest of that, where told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
}

/// What `node` was seen to be.
///
/// The state it tells of was true at some instant in [`Self::since`]‥[`crate::Event::time`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observation {
    /// The node that was observed.
    pub node: NodeId,
    /// How many times the harness had started this node: 1 from its first start on.
    pub incarnation: u32,
    /// The group of nodes that it is about, where a node is in several, each with leaders and
    /// generations of its own: a Raft group, a partition, a shard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<Text>,
    /// Where the observation comes from.
    pub source: Source,
    /// How much the observation can prove.
    pub grade: Grade,
    /// When the question was sent (poll), or the line before it had been read (log).
    pub since: Nanos,
    /// Its role, where told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// Its generation, where told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<u64>,
    /// Whom it takes for the leader, where told. Always hearsay, whatever the grade.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leader: Option<NodeId>,
    /// The last log index it has applied, where told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub applied: Option<u64>,
    /// Whom it gave its vote in [`Self::generation`], where told. The vote was on its disk before
    /// it was told: a restart must not take it back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub voted: Option<NodeId>,
    /// An entry of its log that it knows to be committed, where told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry: Option<LogEntry>,
    /// The line or answer itself, cut to a bounded length. Untrusted text.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
}
