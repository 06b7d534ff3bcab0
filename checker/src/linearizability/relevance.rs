//! Until when something may still rest on an indeterminate operation.
//!
//! It looks at effects alone: where a model tells none, everything may matter for ever.

use super::space::{About, State, Task};
use crate::event::Nanos;
use crate::hashing::Map;

/// Until when something may rest on a class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Until {
    Never,
    Time(Nanos),
    Always,
}

/// Until when each state is needed: the last completion of an operation that succeeds in it only.
///
/// Why an indeterminate operation may be dropped afterwards: take a legal order in which it takes
/// effect and nothing needs the state it leaves. Then nothing follows it but operations that
/// forget the state, so the order is legal without it. An operation that changes nothing but of
/// which no more is known (“it held anything but 3”) may need any state, until it has ended.
pub(crate) struct Relevance {
    /// None if some class that changes the state may need any.
    needed: Option<Map<State, Nanos>>,
    /// The last completion of an operation that may look at any state.
    looked: Option<Nanos>,
}

impl Relevance {
    pub(crate) fn new(tasks: &[Task], abouts: &[About]) -> Self {
        let mut through: Map<State, Vec<State>> = Map::default();
        let (mut work, mut looked) = (Vec::new(), None);
        for task in tasks {
            let About { known, observes } = abouts[task.class as usize];
            match (known, task.end) {
                (None, end) if observes => looked = looked.max(end),
                (None, _) => return Self { needed: None, looked },
                (Some(known), Some(end)) => work.extend(known.needs.map(|needs| (needs, end))),
                (Some(known), None) => {
                    if let (Some(needs), Some(leaves)) = (known.needs, known.leaves) {
                        through.entry(leaves).or_default().push(needs);
                    }
                }
            }
        }
        through.values_mut().for_each(|needs| {
            needs.sort_unstable();
            needs.dedup();
        });
        Self { needed: Some(settled(work, &through)), looked }
    }

    /// Until when something may rest on an indeterminate class.
    pub(crate) fn until(&self, about: About) -> Until {
        let Some(needed) = &self.needed else { return Until::Always };
        let leaves = about.known.and_then(|known| known.leaves);
        let until = leaves.and_then(|leaves| self.looked.max(needed.get(&leaves).copied()));
        until.map_or(Until::Never, Until::Time)
    }
}

/// The latest time of every state, given some times and through which states others are reached.
fn settled(mut work: Vec<(State, Nanos)>, through: &Map<State, Vec<State>>) -> Map<State, Nanos> {
    let mut latest: Map<State, Nanos> = Map::default();
    // The latest is last, so that every state is settled when it is first met.
    work.sort_unstable_by_key(|(_, end)| *end);
    while let Some((state, end)) = work.pop() {
        if latest.get(&state).is_some_and(|known| *known >= end) {
            continue;
        }
        latest.insert(state, end);
        let before = through.get(&state).into_iter().flatten();
        work.extend(before.map(|needs| (*needs, end)));
    }
    latest
}
