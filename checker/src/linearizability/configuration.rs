//! One way in which an object and what is open on it may stand.

use super::slots::Slots;
use super::space::State;
use super::usages::Usage;

/// One way in which things may stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Configuration<const W: usize> {
    /// Which open definite operations have taken effect.
    pub(crate) done: Slots<W>,
    /// A sum over those of them that change the state, by what they do: equal where equally many
    /// of every class are done.
    pub(crate) tally: u64,
    pub(crate) state: State,
    /// Which indeterminate operations have taken effect.
    pub(crate) used: Usage,
    /// Whether an indeterminate operation was used for the sake of this state, and nothing that
    /// needs it has taken effect yet.
    pub(crate) hungry: bool,
}

impl<const W: usize> Configuration<W> {
    pub(crate) const fn of(state: State) -> Self {
        Self { done: Slots::NONE, tally: 0, state, used: 0, hungry: false }
    }
}
