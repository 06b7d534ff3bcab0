//! Gives refuted transactions on lists their class from the catalogue, and the sentence.
//!
//! The class only names what the refutation already proved; where no rule fits it is
//! `non-linearizable`.

use super::conflict::Conflict;
use super::fast::{FastDecision, decision};
use super::lists::Lists;
use crate::catalogue;
use crate::event::Nanos;
use crate::history::Operation;
use crate::linearizability::refuted::{Explanation, Refuted};
use crate::op::{Key, Op, Outcome, Value};
use crate::transaction::{Micro, ReadValue};
use crate::words;

/// Names what was refuted.
pub(super) fn explanation<'a>(refuted: &Refuted<'a>) -> Option<Explanation<'a>> {
    let FastDecision::Refuted(conflict) = decision(&refuted.small) else { return None };
    match conflict {
        Conflict::Internal { txn, list } => {
            let key = key(refuted, list);
            Some(internal(refuted.operation(txn)?, key))
        }
        Conflict::Phantom { found_by, .. } => phantom(refuted, refuted.operation(found_by)?),
        Conflict::Incompatible { first, second, list } => {
            let (first, second) = (refuted.operation(first)?, refuted.operation(second)?);
            incompatible((first, second), key(refuted, list)?)
        }
        Conflict::Clash(_) => overlooked(refuted),
    }
}

/// The name of a list of the smallest set; none where the numbers do not tell.
fn key<'a>(refuted: &Refuted<'a>, list: usize) -> Option<&'a Key> {
    let mut keys: Vec<&Key> = Vec::new();
    for call in &refuted.small {
        let ops: &[Micro] = match (call.op, call.outcome) {
            (_, Some(Outcome::Txn { ops })) | (Op::Txn { ops }, _) => ops,
            _ => &[],
        };
        for micro in ops {
            let says_nothing = matches!(micro, Micro::Read { seen: ReadValue::Unknown, .. })
                || (call.outcome.is_none() && matches!(micro, Micro::Read { .. }));
            let key = name(micro);
            if !says_nothing && !keys.contains(&key) {
                keys.push(key);
            }
        }
    }
    keys.get(list).copied()
}

fn name(micro: &Micro) -> &Key {
    match micro {
        Micro::Read { key, .. } | Micro::Append { key, .. } | Micro::Write { key, .. } => key,
    }
}

fn ended(operation: &Operation) -> Nanos {
    operation.ok().map_or(operation.invoked.1, |(time, ..)| time)
}

/// What a transaction did, as far as it is known.
fn micros(operation: &Operation) -> &[Micro] {
    match (&operation.op, operation.ok()) {
        (_, Some((_, Outcome::Txn { ops }, _))) | (Op::Txn { ops }, _) => ops,
        _ => &[],
    }
}

/// The longest list `key` that a transaction answered.
fn read<'a>(operation: &'a Operation, key: &Key) -> Option<&'a [Value]> {
    operation.ok()?;
    let lists = micros(operation).iter().filter_map(|micro| match micro {
        Micro::Read { key: own, seen: ReadValue::List(values) } if own == key => Some(&values[..]),
        Micro::Read { key: own, seen: ReadValue::Absent } if own == key => Some(&[][..]),
        _ => None,
    });
    lists.max_by_key(|values| values.len())
}

fn appended(operation: &Operation) -> impl Iterator<Item = (&Key, &Value)> {
    micros(operation).iter().filter_map(|micro| match micro {
        Micro::Append { key, value } => Some((key, value)),
        _ => None,
    })
}

fn list(values: &[Value]) -> ReadValue {
    ReadValue::List(values.into())
}

pub(crate) fn internal<'a>(txn: &'a Operation, key: Option<&Key>) -> Explanation<'a> {
    let about = key.map_or(String::new(), |key| format!(" about {key}"));
    Explanation {
        class: catalogue::INTERNAL_INCONSISTENCY,
        headline: format!(
            "Internal inconsistency: a transaction of process {} that ended at {} does not agree \
             with itself{about}",
            txn.process,
            words::at(ended(txn))
        ),
        because: "A transaction sees what it has done itself, and nothing else changes while it \
                  runs."
            .to_owned(),
        late: Some(txn),
        done: None,
        also: Vec::new(),
        later: None,
    }
}

