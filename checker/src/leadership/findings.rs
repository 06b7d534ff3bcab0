//! What the parts of the check have found, and how evidence is told.

use super::evidence::Evidence;
use crate::story::Fact;
use crate::verdict::Anomaly;
use crate::words;

/// The most anomalies and suspicions of one kind that are told; the rest is counted.
const TOLD: usize = 10;

/// What the parts of the check have found.
#[derive(Default)]
pub(super) struct Findings {
    pub(super) anomalies: Vec<Anomaly>,
    pub(super) suspicions: Vec<String>,
}

impl Findings {
    /// Adds what one part found; of many alike only the first are told.
    pub(super) fn add(&mut self, kind: &str, anomalies: Vec<Anomaly>, suspicions: Vec<String>) {
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

/// One piece of evidence in words.
pub(crate) fn fact(seen: &Evidence) -> Fact {
    let claim = match (seen.leads(), seen.generation, seen.voted) {
        (_, Some(generation), Some(candidate)) => {
            format!("had voted for {candidate} in generation {generation}")
        }
        (Some(generation), ..) => format!("led generation {generation}"),
        (None, Some(generation), None) => format!("was in generation {generation}"),
        (None, None, _) => "told no generation".to_owned(),
    };
    let (node, source) = (seen.node, seen.source_words());
    let moment = words::within(seen.since, seen.time);
    (seen.since, format!("{node} {claim} {moment}, says {source}."))
}
