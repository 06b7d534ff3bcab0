//! Is every element that was put into a queue for certain handed out to somebody, at least once?
//!
//! That is what a queue promises whose clients confirm what they were handed: an element that was not
//! confirmed comes back, so somebody may get it again. Twice is no mistake, and no order is promised.
//! Nor does a queue lie that calls itself empty while the rest is with clients who have not confirmed
//! it yet.
//!
//! Elements are counted when nothing moves any more. The *last look* at a queue is an answer “empty”
//! after everything else that was taken from this queue, and so long after the last heal, and after
//! every dequeue before it without a good answer, that what had been handed out there is back. The
//! counterexample to an empty answer at any time: an element was handed to a client that did not hear
//! of it, the queue is empty, the client's session ends, and the element is there again. The
//! counterexample to one at once after the last heal: the session ended at a server that was paused,
//! which puts the element back when it runs again.
//!
//! A dequeue of unknown outcome may have taken one element and confirmed it, so as many elements may
//! be missing. One that failed has confirmed nothing.

use std::collections::BTreeMap;

use crate::budget::Budget;
use crate::catalogue;
use crate::event::{Key, Nanos, Phase};
use crate::history::{History, Operation};
use crate::linearizability::operation_fact;
use crate::op::{Op, OpKind, Outcome, Value};
use crate::story::Shown;
use crate::verdict::{Anomaly, CheckResult};
use crate::words;

/// The stable name of the check.
pub(crate) const ID: &str = "delivery/at-least-once";
/// What it promises.
pub(crate) const PROMISE: &str = "every element that was put into a queue for certain is handed out at \
                           least once, and nothing that nobody put there";
/// The operations that it judges.
pub(crate) const KINDS: &[OpKind] = &[OpKind::Enqueue, OpKind::Dequeue];

/// By then what was handed out in a session that ended is in the queue again, if nothing disturbs the
/// cluster.
const BACK: Nanos = 20_000_000_000;

/// How many missing elements a story names.
const NAMED: usize = 4;

/// What was asked of one queue.
#[derive(Debug, Default)]
struct Deliveries<'a> {
    /// By value: all attempts to put it in, and all answers that handed it out.
    elements: BTreeMap<&'a Value, Element<'a>>,
    /// Answers that there is nothing.
    empties: Vec<&'a Operation>,
    /// When something was handed out for the last time.
    last: Nanos,
    /// From when to when dequeues lasted that were not answered well.
    unsettled: Vec<(Nanos, Nanos)>,
    /// Dequeues of which nobody knows what they took.
    unknown: usize,
}

/// One value.
#[derive(Debug, Default)]
struct Element<'a> {
    enqueues: Vec<&'a Operation>,
    dequeues: Vec<&'a Operation>,
}

/// Looks for elements that are missing, and for some that nobody put in.
#[must_use]
pub(crate) fn check(history: &History, _budget: &Budget<'_>) -> CheckResult {
    let mut result = CheckResult::new(ID, PROMISE);
    result.assumptions = vec![format!(
        "what was handed out and not confirmed is back {} after its session ended and the last fault \
         was healed",
        words::lasting(BACK)
    )];
    let settled = healed(history).map(|healed| healed.saturating_add(BACK));
    let queues = queues(history);
    for (key, queue) in &queues {
        if let Some(phantom) = queue.phantom() {
            result.anomaly(made_up(key, phantom).anomaly(history));
        }
        let missing = queue.missing();
        match settled.and_then(|settled| queue.last_look(settled)) {
            _ if missing.len() <= queue.unknown => {}
            Some(look) => {
                result.anomaly(lost(key, &missing, queue.unknown, look).anomaly(history));
            }
            None => result.inconclusive(format!(
                "{} of {key} had been acknowledged and nobody was handed it, and {key} was not seen \
                 to be empty when all was back: it may still be in it",
                counted(missing.len())
            )),
        }
    }
    let all = || queues.values().flat_map(|queue| queue.elements.values());
    let again = all().map(|element| element.dequeues.len().saturating_sub(1)).sum::<usize>();
    result.metrics.insert("elements".to_owned(), all().count() as f64);
    result.metrics.insert("handed out again".to_owned(), again as f64);
    result
}

/// When the last fault was healed; none if it is not known to be.
fn healed(history: &History) -> Option<Nanos> {
    let faults = history.faults();
    match history.phase(Phase::Recover) {
        _ if faults.iter().any(|fault| !fault.is_healed()) => None,
        None if faults.is_empty() => Some(0),
        healed => healed,
    }
}

/// So many elements, in words.
fn counted(elements: usize) -> String {
    match elements {
        1 => "an element".to_owned(),
        many => format!("{many} elements"),
    }
}

/// What was asked of each queue.
fn queues(history: &History) -> BTreeMap<&Key, Deliveries<'_>> {
    let mut queues: BTreeMap<&Key, Deliveries<'_>> = BTreeMap::new();
    let judged = |operation: &&Operation| history.kinds().may_be(ID, &operation.op);
    for operation in history.operations().iter().filter(judged) {
        match &operation.op {
            Op::Enqueue { key, value } if !operation.failed() => {
                let element = queues.entry(key).or_default().elements.entry(value).or_default();
                element.enqueues.push(operation);
            }
            Op::Dequeue { key } => queues.entry(key).or_default().dequeue(operation),
            _ => {}
        }
    }
    queues
}

