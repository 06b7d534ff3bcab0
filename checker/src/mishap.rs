//! What happened to the harness itself, as a history tells it. What it means for a verdict is said
//! in [`crate::harness`].

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::identity::{Nanos, NodeId};
use crate::words;

/// What happened to the harness. It is the field `harness` of a note.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub enum Mishap {
    /// A part of the harness stood still from `since` until this was recorded.
    Stalled {
        /// Which part.
        part: String,
        /// When it was last seen to work.
        since: Nanos,
    },
    /// A part of a node's log was not read.
    LogSkipped {
        /// Whose log.
        node: NodeId,
        /// Its path.
        log: String,
        /// How many bytes were left out.
        bytes: u64,
    },
    /// A node's log cannot be followed at all.
    LogRefused {
        /// Whose log.
        node: NodeId,
        /// Its path.
        log: String,
        /// What it is instead of a regular file.
        why: String,
    },
    /// A process or thread of the harness ended: what happens afterwards tells nothing of the target.
    HelperEnded {
        /// Which, in words.
        helper: String,
        /// How: `signal 9`.
        how: String,
        /// When it was last seen to live.
        since: Nanos,
    },
    /// A client program broke its protocol: nothing that it ever told tells anything of the target.
    ClientBroken {
        /// Which client.
        client: u64,
        /// In which way.
        why: String,
        /// When that was noticed.
        since: Nanos,
    },
    /// A client program answered when its operation had long been counted as unknown.
    AnsweredLate {
        /// Which client.
        client: u64,
        /// How long after the time-out.
        by: Nanos,
        /// The answer. Untrusted text.
        answer: String,
    },
    /// The kernel killed processes for lack of memory while the server of this node ended.
    OutOfMemory {
        /// Whose server.
        node: NodeId,
        /// Who says so.
        word: String,
    },
}

impl fmt::Display for Mishap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stalled { part, since } => {
                write!(f, "the harness ({part}) stood still since {}", words::at(*since))
            }
            Self::LogSkipped { node, log, bytes } => write!(
                f,
                "{bytes} bytes of the log `{log}` of {node} were not read: it grew faster than it \
                 may be read"
            ),
            Self::LogRefused { node, log, why } => {
                write!(
                    f,
                    "the log `{log}` of {node} is not followed: it is {why}, expected a regular file"
                )
            }
            Self::HelperEnded { helper, how, since } => write!(
                f,
                "{helper}, which belongs to the harness, ended with {how} after {}",
                words::at(*since)
            ),
            Self::ClientBroken { client, why, since } => {
                write!(
                    f,
                    "the client program (client {client}) is broken at {}: {why}",
                    words::at(*since)
                )
            }
            Self::AnsweredLate { client, by, answer } => {
                write!(f, "client {client} answered {} too late: {answer}", words::lasting(*by))
            }
            Self::OutOfMemory { node, word } => {
                write!(f, "the kernel killed a process of {node} for lack of memory: {word}")
            }
        }
    }
}
