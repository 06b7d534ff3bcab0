//! One act with its time, which may hang on what becomes of other acts. Data only.

use serde::{Deserialize, Serialize};

use super::act::Act;
use crate::faults::Fault;

/// What the time of an act is counted from. Acts are numbered as they are listed, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum After {
    /// The begin of the load.
    #[default]
    Load,
    /// The election of this number since the begin of the load, the first one being 1.
    Election(u32),
    /// The moment at which the act of this number took effect.
    Begin(u32),
    /// The moment at which the act of this number was healed. Of a kill: the node was started again.
    Heal(u32),
    /// The first election since the act of this number took effect.
    ElectionSince(u32),
}

/// How long an act lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Until {
    /// For its time.
    #[default]
    Time,
    /// Until a leader was elected meanwhile, and then for its time; [`Until::MOST_MS`] at most.
    Election,
}

impl Until {
    /// How long an act waits for an election, in milliseconds.
    pub const MOST_MS: u64 = 10_000;

    fn is_time(&self) -> bool {
        *self == Self::Time
    }
}

impl After {
    fn is_load(&self) -> bool {
        *self == Self::Load
    }

    /// The act that it refers to.
    #[must_use]
    pub fn act(self) -> Option<u32> {
        match self {
            Self::Load | Self::Election(_) => None,
            Self::Begin(act) | Self::Heal(act) | Self::ElectionSince(act) => Some(act),
        }
    }
}

/// One act with its time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Planned {
    /// Milliseconds from what `after` names.
    pub at_ms: u64,
    /// What its time is counted from.
    #[serde(default, skip_serializing_if = "After::is_load")]
    pub after: After,
    /// It begins later than that while another act is in effect, and until so many milliseconds
    /// after the last one was healed. None: whatever else is in effect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calm_ms: Option<u64>,
    /// Milliseconds until it is healed.
    pub lasts_ms: u64,
    /// From when that is counted.
    #[serde(default, skip_serializing_if = "Until::is_time")]
    pub until: Until,
    /// What is done.
    pub act: Act,
    /// The fault that the act must become, whatever node leads by then: for a replay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pinned: Option<Fault>,
}

impl Planned {
    /// An act at a time of the load.
    #[must_use]
    pub fn timed(at_ms: u64, lasts_ms: u64, act: Act) -> Self {
        let (after, until) = (After::Load, Until::Time);
        Self { at_ms, after, calm_ms: None, lasts_ms, until, act, pinned: None }
    }
}
