//! Gives a refuted store of texts its class from the catalogue, and the sentence that says so.
//!
//! The class only names what the refutation already proved; where no rule fits it is
//! `non-linearizable`.

use super::conflict::Conflict;
use super::sweep::conflict;
use crate::catalogue;
use crate::event::Nanos;
use crate::history::Operation;
use crate::linearizability::refuted::{Explanation, Refuted};
use crate::models::kv::text;
use crate::op::{Op, Outcome, Value};
use crate::words;

/// Names what was refuted.
pub(super) fn explanation<'a>(refuted: &Refuted<'a>) -> Option<Explanation<'a>> {
    match conflict(&refuted.small)? {
        Conflict::Unwritten { seen_by } => Some(unwritten(refuted, refuted.operation(seen_by)?)),
        Conflict::Incompatible { first, second } => {
            Some(incompatible(refuted, refuted.operation(first)?, refuted.operation(second)?))
        }
        Conflict::Inverted { late, done } | Conflict::Crossed { late, done, .. } => {
            overtaken(refuted, refuted.operation(late)?, refuted.operation(done)?)
        }
        Conflict::Twice { .. } => None,
    }
}

fn ended(operation: &Operation) -> Nanos {
    operation.ok().map_or(operation.invoked.1, |(time, ..)| time)
}

/// The text that a read answered.
fn read(operation: &Operation) -> Option<Value> {
    match operation.ok()?.1 {
        Outcome::Read { value } => Some(value.clone().unwrap_or_else(|| Value::text(""))),
        _ => None,
    }
}

/// The text that a write or an append put there.
fn put(operation: &Operation) -> Option<&Value> {
    match &operation.op {
        Op::Write { value, .. } | Op::Append { value, .. } => Some(value),
        _ => None,
    }
}

fn holds(whole: &Value, part: &Value) -> bool {
    text(whole).contains(&*text(part))
}

fn unwritten<'a>(refuted: &Refuted<'a>, reader: &'a Operation) -> Explanation<'a> {
    let (key, value) = (refuted.name(), read(reader).unwrap_or_default());
    Explanation {
        class: catalogue::READ_OF_UNWRITTEN,
        headline: format!(
            "Read of an unwritten value: process {} read {key} = {value} at {}, which is not made \
             of anything that was written or appended by then",
            reader.process,
            words::at(ended(reader))
        ),
        because: "No write and appends that may have taken effect give that text.".to_owned(),
        late: Some(reader),
        done: None,
        also: Vec::new(),
        later: None,
    }
}

fn incompatible<'a>(
    refuted: &Refuted<'a>,
    first: &'a Operation,
    second: &'a Operation,
) -> Explanation<'a> {
    let shown = |reader| read(reader).unwrap_or_default();
    Explanation {
        class: catalogue::INCOMPATIBLE_READS,
        headline: format!(
            "Incompatible reads: process {} read {} = {} at {}, and process {} read {} at {}; \
             neither text can grow into the other",
            first.process,
            refuted.name(),
            shown(first),
            words::at(ended(first)),
            second.process,
            shown(second),
            words::at(ended(second))
        ),
        because: "Both texts begin with the same write, and appends only add at the end."
            .to_owned(),
        late: Some(first),
        done: Some(second),
        also: Vec::new(),
        later: None,
    }
}

/// `late` does not know of what `done` did or saw, and `done` had ended before `late` began.
fn overtaken<'a>(
    refuted: &Refuted<'a>,
    late: &'a Operation,
    done: &'a Operation,
) -> Option<Explanation<'a>> {
    let Some(old) = read(late) else {
        let seen = read(done).zip(put(late)).is_some_and(|(seen, late)| holds(&seen, late));
        return seen.then(|| too_early(refuted, late, done));
    };
    let (how, newer) = match (put(done), read(done)) {
        (Some(value), _) => ("acknowledged", value.clone()),
        (None, Some(value)) => ("read", value),
        (None, None) => return None,
    };
    let (key, process) = (refuted.name(), late.process);
    let (since, at) = (words::at(ended(done)), words::at(ended(late)));
    let lost = put(done).is_some_and(|value| is_lost(refuted, done, value));
    let (class, headline) = if lost {
        let headline = format!(
            "Lost write: {newer} was acknowledged to process {} on {key} at {since}, and no later \
             read saw it; process {process} read {old} at {at}",
            done.process
        );
        (catalogue::LOST_WRITE, headline)
    } else {
        let headline = format!(
            "Stale read: process {process} read {key} = {old} at {at}, though {newer} had been \
             {how} at {since}"
        );
        (catalogue::STALE_READ, headline)
    };
    Some(Explanation {
        class,
        headline,
        because: format!(
            "{newer} had been {how} before that read began, and nothing brought the old text back."
        ),
        late: Some(late),
        done: Some(done),
        also: Vec::new(),
        later: None,
    })
}

/// `reader` saw what `writer` began to put there only after it had ended.
fn too_early<'a>(
    refuted: &Refuted<'a>,
    writer: &'a Operation,
    reader: &'a Operation,
) -> Explanation<'a> {
    let value = put(writer).cloned().unwrap_or_default();
    let why = format!("{value} began to be put there only at {}", words::at(writer.invoked.1));
    Explanation {
        class: catalogue::READ_OF_UNWRITTEN,
        headline: format!(
            "Read of an unwritten value: process {} read {} = {} at {}, but {why}",
            reader.process,
            refuted.name(),
            read(reader).unwrap_or_default(),
            words::at(ended(reader))
        ),
        because: format!("A text cannot be read before it is there: {why}."),
        late: Some(reader),
        done: None,
        also: vec![writer],
        later: None,
    }
}

/// Whether nobody ever saw `value`, somebody looked later, and nothing overwrote it.
fn is_lost(refuted: &Refuted<'_>, done: &Operation, value: &Value) -> bool {
    let key = refuted.key;
    let all = || refuted.history.operations().iter().filter(|operation| operation.op.key() == key);
    let began = done.invoked.1;
    let overwritten = all().any(|operation| {
        let may_be_later = operation.completed.as_ref().is_none_or(|(_, end, _)| *end >= began);
        matches!(operation.op, Op::Write { .. })
            && operation.invoked != done.invoked
            && may_be_later
            && !operation.failed()
    });
    let saw = |operation: &Operation| read(operation).is_some_and(|seen| holds(&seen, value));
    !overwritten && !all().any(saw)
}