fn phantom<'a>(refuted: &Refuted<'a>, reader: &'a Operation) -> Option<Explanation<'a>> {
    let all = refuted.history.operations();
    let appends = |operation: &&Operation, key: &Key, value: &Value| {
        appended(operation).any(|own| own == (key, value))
    };
    let put = |key: &Key, value: &Value| {
        let in_time =
            |operation: &&Operation| !operation.failed() && operation.invoked.1 <= ended(reader);
        all.iter().filter(in_time).find(|operation| appends(operation, key, value))
    };
    let mut unfounded = None;
    for micro in micros(reader) {
        let Micro::Read { key, seen: ReadValue::List(values) } = micro else { continue };
        for (place, value) in values.iter().enumerate() {
            let twice = values[..place].contains(value);
            if twice || put(key, value).is_none() {
                unfounded = unfounded.or(Some((key, value, twice)));
            }
        }
    }
    let (key, value, twice) = unfounded?;
    let also: Vec<&Operation> =
        all.iter().filter(|operation| appends(operation, key, value)).take(3).collect();
    let why = match also.iter().find(|operation| !operation.failed()) {
        _ if twice => "it found it twice, though it was appended once".to_owned(),
        Some(append) => format!("its first append began only at {}", words::at(append.invoked.1)),
        None if also.is_empty() => "nobody ever appended it".to_owned(),
        None => "every append of it had failed".to_owned(),
    };
    Some(Explanation {
        class: catalogue::PHANTOM_ELEMENT,
        headline: format!(
            "Phantom element: process {} found {value} in {key} at {}, but {why}",
            reader.process,
            words::at(ended(reader))
        ),
        because: format!("A list holds {value} once for every append of it."),
        late: Some(reader),
        done: None,
        also,
        later: None,
    })
}

fn incompatible<'a>(
    (late, done): (&'a Operation, &'a Operation),
    key: &Key,
) -> Option<Explanation<'a>> {
    let (first, second) = (read(late, key)?, read(done, key)?);
    Some(Explanation {
        class: catalogue::INCOMPATIBLE_READS,
        headline: format!(
            "Incompatible reads: process {} read {key} as {} at {}, and process {} as {} at {}",
            late.process,
            list(first),
            words::at(ended(late)),
            done.process,
            list(second),
            words::at(ended(done))
        ),
        because:
            "A list only grows at its end, so one of the two must be the beginning of the other."
                .to_owned(),
        late: Some(late),
        done: Some(done),
        also: Vec::new(),
        later: None,
    })
}

/// A transaction that did not find an element that had been appended before it began.
fn overlooked<'a>(refuted: &Refuted<'a>) -> Option<Explanation<'a>> {
    Lists::of(&refuted.small)?.ok()?;
    let mut pairs = refuted.small.iter().enumerate().flat_map(|(done, call)| {
        let late = refuted.small.iter().enumerate().filter(|(_, other)| call.precedes(other));
        late.map(move |(late, _)| (done, late))
    });
    pairs.find_map(|(done, late)| {
        let (done, late) = (refuted.operation(done)?, refuted.operation(late)?);
        let missing = appended(done).find_map(|(key, value)| {
            let found = read(late, key)?;
            (!found.contains(value)).then_some((key, value, found))
        });
        let (key, value, found) = missing?;
        Some(missed(refuted, &Missed { done, late, key, value, found }))
    })
}

/// A transaction, `late`, that did not find what another had appended before it began.
struct Missed<'a, 'b> {
    done: &'a Operation,
    late: &'a Operation,
    key: &'b Key,
    value: &'b Value,
    /// What it found.
    found: &'b [Value],
}

fn missed<'a>(refuted: &Refuted<'a>, missed: &Missed<'a, '_>) -> Explanation<'a> {
    let Missed { done, late, key, value, found } = *missed;
    let all = refuted.history.operations();
    let ever = all
        .iter()
        .find(|operation| read(operation, key).is_some_and(|values| values.contains(value)));
    let (since, at) = (words::at(ended(done)), words::at(ended(late)));
    let (class, headline) = match ever {
        Some(_) => (
            catalogue::STALE_READ,
            format!(
                "Stale read: process {} read {key} as {} at {at}, though {value} had been appended \
                 by {since}",
                late.process,
                list(found)
            ),
        ),
        None => (
            catalogue::LOST_ELEMENT,
            format!(
                "Lost element: {value} was appended to {key} and acknowledged to process {} at \
                 {since}, and nobody ever found it; process {} read {key} as {} at {at}",
                done.process,
                late.process,
                list(found)
            ),
        ),
    };
    Explanation {
        class,
        headline,
        because: format!("{value} had been appended before that transaction began."),
        late: Some(late),
        done: Some(done),
        also: Vec::new(),
        later: None,
    }
}
