//! What a report is made of.

use fracas_checker::Verdict;
use fracas_checker::event::{EventKind, Nanos};
use fracas_checker::history::History;

use crate::record::RunRecord;

/// All that is known of one run.
#[derive(Debug, Clone, Copy)]
pub struct Run<'a> {
    /// What was decided beforehand, and how it ended.
    pub record: &'a RunRecord,
    /// What happened.
    pub history: &'a History,
    /// What the checks say of it.
    pub verdict: &'a Verdict,
    /// Whether the last line of the history was cut off and had to be dropped.
    pub torn: bool,
}

/// What the harness noted, and when. Such a text may quote a target.
pub(crate) fn notes(history: &History) -> impl Iterator<Item = (Nanos, &str)> {
    history.events().iter().filter_map(|event| match &event.kind {
        EventKind::Note { text, .. } => Some((event.time, text.as_str())),
        _ => None,
    })
}
