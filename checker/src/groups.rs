//! One check, asked of each group of nodes by itself.

use crate::history::History;
use crate::text::Text;
use crate::verdict::CheckResult;

/// What `check` says of `history`; where its nodes are in several groups, of each of them, with the
/// group named in every sentence and before every number.
pub(crate) fn each(history: &History, check: impl Fn(&History) -> CheckResult) -> CheckResult {
    let groups = history.groups();
    if groups.len() < 2 {
        return check(history);
    }
    let judged = groups.into_iter().map(|group| named(group, check(&history.of_group(group))));
    let mut all = judged.reduce(merged).unwrap_or_default();
    all.anomalies.sort_by_key(|anomaly| anomaly.window.1);
    all.not_checked.push("generations in answers of operations, which tell no group".to_owned());
    all
}

/// The same, said of a group.
fn named(group: Option<&Text>, mut result: CheckResult) -> CheckResult {
    let (of, before) = match group {
        Some(group) => (format!("group {group:?}"), format!("{}/", &**group)),
        None => ("no group".to_owned(), String::new()),
    };
    for anomaly in &mut result.anomalies {
        anomaly.headline = format!("{}, in {of}", anomaly.headline);
    }
    for text in
        result.suspicions.iter_mut().chain(&mut result.reasons).chain(&mut result.not_checked)
    {
        *text = format!("in {of}: {text}");
    }
    let metrics = std::mem::take(&mut result.metrics).into_iter();
    result.metrics = metrics.map(|(name, number)| (format!("{before}{name}"), number)).collect();
    result
}

/// Both as one, under the name of the first.
pub(crate) fn merged(mut first: CheckResult, second: CheckResult) -> CheckResult {
    first.status = first.status.max(second.status);
    first.anomalies.extend(second.anomalies);
    first.suspicions.extend(second.suspicions);
    first.reasons.extend(second.reasons);
    first.not_checked.extend(second.not_checked);
    first.metrics.extend(second.metrics);
    first
}
