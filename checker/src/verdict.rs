//! Verdicts: what a check says of a history.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::catalogue::gravity;
use crate::event::{Key, Nanos, NodeId};
use crate::guarantees::Guarantee;
use crate::history::History;
use crate::tried::Tried;

/// The three answers of a check. They merge by taking the worst: pass < inconclusive < anomaly.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default,
)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// The promise held, and enough was seen to say so.
    #[default]
    Pass,
    /// Nothing was refuted, but not enough is known: a budget ran out, there was too little
    /// traffic, or too few faults were proven.
    Inconclusive,
    /// The promise was broken, and a witness shows how.
    Anomaly,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pass => "pass",
            Self::Inconclusive => "inconclusive",
            Self::Anomaly => "anomaly",
        })
    }
}

/// A broken promise, with what shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anomaly {
    /// Its name from a fixed catalogue, such as `stale-read` or `split-brain`.
    pub class: String,
    /// One sentence that says what happened, with who, what and when.
    pub headline: String,
    /// The facts in order of time, one plain sentence each, at most nine.
    pub story: Vec<String>,
    /// A likely cause, only ever from a fixed table of rules; not a fact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub likely_cause: Option<String>,
    /// For each order that might have explained the history, why it does not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refuted: Vec<Refutation>,
    /// The indices of the events that show it: for an operation its invocation and completion.
    pub witness: Vec<u64>,
    /// The longest legal order found, as invocation indices with the state after each; the
    /// operations of the witness only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prefix: Vec<Placed>,
    /// The object concerned, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Key>,
    /// The nodes concerned.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nodes: Vec<NodeId>,
    /// The generation concerned, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<u64>,
    /// From the first to the last event of the witness.
    pub window: (Nanos, Nanos),
    /// The other guarantees, the strongest first, and whether the object's whole history breaks
    /// them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub guarantees: Vec<Guarantee>,
}

/// Why one operation cannot come next in any legal order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refutation {
    /// The index of its invocation.
    pub op: u64,
    /// The reason: “here the register held 15”.
    pub reason: String,
}

/// One operation of a legal order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placed {
    /// The index of its invocation.
    pub op: u64,
    /// The state after it, in words.
    pub state: String,
}

/// What one check says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
pub struct CheckResult {
    /// Its stable name, such as `register/linearizable` or `leader/one-per-generation`.
    pub id: String,
    /// What it promises, in one sentence.
    pub promise: String,
    /// Its answer.
    pub status: Status,
    /// The broken promises, in order of time.
    pub anomalies: Vec<Anomaly>,
    /// What looks odd but is not proof; never changes the status.
    pub suspicions: Vec<String>,
    /// Why the answer is not conclusive.
    pub reasons: Vec<String>,
    /// What was not looked at: keys that ran out of budget, events of too low a grade.
    pub not_checked: Vec<String>,
    /// What the verdict rests on, such as “an indeterminate write may take effect at any later time”.
    pub assumptions: Vec<String>,
    /// Numbers worth showing, by name with the unit in it: `elections`, `time-to-leader-max-ms`.
    pub metrics: BTreeMap<String, f64>,
}

impl Anomaly {
    /// The same anomaly for a reader of the file of `history`: events have the numbers of their
    /// lines in the file. The writes that stand for initial contents are left out, because the file
    /// has no lines for them.
    #[must_use]
    pub fn in_file(&self, history: &History) -> Self {
        let witness = self.witness.iter().filter_map(|event| history.in_file(*event));
        let prefix = self.prefix.iter();
        let prefix = prefix.filter_map(|placed| {
            Some(Placed { op: history.in_file(placed.op)?, ..placed.clone() })
        });
        let refuted = self.refuted.iter();
        let refuted = refuted.filter_map(|refutation| {
            Some(Refutation { op: history.in_file(refutation.op)?, ..refutation.clone() })
        });
        Self {
            witness: witness.collect(),
            prefix: prefix.collect(),
            refuted: refuted.collect(),
            ..self.clone()
        }
    }
}

