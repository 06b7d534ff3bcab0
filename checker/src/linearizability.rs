//! Is there an order of all operations that respects real time and that one copy would allow?
//!
//! Each key is an object of its own: linearizability is local, so a history is legal if every key
//! is. Values that were written once are judged in near-linear time, all others by search. What is
//! found is put into words here; who is to blame is not.

#[cfg(test)]
mod agreement;
mod algorithm;
mod breadth_first;
mod brute;
pub mod call;
mod decide;
mod depth_first;
mod earliest;
pub mod explain;
pub mod finding;
mod frontier;
pub mod minimise;
mod moments;
mod order;
mod reach;
mod refute;
mod relevance;
mod scene;
mod search;
mod slots;
mod space;
mod turns;
mod usages;
mod window;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

pub use algorithm::{Algorithm, UnknownAlgorithm};
use call::Call;
pub(crate) use decide::answer;
pub use decide::{is_linearizable, search_linearizable, search_linearizable_by};
use explain::Refuted;
pub(crate) use explain::operation_fact;
use moments::OPEN_LIMIT;
pub(crate) use search::Found;
use search::GaveUp;

use crate::budget::Budget;
use crate::event::Nanos;
use crate::history::{History, ObjectIndex};
use crate::objects::Object;
use crate::op::{Key, OpKind};
use crate::verdict::{Anomaly, CheckResult};
use crate::words;

/// What every verdict rests on, whatever the kind of object.
const ASSUMPTIONS: [&str; 2] = [
    "an operation whose end is unknown may take effect at any later time, or never",
    "operations that touch in time are concurrent",
];

/// The most threads that judge keys at the same time.
const THREADS: usize = 16;

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
    let judged = Judge { history, algorithm, budget: *budget }.all::<K>();
    let (mut others, mut anomalies) = (BTreeMap::new(), Vec::new());
    let (mut keys, mut operations) = (0_usize, 0);
    for (object, judged) in history.objects().iter().zip(judged) {
        keys += usize::from(judged.calls > 0);
        operations += judged.calls;
        for (kind, count) in &judged.others {
            *others.entry(*kind).or_insert(0) += count;
        }
        match judged.said {
            Said::Legal => {}
            Said::Anomaly(anomaly) => anomalies.push(*anomaly),
            Said::Foreign(kind) => foreign(&mut result, name(object.key.as_ref()), kind),
            Said::Open { found, completed } => {
                gave_up(&mut result, name(object.key.as_ref()), (found, completed));
            }
        }
    }
    result.metrics.insert("keys".to_owned(), keys as f64);
    result.metrics.insert("operations".to_owned(), operations as f64);
    if operations == 0 {
        result.inconclusive("no operation that may have taken effect was recorded");
    }
    result.not_checked.extend(not_served(&others));
    anomalies.sort_by_key(|anomaly| anomaly.window.1);
    anomalies.into_iter().for_each(|anomaly| result.anomaly(anomaly));
    result
}

/// The operations that the kind of object does not know, if there are any.
fn not_served(others: &BTreeMap<OpKind, usize>) -> Option<String> {
    let counts = others.iter().map(|(kind, count)| format!("{count} `{kind}`"));
    let named = || format!("operations that this check does not judge: {}", words::list(counts));
    (!others.is_empty()).then(named)
}

/// What was found of one object.
struct Judged {
    /// How many operations it has that may have taken effect.
    calls: usize,
    /// Operations that are not judged, by kind.
    others: BTreeMap<OpKind, usize>,
    said: Said,
}

/// The answer for one object.
enum Said {
    Legal,
    Anomaly(Box<Anomaly>),
    /// It was not judged: operations of this kind may have changed it.
    Foreign(OpKind),
    /// It was not decided, and this is how many operations completed.
    Open {
        found: Found,
        completed: usize,
    },
}

impl Said {
    /// Whether more memory may help.
    fn wants_bytes(&self) -> bool {
        matches!(self, Self::Open { found: Found::GaveUp { why: GaveUp::Bytes, .. }, .. })
    }
}

/// What judging objects takes.
struct Judge<'a> {
    history: &'a History,
    algorithm: Algorithm,
    budget: Budget<'a>,
}

impl<'a> Judge<'a> {
    /// Judges all objects, the largest first, on as many threads as there are processors.
    ///
    /// Those that run at the same time share the bytes. What ran out of its share is judged once
    /// more when the others are done, one by one with all bytes: so what can be decided does not
    /// depend on how many processors there are.
    fn all<K: Object>(&self) -> Vec<Judged> {
        let objects = self.history.objects();
        let mut order: Vec<usize> = (0..objects.len()).collect();
        order.sort_by_key(|place| std::cmp::Reverse(objects[*place].places.len()));
        let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let threads = processors.min(THREADS).min(objects.len()).max(1);
        let share = Self { budget: self.budget.share(threads), ..*self };
        let (next, judged) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
        let work = || {
            while let Some(place) = order.get(next.fetch_add(1, Ordering::Relaxed)) {
                let found = share.one::<K>(&objects[*place]);
                let mut judged = judged.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                judged.push((*place, found));
            }
        };
        std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
        let mut judged = judged.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        judged.sort_by_key(|(place, _)| *place);
        let once_more = |(place, found): (usize, Judged)| {
            let again = threads > 1 && found.said.wants_bytes();
            if again { self.one::<K>(&objects[place]) } else { found }
        };
        judged.into_iter().map(once_more).collect()
    }

