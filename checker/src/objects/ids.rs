//! Generators of ids, and their check.
//!
//! Nothing is asked of the order, so the ids are only compared: an id that was given twice refutes,
//! and without one every order is legal.

use crate::catalogue;
use crate::hashing::Map;
use crate::linearizability::call::Call;
use crate::linearizability::finding::Finding;
use crate::linearizability::minimise::Part;
use crate::linearizability::object::{Object, Weakened};
use crate::linearizability::refuted::{Explanation, Refuted};
use crate::models::UniqueIds;
use crate::op::{Op, OpKind, Outcome, Value};
use crate::words;

impl Object for UniqueIds {
    const NAMES: &'static [&'static str] = &["unique-ids", "ids"];
    const ID: &'static str = "unique-ids/unique";
    const PROMISE: &'static str = "no generator gives an id twice";
    const ASSUMPTIONS: &'static [&'static str] = &[];
    const KINDS: &'static [OpKind] = &[OpKind::Generate];

    fn decide_fast(calls: &[Call<'_>]) -> Finding {
        let asked = |call: &Call<'_>| matches!(call.op, Op::Generate { .. });
        let answered = |call: &Call<'_>| call.outcome.is_none() || given(call).is_some();
        if !calls.iter().all(|call| asked(call) && answered(call)) {
            return Finding::Ambiguous;
        }
        twice(calls).map_or(Finding::Legal, |(one, other)| {
            Finding::refuted(catalogue::DUPLICATE_ID, vec![one, other])
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
        match twice(calls) {
            Some((one, other)) => vec![calls[one], calls[other]],
            None => calls.to_vec(),
        }
    }

    fn explanation<'a>(refuted: &Refuted<'a>) -> Option<Explanation<'a>> {
        let (one, other) = twice(&refuted.small)?;
        let (mut first, mut second) = (refuted.operation(one)?, refuted.operation(other)?);
        if first.ok()?.0 > second.ok()?.0 {
            std::mem::swap(&mut first, &mut second);
        }
        let value = given(&refuted.small[one])?;
        let key = refuted.name();
        Some(Explanation {
            class: catalogue::DUPLICATE_ID,
            headline: format!(
                "Duplicate id: {key} gave {value} to process {} by {} and to process {} by {}",
                first.process,
                words::at(first.ok()?.0),
                second.process,
                words::at(second.ok()?.0)
            ),
            because: format!("Two that were given {value} cannot be told apart by it."),
            late: Some(second),
            done: Some(first),
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

/// The first two calls that were given the same id, by the completion that shows it.
fn twice(calls: &[Call<'_>]) -> Option<(usize, usize)> {
    let mut order: Vec<usize> = (0..calls.len()).collect();
    order.sort_by_key(|place| (calls[*place].end, *place));
    let mut owners: Map<&Value, usize> = Map::default();
    order.into_iter().find_map(|place| {
        let owner = owners.insert(given(&calls[place])?, place)?;
        Some((owner, place))
    })
}
