//! Why a counter shows too much or too little: steps that counted twice, or are gone.

use std::collections::BTreeSet;

use super::answers::alone;
use super::context::{Context, served};
use crate::history::Operation;
use crate::identity::{Nanos, NodeId};
use crate::leadership::evidence::Evidence;
use crate::op::{Op, Outcome};
use crate::words;

/// The most steps of which it is tried what they add up to.
const STEPS: usize = 16;

/// A read that showed a wrong sum.
struct Sum<'a> {
    late: &'a Operation,
    /// How much is too much, or missing.
    amiss: i128,
    /// The steps in the direction that makes it so: those that counted twice, or are gone.
    steps: Vec<(i128, &'a Operation)>,
    /// When the last read of it was asked that ended before this one: that was right.
    right: Nanos,
}

impl<'a> Sum<'a> {
    /// The sum that is to be explained, if there is `too_much` of its steps; otherwise too little.
    fn of(context: &Context<'a>, too_much: bool) -> Option<Self> {
        let late = context.suspects()?.late?;
        let (end, ..) = late.ok()?;
        let on = || context.history.operations_on(late.op.key());
        let step = |operation: &'a Operation| match operation.op {
            Op::Increment { by, .. } if !operation.failed() => Some((i128::from(by), operation)),
            _ => None,
        };
        let mut steps: Vec<(i128, &Operation)> = on().filter_map(step).collect();
        let amiss = amiss(late, &steps)?;
        steps.retain(|(by, _)| (*by > 0) == ((amiss > 0) == too_much));
        steps.iter_mut().for_each(|(by, _)| *by = by.abs());
        let right = on().filter(|read| match read.ok() {
            Some((time, Outcome::Read { .. }, _)) => time < end,
            _ => false,
        });
        let right = right.map(|read| read.invoked.1).max().unwrap_or_default();
        Some(Self { late, amiss: amiss.abs(), steps, right })
    }

    /// The acknowledged steps that one node served, with when that was.
    fn served(&self, node: NodeId) -> impl Iterator<Item = (i128, Nanos, &'a Operation)> {
        let steps = self.steps.iter().filter(move |(_, step)| served(step) == Some(node));
        steps.filter_map(|(size, step)| Some((*size, step.ok()?.0, *step)))
    }
}

/// By how much `late` showed more than all that had been asked for by its end, or, if negative, less
/// than all that had been acknowledged before it was asked; steps down the other way round.
fn amiss(late: &Operation, steps: &[(i128, &Operation)]) -> Option<i128> {
    let (end, outcome, _) = late.ok()?;
    let Outcome::Read { value: Some(shown) } = outcome else { return None };
    let bound = |most: bool| -> i128 {
        let before = |step: &Operation| step.ok().is_some_and(|(time, ..)| time < late.invoked.1);
        let counts = |(by, step): &&(i128, &Operation)| match (*by > 0) == most {
            true => step.invoked.1 <= end,
            false => before(step),
        };
        steps.iter().filter(counts).map(|(by, _)| by).sum()
    };
    let shown = i128::from(shown.as_int()?);
    let (over, under) = (shown - bound(true), shown - bound(false));
    [over.max(0), under.min(0)].into_iter().find(|by| *by != 0)
}

/// Steps were carried out again by a new leader.
///
/// Must hold: after the last read that was right was asked, another node led a higher generation, by
/// proof; steps that were open meanwhile add up to what is too much. Refuted by: open steps that
/// cannot add up to it.
pub(super) fn counted_twice(context: &Context<'_>) -> Option<String> {
    let sum = Sum::of(context, true)?;
    let end = sum.late.ok()?.0;
    let fits = |(old, new): &(&Evidence, &Evidence)| {
        let open = sum.steps.iter().filter(|(_, step)| {
            let over = step.ok().is_some_and(|(time, ..)| time < old.time);
            step.invoked.1 <= new.time && !over
        });
        new.time > sum.right && old.time <= end && adds_up(open.map(|(size, _)| *size), sum.amiss)
    };
    let (old, new) = changes(&context.evidence).into_iter().find(fits)?;
    Some(format!(
        "{} led generation {} after {} by {}, and increments that were open meanwhile add up to the \
         {} too many. What is handed on to a new leader, and is not told from its repetition, counts \
         twice.",
        new.node,
        new.proves_leading()?,
        old.node,
        words::at(new.time),
        sum.amiss
    ))
}

