//! How a run goes on, as values. Whoever starts a run brings a listener: a terminal, a log, a test.

use std::fmt;
use std::time::Duration;

use fracas_checker::event::NodeId;

use crate::interrupt::Interrupt;
use crate::proven::Proven;

/// What a listener hears.
#[derive(Debug, Clone)]
pub enum Progress {
    /// Another run makes what this one needs, which waits for it.
    PreparationAwaited,
    /// Every node has a copy of what is prepared.
    Prepared(Prepared),
    /// A step before the load has ended as it was expected to.
    StepTaken(StepTaken),
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

/// What was prepared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    /// The program and its arguments, fit for a terminal, if it was run; none if an earlier run had it
    /// run.
    pub made: Option<String>,
    /// How long it took until it was there.
    pub took: Duration,
    /// How many files there are.
    pub files: u64,
    /// How large they are together.
    pub bytes: u64,
    /// How long it took to copy it to all nodes.
    pub copied: Duration,
}

impl fmt::Display for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { made, took, files, bytes, copied } = self;
        let (took, copied) = (took.as_secs_f64(), copied.as_secs_f64());
        let size = format!("{:.1} MB in {files} files", *bytes as f64 / 1e6);
        match made {
            Some(command) => write!(f, "prepare: {size}, made in {took:.2} s by `{command}`")?,
            None => write!(f, "prepare: {size}, kept from an earlier run")?,
        }
        write!(f, "; copied to all nodes in {copied:.2} s")
    }
}

/// A step before the load that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepTaken {
    /// Its place among all steps, from 1.
    pub number: usize,
    /// How many steps there are.
    pub count: usize,
    /// The place where it was run.
    pub on: String,
    /// Its program and arguments, fit for a terminal.
    pub command: String,
    /// How long it took, with all attempts.
    pub took: Duration,
    /// How often it was attempted.
    pub attempts: u32,
}

impl fmt::Display for StepTaken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { number, count, on, command, took, attempts } = self;
        write!(f, "setup: step {number} of {count}, on {on}, took {:.2} s", took.as_secs_f64())?;
        if *attempts > 1 {
            write!(f, " and {attempts} attempts")?;
        }
        write!(f, ": `{command}`")
    }
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
