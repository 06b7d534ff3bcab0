//! What goes into a node and what comes out. Plain data.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::bugs::Bug;
use crate::log::Log;
use crate::messages::{Ask, Ballot, Generation, Index, NodeId, Reply, Request, Response, Splice};

/// Milliseconds of a clock that only goes forward.
pub type Millis = u64;

/// What the clocks of a node show at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clocks {
    /// The clock that only goes forward. All that a node does in time it does by this one.
    pub steady: Millis,
    /// The clock on the wall, which anybody may set. It is here for planted bugs to go by.
    pub wall: Millis,
}

impl From<Millis> for Clocks {
    /// Two clocks that agree.
    fn from(now: Millis) -> Self {
        Self { steady: now, wall: now }
    }
}

/// Names one request from outside, so that its answer finds the way back.
pub type Token = u64;

/// What a node is told before it starts.
#[derive(Debug, Clone)]
pub struct Config {
    /// Its own name.
    pub id: NodeId,
    /// All nodes, itself among them.
    pub nodes: BTreeSet<NodeId>,
    /// The shortest election timeout; the longest is twice that.
    pub election_ms: Millis,
    /// How often a leader shows that it is there.
    pub heartbeat_ms: Millis,
    /// The planted bug, if any.
    pub bug: Option<Bug>,
    /// For the election timeouts.
    pub seed: u64,
}

/// What a node finds on its disk.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Saved {
    /// The generation and the vote.
    pub ballot: Ballot,
    /// The log.
    pub log: Log,
}

/// Something that happens to a node.
#[derive(Debug, Clone)]
pub enum Input {
    /// Time passed.
    Tick,
    /// Another node asks.
    Asked {
        /// For the answer.
        token: Token,
        /// What it asks.
        request: Request,
    },
    /// A request of ours has come to its end.
    Answered {
        /// Which request.
        rpc: u64,
        /// Who was asked.
        from: NodeId,
        /// The answer; none if it failed or took too long.
        response: Option<Response>,
    },
    /// A client asks.
    Client {
        /// For the reply.
        token: Token,
        /// What it asks.
        ask: Ask,
    },
}

/// Something a node does, once what it decided is on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Ask another node. Exactly one [`Input::Answered`] must follow, sooner or later.
    Send {
        /// The number of the request.
        rpc: u64,
        /// Whom to ask.
        to: NodeId,
        /// What to ask.
        request: Request,
    },
    /// Answer another node.
    Answer {
        /// Which request.
        token: Token,
        /// The answer.
        response: Response,
    },
    /// Reply to a client.
    Reply {
        /// Which request.
        token: Token,
        /// The reply.
        reply: Reply,
    },
    /// Write a line to the log of the process.
    Line(String),
}

/// What [`Core::flush`](super::Core::flush) wants done: first the ballot, then the splice, then the effects.
#[derive(Debug, Default)]
pub struct Outputs {
    /// To be synced first, if there is one.
    pub ballot: Option<Ballot>,
    /// To be synced second, if there is one.
    pub splice: Option<Splice>,
    /// To be released in order when both are safe.
    pub effects: Vec<Effect>,
}

impl Outputs {
    /// Whether nothing has to be on the disk before the effects are released.
    #[must_use]
    pub fn is_volatile(&self) -> bool {
        self.ballot.is_none() && self.splice.is_none()
    }
}

/// What a node says of itself, all of one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Status {
    /// Its name.
    pub node: NodeId,
    /// `leader`, `follower` or `candidate`.
    pub role: &'static str,
    /// The highest generation it has seen.
    pub generation: Generation,
    /// Who leads that generation, as far as it knows.
    pub leader: Option<NodeId>,
    /// Up to where it knows the log to be committed.
    pub commit: Index,
    /// Up to where it has applied the log.
    pub applied: Index,
    /// Where its log ends.
    pub last: Index,
    /// Whether its disk is full, so that it takes nothing in, and says nothing of itself.
    #[serde(skip)]
    pub full: bool,
}
