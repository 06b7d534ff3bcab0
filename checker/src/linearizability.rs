//! Is there an order of all operations that respects real time and that one copy would allow?
//!
//! Each key is an object of its own: linearizability is local, so a history is legal if every key
//! is. Values that were written once are judged in near-linear time, all others by search. What is
//! found is put into words here; who is to blame is not.

pub mod call;
mod class;
mod decide;
mod explain;
mod frontier;
mod hashing;
mod minimise;
mod moments;
mod order;
mod search;
mod space;
mod unambiguous;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use call::{Call, by_key};
use decide::decide;
pub use decide::{is_linearizable, search_linearizable};
use explain::Refuted;
pub(crate) use explain::operation_fact;
use minimise::{Unconditional, minimise, without_beginning};
use search::{Found, GaveUp, OPEN_LIMIT};
use unambiguous::{Conflict, Finding};

use crate::budget::Budget;
use crate::history::History;
use crate::models::Register;
use crate::verdict::{Anomaly, CheckResult};
use crate::words;

/// The name of the check.
pub const ID: &str = "register/linearizable";

/// What it promises.
pub const PROMISE: &str = "every operation on a key takes effect at one instant between its invocation and its answer, \
     as if there were one copy";

/// What a pass or an anomaly rests on.
const ASSUMPTIONS: [&str; 3] = [
    "an operation whose end is unknown may take effect at any later time, or never",
    "operations that touch in time are concurrent",
    "every key starts absent",
];

/// The most threads that judge keys at the same time.
const THREADS: usize = 16;

/// Judges every key of `history`.
#[must_use]
pub fn check(history: &History, budget: &Budget<'_>) -> CheckResult {
    let mut result = CheckResult::new(ID, PROMISE);
    result.assumptions = ASSUMPTIONS.map(str::to_owned).to_vec();
    let keys: Vec<(&str, Vec<Call<'_>>)> = by_key(history.operations()).into_iter().collect();
    let calls: usize = keys.iter().map(|(_, calls)| calls.len()).sum();
    result.metrics.insert("keys".to_owned(), keys.len() as f64);
    result.metrics.insert("operations".to_owned(), calls as f64);
    if calls == 0 {
        result.inconclusive("no operation that may have taken effect was recorded");
    }
    let mut anomalies = Vec::new();
    for ((key, calls), judged) in keys.iter().zip(judge_all(history, &keys, budget)) {
        match judged {
            Judged::Legal => {}
            Judged::Anomaly(anomaly) => anomalies.push(*anomaly),
            Judged::Open(found) => gave_up(&mut result, key, calls, found),
        }
    }
    anomalies.sort_by_key(|anomaly| anomaly.window.1);
    anomalies.into_iter().for_each(|anomaly| result.anomaly(anomaly));
    result
}

/// What was found of one key.
enum Judged {
    Legal,
    Anomaly(Box<Anomaly>),
    Open(Found),
}

/// Judges all keys, the largest first, on as many threads as there are processors.
fn judge_all(
    history: &History,
    keys: &[(&str, Vec<Call<'_>>)],
    budget: &Budget<'_>,
) -> Vec<Judged> {
    let mut order: Vec<usize> = (0..keys.len()).collect();
    order.sort_by_key(|place| std::cmp::Reverse(keys[*place].1.len()));
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let threads = processors.min(THREADS).min(keys.len()).max(1);
    let share = budget.share(threads);
    let (next, judged) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || {
        while let Some(place) = order.get(next.fetch_add(1, Ordering::Relaxed)) {
            let (key, calls) = &keys[*place];
            let found = judge_key(history, key, calls, &share);
            judged.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push((*place, found));
        }
    };
    std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
    let mut judged = judged.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    judged.sort_by_key(|(place, _)| *place);
    judged.into_iter().map(|(_, found)| found).collect()
}

fn judge_key(history: &History, key: &str, calls: &[Call<'_>], budget: &Budget<'_>) -> Judged {
    match decide(calls, budget) {
        Found::Legal => Judged::Legal,
        Found::Refuted { at } => {
            Judged::Anomaly(Box::new(explained(history, key, (calls, at), budget)))
        }
        open @ Found::GaveUp { .. } => Judged::Open(open),
    }
}

/// Finds a small witness of what is known to be refuted `at` some completion, and its words.
fn explained(
    history: &History,
    key: &str,
    (calls, at): (&[Call<'_>], crate::event::Nanos),
    budget: &Budget<'_>,
) -> Anomaly {
    let before: Vec<Call<'_>> = calls.iter().filter_map(|call| call.at(at)).collect();
    let unconditional = Unconditional::new(&before);
    let small = match decide::unwritten(&before) {
        Some(reader) => vec![before[reader]],
        None => smallest(&before, &unconditional, budget),
    };
    let conflict = match (decide::unwritten(&small), unambiguous::decide(&small)) {
        (Some(seen_by), _) => Some(Conflict::Unwritten { seen_by }),
        (None, Finding::Refuted(conflict)) => Some(conflict),
        (None, Finding::Legal | Finding::Ambiguous) => None,
    };
    let (prefix, refused) = order::longest::<Register>(&small);
    let calls = small
        .iter()
        .filter_map(|small| calls.iter().find(|call| call.id == small.id))
        .copied()
        .collect();
    Refuted { history, key, calls, conflict, at, prefix, refuted: refused }.anomaly()
}

/// A small part of `before` that has no legal order either.
fn smallest<'a>(
    before: &[Call<'a>],
    unconditional: &'a Unconditional,
    budget: &Budget<'_>,
) -> Vec<Call<'a>> {
    let refuted = |calls: &[Call<'_>]| decide::is_refuted(calls, budget);
    if unambiguous::decide(before) != Finding::Ambiguous {
        return minimise(before.to_vec(), unconditional, minimise::SWEPT, refuted);
    }
    let late = without_beginning(before, unconditional, refuted);
    let mut small = minimise(late, unconditional, minimise::SEARCHED, refuted);
    // What stood for the beginning gets its own times back: they say more, and may need less.
    for call in &mut small {
        if let Some(own) = before.iter().find(|own| own.id == call.id) {
            (call.start, call.end) = (own.start, own.end);
        }
    }
    minimise(small, unconditional, minimise::SEARCHED, refuted)
}

/// Says how far a key was verified, and what stopped it.
fn gave_up(result: &mut CheckResult, key: &str, calls: &[Call<'_>], found: Found) {
    let Found::GaveUp { at, completed, why } = found else { return };
    let why = match why {
        GaveUp::Bytes => "the budget of memory ran out".to_owned(),
        GaveUp::Time => "the time ran out".to_owned(),
        GaveUp::Open => format!("more than {OPEN_LIMIT} operations were open at once"),
    };
    let all = calls.iter().filter(|call| call.end.is_some()).count();
    result.inconclusive(format!(
        "{key} was verified only before {}, {completed} of {all} completed operations: {why}",
        words::at(at)
    ));
    result.not_checked.push(format!("{key} from {} on", words::at(at)));
}
