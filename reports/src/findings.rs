//! The anomalies of a verdict, numbered and named: every output lists them the same way.

use fracas_checker::verdict::{Anomaly, CheckResult, Status};

use crate::Run;
use crate::fingerprint::fingerprint;

/// One anomaly, as every output shows it.
pub(crate) struct Finding<'a> {
    /// Its number in this report, from 1.
    pub(crate) number: usize,
    pub(crate) check: &'a CheckResult,
    pub(crate) anomaly: &'a Anomaly,
    pub(crate) fingerprint: String,
}

/// All anomalies in the order of the checks.
pub(crate) fn findings<'a>(run: &Run<'a>) -> Vec<Finding<'a>> {
    let finding = |(place, (check, anomaly)): (usize, (&'a CheckResult, &'a Anomaly))| Finding {
        number: place + 1,
        check,
        anomaly,
        fingerprint: fingerprint(&check.id, anomaly, run.history),
    };
    run.verdict.anomalies().enumerate().map(finding).collect()
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
