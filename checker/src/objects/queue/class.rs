//! Gives a refuted queue its class from the catalogue, and the sentence that says so.
//!
//! The class only names what the refutation already proved. What came of an element later is read
//! from the whole history: it tells an element that was only overtaken from one that is gone.

use super::elements::{Conflict, Times};
use crate::catalogue;
use crate::history::Operation;
use crate::linearizability::refuted::{Explanation, Refuted};
use crate::op::{Op, Outcome, Value};
use crate::words;

/// Names what was refuted by `conflict`, whose places are those of the smallest set.
pub(crate) fn explanation<'a>(
    refuted: &Refuted<'a>,
    conflict: Conflict,
) -> Option<Explanation<'a>> {
    match conflict {
        Conflict::Phantom { dequeue } => phantom(refuted, refuted.operation(dequeue)?),
        Conflict::Twice { first, second } => {
            twice(refuted, refuted.operation(first)?, refuted.operation(second)?)
        }
        Conflict::Overtaken { ahead, behind } => overtaken(refuted, &ahead, &behind),
        Conflict::NotEmpty { empty } => not_empty(refuted, empty),
    }
}

/// The element that an enqueue put in or a dequeue took.
fn element(operation: &Operation) -> Option<&Value> {
    match (&operation.op, operation.ok()) {
        (Op::Enqueue { value, .. }, _) => Some(value),
        (_, Some((_, Outcome::Dequeue { value }, _))) => value.as_ref(),
        _ => None,
    }
}

/// Every operation on the queue of `refuted`.
fn all<'a>(refuted: &Refuted<'a>) -> impl Iterator<Item = &'a Operation> {
    let key = refuted.key;
    refuted.history.operations().iter().filter(move |operation| operation.op.key() == key)
}

fn enqueues<'a>(refuted: &Refuted<'a>, value: &Value) -> Vec<&'a Operation> {
    let of_it = |operation: &&Operation| matches!(&operation.op, Op::Enqueue { value: own, .. } if own == value);
    all(refuted).filter(of_it).collect()
}

fn dequeue_of<'a>(refuted: &Refuted<'a>, value: &Value) -> Option<&'a Operation> {
    let dequeue = |operation: &&Operation| matches!(operation.op, Op::Dequeue { .. });
    all(refuted).filter(dequeue).find(|operation| element(operation) == Some(value))
}

fn ended(operation: &Operation) -> String {
    words::at(operation.ok().map_or(operation.invoked.1, |(time, ..)| time))
}

fn phantom<'a>(refuted: &Refuted<'a>, dequeue: &'a Operation) -> Option<Explanation<'a>> {
    let value = element(dequeue)?;
    let also = enqueues(refuted, value);
    let why = match also.iter().find(|operation| !operation.failed()) {
        Some(enqueue) => {
            format!("its first enqueue began only at {}", words::at(enqueue.invoked.1))
        }
        None if also.is_empty() => "nobody ever enqueued it".to_owned(),
        None => "every enqueue of it had failed".to_owned(),
    };
    Some(Explanation {
        class: catalogue::PHANTOM_ELEMENT,
        headline: format!(
            "Phantom element: process {} dequeued {value} from {} at {}, but {why}",
            dequeue.process,
            refuted.name(),
            ended(dequeue)
        ),
        because: format!("A queue cannot hand out {value} before it is put in: {why}."),
        late: Some(dequeue),
        done: None,
        also: also.into_iter().take(3).collect(),
        later: None,
    })
}

fn twice<'a>(
    refuted: &Refuted<'a>,
    first: &'a Operation,
    second: &'a Operation,
) -> Option<Explanation<'a>> {
    let value = element(second)?;
    let enqueued =
        refuted.small.iter().filter(|call| matches!(call.op, Op::Enqueue { .. })).count();
    let times = if enqueued == 1 { "once" } else { "less often" };
    Some(Explanation {
        class: catalogue::DUPLICATE_DEQUEUE,
        headline: format!(
            "Duplicate dequeue: processes {} and {} both dequeued {value} from {}, at {} and at {}",
            first.process,
            second.process,
            refuted.name(),
            ended(first),
            ended(second)
        ),
        because: format!("{value} was enqueued {times}, so only one of them can have got it."),
        late: Some(second),
        done: Some(first),
        also: Vec::new(),
        later: None,
    })
}

