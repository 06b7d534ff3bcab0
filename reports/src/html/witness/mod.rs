//! The minimal witness, drawn: what was asked and seen, the longest legal order, and what does not
//! fit into it.
//!
//! Operations stand on a lane per client, observations on a lane per node. For two leaders of one
//! generation the lanes of nodes also show the whole reigns of that generation.

mod draw;
mod items;

use maud::{Markup, html};

use self::draw::Figure;
use self::items::{Item, Lane, items};
pub(super) use self::items::{grade, source};
use super::page::Page;
use crate::findings::Finding;
use crate::text::count;

/// The drawing with its caption; nothing if the witness has no events to draw.
pub(super) fn figure(page: &Page<'_>, finding: &Finding<'_>) -> Markup {
    let (items, left_out) = items(page, finding.anomaly);
    if items.is_empty() {
        return html! {};
    }
    let figure = Figure::new(&items);
    html! {
        figure.witness-figure {
            figcaption { (caption(page, &items)) }
            div.scroll { (figure.draw()) }
            @if left_out > 0 {
                p.note { "The first " (left_out) " events are left out; all are in results.json." }
            }
        }
    }
}

fn caption(page: &Page<'_>, items: &[Item]) -> Markup {
    let ordered = items.iter().any(|item| item.placed.is_some());
    let refused = items.iter().any(|item| item.refused);
    let shown = items.iter().filter(|item| matches!(item.lane, Lane::Client(_))).count() as u64;
    let all = count(page.run.history.operations().len() as u64);
    html! {
        @if shown > 0 {
            @let verb = if shown == 1 { "is" } else { "are" };
            strong { (count(shown)) " of " (all) " operations " (verb) " enough to show it. " }
        } @else {
            strong { "What was observed that shows it. " }
        }
        "Time runs to the right; short gaps are widened so that every event can be seen. "
        @if ordered { "The numbers are the longest legal order, with the state after each step. " }
        @if refused { "✗ marks the operation that no legal order can contain." }
    }
}
