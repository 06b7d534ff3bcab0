//! Was looked at every object when it mattered: after the last heal, and at the end?

use std::collections::{BTreeMap, BTreeSet};

use crate::event::{Key, Nanos, Op, Outcome, Phase};
use crate::history::{History, Operation};
use crate::transaction::Micro;
use crate::verdict::CheckResult;
use crate::words;

/// Whether every object that was changed under load was looked at after the last heal before
/// anybody put something in the place of what was there. What is only added to hides nothing.
pub(super) fn first(history: &History, result: &mut CheckResult) {
    let Some(healed) = history.phase(Phase::Recover) else { return };
    if !history.header().plan.coverage.look_first {
        return;
    }
    let mut changed = BTreeSet::new();
    let mut looked: BTreeMap<&Key, Nanos> = BTreeMap::new();
    let mut again: BTreeMap<&Key, Nanos> = BTreeMap::new();
    for operation in history.operations().iter().filter(|operation| !operation.failed()) {
        let later = operation.invoked.1 >= healed;
        for key in replaced(&operation.op) {
            if later {
                again.entry(key).or_insert(operation.invoked.1);
            } else if operation.ok().is_some() {
                changed.insert(key);
            }
        }
        let shown = operation
            .ok()
            .filter(|_| later)
            .map(|(time, outcome, _)| (time, shown(operation, outcome)));
        for (time, key) in
            shown.iter().flat_map(|(time, keys)| keys.iter().map(move |it| (*time, *it)))
        {
            looked.entry(key).and_modify(|first| *first = time.min(*first)).or_insert(time);
        }
    }
    let unseen = |key: &&Key| {
        let read = looked.get(key).copied().unwrap_or(Nanos::MAX);
        again.get(key).is_some_and(|again| read > *again)
    };
    let unseen: Vec<&Key> = changed.into_iter().filter(unseen).collect();
    if !unseen.is_empty() {
        result.inconclusive(format!(
            "after the last heal {} was changed again before it was read: what the faults took of it \
             is not known; the servers' logs may tell why the reads did not succeed",
            words::list(unseen)
        ));
    }
}

/// Whether every object that was changed was looked at once more at the end: an acknowledged change
/// that nobody looks for is lost unseen.
pub(super) fn at_the_end(history: &History, result: &mut CheckResult) {
    let Some(begin) = history.phase(Phase::FinalReads) else { return };
    let (mut changed, mut looked) = (BTreeSet::new(), BTreeSet::new());
    for operation in history.operations() {
        let Some((_, outcome, _)) = operation.ok() else { continue };
        changed.extend(left(&operation.op));
        if operation.invoked.1 >= begin {
            looked.extend(shown(operation, outcome));
        }
    }
    let missed: Vec<&&Key> = changed.difference(&looked).collect();
    if !missed.is_empty() {
        let missed = words::list(missed);
        result.inconclusive(format!(
            "no final read of {missed} succeeded: whether the last writes are kept is not known; the \
             servers' logs may tell why the cluster did not answer at the end"
        ));
    }
}

/// The objects in which `op` leaves something that can be looked for. A lock that is held is seen by
/// asking for it, and an id is kept nowhere.
fn left(op: &Op) -> Vec<&Key> {
    match op {
        Op::Txn { ops } => ops
            .iter()
            .filter(|micro| !matches!(micro, Micro::Read { .. }))
            .map(Micro::key)
            .collect(),
        _ => op.key().filter(|_| op.kind().is_read()).into_iter().collect(),
    }
}

/// The objects in which `op` puts something in the place of what was there.
fn replaced(op: &Op) -> Vec<&Key> {
    match op {
        Op::Txn { ops } => ops
            .iter()
            .filter(|micro| matches!(micro, Micro::Write { .. }))
            .map(Micro::key)
            .collect(),
        _ => op.key().filter(|_| op.kind().sets()).into_iter().collect(),
    }
}

/// The objects of which `outcome` shows all that is in them. A queue shows it by being empty.
fn shown<'a>(operation: &'a Operation, outcome: &Outcome) -> Vec<&'a Key> {
    match (&operation.op, outcome) {
        (Op::Read { key } | Op::ReadAll { key } | Op::ReadVersion { key }, _)
        | (Op::Dequeue { key }, Outcome::Dequeue { value: None }) => vec![key],
        (Op::Txn { ops }, _) => {
            ops.iter().filter(|micro| matches!(micro, Micro::Read { .. })).map(Micro::key).collect()
        }
        _ => Vec::new(),
    }
}
