//! A refutation from a part of the history, whatever came before it.
//!
//! At the beginning of the window the object may be in any state, and every operation that is open
//! then may or may not have taken effect and need not end. Whatever was possible in the history is
//! possible here: the state is one of them, and to have an operation left that never has to take
//! effect is no worse than to have used it, or to have it left with an end. So if the window has
//! no legal order, the history has none; if it has one, that shows nothing.
//!
//! It takes time in proportion to the window, where a frontier through the whole history would
//! have to come there first.

use super::ground::All;
use super::moments::Timeline;
use super::space::{State, Task};
use crate::event::Nanos;

/// Windows are of no use where an object may be in too many states when one begins.
const STATES: State = 1_024;

/// How many completions lie before and after the suspected one.
const LENGTHS: [usize; 3] = [24, 192, 1_536];

/// The states that the object may be in at any moment; none if they are not known.
pub(crate) fn states(all: &All<'_>) -> Option<Vec<State>> {
    let known = all.states <= STATES && !all.abouts.iter().any(super::space::About::may_leave_any);
    known.then(|| (0..all.states).collect())
}

/// The windows around `at`, the shortest first.
pub(crate) fn around<'a>(all: &'a All<'_>, at: Nanos) -> impl Iterator<Item = Timeline> + 'a {
    let mut ends: Vec<Nanos> = all.tasks.iter().filter_map(|task| task.end).collect();
    ends.sort_unstable();
    let middle = ends.partition_point(|end| *end < at);
    let spans = LENGTHS.into_iter().filter(move |length| *length < middle).map(move |length| {
        let last = (middle + length).min(ends.len() - 1);
        (ends[middle - length], ends[last])
    });
    spans.filter_map(|(from, to)| timeline(all, from, to))
}

/// The window from one time to another; none if more are open at once than can be told apart.
pub(crate) fn timeline(all: &All<'_>, from: Nanos, to: Nanos) -> Option<Timeline> {
    let relaxed = |task: &Task| {
        let (open, over) = (task.start < from, task.end.is_some_and(|end| end < from));
        if over || task.start > to || (open && all.abouts[task.class as usize].observes) {
            return None;
        }
        Some(Task { end: task.end.filter(|_| !open), ..*task })
    };
    let tasks: Vec<Task> = all.tasks.iter().filter_map(relaxed).collect();
    let mut timeline = Timeline::new(&tasks, &all.abouts)?;
    timeline.cut(to.saturating_add(1));
    Some(timeline)
}
