//! Is there an order of all operations that respects real time and that one copy would allow?
//!
//! Each key is an object of its own: linearizability is local, so a history is legal if every key
//! is. Values that were written once are judged in near-linear time, all others by search. What is
//! found is put into words here; who is to blame is not.

#[cfg(test)]
mod agreement;
mod algorithm;
mod answer;
mod breadth_first;
mod brute;

pub mod call;
mod configuration;
mod decide;
mod depth_first;
mod earliest;
mod elastic;
pub mod explain;
pub mod finding;
mod frontier;
mod ground;
pub mod minimise;
mod moments;
pub(crate) mod monitor;
pub(crate) mod object;
mod open_operations;
mod order;
mod own;
mod portfolio;
mod question;
mod reach;
mod refute;
pub(crate) mod refuted;
mod relevance;
mod rounds;
mod search;
mod slots;
mod space;
mod spare;
mod subject;
mod usages;
mod window;

use std::collections::BTreeMap;

pub use algorithm::{Algorithm, UnknownAlgorithm};
pub(crate) use answer::answer;
pub use answer::{is_linearizable, search_linearizable, search_linearizable_by};
pub(crate) use explain::operation_fact;
use moments::OPEN_LIMIT;
pub(crate) use question::Decision;
use question::GaveUp;
use rounds::{Judge, Said};

use crate::budget::Budget;
use crate::history::History;
use crate::op::{Key, OpKind};
use crate::verdict::CheckResult;
use crate::words;
use object::Object;

/// What every verdict rests on, whatever the kind of object.
const ASSUMPTIONS: [&str; 2] = [
    "an operation whose end is unknown may take effect at any later time, or never",
    "operations that touch in time are concurrent",
];

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
    let (mut keys, mut operations, mut open) = (0_usize, 0, Vec::new());
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
            Said::Mixed => {
                result.inconclusive(
                    "no transaction was judged: one acts on keys that the header says are of \
                     several kinds, or of which it names only some, expected keys of one kind",
                );
                result.not_checked.push("transactions".to_owned());
            }
            Said::Open { found, completed } => {
                open.push((name(object.key.as_ref()), found, completed));
            }
        }
    }
    result.metrics.insert("keys".to_owned(), keys as f64);
    result.metrics.insert("operations".to_owned(), operations as f64);
    if operations == 0 {
        result.inconclusive("no operation that may have taken effect was recorded");
    }
    let cut = !anomalies.is_empty() && !budget.expired();
    for (name, found, all) in open {
        let Decision::GaveUp { at, completed, why } = found else { continue };
        let (far, why) = (format!("{completed} of {all} completed operations"), reason(why, cut));
        let at = words::at(at);
        result.inconclusive(format!("{name} was verified only before {at}, {far}: {why}"));
        result.not_checked.push(format!("{name} from {at} on"));
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

/// What stopped the check of an object: if `cut`, that another was refuted.
fn reason(why: GaveUp, cut: bool) -> String {
    match why {
        GaveUp::Bytes | GaveUp::Time if cut => {
            "the search was cut short, because an anomaly is proven already".to_owned()
        }
        GaveUp::Bytes => "the budget of memory ran out".to_owned(),
        GaveUp::Time => "the time ran out".to_owned(),
        GaveUp::Open => format!("more than {OPEN_LIMIT} operations were open at once"),
        GaveUp::Ambiguous => "the near-linear check cannot tell".to_owned(),
        GaveUp::Many => "there are too many operations for brute force".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::call::Call;
    use super::decide::decide;
    use super::*;
    use crate::event::Nanos;
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
            let expected =
                first_refuted(&calls).map_or(Decision::Legal, |at| Decision::Refuted { at });
            assert_eq!(found, expected, "{calls:#?}");
            refuted += usize::from(expected != Decision::Legal);
        }
        assert!(refuted > 1_000, "{refuted}");
    }
}
