//! The anomalies of a verdict, grouped by fingerprint, ordered and numbered: every output tells them
//! in this order, and the first is the one of the headline.

use fracas_checker::Verdict;
use fracas_checker::hallmark::Hallmarks;
use fracas_checker::history::History;
use fracas_checker::verdict::{Anomaly, CheckResult, Status};

use crate::fingerprint::fingerprint;
use crate::run::Run;

/// Anomalies of one fingerprint.
#[derive(Debug)]
pub struct Finding<'a> {
    /// Its number in this report, from 1: the gravest first.
    pub number: usize,
    /// The check that found them.
    pub check: &'a CheckResult,
    /// The first of them, which is told in full.
    pub anomaly: &'a Anomaly,
    /// The others, in order of time.
    pub alike: Vec<&'a Anomaly>,
    /// The name under which the same defect is found again.
    pub fingerprint: String,
    /// What else than the check and the class went into it.
    pub hallmarks: Vec<String>,
}

impl Finding<'_> {
    /// All of them, the first included.
    pub fn all(&self) -> impl Iterator<Item = &Anomaly> {
        std::iter::once(self.anomaly).chain(self.alike.iter().copied())
    }

    /// How many more there are, in words; none if it is the only one.
    #[must_use]
    pub fn more(&self) -> Option<String> {
        let more = self.alike.len();
        (more > 0).then(|| format!("and {more} more like it"))
    }
}

/// All anomalies of `verdict` on `history`, the gravest first.
#[must_use]
pub fn findings<'a>(history: &History, verdict: &'a Verdict) -> Vec<Finding<'a>> {
    let mut findings: Vec<Finding<'a>> = Vec::new();
    let marks = Hallmarks::new(history);
    for (check, anomaly) in verdict.anomalies() {
        let hallmarks = marks.of(anomaly);
        let fingerprint = fingerprint(&check.id, anomaly, &hallmarks);
        match findings.iter_mut().find(|known| known.fingerprint == fingerprint) {
            Some(known) => known.alike.push(anomaly),
            None => {
                let number = findings.len() + 1;
                let alike = Vec::new();
                findings.push(Finding { number, check, anomaly, alike, fingerprint, hallmarks });
            }
        }
    }
    findings
}

/// What was missing for a verdict: every reason of every check that has one, with the check's name.
pub(crate) fn missing<'a>(run: &Run<'a>) -> Vec<(&'a str, &'a str)> {
    run.verdict
        .checks
        .iter()
        .filter(|check| check.status == Status::Inconclusive)
        .flat_map(|check| check.reasons.iter().map(|reason| (check.id.as_str(), reason.as_str())))
        .collect()
}
