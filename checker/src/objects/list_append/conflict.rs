//! Why lists have no legal order.

use crate::catalogue;
use crate::linearizability::finding::Violation;
use crate::objects::precedence::Clash;

/// Why no legal order exists. The numbers are places in the slice of calls, and of lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Conflict {
    /// A transaction does not agree with itself.
    Internal { txn: usize, list: usize },
    /// `found_by` found an element that nobody appended, or one twice.
    Phantom { found_by: usize, list: usize, position: usize },
    /// Neither of two lists is the beginning of the other.
    Incompatible { first: usize, second: usize, list: usize },
    /// Transactions that cannot all be in order, and the lists that make it so.
    Clash(Clash),
}

impl Conflict {
    pub(super) fn violation(self) -> Violation {
        // All but the first rest on what others did: no few transactions prove them.
        let (class, calls) = match self {
            Self::Internal { txn, .. } => (catalogue::INTERNAL_INCONSISTENCY, vec![txn]),
            Self::Phantom { .. } => (catalogue::PHANTOM_ELEMENT, Vec::new()),
            Self::Incompatible { .. } => (catalogue::INCOMPATIBLE_READS, Vec::new()),
            Self::Clash(_) => (catalogue::NON_LINEARIZABLE, Vec::new()),
        };
        Violation { class, calls }
    }
}
