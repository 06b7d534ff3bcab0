//! What a check says of a history of the small language, with what holds of every anomaly.

use fracas_checker::budget::Budget;
use fracas_checker::judge;
use fracas_checker::verdict::CheckResult;

use super::language::history;

/// What the check `id` says of the history `text`.
#[track_caller]
pub(crate) fn result(id: &str, checks: &[&str], text: &str) -> CheckResult {
    let history = history(text, checks);
    let verdict = judge(&history, Budget::unlimited_time());
    let events = history.events().len() as u64;
    for (_, anomaly) in verdict.anomalies() {
        assert!((2..=9).contains(&anomaly.story.len()), "{:#?}", anomaly.story);
        assert!(!anomaly.witness.is_empty() && anomaly.witness.is_sorted());
        assert!(anomaly.witness.iter().all(|index| *index < events));
        assert!(anomaly.window.0 <= anomaly.window.1, "{:?}", anomaly.window);
        assert!(fracas_checker::catalogue::explain(&anomaly.class).is_some());
    }
    verdict.checks.into_iter().find(|check| check.id == id).expect("the check ran")
}

/// The classes of the anomalies; without any, the status.
pub(crate) fn told(result: &CheckResult) -> String {
    let classes: Vec<&str> =
        result.anomalies.iter().map(|anomaly| anomaly.class.as_str()).collect();
    if classes.is_empty() { result.status.to_string() } else { classes.join(" ") }
}
