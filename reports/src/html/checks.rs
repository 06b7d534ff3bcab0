//! Every check: what it promises, what it says, and what its answer rests on.

use fracas_checker::verdict::CheckResult;
use maud::{Markup, html};

use super::page::{Page, long, sentences, short};
use crate::text::{PHRASE, clean, number};
use crate::words;

/// The whole section.
pub(super) fn section(page: &Page<'_>) -> Markup {
    let checks = &page.run.verdict.checks;
    html! {
        section #checks {
            h2 { "Checks" }
            @if checks.is_empty() { p { "No check ran." } }
            @for check in checks { (article(page, check)) }
            (suspicions(checks))
        }
    }
}

fn article(page: &Page<'_>, check: &CheckResult) -> Markup {
    let (word, glyph) = words::check(&page.run, check.status);
    let tested = words::outcome(&page.run).class != "error";
    html! {
        article.check {
            h3 { span.badge.(check.status) { (glyph) " " (word) } " " code { (short(&check.id)) } }
            p { (long(&check.promise)) }
            @if tested {
                (sentences("Why there is no verdict", &check.reasons))
                (metrics(check))
            }
            @if tested && !(check.not_checked.is_empty() && check.assumptions.is_empty()) {
                details {
                    summary { "Assumptions, and what was not checked" }
                    (sentences("Assumptions", &check.assumptions))
                    (sentences("Not checked", &check.not_checked))
                }
            }
        }
    }
}

/// How many numbers of one check are shown.
const MAX_METRICS: usize = 40;

fn metrics(check: &CheckResult) -> Markup {
    html! {
        @if !check.metrics.is_empty() {
            dl.facts { @for (name, value) in check.metrics.iter().take(MAX_METRICS) {
                div { dt { (clean(name, PHRASE).replace('-', " ")) } dd { (number(*value)) } }
            } }
        }
    }
}

/// What looks odd without being proof, apart from the verdicts it never changes.
fn suspicions(checks: &[CheckResult]) -> Markup {
    let odd = || checks.iter().filter(|check| !check.suspicions.is_empty());
    html! {
        @if odd().next().is_some() {
            article.check {
                h3 { "Suspicions" }
                p.hint { "Odd, but no proof: no verdict rests on these." }
                @for check in odd() { (sentences(&check.id, &check.suspicions)) }
            }
        }
    }
}
