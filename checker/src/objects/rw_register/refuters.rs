//! What refutes transactions on registers without a search.
//!
//! - A transaction that does not agree with itself.
//! - A value that nobody can have written.
//! - One register: of a legal order of all transactions, what each did with one register is a legal
//!   order of reads, writes and compare-and-sets of it, which the register's own near-linear check
//!   decides. A transaction that found a register absent and wrote it counts as its write alone.
//!
//! What none of these refutes is left to [`super::order`].

use std::collections::BTreeMap;

use super::versions::{Own, Registers};
use crate::linearizability::call::Call;
use crate::linearizability::finding::Finding;
use crate::linearizability::object::Object;
use crate::models::Register;
use crate::op::{Key, Op, Outcome, Value};
use crate::transaction::{Micro, ReadValue};

/// Why no legal order exists. The numbers are places in the slice of calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Conflict {
    /// A transaction does not agree with itself about a register.
    Internal { txn: usize, key: Key },
    /// A transaction found a value that nobody writes, or leaves.
    Unwritten { found_by: usize, key: Key, value: Value },
    /// What was done with one register has no legal order.
    Register { key: Key },
}

/// What each transaction did with each register; none if some call is not about registers.
///
/// # Errors
///
/// A transaction that does not agree with itself.
pub(super) fn registers<'a>(calls: &[Call<'a>]) -> Option<Result<Registers<'a>, Conflict>> {
    let mut registers = Registers::new();
    for (txn, call) in calls.iter().enumerate() {
        match own(call)? {
            Ok(own) => {
                own.into_iter()
                    .for_each(|(key, own)| registers.entry(key).or_default().push((txn, own)));
            }
            Err(key) => return Some(Err(Conflict::Internal { txn, key: key.clone() })),
        }
    }
    Some(Ok(registers))
}

/// Why `calls` have no legal order, if that takes no search.
pub(super) fn conflict(calls: &[Call<'_>]) -> Option<Conflict> {
    match registers(calls)? {
        Ok(registers) => refuted(calls, &registers),
        Err(conflict) => Some(conflict),
    }
}

/// What refutes them, of those that agree with themselves.
pub(super) fn refuted(calls: &[Call<'_>], registers: &Registers<'_>) -> Option<Conflict> {
    let unwritten = registers.iter().find_map(|(key, steps)| unwritten(key, steps));
    unwritten.or_else(|| {
        let refuted = |(_, steps): &(&&Key, &Vec<_>)| projected(calls, steps).is_refuted();
        let (key, _) = registers.iter().find(refuted)?;
        Some(Conflict::Register { key: (*key).clone() })
    })
}

/// What one transaction did with each register; none if it is not about registers, and an error
/// where it does not agree with itself.
fn own<'a>(call: &Call<'a>) -> Option<Result<BTreeMap<&'a Key, Own<'a>>, &'a Key>> {
    let (ops, answered) = match (call.op, call.outcome) {
        (Op::Txn { .. }, Some(Outcome::Txn { ops })) => (ops, true),
        (Op::Txn { ops }, None) => (ops, false),
        _ => return None,
    };
    let (mut all, mut torn) = (BTreeMap::<&Key, Own<'_>>::new(), None);
    for micro in ops.iter() {
        let (key, seen) = match micro {
            Micro::Write { key, value } => {
                all.entry(key).or_default().wrote = Some(value);
                continue;
            }
            Micro::Read { .. } if !answered => continue,
            Micro::Read { seen: ReadValue::Unknown, .. } => continue,
            Micro::Read { key, seen: ReadValue::Absent } => (key, None),
            Micro::Read { key, seen: ReadValue::Value(value) } => (key, Some(value)),
            Micro::Read { seen: ReadValue::List(_), .. } | Micro::Append { .. } => return None,
        };
        let own = all.entry(key).or_default();
        let known = own.wrote.map(Some).or(own.found);
        if known.is_some_and(|known| known != seen) {
            torn = torn.or(Some(key));
        }
        own.found = own.found.or((own.wrote.is_none()).then_some(seen));
    }
    Some(torn.map_or(Ok(all), Err))
}

/// A value that was found and that no transaction leaves behind.
pub(super) fn unwritten(key: &Key, steps: &[(usize, Own<'_>)]) -> Option<Conflict> {
    let mut left: Vec<&Value> = steps.iter().filter_map(|(_, own)| own.wrote).collect();
    left.sort_unstable();
    steps.iter().find_map(|(txn, own)| {
        let value = own.found??;
        let unwritten = left.binary_search(&value).is_err();
        unwritten.then(|| Conflict::Unwritten {
            found_by: *txn,
            key: key.clone(),
            value: value.clone(),
        })
    })
}

/// What the register's own check says of what was done with one register; a refutation names
/// transactions.
pub(super) fn projected(calls: &[Call<'_>], steps: &[(usize, Own<'_>)]) -> Finding {
    let key: Key = "".into();
    let step = |(txn, own): &(usize, Own<'_>)| {
        let key = key.clone();
        let asked = match (own.found, own.wrote.cloned()) {
            (Some(Some(old)), Some(new)) => (Op::Cas { key, old: old.clone(), new }, Outcome::Cas),
            (_, Some(value)) => (Op::Write { key, value }, Outcome::Write),
            (Some(value), None) => (Op::Read { key }, Outcome::Read { value: value.cloned() }),
            (None, None) => return None,
        };
        Some((*txn, asked))
    };
    let asked: Vec<(usize, (Op, Outcome))> = steps.iter().filter_map(step).collect();
    let call = |(txn, (op, outcome)): &'_ (usize, (Op, Outcome))| {
        let Call { id, start, end, .. } = calls[*txn];
        (id, op.clone(), end.map(|_| outcome.clone()), start, end)
    };
    let owned: Vec<_> = asked.iter().map(call).collect();
    let projected: Vec<Call<'_>> = owned
        .iter()
        .map(|(id, op, outcome, start, end)| Call {
            id: *id,
            op,
            outcome: outcome.as_ref(),
            start: *start,
            end: *end,
        })
        .collect();
    match Register::decide_fast(&projected) {
        Finding::Refuted(mut by) => {
            by.calls.iter_mut().for_each(|place| *place = asked[*place].0);
            Finding::Refuted(by)
        }
        found => found,
    }
}
