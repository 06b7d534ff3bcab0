//! All that a node knows and remembers. What it does with it is in the other files.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use rand_chacha::ChaCha8Rng;

use super::ports::{Config, Effect, Millis, Token};
use crate::log::Log;
use crate::messages::{FencingToken, Generation, Index, NodeId};
use crate::registers::Registers;

/// What a node is at the moment, with what it needs for that.
#[derive(Debug)]
pub(super) enum Role {
    Follower,
    Candidate(Campaign),
    Leader(Reign),
}

/// A node.
#[derive(Debug)]
pub struct Core {
    pub(super) config: Config,
    pub(super) rng: ChaCha8Rng,
    pub(super) now: Millis,
    /// What the clock on the wall shows; only planted bugs go by it.
    pub(super) wall: Millis,
    pub(super) generation: Generation,
    pub(super) vote: Option<NodeId>,
    pub(super) ballot_changed: bool,
    pub(super) role: Role,
    pub(super) leader: Option<NodeId>,
    /// When a node that does not lead campaigns.
    pub(super) deadline: Millis,
    pub(super) log: Log,
    /// The first index that is not on disk as it is here.
    pub(super) log_changed: Option<Index>,
    pub(super) commit: Index,
    pub(super) registers: Registers,
    /// Where the log ended that was found on the disk.
    pub(super) found: Index,
    /// How many locks were granted by entries that were not: what a planted bug takes for tokens.
    pub(super) grants: FencingToken,
    pub(super) next_rpc: u64,
    pub(super) effects: Vec<Effect>,
}

/// A candidate's standing.
#[derive(Debug)]
pub(super) struct Campaign {
    pub(super) votes: BTreeSet<NodeId>,
    pub(super) calls: BTreeMap<NodeId, Call>,
}

/// The state of asking one node for its vote.
#[derive(Debug, Default)]
pub(super) struct Call {
    /// The request under way.
    pub(super) rpc: Option<u64>,
    /// When to ask (again).
    pub(super) due: Millis,
}

/// A leader's standing.
#[derive(Debug)]
pub(super) struct Reign {
    pub(super) peers: BTreeMap<NodeId, Peer>,
    /// When the next heartbeat is due.
    pub(super) beat_at: Millis,
    /// The latest round of confirmation. A follower that answers a request of round r accepted
    /// this leader after round r began.
    pub(super) round: u64,
    /// Reads that wait for a round, the earliest first.
    pub(super) reads: VecDeque<Read>,
    /// Writes that wait to be committed.
    pub(super) writes: BTreeMap<Index, Token>,
    /// When leases end.
    pub(super) leases: Leases,
}

/// What a leader knows of another node.
#[derive(Debug)]
pub(super) struct Peer {
    /// The next entry to send.
    pub(super) next: Index,
    /// Up to where its log is known to agree.
    pub(super) matched: Index,
    /// The request with entries that is under way.
    pub(super) append: Option<u64>,
    /// The request without entries that is under way.
    pub(super) beat: Option<u64>,
    /// Whether it is to be shown that the leader is there.
    pub(super) due: bool,
    /// Not to be sent entries before: it did not answer.
    pub(super) rest_until: Millis,
    /// When it last answered.
    pub(super) heard: Millis,
    /// The same, by the clock on the wall; only a planted bug looks at it.
    pub(super) heard_by_wall: Millis,
    /// The highest round it answered.
    pub(super) round: u64,
}

/// A read that waits to be confirmed.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) token: Token,
    pub(super) key: String,
    /// The first round that begins after the read arrived.
    pub(super) round: u64,
}

/// The leases that a leader knows, by key.
#[derive(Debug, Default)]
pub(super) struct Leases(pub(super) BTreeMap<String, Lease>);

#[derive(Debug)]
pub(super) struct Lease {
    pub(super) since: Index,
    pub(super) due: Millis,
    /// Whether its end is in the log already.
    pub(super) ended: bool,
}
