//! What a node is told: once on its command line, then job by job.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use tokio::sync::oneshot;

use crate::bugs::Bug;
use crate::core::Millis;
use crate::messages::{Ask, NodeId, Reply, Request, Response};

/// What a node is told on its command line.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Its name.
    pub id: NodeId,
    /// All nodes, itself among them, and where they listen.
    pub nodes: BTreeMap<NodeId, SocketAddr>,
    /// Its data directory.
    pub data: PathBuf,
    /// The shortest election timeout.
    pub election_ms: Millis,
    /// How often a leader sends heartbeats.
    pub heartbeat_ms: Millis,
    /// The planted bug, if any.
    pub bug: Option<Bug>,
}

/// Something for the driver to do.
pub(crate) enum Job {
    /// Another node asks.
    Peer(Request, oneshot::Sender<Response>),
    /// A client asks.
    Client(Ask, oneshot::Sender<Reply>),
    /// A request of ours came to its end.
    Done { rpc: u64, from: NodeId, response: Option<Response> },
}
