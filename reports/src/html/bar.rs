//! The verdict bar, which stays on top, and the notices beneath it: what a reader must know first.

use fracas_checker::verdict::Status;
use maud::{Markup, html};

use super::page::{Page, left_out, long, short};
use crate::findings::missing;
use crate::record::Ended;
use crate::text::{count, minutes};
use crate::words;

/// How many characters of a binary's hash are shown.
const HASH: usize = 8;

/// The verdict, the headline, the facts of the run, and where to go.
pub(super) fn header(page: &Page<'_>) -> Markup {
    let verdict = page.run.verdict;
    let (word, glyph) = words::verdict(verdict.status);
    html! {
        header.bar.(verdict.status) {
            div.line {
                p.verdict { span.glyph aria-hidden="true" { (glyph) } " " (word) }
                h1 title=(crate::text::clean(&verdict.headline, crate::text::SENTENCE)) {
                    (long(&verdict.headline))
                }
                button.js #theme type="button" { "theme" }
            }
            ul.chips { @for (name, value) in chips(page) {
                li { span { (name) } " " (short(&value)) }
            } }
            (navigation(page))
        }
    }
}

fn navigation(page: &Page<'_>) -> Markup {
    let anomalies = match page.findings.iter().map(|finding| finding.all().count()).sum() {
        0_usize => None,
        1 => Some("1 anomaly".to_owned()),
        more => Some(format!("{more} anomalies")),
    };
    html! {
        nav aria-label="Sections" {
            @if let Some(anomalies) = anomalies { a href="#anomalies" { (anomalies) } }
            a href="#timeline" { "timeline" }
            a href="#rates" { "rate and latency" }
            a href="#faults" { "faults" }
            a href="#cluster" { "leaders" }
            a href="#checks" { "checks" }
            a href="#reproduce" { "reproduce" }
        }
    }
}

fn chips(page: &Page<'_>) -> Vec<(&'static str, String)> {
    let (record, target, tally) = (page.run.record, &page.run.record.target, &page.tally);
    let version = target.version.as_deref().unwrap_or("of unknown version");
    let hash: String = target.binary_sha256.chars().take(HASH).collect();
    let unknown = tally.info + tally.open;
    let proven = page.faults.iter().filter(|span| span.is_effective()).count() as u64;
    let faults = page.faults.len() as u64;
    let mut chips = vec![
        ("target", format!("{} {version}", target.name)),
        ("sha256", hash),
        ("workload", record.workloads.join(", ")),
        ("seed", record.seed.to_string()),
        ("nodes", target.nodes.to_string()),
        ("clients", record.clients.to_string()),
        ("duration", record.duration_s.map_or_else(|| "unknown".to_owned(), minutes)),
        ("ok", count(tally.ok)),
        ("failed", count(tally.fail)),
        ("unknown", count(unknown)),
        (
            "faults",
            if faults == 0 { "none".into() } else { format!("{proven} of {faults} proven") },
        ),
    ];
    chips.retain(|(_, value)| !value.is_empty());
    chips
}

/// What weakens or colours the verdict: how the run ended, and what was missing.
pub(super) fn notices(page: &Page<'_>) -> Markup {
    let run = &page.run;
    let missing = missing(run);
    html! {
        @if run.record.ended != Ended::Finished {
            p.notice.bad role="alert" { strong { "! " } (long(&run.record.ended.to_string())) "." }
        }
        @if run.torn || run.history.is_torn() {
            p.notice {
                strong { "! " } "The last line of the history was cut off in the middle and has been "
                "dropped. Everything before it is whole."
            }
        }
        @if run.verdict.status == Status::Inconclusive { (lacking(&missing)) }
    }
}

fn lacking(missing: &[(&str, &str)]) -> Markup {
    html! {
        section.notice.lacking {
            h2 { "What was missing for a verdict" }
            p { "Nothing was refuted, but that is no pass: too little is known." }
            @if missing.is_empty() { p { "No check ran." } }
            ul { @for (check, reason) in missing.iter().take(MAX_MISSING) {
                li { code { (short(check)) } " – " (long(reason)) }
            } }
            @if let Some(note) = left_out(missing.len(), MAX_MISSING) { p.note { (note) } }
        }
    }
}

/// How many reasons are listed on top.
const MAX_MISSING: usize = 50;
