//! What a process speaks to a node through: one session after the other.
//!
//! A session belongs to one process at one node: a connection, a login, the identity of a holder of
//! locks live in it and end with it. Whatever the protocol, an operation is attempted at most once.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use fracas_checker::{NodeId, Op, ProcessId};

use crate::redirect::{Attempt, Redirect};
use crate::reply::{Failure, Reply};

/// What comes later.
pub(crate) type Later<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// One session of one process at one node. It is closed when it is dropped.
pub(crate) trait Session: Send {
    /// Attempts one operation, once, and never again; `followed` is the answer of another attempt
    /// that led here. Whatever goes wrong is in the completion; what certainly was not sent has failed.
    fn invoke<'a>(&'a mut self, op: &'a Op, followed: Option<&'a Redirect>) -> Later<'a, Attempt>;

    /// Whether it has ended, so that the process needs another one.
    fn is_over(&self) -> bool {
        false
    }

    /// Whether its end may give back what its process holds: locks of a session, as a rule.
    fn holds(&self) -> bool {
        false
    }
}

/// Why there is no session: certainly nothing was asked.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refused(pub(crate) String);

/// Asks nodes who leads, by the means by which operations are performed.
pub(crate) trait AsksStatus: Send + Sync {
    /// Asks a node once.
    fn ask(&self, node: NodeId) -> Later<'_, Result<Reply, Failure>>;
}

/// Opens sessions.
pub(crate) trait Opener: Send + Sync {
    /// Opens one for a process.
    fn open(
        &self,
        node: NodeId,
        process: ProcessId,
    ) -> Later<'_, Result<Box<dyn Session>, Refused>>;

    /// Why nothing more can be learnt through any session, if that is so: never the target's doing.
    fn broken(&self) -> Option<String> {
        None
    }

    /// How many answers came too late to count, and by how much, in words; none if none did.
    fn late(&self) -> Option<String> {
        None
    }

    /// What asks nodes for their status by the same means, where they can.
    fn status(&self) -> Option<Arc<dyn AsksStatus>> {
        None
    }

    /// How many sessions one client may have beside each other: each may cost a process.
    fn beside(&self) -> u32;
}
