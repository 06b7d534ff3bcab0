//! Gives a refuted register its class from the catalogue, and the sentence that says so.
//!
//! The class only names what the refutation already proved; where no rule fits it is
//! `non-linearizable`.

use super::conflict::{Conflict, Crossing, Refused};
use super::facts::Fact;
use super::fast;
use crate::catalogue;
use crate::event::Nanos;
use crate::history::Operation;
use crate::linearizability::call::Call;
use crate::linearizability::refuted::{Explanation, Refuted};
use crate::op::{Op, Outcome, Value};
use crate::words;

/// Names what was refuted.
pub(super) fn explanation<'a>(refuted: &Refuted<'a>) -> Option<Explanation<'a>> {
    let pair = |late, done| Some((refuted.operation(late)?, refuted.operation(done)?));
    let Some(proof) = fast::proof(&refuted.small) else { return searched(refuted) };
    match proof.conflict {
        Conflict::Impossible { answered } => impossible(refuted, refuted.operation(answered)?),
        Conflict::Unwritten { seen_by, .. } => unwritten(refuted, refuted.operation(seen_by)?),
        Conflict::Ring { seen_by } => ring(refuted, refuted.operation(seen_by)?),
        Conflict::Twice { first, second } => {
            pair(first, second).and_then(|(first, second)| twice(refuted, first, second))
        }
        Conflict::Inverted { late, done } | Conflict::Crossed(Crossing { late, done, .. }) => {
            pair(late, done).and_then(|(late, done)| overtaken(refuted, late, done))
        }
        Conflict::Refused(refused) => spurious(refuted, refused),
    }
}

fn ended(operation: &Operation) -> Option<Nanos> {
    operation.ok().map(|(time, ..)| time)
}

/// `k3 = 12`, or `k3 as absent`.
fn named(key: &str, value: Option<&Value>) -> String {
    value.map_or_else(|| format!("{key} as absent"), |value| format!("{key} = {value}"))
}

/// What a change of the register found, where it took effect; for a compare-and-set whose answer is
/// lost, what it asked for.
fn replaced(change: &Operation) -> Option<Option<&Value>> {
    change.writes()?;
    match &change.op {
        Op::Cas { old, .. } => Some(Some(old)),
        _ => change.saw(),
    }
}

/// A state of the register as something that it was changed from.
fn state(value: Option<&Value>) -> String {
    value.map_or_else(|| "absent".to_owned(), ToString::to_string)
}

/// Every operation on the key of `refuted`.
fn all<'a>(refuted: &Refuted<'a>) -> impl DoubleEndedIterator<Item = &'a Operation> {
    refuted.history.operations_on(refuted.key)
}

/// Every operation on the key of `refuted` that writes `value`.
fn writers<'a>(refuted: &Refuted<'a>, value: &Value) -> Vec<&'a Operation> {
    all(refuted).filter(|operation| operation.writes() == Some(value)).collect()
}

/// A value was seen that nothing can have written by then: by `reader`, or by what shows that
/// `reader` took effect.
fn unwritten<'a>(refuted: &Refuted<'a>, reader: &'a Operation) -> Option<Explanation<'a>> {
    let value = reader.saw().or_else(|| replaced(reader))??;
    let direct = ended(reader).is_some_and(|end| end <= refuted.at);
    let shown = if direct { reader } else { last(refuted)? };
    let (of, it) = if direct {
        ("its first write".to_owned(), "it".to_owned())
    } else {
        (format!("the first write of {value}"), value.to_string())
    };
    let also = writers(refuted, value);
    let found_itself = |writer: &&Operation| writer.saw() == Some(Some(value));
    let why = match also.iter().find(|writer| !writer.failed() && !found_itself(writer)) {
        Some(writer) => format!("{of} began only at {}", words::at(writer.invoked.1)),
        None if reader.writes() == Some(value) => format!("only that very operation wrote {it}"),
        None if also.iter().any(found_itself) => format!("whoever wrote {it} had found it there"),
        None if also.is_empty() => format!("nothing ever wrote {it}"),
        None => format!("every write of {it} had failed"),
    };
    let (process, time, seen) = (shown.process, words::at(ended(shown)?), saw(refuted, shown)?);
    let from = if direct { String::new() } else { format!(", changed from {value}") };
    let headline = format!(
        "Read of an unwritten value: process {process} saw {seen} at {time}{from}, but {why}"
    );
    Some(Explanation {
        class: catalogue::READ_OF_UNWRITTEN,
        headline,
        because: format!("A register cannot hold {value} before it is written: {why}."),
        late: Some(shown),
        done: None,
        also: also.into_iter().filter(|writer| writer.invoked != reader.invoked).take(3).collect(),
        later: None,
    })
}

