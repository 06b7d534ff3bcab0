//! Is there an order of all operations that respects real time and that one copy would allow?
//!
//! Each key is an object of its own: linearizability is local, so a history is legal if every key
//! is. Values that were written once are judged in near-linear time, all others by search. What is
//! found is put into words here; who is to blame is not.

pub mod call;
mod decide;
pub mod explain;
pub mod finding;
mod frontier;
pub mod minimise;
mod moments;
mod order;
mod search;
mod space;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use call::{Call, by_key};
pub(crate) use decide::decide;
pub use decide::{Algorithm, is_linearizable, search_linearizable};
use explain::Refuted;
pub(crate) use explain::operation_fact;
pub(crate) use search::Found;
use search::{GaveUp, OPEN_LIMIT};

use crate::budget::Budget;
use crate::event::Nanos;
use crate::history::History;
use crate::objects::Object;
use crate::op::Key;
use crate::verdict::{Anomaly, CheckResult};
use crate::words;

/// What every verdict rests on, whatever the kind of object.
const ASSUMPTIONS: [&str; 2] = [
    "an operation whose end is unknown may take effect at any later time, or never",
    "operations that touch in time are concurrent",
];

/// The most threads that judge keys at the same time.
const THREADS: usize = 16;

/// One object: its name and its calls.
type Calls<'a> = (Option<&'a Key>, Vec<Call<'a>>);

/// Judges every object of kind `K` in `history`.
#[must_use]
pub fn check<K: Object>(
    history: &History,
    budget: &Budget<'_>,
    algorithm: Algorithm,
) -> CheckResult {
    let mut result = CheckResult::new(K::ID, K::PROMISE);
    result.assumptions =
        ASSUMPTIONS.iter().chain(K::ASSUMPTIONS).map(|text| (*text).to_owned()).collect();
    let keys: Vec<Calls<'_>> = by_key(history.operations(), K::KINDS).into_iter().collect();
    let calls: usize = keys.iter().map(|(_, calls)| calls.len()).sum();
    result.metrics.insert("keys".to_owned(), keys.len() as f64);
    result.metrics.insert("operations".to_owned(), calls as f64);
    if calls == 0 {
        result.inconclusive("no operation that may have taken effect was recorded");
    }
    let judge = Judge { history, algorithm, budget: *budget };
    let mut anomalies = Vec::new();
    for ((key, calls), judged) in keys.iter().zip(judge.all::<K>(&keys)) {
        match judged {
            Judged::Legal => {}
            Judged::Anomaly(anomaly) => anomalies.push(*anomaly),
            Judged::Open(found) => gave_up(&mut result, *key, calls, found),
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

/// What judging an object takes.
struct Judge<'a> {
    history: &'a History,
    algorithm: Algorithm,
    budget: Budget<'a>,
}

impl<'a> Judge<'a> {
    /// Judges all objects, the largest first, on as many threads as there are processors.
    fn all<K: Object>(&self, keys: &[Calls<'a>]) -> Vec<Judged> {
        let mut order: Vec<usize> = (0..keys.len()).collect();
        order.sort_by_key(|place| std::cmp::Reverse(keys[*place].1.len()));
        let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let threads = processors.min(THREADS).min(keys.len()).max(1);
        let share = Self { budget: self.budget.share(threads), ..*self };
        let (next, judged) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
        let work = || {
            while let Some(place) = order.get(next.fetch_add(1, Ordering::Relaxed)) {
                let (key, calls) = &keys[*place];
                let found = share.one::<K>(*key, calls);
                let mut judged = judged.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                judged.push((*place, found));
            }
        };
        std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
        let mut judged = judged.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        judged.sort_by_key(|(place, _)| *place);
        judged.into_iter().map(|(_, found)| found).collect()
    }

    fn one<K: Object>(&self, key: Option<&'a Key>, calls: &[Call<'a>]) -> Judged {
        match decide::<K>(calls, self.algorithm, &self.budget) {
            Found::Legal => Judged::Legal,
            Found::Refuted { at } => Judged::Anomaly(Box::new(self.explained::<K>(key, calls, at))),
            open @ Found::GaveUp { .. } => Judged::Open(open),
        }
    }

    /// Finds a small witness of what is known to be refuted `at` some completion, and its words.
    fn explained<K: Object>(&self, key: Option<&Key>, calls: &[Call<'_>], at: Nanos) -> Anomaly {
        let before: Vec<Call<'_>> = calls.iter().filter_map(|call| call.at(at)).collect();
        let weakened = K::weakened(&before);
        let refuted = |calls: &[Call<'_>]| decide::is_refuted::<K>(calls, &self.budget);
        let small = K::smallest(&before, &weakened, &refuted);
        let (prefix, refused) = order::longest::<K>(&small);
        let whole = |small: &Call<'_>| calls.iter().find(|call| call.id == small.id).copied();
        let calls = small.iter().filter_map(whole).collect();
        let history = self.history;
        Refuted { history, key, calls, small, at, prefix, refuted: refused }.anomaly::<K>()
    }
}

/// Says how far a key was verified, and what stopped it.
fn gave_up(result: &mut CheckResult, key: Option<&Key>, calls: &[Call<'_>], found: Found) {
    let key = key.map_or("the whole history", |key| key);
    let Found::GaveUp { at, completed, why } = found else { return };
    let why = match why {
        GaveUp::Bytes => "the budget of memory ran out".to_owned(),
        GaveUp::Time => "the time ran out".to_owned(),
        GaveUp::Open => format!("more than {OPEN_LIMIT} operations were open at once"),
        GaveUp::Ambiguous => "the near-linear check cannot tell".to_owned(),
    };
    let all = calls.iter().filter(|call| call.end.is_some()).count();
    result.inconclusive(format!(
        "{key} was verified only before {}, {completed} of {all} completed operations: {why}",
        words::at(at)
    ));
    result.not_checked.push(format!("{key} from {} on", words::at(at)));
}
