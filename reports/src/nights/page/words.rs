//! What the sections of the page have in common: nights, rates, links, and notes of what is cut off.

use maud::{Markup, html};

use super::super::merged::{Finding, Index};
use super::super::standing::{Course, Standing};
use super::super::stored::{Stored, Version};
use crate::interval::interval;

/// How many nights are columns of a table, the newest ones.
pub(super) const MAX_NIGHTS: usize = 31;

/// How many letters of a digest are shown.
const HASH: usize = 8;

/// The places of the nights that are columns, the newest first: on a small screen the others scroll.
pub(super) fn columns(index: &Index) -> impl ExactSizeIterator<Item = usize> {
    (index.nights.len().saturating_sub(MAX_NIGHTS)..index.nights.len()).rev()
}

/// The heads of these columns: month and day; the year shows when the pointer rests on it.
pub(super) fn heads(index: &Index) -> Markup {
    html! { @for night in columns(index).map(|night| &index.nights[night]) {
        th.night scope="col" title=(night) { (&night["2026-".len()..]) }
    } }
}

/// A note that older nights are not columns.
pub(super) fn older(index: &Index) -> Markup {
    let shown = columns(index).len();
    html! { @if index.nights.len() > shown {
        p.note { "The newest " (shown) " of " (index.nights.len()) " nights are shown; all are in index.json." }
    } }
}

/// A note that a table was cut.
pub(super) fn cut(all: usize, shown: usize) -> Markup {
    html! { @if all > shown { p.note { (shown) " of " (all) " are shown; all are in index.json." } } }
}

/// The sign of a standing, with its word.
pub(super) fn badge(standing: Standing) -> Markup {
    html! { span.standing.(standing.word()) { (standing.phrase()) } }
}

/// A text that leads to the page of a run where there is one.
pub(super) fn link(page: Option<String>, text: &str) -> Markup {
    html! { @if let Some(page) = page { a href=(page) { (text) } } @else { (text) } }
}

/// The place of a finding on the page of its example.
pub(super) fn page_of(index: &Index, finding: &Finding) -> Option<String> {
    let page = index.runs[finding.example].page.as_ref()?;
    Some(format!("{page}#a{}", finding.number))
}

/// In how many runs it was seen, with the interval of the rate.
pub(super) fn rate(course: &Course) -> String {
    let (low, high) = interval(course.hits, course.runs);
    let (low, high) = (low * 100.0, high * 100.0);
    format!("{} of {} runs (95 %: {low:.0} to {high:.0} %)", course.hits, course.runs)
}

/// What is known of a finding in a row, in a sentence or two.
pub(super) fn known(index: &Index, course: &Course) -> String {
    let night = |place: usize| &index.nights[place];
    let (begin, last) = (night(course.begin), night(course.last));
    match course.standing {
        Standing::New => format!("Seen for the first time, in {}.", rate(course)),
        Standing::Back => format!(
            "It was fixed, and is back; first seen {}. In {}.",
            night(course.first),
            rate(course)
        ),
        Standing::Still => format!("Since {begin}, in {}.", rate(course)),
        Standing::Flaky => format!(
            "It comes and goes: since {begin} on {}, last {last}, in {}.{}",
            nights_since(course),
            rate(course),
            absent(course)
        ),
        Standing::Absent => format!("Last seen {last}, in {}.{}", rate(course), absent(course)),
        Standing::Fixed | Standing::Gone => format!(
            "Last seen {last}, in {}. Not in {} since {}: were it still there, that would have a \
             probability of {}.",
            rate(course),
            runs(course.since),
            course.away.map_or(last, night),
            percent(course.chance)
        ),
    }
}

/// On how many nights it was seen since it came.
fn nights_since(course: &Course) -> String {
    match course.nights.iter().filter(|night| **night >= course.begin).count() {
        1 => "1 night".to_owned(),
        more => format!("{more} nights"),
    }
}

/// What the runs without it say; nothing if there are none.
fn absent(course: &Course) -> String {
    match (course.seen, course.since) {
        (true, _) => String::new(),
        (_, 0) => " No run since then could have shown it.".to_owned(),
        (_, since) => format!(
            " Not in {} since: too few to call it fixed (probability {}).",
            runs(since),
            percent(course.chance)
        ),
    }
}

fn runs(count: u32) -> String {
    if count == 1 { "1 run".to_owned() } else { format!("{count} runs") }
}

fn percent(chance: f64) -> String {
    match chance * 100.0 {
        tiny if tiny < 0.1 => "less than 0.1 %".to_owned(),
        small if small < 10.0 => format!("{small:.1} %"),
        large => format!("{large:.0} %"),
    }
}

/// A program, as its version and the begin of its digest.
pub(super) fn program(run: &Stored) -> String {
    let Version { text, sha256 } = &run.version;
    let text = if text.is_empty() { "version unknown" } else { text };
    let hash: String = sha256.chars().take(HASH).collect();
    if hash.is_empty() { text.to_owned() } else { format!("{text} ({hash})") }
}
