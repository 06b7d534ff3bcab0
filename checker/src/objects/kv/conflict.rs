//! Why texts have no legal order, or why that cannot be told.

use crate::catalogue;
use crate::linearizability::finding::Violation;

/// Why no legal order exists. The numbers are places in the slice of calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Conflict {
    /// The text that `seen_by` saw is not made of what was written and appended.
    Unwritten { seen_by: usize },
    /// `seen_by` saw `piece` in a place where it had not been put.
    Twice { seen_by: usize, piece: usize },
    /// Neither of two texts of one epoch is the beginning of the other.
    Incompatible { first: usize, second: usize },
    /// `late` began after `done` had ended, but what `done` saw or did comes after `late`.
    Inverted { late: usize, done: usize },
    /// Two blocks would each have to come before the other: `done` ended before `late` began, and
    /// `early`, of the block of `late`, before `after` did.
    Crossed { late: usize, done: usize, early: Option<usize>, after: usize },
}

/// Why the sweep did not come to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Doubt {
    Ambiguous,
    Conflict(Conflict),
}

impl Conflict {
    /// The calls that it is about; none where it may rest on others, too.
    pub(super) fn places(self) -> Option<Vec<usize>> {
        match self {
            Self::Unwritten { .. } | Self::Twice { .. } => None,
            Self::Incompatible { first, second } => Some(vec![first, second]),
            Self::Inverted { late, done } => Some(vec![late, done]),
            Self::Crossed { late, done, early, after } => {
                Some([late, done, after].into_iter().chain(early).collect())
            }
        }
    }

    pub(super) fn violation(self) -> Violation {
        let (class, calls) = match self {
            Self::Unwritten { seen_by } => (catalogue::READ_OF_UNWRITTEN, vec![seen_by]),
            Self::Twice { .. } => (catalogue::NON_LINEARIZABLE, Vec::new()),
            Self::Incompatible { .. } => (catalogue::INCOMPATIBLE_READS, Vec::new()),
            Self::Inverted { .. } | Self::Crossed { .. } => (catalogue::STALE_READ, Vec::new()),
        };
        // Alone, a text that cannot be taken apart has no legal order either.
        Violation { class, calls }
    }
}
