//! One leader per generation, and what follows from it.
//!
//! Judged over the whole run, restarts included. Two leaders of different generations at the same
//! moment are legal, and a node that tells no role or no generation is unknown, not a leader.
//! Evidence that cannot prove raises a suspicion at most.

mod acks;
pub mod evidence;
mod monotone;
mod reigns;
pub(crate) mod timing;

use evidence::{Evidence, evidence};

use crate::budget::Budget;
use crate::event::{Nanos, Op, Outcome};
use crate::history::History;
use crate::linearizability::call::Call;
use crate::linearizability::search_linearizable;
use crate::models::Leaders;
use crate::story::Fact;
use crate::verdict::{Anomaly, CheckResult};
use crate::words;

pub(crate) use reigns::first_led;
pub use reigns::{Split, splits};

/// The name of the check.
pub const ID: &str = "leader/one-per-generation";

/// What it promises.
pub const PROMISE: &str = "a generation has at most one leader, no node goes back in generation, and what a deposed \
     leader acknowledged is not lost";

/// What a pass or an anomaly rests on.
const ASSUMPTIONS: [&str; 2] = [
    "what a node says of its own role and generation in one answer is of one moment",
    "log lines of a node are in the order in which it wrote them",
];

/// The most anomalies and suspicions of one kind that are told; the rest is counted.
const TOLD: usize = 10;

/// Judges who led when, by everything that `history` tells of it.
#[must_use]
pub fn check(history: &History, _: &Budget<'_>) -> CheckResult {
    let mut result = CheckResult::new(ID, PROMISE);
    result.assumptions = ASSUMPTIONS.map(str::to_owned).to_vec();
    let evidence = evidence(history);
    if !evidence.iter().any(|seen| seen.proves_leading().is_some()) {
        result
            .inconclusive("no node was seen to lead a generation, so nothing is known of leaders");
    }
    let mut found = Found::default();
    reigns::judge(history, &evidence, &mut found);
    monotone::judge(history, &evidence, &mut found);
    acks::judge(history, &mut found);
    found.anomalies.sort_by_key(|anomaly| anomaly.window.1);
    found.anomalies.into_iter().for_each(|anomaly| result.anomaly(anomaly));
    result.suspicions = found.suspicions;
    let weak = evidence.iter().filter(|seen| !seen.grade.proves()).count();
    if weak > 0 {
        result.not_checked.push(format!("{weak} observations that are hearsay only"));
    }
    result.metrics = timing::metrics(history, &evidence);
    result
}

/// What the parts of the check have found.
#[derive(Default)]
struct Found {
    anomalies: Vec<Anomaly>,
    suspicions: Vec<String>,
}

impl Found {
    /// Adds what one part found; of many alike only the first are told.
    fn add(&mut self, kind: &str, anomalies: Vec<Anomaly>, suspicions: Vec<String>) {
        let beyond = anomalies.len().saturating_sub(TOLD);
        if beyond > 0 {
            self.suspicions.push(format!("{beyond} more anomalies: {kind}"));
        }
        self.anomalies.extend(anomalies.into_iter().take(TOLD));
        let beyond = suspicions.len().saturating_sub(TOLD);
        self.suspicions.extend(suspicions.into_iter().take(TOLD));
        if beyond > 0 {
            self.suspicions.push(format!("{beyond} more suspicions: {kind}"));
        }
    }
}

/// Whether the proven claims in `evidence` are legal, asked as a sequential model instead: each is
/// an operation over the span in which it was true. None if the budget ran out.
///
/// The check does not use it; it exists so that the two can be held against each other.
#[must_use]
pub fn legal_by_model(evidence: &[Evidence], budget: &Budget<'_>) -> Option<bool> {
    let claims: Vec<(Op, Nanos, Nanos)> = evidence
        .iter()
        .filter_map(|seen| {
            let generation = seen.proves_leading()?;
            Some((Op::Claim { generation, node: seen.node }, seen.since, seen.time))
        })
        .collect();
    let calls: Vec<Call<'_>> = claims
        .iter()
        .zip(0..)
        .map(|((op, since, time), id)| Call {
            id,
            op,
            outcome: Some(&Outcome::Claim),
            start: *since,
            end: Some(*time),
        })
        .collect();
    search_linearizable::<Leaders>(&calls, budget)
}

/// One piece of evidence in words.
pub(crate) fn fact(seen: &Evidence) -> Fact {
    let what = match (seen.leads(), seen.generation) {
        (Some(generation), _) => format!("led generation {generation}"),
        (None, Some(generation)) => format!("was in generation {generation}"),
        (None, None) => "told no generation".to_owned(),
    };
    let (node, source) = (seen.node, seen.source_words());
    let (since, time) = (words::at(seen.since), words::at(seen.time));
    (seen.since, format!("{node} {what} at a moment from {since} to {time}, says {source}."))
}
