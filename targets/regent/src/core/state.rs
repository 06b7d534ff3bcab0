//! All that a node knows and remembers. What it does with it is in the other files.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Range;

use rand_chacha::ChaCha8Rng;

use super::ports::{Config, Effect, Millis, Token};
use crate::log::Log;
use crate::messages::{
    Answer, Command, FencingToken, Generation, Index, NodeId, Query, ReignId, Session,
};
use crate::objects::Objects;

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
    pub(super) objects: Objects,
    /// Where the log ended that was found on the disk.
    pub(super) found: Index,
    /// How many locks were granted by entries that were not: what a planted bug takes for tokens.
    pub(super) grants: FencingToken,
    /// This life of the node, and how many requests of clients it has numbered.
    pub(super) session: Session,
    pub(super) numbered: u64,
    /// What clients asked to be changed and wait for, by number. It stays when the lead is lost.
    pub(super) waiting: BTreeMap<u64, Waiting>,
    /// When to hand it on (again) if another node leads.
    pub(super) hand_on_at: Millis,
    /// The latest reign that this node took part in, as leader or follower.
    pub(super) latest: ReignId,
    /// What planted bugs keep in memory.
    pub(super) shortcuts: Shortcuts,
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
    pub(super) query: Query,
    /// The first round that begins after the read arrived.
    pub(super) round: u64,
}

/// A request of a client that has not come to its end.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) token: Token,
    pub(super) command: Command,
    /// When it is given up.
    pub(super) due: Millis,
}

/// What leaders keep in memory to be faster: each is a planted bug's, and empty without it.
#[derive(Debug, Default)]
pub(super) struct Shortcuts {
    /// Additions to sets that were acknowledged, and when they go to the log.
    pub(super) additions: Vec<Command>,
    pub(super) additions_due: Millis,
    /// What this node read of texts when it led.
    pub(super) texts: BTreeMap<String, Answer>,
    /// The rest of the blocks of ids, by generator.
    pub(super) blocks: BTreeMap<String, Range<i64>>,
    /// The last timestamp that was taken from the clock.
    pub(super) timestamp: i64,
    /// What queues handed out, and since when the leader knows.
    pub(super) deliveries: BTreeMap<(String, Index), Millis>,
    /// Which of it clients were told, and when that goes to the log.
    pub(super) confirmed: BTreeMap<String, Vec<Index>>,
    pub(super) confirmed_due: Millis,
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
