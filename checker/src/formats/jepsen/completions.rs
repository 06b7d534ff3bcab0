//! Files that have only completions, as Elle's examples do.
//!
//! When an operation of such a file began is not told, but a process does one thing at a time: not
//! before the one before it had ended. So each is taken to have begun then, and the first of a
//! process at the beginning: whatever really was concurrent is.

use super::record::{Record, Step, Who, fresh};
use crate::hashing::Map;

/// The same records with an invocation for each; none if some have one already.
pub(super) fn with_invocations<'a>(records: &[Record<'a>]) -> Option<Vec<Record<'a>>> {
    if records.is_empty() || records.iter().any(|record| record.step == Step::Invoke) {
        return None;
    }
    let named = named(records);
    let (mut next, mut later) = (Map::<Who, usize>::default(), vec![None; named.len()]);
    for (place, record) in named.iter().enumerate().rev() {
        later[place] = next.insert(record.process, place);
    }
    let first = named.first().and_then(|record| record.time);
    let mut firsts: Vec<usize> = next.into_values().collect();
    firsts.sort_unstable();
    let begun = |place: usize, time| Record {
        step: Step::Invoke,
        time,
        error: None,
        ..named[place].clone()
    };
    let mut all: Vec<Record<'a>> = firsts.into_iter().map(|place| begun(place, first)).collect();
    for (place, record) in named.iter().enumerate() {
        all.push(record.clone());
        all.extend(later[place].map(|next| begun(next, record.time)));
    }
    Some(all)
}

/// The same records, those of nobody each by a client of its own.
fn named<'a>(records: &[Record<'a>]) -> Vec<Record<'a>> {
    let mut fresh = fresh(records);
    let named = records.iter().map(|record| {
        let mut record = record.clone();
        if record.process == Who::Unnamed {
            record.process = Who::Client(fresh);
            fresh = fresh.saturating_add(1);
        }
        record
    });
    named.collect()
}
