//! Gives a refuted register its class from the catalogue, and the sentence that says so.
//!
//! The class only names what the refutation already proved; where no rule fits it is
//! `non-linearizable`.

use super::sweep::{self, Conflict, Crossing};
use crate::catalogue;
use crate::event::Nanos;
use crate::history::Operation;
use crate::linearizability::call::Call;
use crate::linearizability::explain::{Refuted, Told};
use crate::op::{Op, Outcome, Value};
use crate::words;

/// Names what was refuted.
pub(super) fn told<'a>(refuted: &Refuted<'a>) -> Option<Told<'a>> {
    let pair = |late, done| Some((refuted.operation(late)?, refuted.operation(done)?));
    match conflict(&refuted.small) {
        Some(Conflict::Unwritten { seen_by }) => unwritten(refuted, refuted.operation(seen_by)?),
        Some(Conflict::Twice { first, second }) => {
            pair(first, second).and_then(|(first, second)| twice(refuted, first, second))
        }
        Some(
            Conflict::Inverted { late, done } | Conflict::Crossed(Crossing { late, done, .. }),
        ) => pair(late, done).and_then(|(late, done)| overtaken(refuted, late, done)),
        Some(Conflict::Ring { .. }) => None,
        None => searched(refuted),
    }
}

/// The rule by which `small` has no legal order; none if it takes a search to see it.
fn conflict(small: &[Call<'_>]) -> Option<Conflict> {
    match sweep::unwritten(small) {
        Some(seen_by) => Some(Conflict::Unwritten { seen_by }),
        None => sweep::conflict(small),
    }
}

fn ended(operation: &Operation) -> Option<Nanos> {
    operation.ok().map(|(time, ..)| time)
}

/// `k3 = 12`, or `k3 as absent`.
fn named(key: &str, value: Option<&Value>) -> String {
    value.map_or_else(|| format!("{key} as absent"), |value| format!("{key} = {value}"))
}

/// Every operation on the key of `refuted`.
fn all<'a>(refuted: &Refuted<'a>) -> impl DoubleEndedIterator<Item = &'a Operation> {
    let key = refuted.key;
    refuted.history.operations().iter().filter(move |operation| operation.op.key() == key)
}

/// Every operation on the key of `refuted` that writes `value`.
fn writers<'a>(refuted: &Refuted<'a>, value: &Value) -> Vec<&'a Operation> {
    all(refuted).filter(|operation| operation.writes() == Some(value)).collect()
}

/// A value was seen that nothing can have written by then.
fn unwritten<'a>(refuted: &Refuted<'a>, reader: &'a Operation) -> Option<Told<'a>> {
    let (process, time) = (reader.process, ended(reader)?);
    let value = reader.saw()??;
    let also = writers(refuted, value);
    let why = match also.iter().find(|writer| !writer.failed()) {
        Some(writer) => {
            format!("its first write began only at {}", words::at(writer.invoked.1))
        }
        None if also.is_empty() => "nothing ever wrote it".to_owned(),
        None => "every write of it had failed".to_owned(),
    };
    let seen = named(refuted.name(), Some(value));
    Some(Told {
        class: catalogue::READ_OF_UNWRITTEN,
        headline: format!(
            "Read of an unwritten value: process {process} saw {seen} at {}, but {why}",
            words::at(time)
        ),
        because: format!("A register cannot hold {value} before it is written: {why}."),
        late: Some(reader),
        done: None,
        also: also.into_iter().take(3).collect(),
    })
}

/// Two compare-and-sets succeeded from one write.
fn twice<'a>(
    refuted: &Refuted<'a>,
    first: &'a Operation,
    second: &'a Operation,
) -> Option<Told<'a>> {
    let (Op::Cas { old, new, .. }, Op::Cas { new: other, .. }) = (&first.op, &second.op) else {
        return None;
    };
    let key = refuted.name();
    Some(Told {
        class: catalogue::LOST_UPDATE,
        headline: format!(
            "Lost update: processes {} and {} both changed {key} from {old}, to {new} and to {other}",
            first.process, second.process
        ),
        because: format!(
            "{old} was written once, and the first change replaced it: the second one must not \
             have found it."
        ),
        late: Some(second),
        done: Some(first),
        also: Vec::new(),
    })
}

