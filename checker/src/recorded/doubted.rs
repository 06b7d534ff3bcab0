//! What of a history makes its verdict doubtful, and a verdict that is.

use std::collections::{BTreeMap, BTreeSet};

use crate::history::{History, Operation};
use crate::op::{Key, Op, Outcome, Value};
use crate::transaction::{Micro, ReadValue};
use crate::verdict::{CheckResult, Status, Verdict};

/// The same verdict as one that is not conclusive. What it found is told, and proves nothing.
pub(super) fn doubted(verdict: Verdict, reason: impl Into<String>) -> Verdict {
    let reason = reason.into();
    let mut checks = verdict.checks;
    if checks.is_empty() {
        checks.push(CheckResult::new("model", "the history is judged by a model that fits it"));
    }
    for check in &mut checks {
        let found = check.anomalies.drain(..).map(|anomaly| anomaly.headline);
        check.suspicions.extend(found);
        check.status = Status::Inconclusive;
        check.reasons.insert(0, reason.clone());
    }
    Verdict::of(checks)
}

/// Why there was nothing to judge, if there was nothing: every operation failed, or only looked and
/// was never answered.
pub(super) fn nothing(history: &History) -> Option<String> {
    let all = history.operations();
    let failed = all.iter().filter(|operation| operation.failed()).count();
    let unanswered = all.iter().filter(|operation| {
        !operation.failed() && operation.ok().is_none() && operation.op.kind().only_looks()
    });
    let unanswered = unanswered.count();
    (failed + unanswered == all.len()).then(|| {
        format!(
            "none of its {} operations can have changed or shown anything: {failed} failed, and \
             {unanswered} only read and were never answered",
            all.len()
        )
    })
}

/// A read of a set that lists an element more often than it was added, in words.
pub(super) fn repeated(history: &History) -> Option<String> {
    let mut added: BTreeMap<(&Key, &Value), usize> = BTreeMap::new();
    for operation in history.operations() {
        if let (Op::Add { key, value }, false) = (&operation.op, operation.failed()) {
            *added.entry((key, value)).or_default() += 1;
        }
    }
    let twice = |operation: &Operation| {
        let (Op::ReadAll { key }, Some((_, Outcome::ReadAll { values }, _))) =
            (&operation.op, operation.ok())
        else {
            return None;
        };
        let mut seen: BTreeMap<&Value, usize> = BTreeMap::new();
        values.iter().for_each(|value| *seen.entry(value).or_default() += 1);
        let over = |(value, times): (&Value, usize)| {
            let added = added.get(&(key, value)).copied().unwrap_or(0);
            (times > added.max(1)).then(|| {
                format!(
                    "process {} read all of {key} and got `{value}` {times} times, which was added \
                     {}: a set holds an element once",
                    operation.process,
                    if added == 1 { "once".to_owned() } else { format!("{added} times") }
                )
            })
        };
        seen.into_iter().find_map(over)
    };
    history.operations().iter().find_map(twice)
}

/// A value that was read and that no operation names.
pub(super) fn unwritten(history: &History) -> Option<Value> {
    let mut named: BTreeSet<&Value> = BTreeSet::new();
    for operation in history.operations() {
        named.extend(operation.op.values());
        if let Op::Txn { ops } = &operation.op {
            named.extend(ops.iter().filter_map(|micro| match micro {
                Micro::Write { value, .. } | Micro::Append { value, .. } => Some(value),
                Micro::Read { .. } => None,
            }));
        }
    }
    let read = history
        .operations()
        .iter()
        .filter_map(|operation| operation.ok().map(|(_, got, _)| read(got)));
    read.flatten().find(|value| !named.contains(value)).cloned()
}

/// Every value that an answer names.
fn read(outcome: &Outcome) -> Vec<&Value> {
    match outcome {
        Outcome::ReadAll { values } => values.iter().collect(),
        Outcome::Txn { ops } => ops.iter().flat_map(read_by).collect(),
        _ => outcome.seen().flatten().into_iter().collect(),
    }
}

fn read_by(micro: &Micro) -> Vec<&Value> {
    match micro {
        Micro::Read { seen: ReadValue::Value(value), .. } => vec![value],
        Micro::Read { seen: ReadValue::List(values), .. } => values.iter().collect(),
        _ => Vec::new(),
    }
}
