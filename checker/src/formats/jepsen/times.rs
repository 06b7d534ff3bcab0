//! When each record was made.
//!
//! The order of a list is the order in which its records were made: an invocation before anything
//! is sent, a completion after everything was received. Times only say how far apart; where they
//! tie, are missing or contradict the list, the list is followed. So no two records have one time,
//! and what the list ordered is never made concurrent.

use super::record::{Record, Source, Step};
use super::verb::Verb;
use crate::event::Nanos;

/// How far apart records are put that have no time: a millisecond.
const APART: Nanos = 1_000_000;

/// The times of records.
pub(super) struct Times {
    /// Strictly increasing.
    pub(super) times: Vec<Nanos>,
    pub(super) notes: Vec<String>,
    /// Whether the times of the file contradict the order of its list.
    pub(super) contradict: bool,
    /// Whether the file has none, or not for every record.
    pub(super) made_up: bool,
}

impl Times {
    pub(super) fn of(source: Source<'_>, records: &[Record<'_>]) -> Self {
        let told: Option<Vec<i64>> = records.iter().map(|record| record.time).collect();
        let Some(told) = told else { return Self::made_up(records) };
        let first = told.iter().copied().min().unwrap_or(0).min(0);
        let (mut times, mut notes) = (Vec::with_capacity(told.len()), Vec::new());
        let (mut ties, mut latest, mut earlier) = (0_usize, None, Vec::new());
        let mut next = 0;
        for (place, time) in told.into_iter().enumerate() {
            match latest {
                Some(latest) if time < latest => earlier.push(place),
                Some(latest) if time == latest => ties += 1,
                _ => {}
            }
            latest = latest.max(Some(time));
            next = time.abs_diff(first).max(next + room(records, place));
            times.push(next);
        }
        if first < 0 {
            notes.push("times before 0 are counted from the first".to_owned());
        }
        if ties > 0 {
            notes.push(format!(
                "{ties} times are that of the record before: each is taken as later, as the list \
                 has it"
            ));
        }
        notes
            .extend(earlier.first().map(|place| warning(source, records, (*place, earlier.len()))));
        Self { times, notes, contradict: !earlier.is_empty(), made_up: false }
    }

    /// A millisecond from one to the next, where not all have a time.
    fn made_up(records: &[Record<'_>]) -> Self {
        let mut next = 0;
        let times = (0..records.len()).map(|place| {
            if place > 0 {
                next += room(records, place).max(APART);
            }
            next
        });
        let note = "not every record has a time: only their order is used, and events are named by \
                    their number";
        let notes = vec![note.to_owned()];
        Self { times: times.collect(), notes, contradict: false, made_up: true }
    }
}

/// How long after the one before it the record at `place` is at least. After a drain there is room
/// for two events for each element that it may have taken, which needs a byte at least.
fn room(records: &[Record<'_>], place: usize) -> Nanos {
    let Some(before) = place.checked_sub(1).and_then(|before| records.get(before)) else {
        return 0;
    };
    let drains = before.step == Step::Invoke && Verb::named(before.f) == Some(Verb::Drain);
    let value = records[place].value.as_ref().filter(|_| drains);
    value.map_or(1, |value| 2 * value.len() as Nanos + 2)
}

/// Says loudly that the times cannot be right, or the list is not in its order.
fn warning(source: Source<'_>, records: &[Record<'_>], (first, count): (usize, usize)) -> String {
    let line = 1 + source.text[..records[first].at].matches('\n').count();
    format!(
        "WARNING: the times contradict the order of the list: {count} records are earlier than one \
         before them, the first in line {line}; the order of the list is followed"
    )
}
