//! Why an answer misses what had been acknowledged, and why leases overlap.

use super::context::{About, Context, Suspects, covers, served};
use crate::event::{Nanos, NodeId, Outcome, Value};
use crate::history::{FaultSpan, History, Operation};
use crate::leadership::evidence::Evidence;
use crate::observation::Source;
use crate::op::Op;
use crate::reach;
use crate::words;

/// A claim to lead counts for so long, unless a later one confirms it.
const FRESH: Nanos = 500_000_000;

/// A node that stood still until so long ago may still act on what it knew before.
const AWAKE: Nanos = 2_000_000_000;

/// The old answer came from a node that still took itself for leader while another led a higher
/// generation.
///
/// Must hold: the node's last own proof before the answer ended claims to lead, in the life in
/// which it answered, and is fresh or confirmed by the next one; another node had led a higher
/// generation before the question. Refuted by: an own proof in between that it does not lead; an
/// answer that names another generation; a restart.
pub(super) fn old_leader(context: &Context<'_>) -> Option<String> {
    let late = context.suspects()?.late?;
    let (end, _, stamp) = late.ok()?;
    let (node, began) = (served(late)?, late.invoked.1);
    let own = |seen: &&Evidence| {
        seen.node == node
            && seen.grade.proves()
            && seen.role.is_some()
            && seen.source != Source::Ack
    };
    let claim = context.evidence.iter().filter(own).rfind(|seen| seen.since <= end)?;
    let old = claim.proves_leading()?;
    let next = context.evidence.iter().filter(own).find(|seen| seen.since > end);
    let confirmed = next.is_some_and(|seen| {
        seen.proves_leading() == Some(old) && seen.incarnation == claim.incarnation
    });
    let fresh = claim.time.saturating_add(FRESH) >= began || confirmed;
    let restarted = context.downs(node, (claim.since, end)).next().is_some();
    if !fresh || restarted || stamp.generation().is_some_and(|named| named != old) {
        return None;
    }
    let newer = context.evidence.iter().find(|seen| {
        seen.node != node
            && seen.time <= began
            && seen.proves_leading().is_some_and(|generation| generation > old)
    })?;
    let (leader, generation) = (newer.node, newer.proves_leading()?);
    Some(format!(
        "{node} still took itself for the leader of generation {old}, while {leader} had led \
         generation {generation} since {} at the latest. {}",
        words::at(newer.time),
        why_it_did_not_know(context, node, (began, end))
    ))
}

/// What about `node` may have kept it from knowing that it was deposed.
fn why_it_did_not_know(context: &Context<'_>, node: NodeId, asked: (Nanos, Nanos)) -> String {
    let wrong = context
        .faults
        .iter()
        .find(|span| span.fault.wrong_clocks().contains(&node) && covers(span, asked));
    let woke = context.faults.iter().find(|span| {
        (span.fault.stopped().contains(&node) || span.fault.stopped_process(node).is_some())
            && span.effective.is_some_and(|(_, to)| to <= asked.1 && asked.1 - to <= AWAKE)
    });
    match (wrong, woke) {
        (Some(span), _) => format!(
            "Its clock was wrong then ({}, fault {}): a leader that counts a lease by such a clock \
             gives such answers.",
            span.fault.manner, span.id
        ),
        (_, Some(span)) => format!(
            "{} had stood still until {} (fault {}): a leader that does not ask a quorum before it \
             answers gives such answers.",
            match span.fault.stopped_process(node) {
                Some(process) => format!("Its process `{process}`"),
                None => "It".to_owned(),
            },
            words::at(span.effective.map_or(span.begin.1, |(_, to)| to)),
            span.id
        ),
        _ => "An old leader that answers without asking a quorum gives such answers.".to_owned(),
    }
}

/// A proven cut that separated `node` from a majority all the time, and that majority.
pub(super) fn alone<'a>(
    context: &'a Context<'_>,
    node: NodeId,
    span: (Nanos, Nanos),
) -> Option<(&'a FaultSpan, String)> {
    let (cut, majority) = reach::cut_off(context.nodes, &context.faults, node, &(span.0..=span.1))?;
    Some((cut, words::list(&majority)))
}

/// How many of the last changes that a node acknowledged are looked for after its restart.
const LATEST: usize = 100;

/// The old answer came from a node that could not ask the others.
///
/// Must hold: from the question to the answer the node that was asked was cut from a majority, by
/// proof. Refuted by: an answer that names a node which was not.
pub(super) fn answered_alone(context: &Context<'_>) -> Option<String> {
    let late = context.suspects()?.late.filter(|late| late.op.kind().only_looks())?;
    let (end, _, stamp) = late.ok()?;
    let node = late.node.or(stamp.node())?;
    let (cut, majority) = alone(context, node, (late.invoked.1, end))?;
    if stamp.node().is_some_and(|named| alone(context, named, (late.invoked.1, end)).is_none()) {
        return None;
    }
    Some(format!(
        "{node} answered at {} while it was cut from the majority {majority} (fault {}). A node \
         that answers from its own state, without asking a quorum, gives such answers.",
        words::at(end),
        cut.id
    ))
}

