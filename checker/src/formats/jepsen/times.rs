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
        for ((place, time), room) in told.into_iter().enumerate().zip(rooms(records)) {
            match latest {
                Some(latest) if time < latest => earlier.push(place),
                Some(latest) if time == latest => ties += 1,
                _ => {}
            }
            latest = latest.max(Some(time));
            next = time.abs_diff(first).max(next + room);
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
        let times = rooms(records).into_iter().map(|room| {
            if room > 0 {
                next += room.max(APART);
            }
            next
        });
        let note = "not every record has a time: only their order is used, and events are named by \
                    their number";
        let notes = vec![note.to_owned()];
        Self { times: times.collect(), notes, contradict: false, made_up: true }
    }
}

/// How long after the one before it each record is at least; 0 for the first. Within a drain there
/// is room for two events for each element that it may have taken, which needs a byte at least.
fn rooms(records: &[Record<'_>]) -> Vec<Nanos> {
    let drains = |record: &Record<'_>| Verb::named(record.f) == Some(Verb::Drain);
    let taken = records.iter().filter(|record| drains(record));
    let longest = taken.filter_map(|record| Some(record.value.as_ref()?.len())).max();
    let within = 2 * longest.unwrap_or(0) as Nanos + 2;
    let (mut open, mut rooms) = (0_usize, Vec::with_capacity(records.len()));
    for (place, record) in records.iter().enumerate() {
        rooms.push(if open > 0 { within } else { Nanos::from(place > 0) });
        if longest.is_some() && drains(record) {
            let begins = record.step == Step::Invoke;
            open = if begins { open + 1 } else { open.saturating_sub(1) };
        }
    }
    rooms
}

/// Says loudly that the times cannot be right, or the list is not in its order.
fn warning(source: Source<'_>, records: &[Record<'_>], (first, count): (usize, usize)) -> String {
    let line = 1 + source.text[..records[first].at].matches('\n').count();
    format!(
        "WARNING: the times contradict the order of the list: {count} records are earlier than one \
         before them, the first in line {line}; the order of the list is followed"
    )
}
