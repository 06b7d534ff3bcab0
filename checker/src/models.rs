//! Sequential specifications: what an object would answer if there were one client only.
//!
//! A model knows nothing of time, clients or failures; the search in [`crate::linearizability`]
//! asks it, step by step, whether an order of operations is legal.

pub mod leaders;
pub mod register;

use std::fmt;
use std::hash::Hash;

pub use leaders::Leaders;
pub use register::Register;

use crate::event::{Op, Outcome};

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

/// A sequential specification; the default is the state before the first operation.
pub trait Model: Clone + Eq + Hash + Default + fmt::Display {
    /// The state after `op` has answered `outcome`, or why it cannot have.
    ///
    /// # Errors
    ///
    /// The reason in words, for the reader of a report.
    fn step(&self, op: &Op, outcome: Outcome) -> Result<Self, Refusal>;

    /// What is known of a successful operation whatever the state; none if nothing is.
    #[must_use]
    fn effect(op: &Op, outcome: Outcome) -> Option<Effect<Self>> {
        let _ = (op, outcome);
        None
    }
}
