//! What the searches through the moments of an object share, and how each of them ends.

use super::moments::Timeline;
use super::open_operations::OpenOperations;
use super::question::GaveUp;
use super::reach::Reach;
use super::space::{About, State, Steps, Task};
use crate::budget::Budget;

/// The calls of an object as numbers, and what bounds the search.
pub(crate) struct All<'s> {
    pub(crate) tasks: Vec<Task>,
    pub(crate) abouts: Vec<About>,
    /// How many states the effects name.
    pub(crate) states: State,
    pub(crate) steps: &'s dyn Steps,
    pub(crate) budget: Budget<'s>,
}

impl All<'_> {
    pub(crate) fn bytes(&self) -> usize {
        self.tasks.capacity() * size_of::<Task>() + self.abouts.capacity() * size_of::<About>()
    }
}

/// How a search came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Legal,
    /// It came up to the moment `place` and no further.
    Stopped {
        place: usize,
        stop: Stop,
    },
}

/// Why a search stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    /// There is no way on, and nothing was left out.
    Refuted,
    /// There was no way on, or not in the steps it was given; that shows nothing.
    Stuck,
    GaveUp(GaveUp),
}

/// What all searches through the same moments share.
pub(crate) struct Ground<'s> {
    pub(crate) timeline: &'s Timeline,
    pub(crate) abouts: &'s [About],
    pub(crate) steps: &'s dyn Steps,
    pub(crate) budget: Budget<'s>,
    /// Bytes held elsewhere.
    pub(crate) elsewhere: usize,
}

impl<'s> Ground<'s> {
    /// The first moment, with empty tables.
    pub(crate) fn reach<const W: usize>(&self) -> Reach<'s, W> {
        let open = OpenOperations::new(self.timeline, self.abouts, self.steps);
        Reach::new(open, self.budget, self.elsewhere)
    }
}
