//! Takes away from refuted transactions whatever the refutation does not need.
//!
//! What may go without making a legal history illegal:
//!
//! - a transaction of which nobody who is left has seen anything;
//! - a list, with all that was done with it: lists do not know of each other;
//! - an element, with its append and out of every list that was read.

use std::collections::BTreeSet;

use super::conflict::Conflict;
use super::fast::{FastDecision, decision};
use super::lists::{Lists, micros};
use crate::linearizability::call::Call;
use crate::linearizability::object::{Weakened, only};
use crate::objects::unseen::{Traces, without_unseen};
use crate::op::{Key, Op, Outcome, Value};
use crate::transaction::{Micro, ReadValue};

/// Lists and elements that a refutation is about.
struct Guilty<'a> {
    lists: BTreeSet<&'a Key>,
    elements: BTreeSet<(&'a Key, &'a Value)>,
}

fn guilty<'a>(calls: &[Call<'a>]) -> Option<Guilty<'a>> {
    let FastDecision::Refuted(conflict) = decision(calls) else { return None };
    let lists = Lists::of(calls)?.ok()?;
    let mut guilty = Guilty { lists: BTreeSet::new(), elements: BTreeSet::new() };
    match conflict {
        Conflict::Clash(clash) => {
            for number in clash.elements {
                let key = lists.keys[number];
                guilty.lists.insert(key);
                for (txn, values) in &lists.list[number].appended {
                    if clash.calls.contains(txn) {
                        guilty.elements.extend(values.iter().map(|value| (key, *value)));
                    }
                }
            }
        }
        Conflict::Incompatible { first, second, list } => {
            let (key, found) = (lists.keys[list], &lists.list[list].found);
            let by = |txn| found.iter().find(|(own, _)| *own == txn).map(|(_, found)| *found);
            let (first, second) = (by(first)?, by(second)?);
            // Where the two lists part.
            let (first, second) =
                first.iter().zip(second).find(|(first, second)| first != second)?;
            guilty.lists.insert(key);
            guilty.elements.extend([(key, first), (key, second)]);
        }
        Conflict::Internal { .. } | Conflict::Phantom { .. } => return None,
    }
    Some(guilty)
}

/// Transactions that name what the refutation is about and nothing else; by invocation. Those that
/// name nothing of it are left out.
pub(super) fn weakened(calls: &[Call<'_>]) -> Weakened {
    let Some(guilty) = guilty(calls) else { return Weakened::new() };
    let narrow = |call: &Call<'_>| {
        let (ops, _) = micros(call)?;
        let ops: Vec<Micro> = ops.iter().filter_map(|micro| narrowed(micro, &guilty)).collect();
        (!ops.is_empty()).then(|| {
            let (op, outcome) =
                (Op::Txn { ops: ops.clone().into() }, Outcome::Txn { ops: ops.into() });
            (call.id, (op, outcome))
        })
    };
    calls.iter().filter_map(narrow).collect()
}

fn narrowed(micro: &Micro, guilty: &Guilty<'_>) -> Option<Micro> {
    match micro {
        Micro::Append { key, value } => {
            guilty.elements.contains(&(key, value)).then(|| micro.clone())
        }
        Micro::Read { key, seen: ReadValue::List(values) } if guilty.lists.contains(key) => {
            let kept = |value: &&Value| guilty.elements.contains(&(key, *value));
            let seen = ReadValue::List(values.iter().filter(kept).cloned().collect());
            Some(Micro::Read { key: key.clone(), seen })
        }
        Micro::Read { key, .. } if guilty.lists.contains(key) => Some(micro.clone()),
        Micro::Read { .. } | Micro::Write { .. } => None,
    }
}

/// A small part of `calls` that `refuted` holds of as well.
pub(super) fn smallest<'a>(
    calls: &[Call<'a>],
    weakened: &'a Weakened,
    refuted: &dyn Fn(&[Call<'a>]) -> bool,
) -> Vec<Call<'a>> {
    let few = match decision(calls) {
        _ if !weakened.is_empty() => only(calls, weakened),
        FastDecision::Refuted(Conflict::Internal { txn, .. }) => vec![calls[txn]],
        FastDecision::Refuted(Conflict::Phantom { found_by, .. }) => vec![calls[found_by]],
        _ => Vec::new(),
    };
    let start = if !few.is_empty() && refuted(&few) { few } else { calls.to_vec() };
    without_unseen(&start, traces, refuted)
}

/// What a transaction put somewhere, and what it saw of others. What it reads after it has put
/// something there itself, it sees of itself, but not what it found before: in a history in which
/// values repeat the two may be equal.
pub(crate) fn traces<'a>(call: &Call<'a>) -> Traces<(&'a Key, &'a Value)> {
    let mut traces = Traces { put: Vec::new(), saw: Vec::new() };
    let Some((ops, answered)) = micros(call) else { return traces };
    for micro in ops {
        match micro {
            Micro::Append { key, value } | Micro::Write { key, value } => {
                traces.put.push((key, value));
            }
            Micro::Read { key, seen: ReadValue::Value(value) } if answered => {
                let own = traces.put.iter().any(|(other, _)| *other == key);
                traces.saw.extend((!own).then_some((key, value)));
            }
            Micro::Read { key, seen: ReadValue::List(values) } if answered => {
                let own = traces.put.iter().filter(|(other, _)| *other == key).count();
                let found = &values[..values.len().saturating_sub(own)];
                traces.saw.extend(found.iter().map(|value| (key, value)));
            }
            Micro::Read { .. } => {}
        }
    }
    traces
}
