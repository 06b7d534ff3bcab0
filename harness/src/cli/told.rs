//! A verdict for people on a terminal: what, the story, and why no other order explains it.
//!
//! Everything shown may quote a target or a foreign file, so all of it is made plain first.

use fracas_checker::formats::Recorded;
use fracas_checker::guarantees::sentence;
use fracas_checker::history::History;
use fracas_checker::{Anomaly, Verdict};
use fracas_reports::{Finding, findings};

use fracas_engine::text::plain;

/// How many findings are told in full; of the others there is the headline.
const IN_FULL: usize = 3;

/// How many steps of the longest legal order are shown: the last ones.
const STEPS: usize = 12;

/// The verdict on the history that `name` stands for.
pub(super) fn told(name: &str, verdict: &Verdict, recorded: &Recorded) -> String {
    let mut text = format!("{name}: {}: {}\n", verdict.status, plain(&verdict.headline));
    if recorded.torn {
        text.push_str("  the last line was cut off and left out\n");
    }
    for note in &recorded.notes {
        text.push_str(&format!("  note: {}\n", plain(note)));
    }
    for check in &verdict.checks {
        text.push_str(&format!("  {:<12} {}\n", check.status.to_string(), check.id));
        text.extend(check.reasons.iter().map(|reason| format!("    {}\n", plain(reason))));
        let odd = check.suspicions.iter();
        text.extend(odd.map(|odd| format!("    odd, but no proof: {}\n", plain(odd))));
    }
    for finding in findings(&recorded.history, verdict) {
        text.push_str(&told_finding(&finding, &recorded.history));
    }
    text
}

/// Anomalies of one fingerprint: the first few of all in full, of the others the headline.
fn told_finding(finding: &Finding<'_>, history: &History) -> String {
    let (number, found) = (finding.number, finding.anomaly);
    let more = finding.more().map_or_else(String::new, |more| format!(" ({more})"));
    let mut text = format!("  {number}. {}: {}{more}\n", found.class, plain(&found.headline));
    if number <= IN_FULL {
        let mut lines = found.story.clone();
        lines.extend(sentence(&found.guarantees));
        let cause = found.likely_cause.iter();
        lines.extend(cause.map(|cause| format!("Likely cause (not a fact): {cause}")));
        lines.extend(order(found, history));
        text.extend(lines.iter().map(|line| format!("     {}\n", plain(line))));
    }
    text
}

/// The longest legal order of the witness, and why nothing can come next.
fn order(found: &Anomaly, history: &History) -> Vec<String> {
    let asked = |index: u64| {
        let operations = history.operations();
        let place = operations.binary_search_by_key(&index, |operation| operation.invoked.0);
        place.map_or_else(|_| format!("event {index}"), |place| operations[place].op.to_string())
    };
    let mut lines = Vec::new();
    if !found.prefix.is_empty() {
        lines.push("the longest legal order of these operations:".to_owned());
        let before = found.prefix.len().saturating_sub(STEPS);
        if before > 0 {
            lines.push(format!("  … {before} before, then"));
        }
        let placed = (1..).zip(&found.prefix).skip(before);
        lines.extend(placed.map(|(place, placed)| {
            format!("  {place}. {}, then it {}", asked(placed.op), placed.state)
        }));
    }
    if !found.refuted.is_empty() {
        lines.push("what could come next, and why it cannot:".to_owned());
        let refuted = found.refuted.iter();
        lines.extend(
            refuted.map(|refutation| format!("  {}: {}", asked(refutation.op), refutation.reason)),
        );
    }
    lines
}