fn overtaken<'a>(refuted: &Refuted<'a>, ahead: &Times, behind: &Times) -> Option<Explanation<'a>> {
    let (older, newer) = (refuted.operation(ahead.enqueue)?, refuted.operation(behind.enqueue)?);
    let dequeue = refuted.operation(behind.dequeue?)?;
    let (first, second) = (element(older)?, element(newer)?);
    let key = refuted.name();
    let Some(later) = dequeue_of(refuted, first) else {
        return Some(lost(refuted, older, dequeue));
    };
    Some(Explanation {
        class: catalogue::OUT_OF_ORDER_DEQUEUE,
        headline: format!(
            "Out of order: process {} dequeued {second} from {key} at {}, though {first} was ahead \
             of it; that came out only at {}",
            dequeue.process,
            ended(dequeue),
            ended(later)
        ),
        because: format!(
            "The enqueue of {first} had ended before that of {second} began, so {first} must come \
             out first."
        ),
        late: Some(dequeue),
        done: Some(older),
        also: vec![newer],
        later: Some(later),
    })
}

/// The element of `enqueue` never came out, and `seen` shows that it is not there any more.
fn lost<'a>(refuted: &Refuted<'a>, enqueue: &'a Operation, seen: &'a Operation) -> Explanation<'a> {
    let value = element(enqueue).cloned().unwrap_or_default();
    let seen_words = match element(seen) {
        Some(other) => format!("dequeued {other}, which came in after it,"),
        None => "found the queue empty".to_owned(),
    };
    let unseen = |operation: &&Operation| {
        let began = matches!(operation.op, Op::Dequeue { .. }) && operation.invoked.1 <= refuted.at;
        began && operation.ok().is_none_or(|(time, ..)| time > refuted.at) && !operation.failed()
    };
    let because = match all(refuted).filter(unseen).count() {
        0 => format!("Nobody can have taken {value} by then, so the queue must still hold it."),
        _ => {
            "More elements are gone than the dequeues of unknown outcome can have taken.".to_owned()
        }
    };
    Explanation {
        class: catalogue::LOST_ELEMENT,
        headline: format!(
            "Lost element: {value} was enqueued to {} by process {} and acknowledged at {}, and \
             nobody ever dequeued it; process {} {seen_words} at {}",
            refuted.name(),
            enqueue.process,
            ended(enqueue),
            seen.process,
            ended(seen)
        ),
        because,
        late: Some(seen),
        done: Some(enqueue),
        also: Vec::new(),
        later: None,
    }
}

fn not_empty<'a>(refuted: &Refuted<'a>, empty: usize) -> Option<Explanation<'a>> {
    let seen = refuted.operation(empty)?;
    let there = |place: &usize| {
        matches!(refuted.small[*place].op, Op::Enqueue { .. })
            && refuted.small[*place].precedes(&refuted.small[empty])
    };
    let inside: Vec<&Operation> = (0..refuted.small.len())
        .filter(there)
        .filter_map(|place| refuted.operation(place))
        .collect();
    let never_out = |operation: &&&Operation| {
        element(operation).is_some_and(|value| dequeue_of(refuted, value).is_none())
    };
    if let Some(enqueue) = inside.iter().find(never_out) {
        return Some(lost(refuted, enqueue, seen));
    }
    let enqueue = *inside.first()?;
    let out = element(enqueue).and_then(|value| dequeue_of(refuted, value));
    let value = element(enqueue)?;
    Some(Explanation {
        class: catalogue::FALSE_EMPTY,
        headline: format!(
            "False empty: process {} was told at {} that {} is empty, but {value} had been \
             acknowledged at {}",
            seen.process,
            ended(seen),
            refuted.name(),
            ended(enqueue)
        ),
        because: "At every instant of that dequeue some element was certainly in the queue, and \
                  came out later."
            .to_owned(),
        late: Some(seen),
        done: Some(enqueue),
        also: Vec::new(),
        later: out,
    })
}