/// The operation that was lost had been acknowledged by a node cut from the majority.
///
/// Must hold: it was asked and acknowledged while the node was cut off, by proof. Refuted by: an
/// answer of another node that shows it.
pub(super) fn acknowledged_alone(context: &Context<'_>) -> Option<String> {
    let done = context.suspects()?.done?;
    let (end, ..) = done.ok()?;
    let node = served(done)?;
    let (cut, majority) = alone(context, node, (done.invoked.1, end))?;
    if seen(context.history, done, |by| served(by) != Some(node)) {
        return None;
    }
    Some(format!(
        "{node} acknowledged it at {} while it was cut from the majority {majority} (fault {}). An \
         acknowledgement without a quorum is lost when the others go on.",
        words::at(end),
        cut.id
    ))
}

/// The node that had acknowledged the operation was restarted, and nobody saw it again.
///
/// Must hold: the acknowledgement, then a proven kill or power failure of the node that gave it,
/// then its start, then the answer. Refuted by: an answer after that which shows it, or shows what
/// the node had acknowledged after it and before it went down: a restart takes the latest first.
pub(super) fn lost_in_restart(context: &Context<'_>) -> Option<String> {
    let Suspects { late, done } = context.suspects()?;
    let (done, late) = (done?, late?);
    // An id is not lost by being given again.
    if matches!(done.op, Op::Generate { .. }) {
        return None;
    }
    let (from, to) = (done.ok()?.0, late.ok()?.0);
    let node = served(done)?;
    let down = context.downs(node, (from, to)).find(|down| down.back.is_some_and(|at| at <= to))?;
    if outlived(context.history, done, node, down.from) {
        return None;
    }
    // A grant is shown by no answer at all.
    let unseen = if done.op.values().is_empty() { "" } else { ", and no later answer shows it" };
    Some(format!("{node}, which had acknowledged it, {}{unseen}. {}", down.clause(), down.takes()))
}

/// Whether `done`, which `node` acknowledged, or anything that it acknowledged after that, was seen
/// after it went down at `down`.
pub(crate) fn outlived(history: &History, done: &Operation, node: NodeId, down: Nanos) -> bool {
    let from = done.ok().map_or(down, |(time, ..)| time);
    let later = |operation: &&Operation| {
        operation.ok().is_some_and(|(time, ..)| from < time && time < down)
            && !operation.op.kind().only_looks()
            && served(operation) == Some(node)
    };
    let latest = history.operations().iter().rev().filter(later).take(LATEST);
    std::iter::once(done)
        .chain(latest)
        .any(|operation| seen(history, operation, |by| by.invoked.1 > down))
}

/// Whether an operation that `counts` shows the value that `done` brought.
fn seen(history: &History, done: &Operation, counts: impl Fn(&Operation) -> bool) -> bool {
    let values = done.op.values();
    let Some(value) = values.last() else { return false };
    let on = history.operations_on(done.op.key());
    let mut answered =
        on.filter(|operation| operation.invoked != done.invoked && operation.ok().is_some());
    answered.any(|operation| counts(operation) && shows(operation, value))
}

/// Whether the answer to `operation` shows `value`.
fn shows(operation: &Operation, value: &Value) -> bool {
    let Some((_, outcome, _)) = operation.ok() else { return false };
    match outcome {
        Outcome::ReadAll { values } => values.contains(value),
        Outcome::Contains { present } => *present && operation.op.values().contains(&value),
        _ => operation.saw() == Some(Some(value)),
    }
}

/// A node that granted one of two leases had a wrong clock.
///
/// Must hold: a proven fault of the clock of a node that answered one of the requests, in effect
/// between the first request and the last answer. Refuted by: its absence.
pub(super) fn wrong_clock(context: &Context<'_>) -> Option<String> {
    let About::Leases(requests) = context.about else { return None };
    let from = requests.iter().map(|request| request.invoked.1).min()?;
    let to = requests.iter().filter_map(|request| request.ok()).map(|(time, ..)| time).max()?;
    let granted: Vec<NodeId> = requests.iter().filter_map(|request| served(request)).collect();
    let (span, node) = context.faults.iter().find_map(|span| {
        let (begin, end) = span.effective.filter(|_| span.is_effective())?;
        let node = span.fault.wrong_clocks().into_iter().find(|node| granted.contains(node))?;
        (begin <= to && from <= end).then_some((span, node))
    })?;
    let (begin, end) = span.effective?;
    Some(format!(
        "The clock of {node}, which answered one of these requests, was wrong from {} to {} ({}, \
         fault {}). A lease that is counted by a wall clock then ends too early or too late.",
        words::at(begin),
        words::at(end),
        span.fault.manner,
        span.id
    ))
}
