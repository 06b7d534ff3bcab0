//! The anomalies: each with its story, its witness, and why nothing else explains it.

use fracas_checker::guarantees::sentence;
use maud::{Markup, html};

use super::page::{Page, left_out, long, short};
use super::witness;
use crate::findings::Finding;
use crate::text::{duration, seconds};
use crate::words;

/// How many anomalies are told in full, and of how many more the story is folded away.
const MAX_TOLD: usize = 3;
const MAX_FOLDED: usize = 17;

/// How many of those that are alike are listed by their headlines.
const MAX_ALIKE: usize = 10;

/// How many more are listed by their headlines.
const MAX_LISTED: usize = 200;

/// All anomalies; nothing if there are none.
pub(super) fn section(page: &Page<'_>) -> Markup {
    let findings = &page.findings;
    html! {
        @if !findings.is_empty() {
            section #anomalies {
                h2 { "What went wrong" }
                @for finding in findings.iter().take(MAX_TOLD) { (article(page, finding)) }
                @for finding in findings.iter().skip(MAX_TOLD).take(MAX_FOLDED) {
                    details.folded {
                        summary { "✗" (finding.number) " " (long(&finding.anomaly.headline))
                            @if let Some(more) = finding.more() { " (" (more) ")" } }
                        (article(page, finding))
                    }
                }
                @if findings.len() > MAX_TOLD + MAX_FOLDED { (others(&findings[MAX_TOLD + MAX_FOLDED..])) }
            }
        }
    }
}

fn others(findings: &[Finding<'_>]) -> Markup {
    html! {
        details {
            summary { (findings.len()) " more anomalies" }
            ul { @for finding in findings.iter().take(MAX_LISTED) {
                li #{ "a" (finding.number) } { (long(&finding.anomaly.headline)) }
            } }
            @if let Some(note) = left_out(findings.len(), MAX_LISTED) { p.note { (note) } }
        }
    }
}

fn article(page: &Page<'_>, finding: &Finding<'_>) -> Markup {
    let anomaly = finding.anomaly;
    html! {
        article.finding #{ "a" (finding.number) } {
            p.class {
                span.number { "✗" (finding.number) } " " strong { (short(&anomaly.class)) } " breaks "
                code { (short(&finding.check.id)) }
            }
            h3 { (long(&anomaly.headline)) }
            @if let Some(more) = finding.more() { details {
                summary { (more) }
                ul { @for other in finding.alike.iter().take(MAX_ALIKE) {
                    li { (long(&other.headline)) }
                } }
                @if let Some(note) = left_out(finding.alike.len(), MAX_ALIKE) { p.note { (note) } }
            } }
            (facts(finding))
            div.story {
                @if !anomaly.story.is_empty() {
                    ol { @for sentence in &anomaly.story { li { (long(sentence)) } } }
                }
                @if let Some(guarantees) = sentence(&anomaly.guarantees) {
                    p.guarantees { (long(&guarantees)) }
                }
                @if let Some(cause) = &anomaly.likely_cause {
                    p.cause { strong { "Likely cause" } " (a guess, not a fact): "
                        (long(cause)) }
                }
            }
            (witness::figure(page, finding))
            (refuted(page, finding))
        }
    }
}

/// Where, when and under which name it will be found again.
fn facts(finding: &Finding<'_>) -> Markup {
    let anomaly = finding.anomaly;
    let (from, to) = anomaly.window;
    html! {
        dl.facts {
            @if let Some(key) = &anomaly.key { div { dt { "object" } dd { (short(key)) } } }
            @if !anomaly.nodes.is_empty() { div { dt { "nodes" } dd { (words::names(&anomaly.nodes)) } } }
            @if let Some(generation) = anomaly.generation {
                div { dt { "generation" } dd { (generation) } }
            }
            @if from == to { div { dt { "at" } dd { (seconds(from)) } } }
            @else { div { dt { "window" } dd { (seconds(from)) " – " (seconds(to)) " ("
                (duration(to.saturating_sub(from))) ")" } } }
            div { dt { "fingerprint" } dd { code { (finding.fingerprint) } } }
            div { dt { "promise" } dd { (long(&finding.check.promise)) } }
        }
    }
}

/// How many refutations are listed.
const MAX_REFUTED: usize = 12;

fn refuted(page: &Page<'_>, finding: &Finding<'_>) -> Markup {
    let refuted = &finding.anomaly.refuted;
    html! {
        @if !refuted.is_empty() {
            h4 { "Why no other order is legal" }
            p.hint { "After the longest legal order, one of these operations would have to come next. None can." }
            div.scroll { table {
                thead { tr { th { "operation" } th { "asked by" } th { "why it cannot come next" } } }
                tbody { @for refutation in refuted.iter().take(MAX_REFUTED) {
                    @let (request, client) = candidate(page, refutation.op);
                    tr { td { (request) } td { (client) } td { (long(&refutation.reason)) } }
                } }
            } }
            @if let Some(note) = left_out(refuted.len(), MAX_REFUTED) { p.note { (note) } }
        }
    }
}

/// What the operation invoked at `index` was, and by whom and when it was asked.
fn candidate(page: &Page<'_>, index: u64) -> (String, String) {
    match page.invoked_at(index) {
        Some(operation) => {
            let (process, time) = (operation.process, seconds(operation.invoked.1));
            (words::operation(operation), format!("process {process}, {time}"))
        }
        None => (format!("event {index}"), String::new()),
    }
}
