//! Who led which generation, by what evidence, and how long nobody was seen to lead.
//!
//! Evidence only: two leaders of one generation are pointed out, but whether that is an anomaly is
//! for the leadership check to say.

use std::collections::BTreeSet;

use fracas_checker::leadership::Reign;
use maud::{Markup, html};

use super::page::{Page, left_out, short};
use super::witness::{grade, source};
use crate::text::{count, duration, plural, seconds};

/// How many reigns are listed.
const MAX_REIGNS: usize = 200;

/// The whole section.
pub(super) fn section(page: &Page<'_>) -> Markup {
    html! {
        section #cluster {
            h2 { "Leaders" }
            @if page.reigns.is_empty() {
                p { "No node was seen to lead: this target does not tell who leads, or it was never asked." }
            } @else {
                p { (in_short(page)) }
                div.scroll { (table(page)) }
                @if let Some(note) = left_out(page.reigns.len(), MAX_REIGNS) { p.note { (note) } }
            }
        }
    }
}

fn in_short(page: &Page<'_>) -> String {
    let generations = |shared: bool| {
        let some = page.reigns.iter().filter(|reign| reign.shared || !shared);
        some.map(|reign| (&reign.group, reign.generation)).collect::<BTreeSet<_>>().len() as u64
    };
    let (led, doubled) = (plural(generations(false), "generation"), generations(true));
    let longest = page.reigns.iter().filter_map(|reign| reign.leaderless).max();
    let mut text = format!("{led} had a leader");
    if doubled > 0 {
        text += &format!(", {} more than one", count(doubled));
    }
    if let Some(longest) = longest {
        text +=
            &format!("; the longest time in which no leader was seen was {}", duration(longest));
    }
    text + "."
}

fn table(page: &Page<'_>) -> Markup {
    html! {
        table {
            thead { tr {
                th { "generation" } th { "leader" } th { "first seen" } th { "last seen" }
                th { "no leader before it for" } th { "observations" } th { "strongest evidence" }
                th { "source" }
            } }
            tbody { @for reign in page.reigns.iter().take(MAX_REIGNS) { (row(reign)) } }
        }
    }
}

fn row(reign: &Reign) -> Markup {
    let shared = reign.shared;
    let told: Vec<&str> = reign.sources.iter().map(|kind| source(*kind)).collect();
    html! {
        tr.shared[shared] {
            td.number { @if let Some(group) = &reign.group { (short(group)) " " } (reign.generation) }
            td { (reign.node) @if shared { " " strong { "not the only leader" } } }
            td.number { (seconds(reign.first)) }
            td.number { (seconds(reign.last)) }
            td.number { (reign.leaderless.map_or_else(|| "–".to_owned(), duration)) }
            td.number { (count(reign.signs)) }
            td { (grade(reign.grade)) }
            td { (told.join(", ")) }
        }
    }
}
