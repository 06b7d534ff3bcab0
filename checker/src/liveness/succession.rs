//! Does a new leader come in time after a fault has hit the old one?
//!
//! It is an anomaly only if the plan sets a budget, and only where the cluster had every chance: the
//! fault was proven and lasted, no other fault touched the time from one budget before it to the
//! end of what is looked at, and it left a majority. Then each node of that majority was asked
//! after the budget had passed and answered that it leads no higher generation; and nothing, not
//! even hearsay, tells of a leader of one before. Where polls cannot tell, nothing is judged, and
//! the result says so.

use std::collections::BTreeMap;

use super::bound::MILLI;
use crate::catalogue::NO_LEADER_IN_TIME;
use crate::event::{Nanos, NodeId};
use crate::history::{FaultSpan, History};
use crate::leadership::evidence::Evidence;
use crate::leadership::timing::Hit;
use crate::leadership::{fact, hits};
use crate::observation::Source;
use crate::reach;
use crate::story::Shown;
use crate::verdict::{Anomaly, CheckResult};
use crate::words;

/// The most anomalies of this kind that are told.
const TOLD: usize = 10;

/// Adds faults after which no leader came within the budget of the plan.
pub(super) fn judge(
    history: &History,
    faults: &[FaultSpan],
    evidence: &[Evidence],
    result: &mut CheckResult,
) {
    let Some(budget) = history.header().plan.new_leader_ms else { return };
    let all = Signs::of(evidence);
    let succession =
        Succession { history, faults, signs: &all, budget: budget.saturating_mul(MILLI) };
    let hits = hits(&history.header().nodes, faults, evidence);
    let (mut late, mut unknown) = (Vec::new(), 0_usize);
    for hit in &hits {
        match succession.came(hit) {
            Came::InTime => {}
            Came::Unknown => unknown += 1,
            Came::Late(answers) => late.push(succession.anomaly(hit, &answers)),
        }
    }
    late.into_iter().take(TOLD).for_each(|anomaly| result.anomaly(anomaly));
    if unknown > 0 {
        result.not_checked.push(format!(
            "whether a new leader came in time after {unknown} of {} faults that hit one: the \
             cluster had not its full chance, or was not asked enough",
            hits.len()
        ));
    }
}

/// What answers and other signs tell, in order.
struct Signs<'a> {
    /// The atomic answers of each node.
    answers: BTreeMap<NodeId, Vec<&'a Evidence>>,
    /// For each generation that any sign, hearsay included, shows to be led: the earliest moment
    /// at which it, or a higher one, may have been.
    led: BTreeMap<u64, Nanos>,
}

impl<'a> Signs<'a> {
    fn of(evidence: &'a [Evidence]) -> Self {
        let mut answers: BTreeMap<NodeId, Vec<&Evidence>> = BTreeMap::new();
        let mut led: BTreeMap<u64, Nanos> = BTreeMap::new();
        for seen in evidence {
            if seen.grade.proves() && seen.source == Source::Poll && seen.role.is_some() {
                answers.entry(seen.node).or_default().push(seen);
            }
            if let Some(generation) = seen.leads() {
                let known = led.entry(generation).or_insert(seen.since);
                *known = seen.since.min(*known);
            }
        }
        answers.values_mut().for_each(|all| all.sort_by_key(|seen| (seen.since, seen.index)));
        let mut least = Nanos::MAX;
        for first in led.values_mut().rev() {
            least = least.min(*first);
            *first = least;
        }
        Self { answers, led }
    }

    /// The first answer of `node` to a question that was sent at `time` or later.
    fn answer(&self, node: NodeId, time: Nanos) -> Option<&'a Evidence> {
        let all = self.answers.get(&node)?;
        all.get(all.partition_point(|seen| seen.since < time)).copied()
    }
}

/// Whether a new leader came.
enum Came<'a> {
    InTime,
    Unknown,
    /// These answers show that it did not.
    Late(Vec<&'a Evidence>),
}

/// What judging a hit takes.
struct Succession<'a> {
    history: &'a History,
    faults: &'a [FaultSpan],
    signs: &'a Signs<'a>,
    budget: Nanos,
}

impl<'a> Succession<'a> {
    fn came(&self, hit: &Hit<'_>) -> Came<'a> {
        let Some((from, to)) = hit.span.effective.filter(|_| hit.span.is_effective()) else {
            return Came::Unknown;
        };
        let deadline = from.saturating_add(self.budget);
        let higher = hit.generation.checked_add(1).map(|next| self.signs.led.range(next..).next());
        if higher.flatten().is_some_and(|(_, first)| *first <= deadline) {
            return Came::InTime;
        }
        let nodes = &self.history.header().nodes;
        let Some(majority) = reach::majority(nodes, &[&hit.span.fault]) else {
            return Came::Unknown;
        };
        let answers = majority.iter().map(|node| self.signs.answer(*node, deadline));
        let Some(answers) = answers.collect::<Option<Vec<&Evidence>>>() else {
            return Came::Unknown;
        };
        let last = answers.iter().map(|seen| seen.time).max().unwrap_or(deadline);
        let leads = |seen: &&Evidence| seen.leads().is_some_and(|new| new > hit.generation);
        if last > to || answers.iter().any(leads) || self.disturbed(hit, last) {
            return Came::Unknown;
        }
        Came::Late(answers)
    }

    /// Whether another fault touched the time in which a leader had to come.
    fn disturbed(&self, hit: &Hit<'_>, last: Nanos) -> bool {
        let from = hit.span.begin.1.saturating_sub(self.budget);
        let touches = |span: &FaultSpan| {
            let (begin, end) = span.window(self.history.end());
            span.id != hit.span.id && begin <= last && from <= end
        };
        self.faults.iter().any(touches)
    }

    fn anomaly(&self, hit: &Hit<'_>, answers: &[&Evidence]) -> Anomaly {
        let Hit { span, leader, generation, index } = hit;
        let nodes: Vec<NodeId> = answers.iter().map(|seen| seen.node).collect();
        let allowed = words::lasting(self.budget);
        let (from, _) = span.effective.unwrap_or((span.begin.1, span.begin.1));
        let end = answers.iter().map(|seen| seen.time).max().unwrap_or(from);
        let witness = answers.iter().map(|seen| seen.index).chain([span.begin.0, *index]);
        Shown {
            class: NO_LEADER_IN_TIME,
            headline: format!(
                "No leader in time: {allowed} after fault {} had hit {leader}, the leader of \
                 generation {generation}, at {}, no other node led a higher one",
                span.id,
                words::at(from)
            ),
            facts: answers.iter().map(|seen| fact(seen)).collect(),
            because: format!(
                "{} were up and connected all the time; by {} one of them must have led.",
                words::list(&nodes),
                words::at(from.saturating_add(self.budget))
            ),
            likely_cause: None,
            witness: witness.collect(),
            key: None,
            nodes: nodes.iter().copied().chain([*leader]).collect(),
            generation: Some(*generation),
            window: (span.begin.1, end),
            moment: end,
        }
        .anomaly(self.history)
    }
}