    /// Judges one object.
    fn one<K: Object>(&self, object: &'a ObjectIndex) -> Judged {
        let operations = || object.places.iter().map(|p| &self.history.operations()[*p as usize]);
        if !K::is_one(operations().map(|operation| &operation.op)) {
            return Judged { calls: 0, others: BTreeMap::new(), said: Said::Legal };
        }
        let (mut others, mut foreign) = (BTreeMap::new(), None);
        let mut calls = Vec::with_capacity(object.places.len());
        for operation in operations() {
            let kind = operation.op.kind();
            if K::KINDS.contains(&kind) {
                calls.extend(Call::of(operation));
            } else {
                *others.entry(kind).or_insert(0) += 1;
                let changes = K::CHANGED_BY.contains(&kind) && !operation.failed();
                foreign = foreign.or(changes.then_some(kind));
            }
        }
        let said = match foreign {
            Some(kind) if !calls.is_empty() => Said::Foreign(kind),
            _ => self.said::<K>(object.key.as_ref(), &calls),
        };
        Judged { calls: calls.len(), others, said }
    }

    fn said<K: Object>(&self, key: Option<&Key>, calls: &[Call<'_>]) -> Said {
        match decide::decided::<K>(calls, self.algorithm, &self.budget) {
            (Found::Legal, _) => Said::Legal,
            (Found::Refuted { at }, few) => {
                let before = if few.is_empty() { earliest::cut(calls, at) } else { few };
                Said::Anomaly(Box::new(self.explained::<K>(key, (calls, at), &before)))
            }
            (found @ Found::GaveUp { .. }, _) => {
                let completed = calls.iter().filter(|call| call.end.is_some()).count();
                Said::Open { found, completed }
            }
        }
    }

    /// Finds a small witness of what is known to be refuted `at` some completion, and its words.
    /// The refutation holds of `before` by itself: all calls as they stood then, or a few.
    fn explained<K: Object>(
        &self,
        key: Option<&Key>,
        (calls, at): (&[Call<'_>], Nanos),
        before: &[Call<'_>],
    ) -> Anomaly {
        let weakened = K::weakened(before);
        let refuted = |calls: &[Call<'_>]| decide::is_refuted::<K>(calls, &self.budget);
        let small = K::smallest(before, &weakened, &refuted);
        let (prefix, refused) = order::longest::<K>(&small);
        let whole = |small: &Call<'_>| {
            let place = calls.binary_search_by_key(&small.id, |call| call.id).ok()?;
            calls.get(place).copied()
        };
        let calls = small.iter().filter_map(whole).collect();
        let history = self.history;
        Refuted { history, key, calls, small, at, prefix, refuted: refused }.anomaly::<K>()
    }
}

fn name(key: Option<&Key>) -> &str {
    key.map_or("the whole history", |key| key)
}

/// Says that an object was left alone.
fn foreign(result: &mut CheckResult, name: &str, kind: OpKind) {
    result.inconclusive(format!(
        "{name} was not judged: `{kind}` may have changed it, which is no operation of this check"
    ));
    result.not_checked.push(name.to_owned());
}

/// Says how far an object was verified, and what stopped it.
fn gave_up(result: &mut CheckResult, name: &str, (found, all): (Found, usize)) {
    let Found::GaveUp { at, completed, why } = found else { return };
    let why = match why {
        GaveUp::Bytes => "the budget of memory ran out".to_owned(),
        GaveUp::Time => "the time ran out".to_owned(),
        GaveUp::Open => format!("more than {OPEN_LIMIT} operations were open at once"),
        GaveUp::Ambiguous => "the near-linear check cannot tell".to_owned(),
        GaveUp::Many => "there are too many operations for brute force".to_owned(),
    };
    result.inconclusive(format!(
        "{name} was verified only before {}, {completed} of {all} completed operations: {why}",
        words::at(at)
    ));
    result.not_checked.push(format!("{name} from {} on", words::at(at)));
}

#[cfg(test)]
mod tests {
    use super::decide::decide;
    use super::*;
    use crate::models::Register;
    use crate::objects::register::drawn::{Dice, calls, execution, spoilt};

    /// The earliest completion at which a search finds no legal order, tried one by one.
    fn first_refuted(calls: &[Call<'_>]) -> Option<Nanos> {
        let mut ends: Vec<Nanos> = calls.iter().filter_map(|call| call.end).collect();
        ends.sort_unstable();
        ends.into_iter().find(|end| {
            let before: Vec<Call<'_>> = calls.iter().filter_map(|call| call.at(*end)).collect();
            search_linearizable::<Register>(&before, &Budget::unlimited_time()) == Some(false)
        })
    }

    #[test]
    fn a_refutation_is_dated_by_the_first_completion_that_shows_it() {
        let (mut dice, mut refuted) = (Dice(47), 0);
        for round in 0..6_000_usize {
            let mut drawn = execution(&mut dice, 6 + round % 20, (round % 4 == 0).then_some(4));
            for _ in 0..round % 3 {
                drawn = spoilt(&mut dice, drawn);
            }
            let calls = calls(&drawn);
            let found = decide::<Register>(&calls, Algorithm::Auto, &Budget::unlimited_time());
            let expected = first_refuted(&calls).map_or(Found::Legal, |at| Found::Refuted { at });
            assert_eq!(found, expected, "{calls:#?}");
            refuted += usize::from(expected != Found::Legal);
        }
        assert!(refuted > 1_000, "{refuted}");
    }
}
