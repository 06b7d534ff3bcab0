//! What the sweep over a register says, and of which parts it speaks.

use super::groups::Place;

/// Why no legal order exists. The numbers are places in the slice of calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Conflict {
    /// No register answers so, whatever it holds.
    Impossible { answered: usize },
    /// The value that `seen_by` saw, and `changed` or not, was written by none, or only after
    /// `seen_by` had ended.
    Unwritten { seen_by: usize, changed: bool },
    /// `seen_by` saw a value that depends on itself: a ring of changes.
    Ring { seen_by: usize },
    /// Two changes found what one write left.
    Twice { first: usize, second: usize },
    /// `late` began after `done` had ended, but what `done` saw or wrote comes after `late`.
    Inverted { late: usize, done: usize },
    /// Two blocks would each have to come before the other.
    Crossed(Crossing),
    /// `refused` saw that the register did not hold what it held all the time.
    Refused(Refused),
}

/// Two blocks, each with an operation that ended before one of the other began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Crossing {
    /// The operation that began last: what it saw was gone by then.
    pub(super) late: usize,
    /// An operation on the other value that ended before `late` began.
    pub(super) done: usize,
    /// An operation of the block of `late` that ended early; none for the initial state.
    pub(super) early: Option<usize>,
    /// An operation of the block of `done` that began after `early` had ended.
    pub(super) after: usize,
}

/// What the sweep says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    Legal,
    /// Neither a legal order nor a conflict was found.
    Ambiguous,
    Refuted(Conflict),
}

/// A contiguous part of every legal order. Times are one later than the clock says, so that 0 is
/// before all time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Block {
    /// The smallest completion: 0 for the initial state, which ended before time began.
    pub(super) f: u64,
    /// The largest invocation: 0 where the initial state was never read.
    pub(super) s: u64,
    /// Whose completion and whose invocation that is.
    pub(super) ended: Place,
    pub(super) began: Place,
    /// The group it begins with, and the one it ends with.
    pub(super) head: Place,
    pub(super) tail: Place,
}

/// A refusal that no order allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Refused {
    /// It saw that the register did not hold a value.
    pub(super) refused: usize,
    /// The register held it since before this ended …
    pub(super) since: usize,
    /// … until after this began; none if nothing could have replaced it by then.
    pub(super) until: Option<usize>,
}