impl CheckResult {
    /// A check that has found nothing yet.
    #[must_use]
    pub fn new(id: &str, promise: &str) -> Self {
        Self { id: id.to_owned(), promise: promise.to_owned(), ..Self::default() }
    }

    /// Records a broken promise.
    pub fn anomaly(&mut self, anomaly: Anomaly) {
        self.status = Status::Anomaly;
        self.anomalies.push(anomaly);
    }

    /// Records why nothing certain can be said; an anomaly that was found stays one.
    pub fn inconclusive(&mut self, reason: impl Into<String>) {
        self.status = self.status.max(Status::Inconclusive);
        self.reasons.push(reason.into());
    }
}

/// What all checks say together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
pub struct Verdict {
    /// The worst of all checks. A verdict without checks is inconclusive.
    pub status: Status,
    /// One sentence for the top of the report.
    pub headline: String,
    /// Every check that ran, in a fixed order.
    pub checks: Vec<CheckResult>,
    /// Which faults were tried, where a plan says which were to be; none for histories of others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub faults: Option<Tried>,
}

impl Verdict {
    /// Merges the answers of all checks.
    #[must_use]
    pub fn of(checks: Vec<CheckResult>) -> Self {
        let status = checks.iter().map(|check| check.status).max().unwrap_or(Status::Inconclusive);
        let headline = headline(status, &checks);
        Self { status, headline, checks, faults: None }
    }

    /// The same verdict with the faults that were tried. The headline of a pass names them, because
    /// a pass says nothing of faults that never happened.
    #[must_use]
    pub fn with_faults(mut self, faults: Tried) -> Self {
        if self.status == Status::Pass {
            self.headline = format!("{} {}", self.headline, faults.kinds());
        }
        self.faults = Some(faults);
        self
    }

    /// The same verdict where no check looked at what clients were answered. The headline of a pass
    /// says so, because it says nothing of lost or stale data.
    #[must_use]
    pub fn without_answers(mut self) -> Self {
        if self.status == Status::Pass {
            self.headline = format!(
                "{} Nothing is promised of what clients are answered: this says nothing of it.",
                self.headline
            );
        }
        self
    }

    /// The same with every anomaly as [`Anomaly::in_file`] has it.
    #[must_use]
    pub fn in_file(mut self, history: &History) -> Self {
        let anomalies = self.checks.iter_mut().flat_map(|check| &mut check.anomalies);
        anomalies.for_each(|anomaly| *anomaly = anomaly.in_file(history));
        self
    }

    /// All anomalies of all checks, with the check that found them: the gravest class first, and
    /// of one class in order of time.
    pub fn anomalies(&self) -> impl Iterator<Item = (&CheckResult, &Anomaly)> {
        ranked(&self.checks).into_iter()
    }
}

/// All anomalies in the order in which every output tells them.
fn ranked(checks: &[CheckResult]) -> Vec<(&CheckResult, &Anomaly)> {
    let of = |check| move |found| (check, found);
    let mut all: Vec<_> =
        checks.iter().flat_map(|check| check.anomalies.iter().map(of(check))).collect();
    // Stable: what is equally grave and equally late stays in the order of the checks.
    all.sort_by_key(|(_, found)| (gravity(&found.class), found.window.1));
    all
}

/// The sentence that a reader sees first.
fn headline(status: Status, checks: &[CheckResult]) -> String {
    let anomaly = ranked(checks).first().map(|(_, anomaly)| *anomaly);
    let reason = checks.iter().flat_map(|check| &check.reasons).next();
    match (status, anomaly, reason) {
        (Status::Anomaly, Some(anomaly), _) => anomaly.headline.clone(),
        (Status::Inconclusive, _, Some(reason)) => format!("Not decided: {reason}."),
        (Status::Inconclusive, ..) => "Not decided: no check ran.".to_owned(),
        _ if checks.len() == 1 => format!("`{}` passed.", checks[0].id),
        _ => format!("All {} checks passed.", checks.len()),
    }
}
