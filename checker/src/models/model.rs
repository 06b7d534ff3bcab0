//! What a sequential specification is.

use std::fmt;
use std::hash::Hash;

/// Why an operation cannot come next, in words: “here the register held 15, not 12”.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal(pub String);

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What can be said of a successful operation without looking at the state before it.
///
/// It lets a search drop what cannot matter. The counterexample to guessing here: an operation
/// that counts as needing nothing, but does, would be dropped although it explains a later answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effect<M> {
    /// The only state in which it can succeed; none if it succeeds in every state and forgets it.
    pub needs: Option<M>,
    /// The state it leaves behind; none if it changes nothing.
    pub leaves: Option<M>,
}

impl<M: PartialEq> Effect<M> {
    /// Whether it never changes the state.
    #[must_use]
    pub fn observes(&self) -> bool {
        self.needs.is_some() && (self.leaves.is_none() || self.leaves == self.needs)
    }
}

/// About how many bytes a B-tree of the standard library takes for `len` entries of this type: its
/// nodes have room for eleven, and are two thirds full on average.
pub(super) fn tree_bytes<T>(len: usize) -> usize {
    const NODE: usize = 11;
    let nodes = len.div_ceil(NODE * 2 / 3);
    nodes * (NODE * size_of::<T>() + 2 * size_of::<usize>())
}

/// A sequential specification; the default is the state before the first operation.
///
/// The search needs nothing but [`Model::step`]. The other methods let it look at less, and keep its
/// count of bytes honest.
pub trait Model: Clone + Eq + Hash + Default + fmt::Display {
    /// What can be asked. The checks of this crate judge [`crate::Op`]; another program may bring
    /// its own.
    type Op: Eq + Hash + fmt::Display;

    /// What can be answered.
    type Outcome: Eq + Hash;

    /// The state after `op` has taken effect and answered `outcome`, or why it cannot have.
    ///
    /// Without an outcome nobody saw the answer: then this is the state after `op` took effect, or
    /// the reason why it can have none here.
    ///
    /// # Errors
    ///
    /// The reason in words, for the reader of a report.
    fn step(&self, op: &Self::Op, outcome: Option<&Self::Outcome>) -> Result<Self, Refusal>;

    /// What is known of an operation that took effect, whatever the state; none if nothing is.
    #[must_use]
    fn effect(op: &Self::Op, outcome: Option<&Self::Outcome>) -> Option<Effect<Self>> {
        let _ = (op, outcome);
        None
    }

    /// The bytes that this state takes, with what it points to.
    ///
    /// A search keeps many states under a budget of bytes. The default is right for a state that
    /// points to nothing; one that holds a collection should add what its elements take, else the
    /// budget does not hold.
    #[must_use]
    fn bytes(&self) -> usize {
        size_of_val(self)
    }

    /// Whether it never changes the state, whatever the state is.
    #[must_use]
    fn observes(op: &Self::Op, outcome: Option<&Self::Outcome>) -> bool {
        Self::effect(op, outcome).is_some_and(|effect| effect.observes())
    }
}
