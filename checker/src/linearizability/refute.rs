//! Cheap refutations, in O(n log n), of histories in which values repeat.
//!
//! An operation that needs a state refutes the history by itself if none of those that could have
//! left that state to it can have. It looks at effects alone, and says nothing where a model does
//! not tell them; that it finds nothing shows nothing.
//!
//! Let r need the state S. Some operation w left S for r, the last that did: it began before r
//! ended, and from its instant to that of r the state was S. If an operation x lies in real time
//! wholly between w and r (w ended before x began, x ended before r began) and x needs or leaves
//! another state than S, then w is not the one. Of all x that end before r begins only the one
//! that begins last matters. S may also be the initial state, left before time began.

use super::space::{About, Known, State, Task};
use crate::event::Nanos;
use crate::hashing::Map;

/// The end of what may take effect at any later time.
const NEVER: u64 = u64::MAX;

/// The first end of an operation that refutes `tasks` by itself, if there is one.
pub(crate) fn refuted_at(tasks: &[Task], abouts: &[About]) -> Option<Nanos> {
    // What may leave any state could have left each of them.
    if abouts.iter().any(About::may_leave_any) {
        return None;
    }
    let known = |task: &Task| abouts[task.class as usize].known.map(|known| (*task, known));
    let effects: Vec<(Task, Known)> = tasks.iter().filter_map(known).collect();
    let writers = Writers::new(&effects);
    let mut needing: Vec<Needing> = Vec::new();
    let mut ended: Vec<(Nanos, Nanos, Known)> = Vec::new();
    for (Task { start, end, .. }, known) in &effects {
        let (start, Some(end)) = (*start, *end) else { continue };
        needing.extend(known.needs.map(|state| Needing { start, end, state }));
        ended.push((end, start, *known));
    }
    needing.sort_unstable_by_key(|needing| needing.start);
    ended.sort_unstable_by_key(|(end, ..)| *end);
    let (mut between, mut ended) = (Between::default(), ended.into_iter().peekable());
    let impossible = |needing: &Needing| {
        while let Some((_, began, known)) = ended.next_if(|(end, ..)| *end < needing.start) {
            between.add(began, known);
        }
        !writers.may_have_left(needing, between.latest(needing.state))
    };
    needing.into_iter().filter(impossible).map(|needing| needing.end).min()
}

/// A definite operation that succeeds in one state only.
struct Needing {
    start: Nanos,
    end: Nanos,
    state: State,
}

/// By state, what leaves it: when each began, and the latest end of it and those that began earlier.
struct Writers(Map<State, Vec<(Nanos, u64)>>);

impl Writers {
    fn new(effects: &[(Task, Known)]) -> Self {
        let mut by_state: Map<State, Vec<(Nanos, u64)>> = Map::default();
        for (task, known) in effects {
            if let Some(state) = known.leaves {
                let end = task.end.unwrap_or(NEVER);
                by_state.entry(state).or_default().push((task.start, end));
            }
        }
        for writers in by_state.values_mut() {
            writers.sort_unstable();
            let mut latest = 0;
            for (_, end) in writers {
                latest = latest.max(*end);
                *end = latest;
            }
        }
        Self(by_state)
    }

    /// Whether something may have left its state to `needing`, if what began at `between` cannot lie
    /// between the two.
    fn may_have_left(&self, needing: &Needing, between: Option<Nanos>) -> bool {
        let Some(between) = between else {
            return needing.state == 0 || self.last_end(needing).is_some();
        };
        self.last_end(needing).is_some_and(|end| end >= between)
    }

    /// The latest end of what leaves the state that `needing` needs and began before `needing` ended.
    fn last_end(&self, needing: &Needing) -> Option<u64> {
        let writers = self.0.get(&needing.state)?;
        let began = writers.partition_point(|(start, _)| *start <= needing.end);
        Some(writers[began.checked_sub(1)?].1)
    }
}

/// Of the operations that ended so far, the one that began last, and the one that did among those
/// that agree with another state than that one does.
#[derive(Default)]
struct Between {
    last: Option<(Nanos, Option<State>)>,
    other: Option<(Nanos, Option<State>)>,
}

impl Between {
    fn add(&mut self, began: Nanos, known: Known) {
        let agrees = match (known.needs, known.leaves) {
            (None, None) => return,
            (Some(state), None) | (None, Some(state)) => Some(state),
            (Some(_), Some(_)) => None,
        };
        let new = Some((began, agrees));
        match self.last {
            Some((_, same)) if same == agrees => self.last = self.last.max(new),
            Some((last, _)) if last < began => (self.last, self.other) = (new, self.last),
            Some(_) => self.other = self.other.max(new),
            None => self.last = new,
        }
    }

    /// When the last one began that does not agree with `state`.
    fn latest(&self, state: State) -> Option<Nanos> {
        let differs = |write: &(Nanos, Option<State>)| write.1 != Some(state);
        self.last.filter(differs).or(self.other.filter(differs)).map(|(began, _)| began)
    }
}
