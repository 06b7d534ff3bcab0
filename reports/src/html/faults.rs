//! The table of faults: what was asked, by what means, and what was measured to prove it.

use fracas_checker::Window;
use fracas_checker::fault::{Fault, Measurement, Stage};
use fracas_checker::history::{FaultSpan, Proof};
use maud::{Markup, html};

use super::page::{MAX_FAULTS, Page, left_out, long, short};
use crate::text::{PHRASE, clean, count, seconds};
use crate::words;

/// The whole section.
pub(super) fn section(page: &Page<'_>) -> Markup {
    html! {
        section #faults {
            h2 { "Faults" }
            @if page.faults.is_empty() {
                p { "No fault was injected." }
            } @else {
                p.hint { "A fault counts only while measurements prove that it is in effect. The load is "
                    "what clients asked, and what was answered, from its begin to its end." }
                div.scroll { (table(page)) }
                @if let Some(note) = left_out(page.faults.len(), MAX_FAULTS) { p.note { (note) } }
            }
        }
    }
}

fn table(page: &Page<'_>) -> Markup {
    html! {
        table {
            thead { tr {
                th { "id" } th { "kind" } th { "nodes or links" } th { "by" } th { "began" }
                th { "in effect, proven" } th { "ended" } th { "load during it" } th { "measured" }
            } }
            tbody { @for span in page.drawn_faults() { (row(page, span)) } }
        }
    }
}

fn row(page: &Page<'_>, span: &FaultSpan) -> Markup {
    html! {
        tr.unproven-row[!span.is_effective()] {
            td.number { (span.id) }
            td { span.swatch.(words::class(&span.fault)) aria-hidden="true" {} (kind(&span.fault)) }
            td { (short(&words::befell(&span.fault))) }
            td { code { (short(&span.mechanism)) } }
            td.number { (seconds(span.begin.1)) }
            td.number { @match span.effective {
                Some((from, to)) => { (seconds(from)) " – " (seconds(to)) }
                None => { strong { "not proven" } }
            } }
            td.number { @match span.end {
                Some((_, time)) => { (seconds(time)) }
                None => { strong { "never healed" } }
            } }
            td { (met(page.windows.get(&span.id))) }
            td { (problems(span)) (proofs(span)) }
        }
    }
}

/// What clients asked from the begin of a fault to its end, and what came of it.
fn met(load: Option<&Window>) -> Markup {
    html! {
        @match load.filter(|load| load.open > 0) {
            None => { strong { "nothing was asked" } }
            Some(load) => {
                (count(load.asked)) " asked: " (count(load.ok)) " ok, " (count(load.refused))
                " refused; " (count(load.open.saturating_sub(load.asked))) " open before"
            }
        }
    }
}

fn kind(fault: &Fault) -> String {
    let kind = &fault.kind;
    match fault.manner.as_str() {
        manner if words::is_cut(fault) && !manner.is_empty() => {
            format!("{kind} ({})", clean(manner, PHRASE))
        }
        _ => kind.to_string(),
    }
}

/// How many problems of one fault are listed.
const MAX_PROBLEMS: usize = 10;

fn problems(span: &FaultSpan) -> Markup {
    html! { @for problem in span.problems.iter().take(MAX_PROBLEMS) {
        p.problem { strong { "! " } (long(problem)) }
    } }
}

/// How many measurements of one stage are listed.
const MAX_MEASUREMENTS: usize = 30;

/// How many times one fault's measurements are listed.
const MAX_PROOFS: usize = 6;

fn proofs(span: &FaultSpan) -> Markup {
    let all: usize = span.proofs.iter().map(|proof| proof.measurements.len()).sum();
    let held = |measured: &[Measurement]| measured.iter().filter(|it| it.holds).count();
    let good: usize = span.proofs.iter().map(|proof| held(&proof.measurements)).sum();
    html! {
        @if all == 0 { "nothing" } @else {
            details {
                summary { (good) " of " (all) " as expected" }
                @for proof in span.proofs.iter().take(MAX_PROOFS) { (measured(proof)) }
                @if let Some(note) = left_out(span.proofs.len(), MAX_PROOFS) { p.note { (note) } }
            }
        }
    }
}

fn measured(proof: &Proof) -> Markup {
    let Proof { stage, time, measurements, .. } = proof;
    let when = match stage {
        Stage::Injected => "just after it began",
        Stage::Held => "just before it ended",
        Stage::Healed => "just after it ended",
    };
    html! {
        p.stage { (when) ", " (seconds(*time)) }
        ul.measured { @for measurement in measurements.iter().take(MAX_MEASUREMENTS) {
            li {
                (if measurement.holds { "✓ " } else { "✗ unexpected: " })
                (short(&measurement.what)) ": " (short(&measurement.result))
            }
        } }
        @if let Some(note) = left_out(measurements.len(), MAX_MEASUREMENTS) { p.note { (note) } }
    }
}
