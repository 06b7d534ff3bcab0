//! Timestamp oracles: the timestamps alone say in which order they were given.
//!
//! So a history is legal unless that order contradicts the times: one timestamp was given twice, or
//! one that was asked for after another had been given is smaller. Pairs decide, because a legal
//! order that is forced exists if no two of its calls are in the wrong order. The decision is the
//! watch itself, fed with what is known afterwards; the other call of the pair is looked up then.

mod monitor;

use super::ids::given;
use crate::catalogue;
use crate::linearizability::call::Call;
use crate::linearizability::finding::{Finding, Violation};
use crate::linearizability::minimise::Part;
use crate::linearizability::monitor::decide;
use crate::linearizability::object::{Object, Weakened};
use crate::linearizability::refuted::{Explanation, Refuted};
use crate::models::Timestamps;
use crate::op::OpKind;
use crate::words;
pub(crate) use monitor::OneOracle;

impl Object for Timestamps {
    const NAMES: &'static [&'static str] = &["timestamps", "timestamp-oracle"];
    const ID: &'static str = "timestamps/increasing";
    const PROMISE: &'static str =
        "a timestamp is greater than every one that had been given before it was asked for";
    const ASSUMPTIONS: &'static [&'static str] =
        &["numbers are compared by size, texts by their bytes"];
    const KINDS: &'static [OpKind] = &[OpKind::Generate];

    fn decide_fast(calls: &[Call<'_>]) -> Finding {
        decide::<OneOracle>(calls, |second| {
            let calls = contradicted(calls, second).into_iter().chain([second]).collect();
            Violation { class: catalogue::TIMESTAMP_WENT_BACK, calls }
        })
    }

    fn part(_: &Call<'_>) -> Part {
        Part::Alone
    }

    fn smallest<'a>(
        calls: &[Call<'a>],
        _: &'a Weakened,
        _: &dyn Fn(&[Call<'a>]) -> bool,
    ) -> Vec<Call<'a>> {
        match Self::decide_fast(calls).pair() {
            Some((first, second)) => vec![calls[first], calls[second]],
            None => calls.to_vec(),
        }
    }

    fn explanation<'a>(refuted: &Refuted<'a>) -> Option<Explanation<'a>> {
        let (first, second) = Self::decide_fast(&refuted.small).pair()?;
        let (earlier, later) = (refuted.operation(first)?, refuted.operation(second)?);
        let (before, after) = (given(&refuted.small[first])?, given(&refuted.small[second])?);
        let key = refuted.name();
        Some(Explanation {
            class: catalogue::TIMESTAMP_WENT_BACK,
            headline: format!(
                "Timestamp went back: {key} gave {before} to process {} by {}, and {after} to \
                 process {} by {}",
                earlier.process,
                words::at(earlier.ok()?.0),
                later.process,
                words::at(later.ok()?.0)
            ),
            because: match before == after {
                true => "One timestamp stands for one moment, and was given for two.".to_owned(),
                false => format!(
                    "{after} was asked for after {before} had been given, so it had to be greater."
                ),
            },
            late: Some(later),
            done: Some(earlier),
            also: Vec::new(),
            later: None,
        })
    }
}

/// The call that `second`, the first to show it, contradicts: of those that had ended before it was
/// asked for the one that was given the greatest timestamp, else the one that was given the same.
fn contradicted(calls: &[Call<'_>], second: usize) -> Option<usize> {
    let late = &calls[second];
    let before = (0..calls.len()).filter(|other| calls[*other].precedes(late));
    let greatest = before.max_by_key(|other| given(&calls[*other]));
    let same = |other: &usize| {
        (calls[*other].end, *other) < (late.end, second) && given(&calls[*other]) == given(late)
    };
    let above = greatest.filter(|other| given(&calls[*other]) >= given(late));
    above.or_else(|| (0..calls.len()).find(same))
}
