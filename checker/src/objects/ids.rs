//! Generators of ids. Nothing is asked of the order, so the ids are only compared: an id that was
//! given twice refutes, and without one every order is legal.
//!
//! The decision is the watch itself, fed with what is known afterwards; who was given the id before
//! is looked up once it is known that somebody was.

mod monitor;

use crate::catalogue;
use crate::linearizability::call::Call;
use crate::linearizability::finding::{Finding, Violation};
use crate::linearizability::minimise::Part;
use crate::linearizability::monitor::decide;
use crate::linearizability::object::{Object, Weakened};
use crate::linearizability::refuted::{Explanation, Refuted};
use crate::models::UniqueIds;
use crate::op::{OpKind, Outcome, Value};
use crate::words;
pub(crate) use monitor::OneGenerator;

impl Object for UniqueIds {
    const NAMES: &'static [&'static str] = &["unique-ids", "ids"];
    const ID: &'static str = "unique-ids/unique";
    const PROMISE: &'static str = "no generator gives an id twice";
    const ASSUMPTIONS: &'static [&'static str] = &[];
    const KINDS: &'static [OpKind] = &[OpKind::Generate];

    fn decide_fast(calls: &[Call<'_>]) -> Finding {
        decide::<OneGenerator>(calls, |second| {
            let before = |other: &usize| {
                let [earlier, later] = [*other, second].map(|place| (calls[place].end, place));
                earlier < later && given(&calls[*other]) == given(&calls[second])
            };
            let first = (0..calls.len()).find(before);
            let calls = first.into_iter().chain([second]).collect();
            Violation { class: catalogue::DUPLICATE_ID, calls }
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
        let (place, twin) = Self::decide_fast(&refuted.small).pair()?;
        let (mut first, mut second) = (refuted.operation(place)?, refuted.operation(twin)?);
        if first.ok()?.0 > second.ok()?.0 {
            std::mem::swap(&mut first, &mut second);
        }
        let value = given(&refuted.small[place])?;
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

/// What a generator gave.
pub(super) fn given<'a>(call: &Call<'a>) -> Option<&'a Value> {
    match call.outcome {
        Some(Outcome::Generate { value }) => Some(value),
        _ => None,
    }
}
