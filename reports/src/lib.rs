//! Writes down what a run found: a page to read, and files for machines.
//!
//! A run record, a history and a verdict go in, texts come out. This crate has no clock and no
//! network, writes no file, and never influences a verdict: it only shows one. Everything that
//! came from a system under test is untrusted and is shown escaped.

mod findings;
mod fingerprint;
mod html;
mod interval;
mod junit;
mod kinds;
mod leaders;
mod lives;
mod metrics;
mod nights;
mod record;
mod results;
mod run;
mod summary;
mod tally;
mod text;
mod words;

pub use findings::{Finding, findings};
pub use html::html;
pub use interval::interval;
pub use junit::junit;
pub use nights::{Diff, INDEX_SCHEMA, Index, Stored, Unread, index_html, index_json, index_text};
pub use record::{
    Ended, Host, NextProgram, PlanRow, RUN_SCHEMA, Replays, RunRecord, TargetInfo, Tool,
};
pub use results::RESULTS_SCHEMA;
pub use run::Run;
pub use summary::{MAX_SUMMARY_BYTES, summary};

/// One output: its file name, what it is, and the function that writes it.
pub type File = (&'static str, &'static str, fn(&Run<'_>) -> String);

/// Every output, in the order in which lists show them.
pub const FILES: &[File] = &[
    ("report.html", "the page to read; one file, works offline", html),
    ("results.json", "the verdict and the numbers, for programs", results_json),
    ("junit.xml", "one test case per check, for continuous integration", junit),
    ("summary.md", "a short form in Markdown, for job summaries", summary),
    ("metrics.prom", "the numbers, for a textfile collector of Prometheus", metrics::metrics),
];

/// `results.json`: the verdict, the findings and the numbers, with the names of all outputs.
#[must_use]
pub fn results_json(run: &Run<'_>) -> String {
    results::json(run, FILES.iter().map(|(name, content, _)| (*name, *content)).collect())
}
