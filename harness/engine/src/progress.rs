//! How a run goes on, as values. Whoever starts a run brings a listener: a terminal, a log, a test.

use std::time::Duration;

use fracas_checker::event::NodeId;

use crate::interrupt::Interrupt;
use crate::proven::Proven;

/// What a listener hears.
#[derive(Debug, Clone)]
pub enum Progress {
    /// Clients and faults begin, for this time.
    LoadBegan(Duration),
    /// How the load stands.
    Load(Standing),
    /// Clients and faults have ended.
    LoadEnded,
    /// The load goes on after its time, because a pass needs more.
    LoadExtended {
        /// For how long at most.
        by: Duration,
        /// What it lacks.
        lacks: String,
    },
    /// Which checks are made during the run, and which can be made at the end only.
    Watching {
        /// Identifiers of checks that are made during the run.
        during: Vec<&'static str>,
        /// Identifiers of checks that are made at the end.
        after: Vec<String>,
    },
    /// The check during the run has stopped: so many events were still to be looked at.
    WatchOverrun(usize),
    /// The check during the run did not look at these to the end, for one reason.
    WatchBlind {
        /// Objects, or the run.
        objects: Vec<String>,
        /// Why.
        reason: String,
    },
    /// The check during the run failed: a bug of fracas.
    WatchFailed,
    /// An anomaly was proven while the run went on.
    Proven(Proven),
    /// A signal has interrupted the run, which heals and stops; a second one ends it at once.
    Interrupted(Interrupt),
}

/// How a load stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The time until its end.
    pub left: Duration,
    /// Operations that succeeded so far.
    pub ok: u64,
    /// Operations that certainly had no effect.
    pub fail: u64,
    /// Operations of unknown outcome.
    pub info: u64,
    /// The node that leads, and its generation.
    pub leader: Option<(NodeId, u64)>,
    /// How many faults are active.
    pub faults: usize,
}

/// Hears how a run goes on, from several threads. It must not block for long.
pub trait Listener: Send + Sync {
    /// Hears one thing.
    fn hear(&self, progress: &Progress);
}
