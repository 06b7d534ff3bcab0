//! What a history is made of: events, operations and their outcomes.
//!
//! A workload asks with an [`Op`], a client answers with a [`Completion`]; the operations
//! themselves are listed in [`crate::op`]. Nothing here knows how an operation is carried out, nor
//! whether an answer is right.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::fault::FaultEvent;
pub use crate::identity::{BadNodeId, Nanos, NodeId, ProcessId};
use crate::mishap::Mishap;
use crate::observation::Observation;
pub use crate::op::{Key, Op, OpKind, Outcome};
pub use crate::text::Text;
pub use crate::value::Value;

/// The node and the generation that a successful answer named, where the target tells them. The
/// stamp of an operation that changed something is evidence of the highest grade that the node led.
/// The stamp of a read is no evidence: a node that answers a read need not lead, and may name
/// another node.
///
/// A stamp is one pointer wide: many operations share a stamp, and many have none.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
#[serde(from = "Named", into = "Named")]
pub struct Stamp(Option<Arc<Named>>);

/// What a stamp names; at least one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
#[serde(rename = "Stamp")]
struct Named {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    node: Option<NodeId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    generation: Option<u64>,
}

impl Stamp {
    /// A stamp: `node` acted as leader for the operation or answered it, and the operation took
    /// effect under `generation`. Each is none where the target does not tell it.
    #[must_use]
    pub fn new(node: Option<NodeId>, generation: Option<u64>) -> Self {
        Named { node, generation }.into()
    }

    /// The node that acted as leader for it, or answered it.
    #[must_use]
    pub fn node(&self) -> Option<NodeId> {
        self.0.as_ref()?.node
    }

    /// The generation that the answer named: the one under which it took effect.
    #[must_use]
    pub fn generation(&self) -> Option<u64> {
        self.0.as_ref()?.generation
    }

    /// Whether the target told nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }
}

impl From<Named> for Stamp {
    fn from(named: Named) -> Self {
        Self((named != Named::default()).then(|| Arc::new(named)))
    }
}

impl From<Stamp> for Named {
    fn from(stamp: Stamp) -> Self {
        stamp.0.map_or_else(Self::default, |named| *named)
    }
}

/// How an operation ended. Errors of a cluster are data of the history, never a Rust `Err`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Completion {
    /// It took effect, at one instant between its invocation and now.
    Ok {
        /// What it answered.
        outcome: Outcome,
        /// Who served it, where the target tells.
        #[serde(default, skip_serializing_if = "Stamp::is_empty")]
        stamp: Stamp,
    },
    /// It certainly did not take effect and never will.
    Fail {
        /// Why, in the target's or the client's words. Untrusted text.
        error: String,
    },
    /// Unknown: it may have taken effect, may do so at any later time, or never.
    Info {
        /// What was seen, such as a time-out. Untrusted text.
        error: String,
    },
}

/// One record of a history. One event is one line of `history.jsonl`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Its place in the history, counted from 0 without gaps.
    pub index: u64,
    /// When it was recorded. Never decreases along a history.
    pub time: Nanos,
    /// What happened.
    #[serde(flatten)]
    pub kind: EventKind,
}

/// What an [`Event`] records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum EventKind {
    /// A client asked for `op`. Recorded before a byte is sent.
    Invoke {
        /// The client.
        process: ProcessId,
        /// The node it asked, where it asked a certain one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        node: Option<NodeId>,
        /// What it asked.
        op: Op,
    },
    /// The client's open operation ended. Recorded after the last byte was received.
    Complete {
        /// The client.
        process: ProcessId,
        /// How it ended.
        completion: Completion,
    },
    /// A fault began, was measured, or ended.
    Fault(FaultEvent),
    /// A node, its log or an acknowledged effect told of role and generation.
    Observe(Observation),
    /// A node's server was started, ended, or was ended by the harness.
    Node {
        /// Which node.
        node: NodeId,
        /// How many times it had been started, this start included.
        incarnation: u32,
        /// What happened to it.
        change: NodeChange,
    },
    /// The run entered a phase.
    Phase {
        /// Which one.
        phase: Phase,
    },
    /// Something about the harness itself, for the reader of the history; no check reads its text.
    Note {
        /// Free text; may quote a target, so untrusted.
        text: String,
        /// What happened to the harness, where it is a mishap that checks take into account.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        harness: Option<Mishap>,
    },
}

impl Event {
    /// What a node was seen to be, if it tells that.
    #[must_use]
    pub fn observation(&self) -> Option<&Observation> {
        match &self.kind {
            EventKind::Observe(seen) => Some(seen),
            _ => None,
        }
    }
}

impl EventKind {
    /// A note for the reader.
    #[must_use]
    pub fn note(text: impl Into<String>) -> Self {
        Self::Note { text: text.into(), harness: None }
    }

    /// A note of what happened to the harness, in words and for the checks.
    #[must_use]
    pub fn mishap(mishap: Mishap) -> Self {
        Self::Note { text: mishap.to_string(), harness: Some(mishap) }
    }
}

/// What happened to the server of a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub enum NodeChange {
    /// The harness is about to start it.
    Started,
    /// The harness ended it, as a fault: it killed it, or asked it to end.
    Killed,
    /// The harness ended it, because the run is over.
    Stopped,
    /// One process of it was killed by a fault; the others were not.
    ProcessKilled {
        /// Its name.
        process: Text,
    },
    /// The harness is about to start that process again. It counts as a start of the node: what the
    /// process held in memory is gone.
    ProcessStarted {
        /// Its name.
        process: Text,
    },
    /// It ended by itself, which no fault asked of it. Of a node of several processes one did, and
    /// the harness ended the others.
    Exited {
        /// The name of the process that ended, where the node has several.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        process: Option<Text>,
        /// With what status or signal.
        how: String,
        /// The last lines of its logs, as many and as long as the harness keeps. Untrusted text.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        log: Vec<String>,
    },
}

/// The parts of a run, in the order in which they come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Nodes are being started.
    Start,
    /// The cluster answered; clients and faults begin.
    Load,
    /// The last fault has healed; the cluster must answer again within its bound.
    Recover,
    /// Every key is read once more.
    FinalReads,
    /// Nodes are being stopped; nothing later counts.
    Stop,
}