/// Every change of leaders: the last proof of the old one and the first of a new one.
pub(super) fn changes(evidence: &[Evidence]) -> Vec<(&Evidence, &Evidence)> {
    let (mut last, mut changes) = (None::<&Evidence>, Vec::new());
    for seen in evidence.iter().filter(|seen| seen.proves_leading().is_some()) {
        match last.filter(|old| old.proves_leading() < seen.proves_leading()) {
            Some(old) if old.node != seen.node => changes.push((old, seen)),
            None if last.is_some_and(|old| old.proves_leading() > seen.proves_leading()) => {
                continue;
            }
            _ => {}
        }
        last = Some(seen);
    }
    changes
}

/// Whether some of these sizes add up to `total`.
fn adds_up(sizes: impl Iterator<Item = i128>, total: i128) -> bool {
    let mut sums = BTreeSet::from([0]);
    for size in sizes.take(STEPS) {
        let more: Vec<i128> = sums.iter().map(|sum| sum + size).collect();
        sums.extend(more);
    }
    sums.contains(&total)
}

/// Steps were acknowledged by a node cut from the majority.
///
/// Must hold: the steps that a node was asked for and acknowledged while it was cut off, by proof,
/// come to what is missing. Refuted by: another sum.
pub(super) fn acknowledged_alone(context: &Context<'_>) -> Option<String> {
    let sum = Sum::of(context, false)?;
    context.nodes.iter().find_map(|node| {
        let cut = |(_, time, step): &(i128, Nanos, &Operation)| {
            alone(context, *node, (step.invoked.1, *time))
        };
        let lost: Vec<_> = sum.served(*node).filter(|step| cut(step).is_some()).collect();
        let (fault, majority) = cut(lost.first()?)?;
        let total: i128 = lost.iter().map(|(size, ..)| size).sum();
        (total == sum.amiss).then(|| {
            format!(
                "{node} acknowledged increments of {total} together while it was cut from the \
                 majority {majority} (fault {}): as much as is missing. An acknowledgement without a \
                 quorum is lost when the others go on.",
                fault.id
            )
        })
    })
}

/// The node that had acknowledged the last steps was restarted.
///
/// Must hold: a proven kill or power failure of a node, after the last read that was right was
/// asked, and its start before this one ended; the last steps that it had acknowledged come to what
/// is missing, as a restart takes the latest first. Refuted by: another sum.
pub(super) fn lost_in_restart(context: &Context<'_>) -> Option<String> {
    let sum = Sum::of(context, false)?;
    let end = sum.late.ok()?.0;
    context.nodes.iter().find_map(|node| {
        let downs = context.downs(*node, (sum.right, end));
        let mut back = downs.filter(|down| down.back.is_some_and(|at| at <= end));
        back.find_map(|down| {
            let mut steps: Vec<(Nanos, i128)> = sum
                .served(*node)
                .filter(|(_, time, _)| *time < down.from)
                .map(|(size, time, _)| (time, size))
                .collect();
            steps.sort_unstable();
            let mut lost = 0;
            let so_far = steps.iter().rev().map(|(_, size)| {
                lost += size;
                lost
            });
            let count = 1 + { so_far }.position(|lost| lost == sum.amiss)?;
            let last = if count == 1 { "increment" } else { "increments" };
            Some(format!(
                "{node}, which had acknowledged {count} {last} of {} together last, {}: as much as \
                 is missing. {}",
                sum.amiss,
                down.clause(),
                down.takes()
            ))
        })
    })
}
