//! Committed entries of a replicated log, where they are visible: one place, one entry.
//!
//! Once committed, an entry stays, on every node and through every generation. So it does not
//! matter who told of it, nor when: all that is ever told of one index must agree, in generation
//! and in content. What was told without its content is compared by generation alone.
//!
//! Entries that are not known to be committed are no evidence: a follower may hold another one
//! there until it is overwritten, and has broken no promise.

use std::collections::BTreeMap;

use super::findings::Findings;
use crate::catalogue::LOG_DIVERGENCE;
use crate::event::{Event, EventKind, Nanos};
use crate::history::History;
use crate::observation::{LogEntry, Observation};
use crate::story::{Fact, Shown};
use crate::verdict::Anomaly;
use crate::words;

/// One entry as one node told of it.
#[derive(Clone, Copy)]
struct Report<'a> {
    index: u64,
    time: Nanos,
    seen: &'a Observation,
    entry: &'a LogEntry,
}

/// What is known of one place of the log: who first told its generation, and its content.
type Place<'a> = (Report<'a>, Option<Report<'a>>);

/// Adds the first place of the log at which nodes do not agree; what follows it rests on it.
pub(super) fn judge(history: &History, findings: &mut Findings) {
    let mut places: BTreeMap<u64, Place<'_>> = BTreeMap::new();
    let mut diverged: BTreeMap<u64, [Report<'_>; 2]> = BTreeMap::new();
    for report in history.others().iter().filter_map(report) {
        let (first, content) = places.entry(report.entry.index).or_insert((report, None));
        let content = report.entry.value.is_some().then(|| *content.get_or_insert(report));
        let known = [Some(*first), content];
        if let Some(other) =
            known.into_iter().flatten().find(|other| !agree(other.entry, report.entry))
        {
            diverged.entry(report.entry.index).or_insert([other, report]);
        }
    }
    let also = diverged.len().saturating_sub(1);
    let anomalies = diverged.into_iter().take(1);
    let anomalies = anomalies.map(|(index, both)| anomaly(history, index, both, also)).collect();
    findings.add("logs that do not agree", anomalies, Vec::new());
}

fn report(event: &Event) -> Option<Report<'_>> {
    let EventKind::Observe(seen) = &event.kind else { return None };
    let entry = seen.entry.as_ref().filter(|_| seen.grade.proves())?;
    Some(Report { index: event.index, time: event.time, seen, entry })
}

/// Whether two tellings of one place may be of the same entry.
fn agree(first: &LogEntry, second: &LogEntry) -> bool {
    let contents = first.value.as_ref().zip(second.value.as_ref());
    first.generation == second.generation && contents.is_none_or(|(first, second)| first == second)
}

/// An entry in words.
fn words_of(entry: &LogEntry) -> String {
    let generation = entry.generation;
    match &entry.value {
        Some(value) => format!("{value} of generation {generation}"),
        None => format!("an entry of generation {generation}"),
    }
}

fn fact(report: &Report<'_>) -> Fact {
    let (node, entry) = (report.seen.node, report.entry);
    let time = words::over(report.seen.since, report.time);
    let words = words_of(entry);
    let index = entry.index;
    (
        report.seen.since,
        format!("{node} told {time} that it holds {words}, committed, at index {index}."),
    )
}

fn anomaly(history: &History, index: u64, both: [Report<'_>; 2], also: usize) -> Anomaly {
    let [first, second] = both;
    let further = match also {
        0 => String::new(),
        1 => "; they differ at 1 later index too".to_owned(),
        _ => format!("; they differ at {also} later indices too"),
    };
    Shown {
        class: LOG_DIVERGENCE,
        headline: format!(
            "Logs diverge: at index {index} {} holds {}, and {} holds {}{further}",
            first.seen.node,
            words_of(first.entry),
            second.seen.node,
            words_of(second.entry)
        ),
        facts: both.iter().map(fact).collect(),
        because: format!(
            "Both told that the entry is committed, and what is committed stays: index {index} \
             must hold the same on every node for ever."
        ),
        likely_cause: None,
        witness: both.iter().map(|report| report.index).collect(),
        key: None,
        nodes: both.iter().map(|report| report.seen.node).collect(),
        generation: both.iter().map(|report| report.entry.generation).max(),
        window: (first.seen.since.min(second.seen.since), first.time.max(second.time)),
        moment: first.time.max(second.time),
    }
    .anomaly(history)
}
