//! The general decision, for any model.
//!
//! A model's states and operations become numbers here; everything after that is the same for all
//! models. Finding the words for a refutation is not done here.

use std::cell::RefCell;

use super::call::Call;
use super::ground::All;
use super::portfolio;
use super::question::{Aim, Decision};
use super::space::{Space, State, Task};
use crate::budget::Budget;
use crate::models::Model;

/// Decides whether `calls` have a legal order, within `budget`.
pub(crate) fn search<M: Model>(
    calls: &[Call<'_, M::Op, M::Outcome>],
    aim: Aim,
    budget: &Budget<'_>,
) -> Decision {
    let mut space = Space::<M>::new();
    let tasks: Vec<Task> = calls.iter().map(|call| space.task(call)).collect();
    let abouts = space.abouts().to_vec();
    let states = space.states() as State;
    let all = All { tasks, abouts, states, steps: &RefCell::new(space), budget: *budget };
    portfolio::decide(&all, aim)
}
