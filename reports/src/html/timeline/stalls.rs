//! Where the harness itself stood still or was broken: nothing was seen then.

use fracas_checker::event::Nanos;
use fracas_checker::harness::Mishap;
use fracas_checker::untrusted::{SENTENCE, shown};
use maud::{Markup, html};

use crate::html::page::Page;
use crate::html::svg::{FULL_HEIGHT, Px};
use crate::text::seconds;

/// A page draws and tells at most so many.
const MOST: usize = 50;

/// The gaps, beneath everything else.
pub(super) fn gaps(page: &Page<'_>) -> Markup {
    html! {
        @for (from, to, word) in spans(page).take(MOST) {
            @let (x, width) = page.scale.span(from, to, 2.0);
            rect.gap x=(Px(x)) y="14" width=(Px(width)) height=(Px(FULL_HEIGHT)) {
                title { (word) ": " (seconds(from)) " – " (seconds(to)) }
            }
        }
    }
}

/// Whether there is one.
pub(super) fn any(page: &Page<'_>) -> bool {
    spans(page).next().is_some()
}

/// What happened to the harness, in words.
pub(super) fn notes(page: &Page<'_>) -> Vec<String> {
    let told = page.run.history.mishaps().take(MOST);
    told.map(|(time, mishap)| {
        format!("At {}: {}.", seconds(time), shown(&mishap.to_string(), SENTENCE))
    })
    .collect()
}

/// From when to when nothing was seen, and why.
fn spans<'a>(page: &'a Page<'_>) -> impl Iterator<Item = (Nanos, Nanos, &'static str)> + 'a {
    let history = page.run.history;
    history.mishaps().filter_map(|(time, mishap)| match mishap {
        Mishap::Stalled { since, .. } => Some((*since, time, "the harness stood still")),
        Mishap::HelperEnded { since, .. } | Mishap::ClientBroken { since, .. } => {
            Some((*since, history.end(), "a part of the harness had ended"))
        }
        _ => None,
    })
}
