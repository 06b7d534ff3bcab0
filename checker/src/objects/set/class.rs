//! Gives a refuted set its class from the catalogue, and the sentence that says so.
//!
//! The class only names what the refutation already proved; where no rule fits it is
//! `non-linearizable`.

use super::elements::Elements;
use super::fast::{Conflict, FastDecision, decision};
use super::rule::{Rule, rule};
use crate::catalogue;
use crate::event::Nanos;
use crate::history::Operation;
use crate::linearizability::refuted::{Explanation, Refuted};
use crate::op::{Op, Outcome, Value};
use crate::words;

/// Names what was refuted.
pub(super) fn explanation<'a>(refuted: &Refuted<'a>) -> Option<Explanation<'a>> {
    let elements = Elements::of(&refuted.small)?;
    match decision(&refuted.small, &elements) {
        FastDecision::Refuted(Conflict::Phantom { seen_by }) => {
            phantom(refuted, &elements, seen_by)
        }
        FastDecision::Refuted(Conflict::Clash(clash)) => {
            match rule(&refuted.small, &elements, &clash)? {
                Rule::Lost { late, done, element } => {
                    missing(refuted, elements.values[element], (late, done))
                }
                Rule::Resurrected { late, done, element } => {
                    resurrected(refuted, elements.values[element], (late, done))
                }
            }
        }
        FastDecision::Legal | FastDecision::Ambiguous => None,
    }
}

/// Every operation on the set of `refuted`.
fn all<'a>(refuted: &Refuted<'a>) -> impl Iterator<Item = &'a Operation> {
    let key = refuted.key;
    refuted.history.operations().iter().filter(move |operation| operation.op.key() == key)
}

fn ended(operation: &Operation) -> Nanos {
    operation.ok().map_or(operation.invoked.1, |(time, ..)| time)
}

/// Whether `operation` saw `value`; none if it did not look.
fn saw(operation: &Operation, value: &Value) -> Option<bool> {
    match (&operation.op, operation.ok()?.1) {
        (Op::Contains { value: asked, .. }, Outcome::Contains { present }) if asked == value => {
            Some(*present)
        }
        (_, Outcome::ReadAll { values }) => Some(values.contains(value)),
        _ => None,
    }
}

fn phantom<'a>(
    refuted: &Refuted<'a>,
    elements: &Elements<'_>,
    seen_by: usize,
) -> Option<Explanation<'a>> {
    let looker = refuted.operation(seen_by)?;
    let unfounded = elements.list.iter().position(|element| {
        let late = |add: &usize| refuted.small[seen_by].precedes(&refuted.small[*add]);
        elements.seen_by(element).any(|place| place == seen_by) && element.adds.iter().all(late)
    })?;
    let value = elements.values[unfounded];
    let of_it = |operation: &&Operation| matches!(&operation.op, Op::Add { value: own, .. } if own == value);
    let also: Vec<&Operation> = all(refuted).filter(of_it).take(3).collect();
    let why = match also.iter().find(|operation| !operation.failed()) {
        Some(add) => format!("its first add began only at {}", words::at(add.invoked.1)),
        None if also.is_empty() => "nobody ever added it".to_owned(),
        None => "every add of it had failed".to_owned(),
    };
    Some(Explanation {
        class: catalogue::PHANTOM_ELEMENT,
        headline: format!(
            "Phantom element: process {} saw {value} in {} at {}, but {why}",
            looker.process,
            refuted.name(),
            words::at(ended(looker))
        ),
        because: format!("A set cannot hold {value} before it is added: {why}."),
        late: Some(looker),
        done: None,
        also,
        later: None,
    })
}

/// An element that had been there is missing. It is lost if nobody ever sees it again.
fn missing<'a>(
    refuted: &Refuted<'a>,
    value: &Value,
    (late, done): (usize, usize),
) -> Option<Explanation<'a>> {
    let (late, done) = (refuted.operation(late)?, refuted.operation(done)?);
    let how = if matches!(done.op, Op::Add { .. }) { "acknowledged" } else { "seen" };
    let again = all(refuted)
        .find(|operation| operation.invoked.1 > ended(late) && saw(operation, value) == Some(true));
    let (name, since, at) = (refuted.name(), words::at(ended(done)), words::at(ended(late)));
    let (class, headline) = match again {
        Some(again) => (
            catalogue::STALE_READ,
            format!(
                "Stale read: process {} did not see {value} in {name} at {at}, though it had been \
                 {how} at {since} and was seen again at {}",
                late.process,
                words::at(ended(again))
            ),
        ),
        None => (
            catalogue::LOST_ELEMENT,
            format!(
                "Lost element: {value} was {how} in {name} at {since}, and process {} did not see \
                 it at {at}; nobody had removed it",
                late.process
            ),
        ),
    };
    Some(Explanation {
        class,
        headline,
        because: format!(
            "{value} was in the set before that read began, and no removal of it that may have \
             taken effect had begun when it ended."
        ),
        late: Some(late),
        done: Some(done),
        also: Vec::new(),
        later: again,
    })
}

fn resurrected<'a>(
    refuted: &Refuted<'a>,
    value: &Value,
    (late, done): (usize, usize),
) -> Option<Explanation<'a>> {
    let (late, done) = (refuted.operation(late)?, refuted.operation(done)?);
    Some(Explanation {
        class: catalogue::RESURRECTED_ELEMENT,
        headline: format!(
            "Resurrected element: process {} saw {value} in {} at {}, though its removal had been \
             acknowledged at {}",
            late.process,
            refuted.name(),
            words::at(ended(late)),
            words::at(ended(done))
        ),
        because: format!("{value} was added once and removed, and nobody added it again."),
        late: Some(late),
        done: Some(done),
        also: Vec::new(),
        later: None,
    })
}
