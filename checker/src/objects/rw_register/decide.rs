//! Decides transactions on registers by the cheapest means that can: what refutes them without a
//! search, their versions, and where values repeat a choice of who wrote what.

use super::refuters::{Conflict, refuted, registers};
use super::versions::Registers;
use super::{order, repeated};
use crate::catalogue;
use crate::linearizability::call::Call;
use crate::linearizability::finding::Finding;

/// Decides whether `calls` have a legal order, if that takes no search.
pub(super) fn decide(calls: &[Call<'_>]) -> Finding {
    let registers = match registers(calls) {
        Some(Ok(registers)) => Ok(registers),
        Some(Err(conflict)) => Err(conflict),
        None => return Finding::Ambiguous,
    };
    let conflict = match &registers {
        Ok(registers) => refuted(calls, registers),
        Err(conflict) => Some(conflict.clone()),
    };
    match conflict {
        Some(Conflict::Internal { txn, .. }) => {
            Finding::refuted(catalogue::INTERNAL_INCONSISTENCY, vec![txn])
        }
        // Whatever else it found rests on others: it does not prove it alone.
        Some(Conflict::Unwritten { .. }) => {
            Finding::refuted(catalogue::READ_OF_UNWRITTEN, Vec::new())
        }
        Some(Conflict::Register { .. }) => {
            Finding::refuted(catalogue::NON_LINEARIZABLE, Vec::new())
        }
        None => registers.map_or(Finding::Ambiguous, |registers| ordered(calls, &registers)),
    }
}

/// Looks for an order, and where values repeat for who wrote what.
fn ordered(calls: &[Call<'_>], registers: &Registers<'_>) -> Finding {
    match order::decide(calls, registers) {
        Finding::Ambiguous => repeated::decide(calls, registers),
        found => found,
    }
}
