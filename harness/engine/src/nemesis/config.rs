//! What faults are wanted of a nemesis, and what it has room for. Data only.

use std::collections::BTreeSet;

use fracas_checker::fault::{FaultKind, RestartAs};

use super::stories::script::Aim;

/// What faults are wanted.
#[derive(Debug, Clone)]
pub struct Config {
    /// How many nodes there are.
    pub nodes: u16,
    /// Which kinds are allowed.
    pub kinds: BTreeSet<FaultKind>,
    /// How long faults may go on.
    pub time_ms: u64,
    /// From the begin of one single fault to that of the next.
    pub every_ms: u64,
    /// Whether the target has leaders to aim at.
    pub leaders: bool,
    /// As what killed nodes may come back, besides as they were.
    pub again: Vec<RestartAs>,
    /// A rare moment to aim at instead of the usual mix.
    pub aim: Option<&'static Aim>,
}

/// What the usual mix needs to have room for every kind of fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fits {
    /// The kinds that are allowed and possible.
    pub kinds: BTreeSet<FaultKind>,
    /// The fewest whole seconds, in milliseconds, that have room for one fault of each; none if an
    /// hour has not.
    pub all_ms: Option<u64>,
}
