//! The near-linear check as others ask for it: what it found, and which calls show it.

use super::conflict::{Answer, Conflict};
use super::groups::NONE;
use super::proof::{Depth, Proof};
use super::sweep::Sweep;
use crate::catalogue;
use crate::linearizability::call::Call;
use crate::linearizability::finding::{Finding, Violation};

/// Decides where every value that matters was written once; else ambiguous.
pub(super) fn swept_alone(calls: &[Call<'_>]) -> Finding {
    match answer(calls, Depth::Whole) {
        (Answer::Legal, _) => Finding::Legal,
        (Answer::Refuted(conflict), Some(proof)) => {
            // What rests on a value with several writers is no proof without all of them.
            let calls = if proof.loose.is_empty() { proof.places } else { Vec::new() };
            Finding::Refuted(Violation { class: class(&conflict), calls })
        }
        _ => Finding::Ambiguous,
    }
}

/// Why `calls` have no legal order, and which of them show it, if the sweep can tell.
pub(super) fn proof(calls: &[Call<'_>]) -> Option<Proof> {
    answer(calls, Depth::Needed).1
}

/// Sweeps over `calls` in the order of invocation, in which nearly all come already.
fn answer(calls: &[Call<'_>], depth: Depth) -> (Answer, Option<Proof>) {
    if calls.len() >= NONE as usize {
        return (Answer::Ambiguous, None);
    }
    if calls.is_sorted_by_key(|call| call.start) {
        return swept(calls, depth);
    }
    let mut order: Vec<usize> = (0..calls.len()).collect();
    order.sort_by_key(|place| calls[*place].start);
    let sorted: Vec<Call<'_>> = order.iter().map(|place| calls[*place]).collect();
    let (answer, proof) = swept(&sorted, depth);
    (answer, proof.map(|proof| proof.renumbered(&order)))
}

fn swept(calls: &[Call<'_>], depth: Depth) -> (Answer, Option<Proof>) {
    let mut sweep = Sweep::new(calls);
    let answer = sweep.run();
    let proof = match answer {
        Answer::Refuted(conflict) => Some(Proof::new(&sweep, conflict, depth)),
        Answer::Legal | Answer::Ambiguous => None,
    };
    (answer, proof)
}

/// The class of what is refuted so; the words are found later.
fn class(conflict: &Conflict) -> &'static str {
    match conflict {
        Conflict::Unwritten { .. } | Conflict::Ring { .. } => catalogue::READ_OF_UNWRITTEN,
        Conflict::Twice { .. } => catalogue::LOST_UPDATE,
        Conflict::Inverted { .. } | Conflict::Crossed(_) => catalogue::STALE_READ,
        Conflict::Impossible { .. } | Conflict::Refused(_) => catalogue::SPURIOUS_REFUSAL,
    }
}
