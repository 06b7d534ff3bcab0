//! Timestamp oracles, and their near-linear check: the timestamps alone say in which order they were
//! given.
//!
//! So a history is legal unless that order contradicts the times: one timestamp was given twice, or
//! one that was asked for after another had been given is smaller. Pairs decide, because a legal
//! order that is forced exists if no two of its calls are in the wrong order.

use crate::catalogue;
use crate::hashing::Map;
use crate::linearizability::call::Call;
use crate::linearizability::finding::Finding;
use crate::linearizability::minimise::Part;
use crate::linearizability::object::{Object, Weakened};
use crate::linearizability::refuted::{Explanation, Refuted};
use crate::models::Timestamps;
use crate::op::{Op, OpKind, Outcome, Value};
use crate::words;

impl Object for Timestamps {
    const NAMES: &'static [&'static str] = &["timestamps", "timestamp-oracle"];
    const ID: &'static str = "timestamps/increasing";
    const PROMISE: &'static str =
        "a timestamp is greater than every one that had been given before it was asked for";
    const ASSUMPTIONS: &'static [&'static str] =
        &["numbers are compared by size, texts by their bytes"];
    const KINDS: &'static [OpKind] = &[OpKind::Generate];

    fn decide_fast(calls: &[Call<'_>]) -> Finding {
        let asked = |call: &Call<'_>| matches!(call.op, Op::Generate { .. });
        let answered = |call: &Call<'_>| call.outcome.is_none() || given(call).is_some();
        if !calls.iter().all(|call| asked(call) && answered(call)) {
            return Finding::Ambiguous;
        }
        disordered(calls).map_or(Finding::Legal, |(first, second)| {
            Finding::refuted(catalogue::TIMESTAMP_WENT_BACK, vec![first, second])
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
        match disordered(calls) {
            Some((first, second)) => vec![calls[first], calls[second]],
            None => calls.to_vec(),
        }
    }

    fn explanation<'a>(refuted: &Refuted<'a>) -> Option<Explanation<'a>> {
        let (first, second) = disordered(&refuted.small)?;
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

fn given<'a>(call: &Call<'a>) -> Option<&'a Value> {
    match call.outcome {
        Some(Outcome::Generate { value }) => Some(value),
        _ => None,
    }
}

/// Two calls that contradict each other, by the completion that shows it first: the one that was
/// given its timestamp first, and the other, which was given the same one, or a smaller one though it
/// was asked for later.
fn disordered(calls: &[Call<'_>]) -> Option<(usize, usize)> {
    let mut by_start: Vec<usize> = (0..calls.len()).collect();
    by_start.sort_by_key(|place| (calls[*place].start, *place));
    let mut by_end: Vec<(usize, &Value)> =
        (0..calls.len()).filter_map(|place| Some((place, given(&calls[place])?))).collect();
    by_end.sort_by_key(|(place, _)| (calls[*place].end, *place));
    // For each call the greatest timestamp that had been given before it was asked.
    let mut greatest: Vec<Option<usize>> = vec![None; calls.len()];
    let (mut ended, mut most) = (by_end.iter().peekable(), None::<(usize, &Value)>);
    for place in by_start {
        while let Some((other, value)) = ended.next_if(|(it, _)| calls[*it].precedes(&calls[place]))
        {
            most = most.filter(|(_, most)| most > value).or(Some((*other, *value)));
        }
        greatest[place] = most.map(|(other, _)| other);
    }
    let mut owners: Map<&Value, usize> = Map::default();
    by_end.into_iter().find_map(|(place, value)| {
        let same = owners.insert(value, place);
        let above = greatest[place].filter(|other| given(&calls[*other]) >= Some(value));
        above.or(same).map(|first| (first, place))
    })
}