/// The operation whose end shows the refutation.
fn last<'a>(refuted: &Refuted<'a>) -> Option<&'a Operation> {
    refuted.operation(refuted.calls.iter().position(|call| call.end == Some(refuted.at))?)
}

/// What an operation saw of the register, `k = 1`; for a write, what it made it hold.
fn saw(refuted: &Refuted<'_>, operation: &Operation) -> Option<String> {
    let value = operation.saw().or_else(|| Some(Some(operation.writes()?)))?;
    Some(named(refuted.name(), value))
}

/// Changes that rest on each other, none of them on a write.
fn ring<'a>(refuted: &Refuted<'a>, reader: &'a Operation) -> Option<Explanation<'a>> {
    let old = replaced(reader)??;
    let shown = last(refuted)?;
    let (process, time) = (shown.process, words::at(refuted.at));
    Some(Explanation {
        class: catalogue::READ_OF_UNWRITTEN,
        headline: format!(
            "Read of an unwritten value: process {process} saw {} at {time}, but only \
             changes that rest on it can have written it",
            saw(refuted, shown)?
        ),
        because: format!(
            "Each of these changes found what another one wrote: none of them can have been the \
             first, and nothing else ever wrote {old}."
        ),
        late: Some(shown),
        done: None,
        also: Vec::new(),
        later: None,
    })
}

/// A compare-and-set was refused although it found what it asked for.
fn impossible<'a>(refuted: &Refuted<'a>, refused: &'a Operation) -> Option<Explanation<'a>> {
    let (Op::Cas { old, .. }, Outcome::CasFound { .. }) = (&refused.op, refused.ok()?.1) else {
        return None;
    };
    let (process, op, time) = (refused.process, &refused.op, words::at(refuted.at));
    Some(Explanation {
        class: catalogue::SPURIOUS_REFUSAL,
        headline: format!(
            "Spurious refusal: process {process} was refused `{op}` at {time}, because it found {old}"
        ),
        because: format!("A change from {old} must succeed where it finds {old}."),
        late: Some(refused),
        done: None,
        also: Vec::new(),
        later: None,
    })
}

/// A compare-and-set was refused although the register held all the time what it asked for.
fn spurious<'a>(refuted: &Refuted<'a>, found: Refused) -> Option<Explanation<'a>> {
    let (refused, since) = (refuted.operation(found.refused)?, refuted.operation(found.since)?);
    let until = found.until.and_then(|until| refuted.operation(until));
    let Op::Cas { old, .. } = &refused.op else { return None };
    let (process, op, name) = (refused.process, &refused.op, refuted.name());
    let (time, known) = (words::at(ended(refused)?), words::at(ended(since)?));
    let still = match until {
        Some(until) if until.saw() == Some(Some(old)) => {
            format!("process {} found it only later", until.process)
        }
        _ => "nothing else can have been written by then".to_owned(),
    };
    Some(Explanation {
        class: catalogue::SPURIOUS_REFUSAL,
        headline: format!(
            "Spurious refusal: process {process} was refused `{op}` at {time}, but {name} had been \
             {old} since {known}"
        ),
        because: format!(
            "{name} = {old} by {known}, {old} was written once, and {still}: it was {old} all the \
             time that the refusal took."
        ),
        late: Some(refused),
        done: Some(since),
        also: until.into_iter().collect(),
        later: None,
    })
}