impl<'a> Deliveries<'a> {
    fn dequeue(&mut self, operation: &'a Operation) {
        match operation.ok() {
            Some((end, Outcome::Dequeue { value: Some(value) }, _)) => {
                self.elements.entry(value).or_default().dequeues.push(operation);
                self.last = self.last.max(end);
            }
            Some(_) => self.empties.push(operation),
            None => {
                let end = operation.completed.as_ref().map_or(Nanos::MAX, |(_, time, _)| *time);
                self.unsettled.push((operation.invoked.1, end));
                self.unknown += usize::from(!operation.failed());
            }
        }
    }

    /// The first answer with something that nobody had begun to put in by then.
    fn phantom(&self) -> Option<&'a Operation> {
        let made_up = |element: &Element<'a>| {
            let first = element.enqueues.iter().map(|enqueue| enqueue.invoked.1).min();
            let early = |dequeue: &&&Operation| {
                let end = dequeue.ok().map(|(end, ..)| end);
                first.is_none_or(|first| end < Some(first))
            };
            element.dequeues.iter().find(early).copied()
        };
        let all = self.elements.values().filter_map(made_up);
        all.min_by_key(|dequeue| dequeue.invoked)
    }

    /// What was put in for certain and never handed out, the oldest first.
    fn missing(&self) -> Vec<&'a Operation> {
        let never = self.elements.values().filter(|element| element.dequeues.is_empty());
        let certain = |element: &Element<'a>| {
            element.enqueues.iter().find(|enqueue| enqueue.ok().is_some()).copied()
        };
        let mut missing: Vec<&Operation> = never.filter_map(certain).collect();
        missing.sort_by_key(|enqueue| enqueue.invoked);
        missing
    }

    /// The answer “empty” after which nothing can still have been in the queue.
    fn last_look(&self, settled: Nanos) -> Option<&'a Operation> {
        let put = self.elements.values().flat_map(|element| &element.enqueues);
        let put = put.filter_map(|enqueue| enqueue.ok()).map(|(end, ..)| end).max().unwrap_or(0);
        let since = put.max(self.last).max(settled);
        let mut last = self.empties.iter().filter(|empty| empty.invoked.1 >= since);
        last.find(|empty| self.all_back(empty)).copied()
    }

    /// Whether nothing can have been on its way back when it was answered that there is nothing.
    fn all_back(&self, empty: &Operation) -> bool {
        let end = empty.ok().map_or(Nanos::MAX, |(end, ..)| end);
        let mut before = self.unsettled.iter().filter(|(begin, _)| *begin <= end);
        before.all(|(_, over)| over.saturating_add(BACK) <= empty.invoked.1)
    }
}

/// A promise that one queue broke.
struct Breach<'a> {
    class: &'static str,
    key: &'a Key,
    /// What shows it, the most important first.
    operations: Vec<&'a Operation>,
    /// When it showed.
    moment: Nanos,
    headline: String,
    because: String,
}

fn made_up<'a>(key: &'a Key, dequeue: &'a Operation) -> Breach<'a> {
    let moment = dequeue.ok().map_or(dequeue.invoked.1, |(end, ..)| end);
    let at = words::at(moment);
    Breach {
        class: catalogue::PHANTOM_ELEMENT,
        key,
        operations: vec![dequeue],
        moment,
        headline: format!("Phantom element: {key} handed out by {at} what nobody had put there"),
        because: "A queue hands out only what was put into it.".to_owned(),
    }
}

fn lost<'a>(
    key: &'a Key,
    missing: &[&'a Operation],
    unknown: usize,
    look: &'a Operation,
) -> Breach<'a> {
    let named = words::list(missing.iter().take(NAMED).map(|enqueue| element(enqueue)));
    let count = counted(missing.len());
    let taken = match unknown {
        0 => String::new(),
        some => format!(", and no more than {some} were taken by dequeues of unknown outcome"),
    };
    Breach {
        class: catalogue::LOST_ELEMENT,
        key,
        operations: missing.iter().take(NAMED).copied().chain([look]).collect(),
        // They were lost after they had been acknowledged: the faults of that time matter.
        moment: missing.first().map_or(look.invoked.1, |first| first.invoked.1),
        headline: format!(
            "Lost element: {count} of {key} had been acknowledged and nobody was handed it: {named}{}",
            if missing.len() > NAMED { ", …" } else { "" }
        ),
        because: format!(
            "The queue is empty and nothing is on its way any more{taken}: what was acknowledged must \
             have been handed out to somebody by then."
        ),
    }
}

/// The value that an operation put in.
fn element(enqueue: &Operation) -> String {
    match &enqueue.op {
        Op::Enqueue { value, .. } => value.to_string(),
        other => other.to_string(),
    }
}

impl Breach<'_> {
    fn anomaly(self, history: &History) -> Anomaly {
        let began = self.operations.iter().map(|it| it.invoked.1).min().unwrap_or(self.moment);
        let ended = self.operations.iter().filter_map(|it| it.ok()).map(|(end, ..)| end).max();
        let fact = |it: &&Operation| (it.invoked.1, operation_fact(it));
        Shown {
            class: self.class,
            headline: self.headline,
            facts: self.operations.iter().map(fact).collect(),
            because: self.because,
            likely_cause: None,
            witness: self.operations.iter().flat_map(|it| it.indices()).collect(),
            key: Some(self.key.clone()),
            nodes: self.operations.iter().filter_map(|it| it.node).collect(),
            generation: None,
            window: (began, ended.unwrap_or(self.moment)),
            moment: self.moment,
        }
        .anomaly(history)
    }
}