/// `late` saw what was no longer there: `done` had ended before it began.
fn overtaken<'a>(
    refuted: &Refuted<'a>,
    late: &'a Operation,
    done: &'a Operation,
) -> Option<Told<'a>> {
    if late.writes().is_some() {
        return None;
    }
    let old = late.saw()?;
    let newer = done.writes().or_else(|| done.saw().flatten())?;
    let (late_end, done_end) = (ended(late)?, ended(done)?);
    let how = if done.writes().is_some() { "acknowledged" } else { "read" };
    let (process, key) = (late.process, refuted.name());
    let (seen, gap) = (named(key, old), words::lasting(late_end.saturating_sub(done_end)));
    let lost = done.writes().is_some() && is_lost(refuted, done, newer);
    let (class, headline) = if lost {
        let headline = format!(
            "Lost write: {key} = {newer} was acknowledged to process {} at {}, and no later read \
             saw it; process {process} read {seen} at {}",
            done.process,
            words::at(done_end),
            words::at(late_end)
        );
        (catalogue::LOST_WRITE, headline)
    } else {
        let headline = format!(
            "Stale read: process {process} read {seen} at {}, {gap} after {newer} had been {how}",
            words::at(late_end)
        );
        (catalogue::STALE_READ, headline)
    };
    let must_not = old.map_or("find it absent".to_owned(), |value| format!("return {value}"));
    Some(Told {
        class,
        headline,
        because: format!(
            "{newer} had been {how} before that read began, and nothing brought the old state \
             back: the read must not {must_not}."
        ),
        late: Some(late),
        done: Some(done),
        also: Vec::new(),
    })
}

/// Whether an acknowledged write was gone for good: nothing ever saw it, and the last read saw
/// what had been there before it began.
fn is_lost(refuted: &Refuted<'_>, done: &Operation, value: &Value) -> bool {
    if all(refuted).any(|operation| operation.saw() == Some(Some(value))) {
        return false;
    }
    let Some(acknowledged) = ended(done) else { return false };
    let later = |operation: &&Operation| operation.invoked.1 > acknowledged;
    let read = |operation: &'_ Operation| -> Option<Option<Value>> {
        match operation.ok()?.1 {
            Outcome::Read { value } => Some(value.clone()),
            _ => None,
        }
    };
    let before = |writer: &&Operation| ended(writer).is_some_and(|end| end < done.invoked.1);
    match all(refuted).filter(later).filter_map(read).next_back() {
        Some(Some(last)) => {
            let writers = writers(refuted, &last);
            writers.iter().filter(|writer| !writer.failed()).all(before)
        }
        Some(None) => true,
        None => false,
    }
}

/// No rule of the sweep applies: a value that matters was written more than once. Tells a stale
/// read if every write of what was read had ended before a later write began.
fn searched<'a>(refuted: &Refuted<'a>) -> Option<Told<'a>> {
    let late = refuted.calls.iter().position(|call| call.end == Some(refuted.at))?;
    let Some(Outcome::Read { value }) = refuted.calls[late].outcome else { return None };
    let overwrites = |call: &Call<'_>| call.precedes(&refuted.calls[late]);
    let writes_it = |call: &&Call<'_>| match call.op {
        Op::Write { value: new, .. } | Op::Cas { new, .. } => Some(new) == value.as_ref(),
        _ => false,
    };
    let done = refuted.calls.iter().position(|done| {
        !matches!(done.op, Op::Read { .. })
            && overwrites(done)
            && refuted.calls.iter().filter(writes_it).all(|writer| writer.precedes(done))
    })?;
    overtaken(refuted, refuted.operation(late)?, refuted.operation(done)?)
}
