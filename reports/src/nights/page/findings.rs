//! Every finding by its fingerprint, over rows and nights.

use maud::{Markup, html};

use super::super::merged::{Finding, Index};
use super::super::stored::Stored;
use super::words::{badge, cut, known, link, page_of, program};

/// How many findings are listed.
const MAX_FINDINGS: usize = 200;

/// How many rows of a finding are listed.
const MAX_ROWS: usize = 20;

/// The whole section.
pub(super) fn section(index: &Index) -> Markup {
    let all = index.findings.len() + index.untold;
    html! {
        section #findings {
            h2 { "Findings" }
            p.hint {
                "Anomalies of one fingerprint are taken for one defect, whatever seed and night. "
                em { "Fixed" } " is said where the runs without it would have had a probability below \
                5 %, had it still been there at the rate at which it was seen."
            }
            @if index.findings.is_empty() { p { "No run found an anomaly." } }
            @for finding in index.findings.iter().take(MAX_FINDINGS) { (entry(index, finding)) }
            (cut(all, MAX_FINDINGS))
        }
    }
}

fn entry(index: &Index, finding: &Finding) -> Markup {
    let example = &index.runs[finding.example];
    html! {
        article.finding id=(finding.fingerprint) {
            h3 { strong { (finding.class) } " " (link(page_of(index, finding), &finding.headline)) }
            p.class { code { (finding.fingerprint) } " · " (finding.check) " · example: run of "
                (example.started) ", seed " (example.seed) }
            div.scroll { table.courses {
                thead { tr {
                    th scope="col" { "row" } th scope="col" { "standing" } th scope="col" { "first seen" }
                    th scope="col" { "last seen" } th scope="col" { "programs" }
                } }
                tbody { @for row in finding.courses.keys().take(MAX_ROWS) { (course(index, finding, *row)) } }
            } }
            (cut(finding.courses.len(), MAX_ROWS))
            details { summary { "repeat the run" } pre { (example.command) } }
        }
    }
}

fn course(index: &Index, finding: &Finding, row: usize) -> Markup {
    let course = &finding.courses[&row];
    let stale = (!index.is_up_to_date(row)).then(|| &index.nights[index.rows[row].last()]);
    html! {
        tr {
            td { (index.rows[row].row.name()) }
            td.course {
                (badge(course.standing)) " " (known(index, course))
                @if let Some(night) = stale { " As of " (night) ", when the row last ran." }
            }
            td.day { (index.nights[course.first]) }
            td.day { (index.nights[course.last]) }
            td { (programs(index, finding, row)) }
        }
    }
}

/// The programs around its coming and going.
fn programs(index: &Index, finding: &Finding, row: usize) -> Markup {
    let edges = index.edges(finding, row);
    let told: [(&str, Option<&Stored>); 4] = [
        ("good before", edges.good_before),
        ("first bad", edges.first_bad),
        ("last bad", edges.last_bad),
        ("good after", edges.good_after),
    ];
    html! {
        ul.programs { @for (name, run) in told { @if let Some(run) = run {
            li { span { (name) } " " (program(run)) }
        } } }
    }
}
