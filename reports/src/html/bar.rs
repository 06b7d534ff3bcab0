//! The head of the page: the verdict, the facts of the run, where to go, and the notices: what a
//! reader must know first. Nothing in it is ever cut off, on however small a screen.

use fracas_checker::verdict::Status;
use maud::{Markup, html};

use super::page::{Page, left_out, long, short};
use crate::findings::missing;
use crate::kinds::proven;
use crate::record::{Ended, TargetInfo};
use crate::text::{SENTENCE, clean, count, minutes};
use crate::words::{headline, outcome};

/// How many characters of a binary's hash are shown.
const HASH: usize = 8;

/// The verdict, the headline and the facts of the run; beneath it where to go, which stays on top.
pub(super) fn header(page: &Page<'_>) -> Markup {
    let outcome = outcome(&page.run);
    html! {
        header.bar.(outcome.class) {
            div.line {
                p.verdict { span.glyph aria-hidden="true" { (outcome.glyph) } " " (outcome.word) }
                h1 { (long(&headline(&page.run))) }
                button.js #theme type="button" { "theme" }
            }
            ul.chips { @for (name, value) in chips(page) {
                li { span { (name) } " " (short(&value)) }
            } }
            (kinds(page))
        }
        (navigation(page, outcome.class))
    }
}

fn navigation(page: &Page<'_>, class: &str) -> Markup {
    let anomalies = match page.findings.iter().map(|finding| finding.all().count()).sum() {
        0_usize => None,
        1 => Some("1 anomaly".to_owned()),
        more => Some(format!("{more} anomalies")),
    };
    html! {
        nav.(class) aria-label="Sections" {
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
    let unknown = if target.version.is_none() { " (version unknown)" } else { "" };
    let hash: String = target.binary_sha256.chars().take(HASH).collect();
    let mut chips = vec![
        ("target", format!("{}{unknown}", target.called())),
        ("sha256", hash),
        ("upgraded to", next(target).unwrap_or_default()),
        ("workload", record.workloads.join(", ")),
        ("seed", record.seed.to_string()),
        ("nodes", target.nodes.to_string()),
        ("clients", record.clients.to_string()),
        ("duration", record.duration_s.map_or_else(|| "unknown".to_owned(), minutes)),
        ("ok", count(tally.ok)),
        ("refused", count(tally.fail)),
        ("unknown", count(tally.info + tally.open)),
        ("faults", proven(&page.faults)),
    ];
    chips.retain(|(_, value)| !value.is_empty());
    chips
}

/// The program that nodes may have come back with: its version, and the begin of its digest.
fn next(target: &TargetInfo) -> Option<String> {
    let next = target.next.as_ref()?;
    let hash: String = next.binary_sha256.chars().take(HASH).collect();
    let version = next.version.as_deref().unwrap_or("version unknown").trim();
    Some(format!("{version} ({hash})"))
}

/// What this run can say nothing of: it stands beside the verdict, whatever that is.
fn kinds(page: &Page<'_>) -> Markup {
    let lacking = &page.run.record.host.lacking;
    html! {
        @if let Some(untried) = page.kinds.untried() {
            p.untried { strong { "Faults: " (untried) "." }
                " This run says nothing about them." }
        } @else if page.kinds.allowed.is_empty() && page.faults.is_empty() {
            p.untried { strong { "No fault was allowed, and none was injected." }
                " This run says nothing about faults." }
        }
        @if !lacking.is_empty() {
            p.untried { strong { "Not possible on this machine: "
                (short(&lacking.keys().cloned().collect::<Vec<_>>().join(", "))) "." }
                " The reasons are under " a href="#reproduce" { "reproduce" } "." }
        }
        @for (part, why) in &page.run.record.host.open {
            p.untried { strong { "Isolation without " (short(part)) ": " (long(why)) "." } }
        }
    }
}

/// What weakens or colours the verdict: how the run ended, and what was missing.
pub(super) fn notices(page: &Page<'_>) -> Markup {
    let run = &page.run;
    let missing = missing(run);
    let error = run.record.ended.error();
    html! {
        @if let Some(error) = &error { (broke(&run.record.ended, error)) }
        @else if run.record.ended != Ended::Finished {
            p.notice.bad role="alert" { strong { "! " } (long(&run.record.ended.to_string())) "." }
        }
        @if run.torn || run.history.is_torn() {
            p.notice {
                strong { "! " } "The last line of the history was cut off in the middle and has been "
                "dropped. Everything before it is whole."
            }
        }
        @if run.verdict.status == Status::Inconclusive && error.is_none() { (lacking(&missing)) }
    }
}

/// How many lines of an error are shown: the last words of some servers.
const MAX_LINES: usize = 60;

/// Why nothing was tested, with the last words of the servers.
fn broke(ended: &Ended, error: &str) -> Markup {
    let (first, rest) = error.split_once('\n').unwrap_or((error, ""));
    let lines: Vec<&str> = rest.lines().collect();
    let meaning = match ended {
        Ended::TargetBroke { .. } => {
            "Nothing was tested: no fault was injected and no client asked \
            anything yet. This is neither a pass nor an anomaly."
        }
        Ended::ClientBroke { .. } => {
            "Nothing can be concluded: what a client program tells counts only while it keeps to its \
            protocol. This is neither a pass nor an anomaly."
        }
        _ => "Nothing can be concluded: the failure is the harness's own, not the target's.",
    };
    html! {
        section.notice.bad role="alert" {
            h2 { "What went wrong" }
            p { (long(first)) }
            @if !lines.is_empty() {
                pre.last-words tabindex="0" {
                    @for line in lines.iter().take(MAX_LINES) { (clean(line, SENTENCE)) "\n" }
                }
            }
            @if let Some(note) = left_out(lines.len(), MAX_LINES) { p.note { (note) } }
            p { (meaning) }
        }
    }
}

fn lacking(missing: &[(&str, &str)]) -> Markup {
    html! {
        section.notice.lacking {
            h2 { "What was missing for a verdict" }
            p { "No anomaly was found, but this is not a pass: too little was tested to say so." }
            @if missing.is_empty() { p { "No check ran." } }
            ul { @for (check, reason) in missing.iter().take(MAX_MISSING) {
                li { code { (short(check)) } " – " (long(reason)) }
            } }
            @if let Some(note) = left_out(missing.len(), MAX_MISSING) { p.note { (note) } }
        }
    }
}

/// How many reasons are listed on top.
const MAX_MISSING: usize = 12;
