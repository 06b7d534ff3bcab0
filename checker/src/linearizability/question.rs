//! What is asked of a search, and what it answers.

use crate::identity::Nanos;

/// What a search found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    /// A legal order exists.
    Legal,
    /// No legal order exists, which is shown by what had completed by `at`; the earliest such time
    /// where that could be found out.
    Refuted { at: Nanos },
    /// The search gave up; everything that completed before `at` was verified.
    GaveUp { at: Nanos, completed: usize, why: GaveUp },
}

/// Why a search gave up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GaveUp {
    /// The budget of bytes is used up.
    Bytes,
    /// The time is up.
    Time,
    /// More operations were open at once than a search can tell apart.
    Open,
    /// No search was asked for, and the near-linear check cannot tell.
    Ambiguous,
    /// There are more operations than brute force can order.
    Many,
}

impl Decision {
    /// Whether a legal order exists; none if the search gave up.
    pub(crate) fn answer(self) -> Option<bool> {
        match self {
            Self::Legal => Some(true),
            Self::Refuted { .. } => Some(false),
            Self::GaveUp { .. } => None,
        }
    }
}

/// What is asked of a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Aim {
    pub(crate) portfolio: Portfolio,
    /// Whether it matters which completion is the first that refutes.
    pub(crate) earliest: bool,
}

/// Which searches are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Portfolio {
    /// All of them, the cheapest first.
    All,
    Frontier,
    DepthFirst,
}
