//! The few calls that already refute a versioned configuration.
//!
//! From a legal chain whole generations may be left out, each with its maker and its reads, if the
//! next update that is left is taken to replace the last generation that is left: nothing stood
//! between the two but what was left out. So of a refuted chain only the generations are kept that
//! the conflict is about, the first of them as if made from the unset configuration.

use super::chain::{Conflict, Doubt, judge, made};
use crate::linearizability::call::Call;
use crate::linearizability::object::Weakened;
use crate::op::{Op, Outcome};

/// The calls of the witness, by id, as what is left of them.
pub(super) fn weakened(calls: &[Call<'_>]) -> Weakened {
    match judge(calls) {
        Err(Doubt::Conflict(conflict)) => kept(calls, &conflict),
        _ => Vec::new(),
    }
    .into_iter()
    .filter_map(|(place, from)| Some((calls[place].id, left(&calls[place], from)?)))
    .collect()
}

/// Those of `calls` that are kept, as what is left of them.
pub(super) fn applied<'a>(calls: &[Call<'a>], weakened: &'a Weakened) -> Vec<Call<'a>> {
    let left = |call: &Call<'a>| {
        let (op, outcome) = weakened.get(&call.id)?;
        Some(Call { op, outcome: call.outcome.and(Some(outcome)), ..*call })
    };
    calls.iter().filter_map(left).collect()
}

/// The places of the calls to keep, each with the generation that it is to replace; none: as it is.
fn kept(calls: &[Call<'_>], conflict: &Conflict) -> Vec<(usize, Option<u64>)> {
    match *conflict {
        Conflict::NotHigher { update } => vec![(update, None)],
        Conflict::Twice { first, second, maker } => {
            let maker = maker.map(|maker| (maker, Some(0)));
            maker.into_iter().chain([(first, None), (second, None)]).collect()
        }
        Conflict::Forked { first, second } => vec![(first, Some(0)), (second, None)],
        Conflict::Jumped { update, between } => vec![(update, None), (between, None)],
        Conflict::Unmade { seen_by } => unmade(calls, seen_by),
        Conflict::Inverted { late, generation, done, makers: [first, second] } => {
            // What was made by a detour began with an update that is no maker.
            let detours = made(&calls[late]).is_none() && Some(late) != first;
            let detours = detours && matches!(calls[late].op, Op::Update { .. });
            let (late_from, first_from) = if detours { (Some(0), None) } else { (None, Some(0)) };
            let mut kept = vec![(late, late_from), (done, None)];
            let second = second.filter(|second| Some(*second) != first);
            kept.retain(|(place, _)| Some(*place) != first && Some(*place) != second);
            kept.extend(first.map(|first| (first, first_from)));
            kept.extend(second.map(|second| (second, Some(generation))));
            kept
        }
    }
}

/// What nothing can have made shows it alone, if no indeterminate update might have.
fn unmade(calls: &[Call<'_>], seen_by: usize) -> Vec<(usize, Option<u64>)> {
    let Some(Outcome::ReadVersion { generation, value }) = calls[seen_by].outcome else {
        return Vec::new();
    };
    let might = |call: &Call<'_>| match call.op {
        Op::Update { expected, value: content, .. } if made(call).is_none() => {
            expected < generation && value.as_ref() == Some(content)
        }
        _ => made(call).is_some_and(|(_, to)| to == *generation),
    };
    if calls.iter().any(might) { Vec::new() } else { vec![(seen_by, None)] }
}

/// What is left of a call that is to replace `from`.
fn left(call: &Call<'_>, from: Option<u64>) -> Option<(Op, Outcome)> {
    // An answer that nobody saw has no words; it is not looked at.
    let outcome = call.outcome.cloned().unwrap_or(Outcome::Update { generation: 0 });
    let op = match (call.op, from) {
        (Op::Update { key, value, .. }, Some(expected)) => {
            Op::Update { key: key.clone(), expected, value: value.clone() }
        }
        (op, _) => op.clone(),
    };
    Some((op, outcome))
}
