//! What faults are wanted of a nemesis, and what it has room for. Data only.

use std::collections::BTreeSet;

use fracas_checker::fault::RestartAs;

use super::scenarios::scenario::Scenario;
use crate::faults::{Around, DeclaredProcess, Kind};

/// What faults are wanted.
#[derive(Debug, Clone)]
pub struct Config {
    /// How many nodes there are.
    pub nodes: u16,
    /// Which kinds are allowed.
    pub kinds: BTreeSet<Kind>,
    /// How long faults may go on.
    pub time_ms: u64,
    /// From the begin of one single fault to that of the next.
    pub every_ms: u64,
    /// Whether the target has leaders to aim at.
    pub leaders: bool,
    /// The forms in which killed nodes may be started again, besides unchanged.
    pub again: Vec<RestartAs>,
    /// The scenarios that the target asks for, by name, beside those that every mix plays.
    pub asked: BTreeSet<&'static str>,
    /// The processes of a node that may be hit alone.
    pub processes: Vec<DeclaredProcess>,
    /// What to aim at instead of the usual mix.
    pub scenario: Option<&'static Scenario>,
}

impl Config {
    /// What decides which acts are possible.
    pub(super) fn around(&self) -> Around<'_> {
        let Self { nodes, leaders, again, processes, .. } = self;
        Around { nodes: *nodes, leaders: *leaders, again, processes }
    }
}

/// What the usual mix needs to have room for every kind of fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fits {
    /// The kinds that are allowed and possible.
    pub kinds: BTreeSet<Kind>,
    /// The fewest whole seconds, in milliseconds, that have room for one fault of each; none if an
    /// hour has not.
    pub all_ms: Option<u64>,
}
