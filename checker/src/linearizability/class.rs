//! Gives a refuted register its class from the catalogue, and the sentence that says so.
//!
//! The class only names what the refutation already proved; where no rule fits it is
//! `non-linearizable`.

use super::call::Call;
use super::explain::Refuted;
use super::unambiguous::{Conflict, Crossing};
use crate::catalogue;
use crate::event::{Nanos, Op, Outcome, Value};
use crate::history::Operation;
use crate::words;

/// A class with its sentence, and the operations it is about.
pub(super) struct Told<'a> {
    pub(super) class: &'static str,
    pub(super) headline: String,
    /// Why that cannot be, as the last fact of the story.
    pub(super) because: String,
    /// The operation whose answer was old.
    pub(super) late: Option<&'a Operation>,
    /// The one that should have been seen.
    pub(super) done: Option<&'a Operation>,
    /// Operations that belong to the story although no legal order has them.
    pub(super) also: Vec<&'a Operation>,
}

/// Names what was refuted.
pub(super) fn told<'a>(refuted: &Refuted<'a>) -> Told<'a> {
    let pair = |late, done| Some((refuted.operation(late)?, refuted.operation(done)?));
    let told = match refuted.conflict {
        Some(Conflict::Unwritten { seen_by }) => {
            refuted.operation(seen_by).and_then(|reader| unwritten(refuted, reader))
        }
        Some(Conflict::Twice { first, second }) => {
            pair(first, second).and_then(|(first, second)| twice(refuted, first, second))
        }
        Some(
            Conflict::Inverted { late, done } | Conflict::Crossed(Crossing { late, done, .. }),
        ) => pair(late, done).and_then(|(late, done)| overtaken(refuted, late, done)),
        Some(Conflict::Ring { .. }) => None,
        None => searched(refuted),
    };
    told.unwrap_or_else(|| unexplained(refuted))
}

/// What a successful operation saw; the inner none is “absent”.
fn saw(operation: &Operation) -> Option<Option<Value>> {
    match (&operation.op, operation.ok()?.1) {
        (_, Outcome::Read { value }) => Some(value),
        (Op::Cas { old, .. }, _) => Some(Some(*old)),
        _ => None,
    }
}

/// What an operation writes if it takes effect.
fn writes(operation: &Operation) -> Option<Value> {
    match operation.op {
        Op::Write { value, .. } => Some(value),
        Op::Cas { new, .. } => Some(new),
        Op::Read { .. } | Op::Claim { .. } => None,
    }
}

fn ended(operation: &Operation) -> Option<Nanos> {
    operation.ok().map(|(time, ..)| time)
}

/// `k3 = 12`, or `k3 as absent`.
fn named(key: &str, value: Option<Value>) -> String {
    value.map_or_else(|| format!("{key} as absent"), |value| format!("{key} = {value}"))
}

/// Every operation on the key of `refuted` that writes `value`.
fn writers<'a>(refuted: &Refuted<'a>, value: Value) -> Vec<&'a Operation> {
    let on_key = |operation: &&Operation| operation.op.key() == Some(refuted.key);
    let all = refuted.history.operations().iter().filter(on_key);
    all.filter(|operation| writes(operation) == Some(value)).collect()
}

/// A value was seen that nothing can have written by then.
fn unwritten<'a>(refuted: &Refuted<'a>, reader: &'a Operation) -> Option<Told<'a>> {
    let (process, time) = (reader.process, ended(reader)?);
    let value = saw(reader)??;
    let also = writers(refuted, value);
    let why = match also.iter().find(|writer| !writer.failed()) {
        Some(writer) => {
            format!("its first write began only at {}", words::at(writer.invoked.1))
        }
        None if also.is_empty() => "nothing ever wrote it".to_owned(),
        None => "every write of it had failed".to_owned(),
    };
    let seen = named(refuted.key, Some(value));
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
    let key = refuted.key;
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
    let Outcome::Read { value: old } = late.ok()?.1 else { return None };
    let newer = writes(done).or_else(|| saw(done).flatten())?;
    let (late_end, done_end) = (ended(late)?, ended(done)?);
    let how = if writes(done).is_some() { "acknowledged" } else { "read" };
    let (process, key) = (late.process, refuted.key);
    let (seen, gap) = (named(key, old), words::lasting(late_end.saturating_sub(done_end)));
    let lost = writes(done).is_some() && is_lost(refuted, done, newer);
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
fn is_lost(refuted: &Refuted<'_>, done: &Operation, value: Value) -> bool {
    let on_key = |operation: &&Operation| operation.op.key() == Some(refuted.key);
    let all = || refuted.history.operations().iter().filter(on_key);
    if all().any(|operation| saw(operation) == Some(Some(value))) {
        return false;
    }
    let Some(acknowledged) = ended(done) else { return false };
    let later = |operation: &&Operation| operation.invoked.1 > acknowledged;
    let read = |operation: &Operation| match operation.ok()?.1 {
        Outcome::Read { value } => Some(value),
        _ => None,
    };
    let before = |writer: &&Operation| ended(writer).is_some_and(|end| end < done.invoked.1);
    match all().filter(later).filter_map(read).next_back() {
        Some(Some(last)) => {
            let writers = writers(refuted, last);
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
    let Outcome::Read { value } = refuted.calls[late].outcome else { return None };
    let overwrites = |call: &Call<'_>| call.precedes(&refuted.calls[late]);
    let writes_it = |call: &&Call<'_>| match call.op {
        Op::Write { value: new, .. } | Op::Cas { new, .. } => Some(*new) == value,
        _ => false,
    };
    let done = refuted.calls.iter().position(|done| {
        !matches!(done.op, Op::Read { .. })
            && overwrites(done)
            && refuted.calls.iter().filter(writes_it).all(|writer| writer.precedes(done))
    })?;
    overtaken(refuted, refuted.operation(late)?, refuted.operation(done)?)
}

fn unexplained<'a>(refuted: &Refuted<'a>) -> Told<'a> {
    let count = refuted.calls.len();
    let key = refuted.key;
    let last = refuted.calls.iter().position(|call| call.end == Some(refuted.at));
    let late = last.and_then(|place| refuted.operation(place));
    let shown = late.map_or(String::new(), |late| {
        let what = match saw(late) {
            Some(value) if late.op.key().is_some() => format!("saw {}", named(key, value)),
            _ => format!("was acknowledged `{}`", late.op),
        };
        format!(", as process {} {what}", late.process)
    });
    Told {
        class: catalogue::NON_LINEARIZABLE,
        headline: format!(
            "Not linearizable: {count} operations on {key} have no legal order by {}{shown}",
            words::at(refuted.at)
        ),
        because: format!(
            "Every order of these operations that respects real time makes the register {key} \
             answer what it does not hold."
        ),
        late,
        done: None,
        also: Vec::new(),
    }
}
