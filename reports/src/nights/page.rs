//! `index.html`: what changed since the last night, on one page that needs no script and no network.
//!
//! All texts were made short and visible when their files were read; the templates escape them.

mod faults;
mod findings;
mod grid;
mod since;
mod trends;
mod words;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::lines::headline;
use super::merged::Index;
use super::stored::Answer;
use crate::html::csp;
use crate::text::{SENTENCE, clean, plural};

const STYLE: &str =
    concat!(include_str!("../../assets/report.css"), include_str!("../../assets/index.css"));

/// Writes `index.html`.
#[must_use]
pub fn index_html(index: &Index) -> String {
    let head = Head::of(index);
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(csp::policy_of_style(STYLE));
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="referrer" content="no-referrer";
                title { (head.glyph) " " (head.word) " – nights – fracas" }
                style { (PreEscaped(STYLE)) }
            }
            body { (header(index, &head)) main {
                (missing(index))
                (since::section(index))
                (grid::section(index))
                (findings::section(index))
                (faults::section(index))
                (trends::section(index))
            } footer { "Written by fracas " (env!("CARGO_PKG_VERSION")) ". Nothing on this page comes \
                from a network. " code { "index.json" } " has the same for programs." } }
        }
    }
    .into_string()
}

/// What the newest night came to.
struct Head {
    word: &'static str,
    glyph: &'static str,
    class: &'static str,
}

impl Head {
    fn of(index: &Index) -> Self {
        let Some(tonight) = index.tonight() else {
            return Self { word: "NO RUNS", glyph: "?", class: "inconclusive" };
        };
        let runs = index.rows.iter().filter_map(|row| row.nights.get(&tonight));
        let gravest = runs.map(|runs| index.runs[index.gravest(runs)].answer).max();
        let answer = gravest.unwrap_or(Answer::Inconclusive);
        let word = match answer {
            Answer::Anomaly if index.has_news() => "NEW ANOMALY",
            Answer::Anomaly => "KNOWN ANOMALY",
            Answer::Error => "ERROR",
            Answer::Inconclusive => "INCONCLUSIVE",
            Answer::Pass => "PASS",
        };
        Self { word, glyph: answer.glyph(), class: answer.word() }
    }
}

fn header(index: &Index, head: &Head) -> Markup {
    html! {
        header.bar.(head.class) {
            div.line {
                p.verdict { span.glyph aria-hidden="true" { (head.glyph) } " " (head.word) }
                h1 { (headline(index)) }
            }
            ul.chips { @for (name, value) in chips(index) {
                li { span { (name) } " " (value) }
            } }
        }
        nav.(head.class) aria-label="Sections" {
            a href="#since" { "since the last night" }
            a href="#grid" { "nights" }
            a href="#findings" { "findings" }
            a href="#faults" { "faults" }
            a href="#trends" { "trends" }
        }
    }
}

/// How many unread files are named.
const MAX_UNREAD: usize = 12;

/// What is not in the index, though it was looked for.
fn missing(index: &Index) -> Markup {
    html! {
        @if !index.unread.is_empty() {
            section.notice.bad role="alert" {
                h2 { "Files that could not be read" }
                p { "Their runs are missing here." }
                ul { @for unread in index.unread.iter().take(MAX_UNREAD) {
                    li { code { (clean(&unread.file, SENTENCE)) } ": " (clean(&unread.why, SENTENCE)) }
                } }
                (words::cut(index.unread.len(), MAX_UNREAD))
            }
        }
        @if index.unjudged > 0 {
            p.notice { (unjudged(index.unjudged)) " no results: a run that goes on, crashed, or was \
                not judged." }
        }
    }
}

/// How many runs have no results, in words.
fn unjudged(count: usize) -> String {
    if count == 1 { "1 run has".to_owned() } else { format!("{count} runs have") }
}

fn chips(index: &Index) -> Vec<(&'static str, String)> {
    let rows = (0..index.rows.len()).filter(|row| index.is_up_to_date(*row)).count();
    let span = match (index.nights.first(), index.nights.last()) {
        (Some(first), Some(last)) if first != last => {
            format!("{} from {first} to {last}", index.nights.len())
        }
        (Some(only), _) => format!("1, {only}"),
        _ => "none".to_owned(),
    };
    let mut chips = vec![
        ("nights", span),
        ("rows", format!("{rows} of {} ran on the newest night", index.rows.len())),
        ("runs", plural(index.runs.len() as u64, "run")),
        ("findings", (index.findings.len() + index.untold).to_string()),
    ];
    if index.copies > 0 {
        chips.push(("copies", format!("{} of files, which count once", index.copies)));
    }
    chips
}