/// Two changes found what one write left, or that nothing had been written.
fn twice<'a>(
    refuted: &Refuted<'a>,
    first: &'a Operation,
    second: &'a Operation,
) -> Option<Explanation<'a>> {
    let (old, new, other) = (replaced(first)?, first.writes()?, second.writes()?);
    let (key, from) = (refuted.name(), state(old));
    let once = match old {
        Some(old) => format!("{old} was written once"),
        None => format!("{key} is absent until it is first written"),
    };
    Some(Explanation {
        class: catalogue::LOST_UPDATE,
        headline: format!(
            "Lost update: processes {} and {} both changed {key} from {from}, to {new} and to {other}",
            first.process, second.process
        ),
        because: format!(
            "{once}, and the first change replaced it: the second one must not have found it."
        ),
        late: Some(second),
        done: Some(first),
        also: Vec::new(),
        later: None,
    })
}

/// `late` saw what was no longer there: `done` had ended before it began.
fn overtaken<'a>(
    refuted: &Refuted<'a>,
    late: &'a Operation,
    done: &'a Operation,
) -> Option<Explanation<'a>> {
    let old = late.saw()?;
    let newer = done.writes().or_else(|| done.saw().flatten())?;
    let (late_end, done_end) = (ended(late)?, ended(done)?);
    let how = if done.writes().is_some() { "acknowledged" } else { "read" };
    let (process, key, time) = (late.process, refuted.name(), words::at(late_end));
    let (seen, gap) = (named(key, old), words::lasting(late_end.saturating_sub(done_end)));
    if let Some(new) = late.writes() {
        let from = state(old);
        let brought = match old {
            Some(old) => format!("nothing brought {old} back"),
            None => format!("nothing makes {key} absent again"),
        };
        return Some(Explanation {
            class: catalogue::LOST_UPDATE,
            headline: format!(
                "Lost update: process {process} changed {key} from {from} to {new} at {time}, {gap} \
                 after {newer} had been {how}"
            ),
            because: format!(
                "{newer} had been {how} before that change began, and {brought}: the change must \
                 not have found it, and what it overwrote is lost."
            ),
            late: Some(late),
            done: Some(done),
            also: Vec::new(),
            later: None,
        });
    }
    let lost = done.writes().is_some() && is_lost(refuted, done, newer);
    let (class, headline) = if lost {
        let headline = format!(
            "Lost write: {key} = {newer} was acknowledged to process {} at {}, and no later read \
             saw it; process {process} read {seen} at {time}",
            done.process,
            words::at(done_end),
        );
        (catalogue::LOST_WRITE, headline)
    } else {
        let headline = format!(
            "Stale read: process {process} read {seen} at {time}, {gap} after {newer} had been {how}"
        );
        (catalogue::STALE_READ, headline)
    };
    let must_not = old.map_or("find it absent".to_owned(), |value| format!("return {value}"));
    Some(Explanation {
        class,
        headline,
        because: format!(
            "{newer} had been {how} before that read began, and nothing brought the old state \
             back: the read must not {must_not}."
        ),
        late: Some(late),
        done: Some(done),
        also: Vec::new(),
        later: None,
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
fn searched<'a>(refuted: &Refuted<'a>) -> Option<Explanation<'a>> {
    let late = refuted.calls.iter().position(|call| call.end == Some(refuted.at))?;
    let value = Fact::of(&refuted.calls[late]).needs()?;
    let overwrites = |call: &Call<'_>| call.precedes(&refuted.calls[late]);
    let writes_it = |call: &&Call<'_>| value.is_some() && Fact::of(call).leaves() == value;
    let done = refuted.calls.iter().position(|done| {
        Fact::of(done).leaves().is_some()
            && overwrites(done)
            && refuted.calls.iter().filter(writes_it).all(|writer| writer.precedes(done))
    })?;
    overtaken(refuted, refuted.operation(late)?, refuted.operation(done)?)
}
