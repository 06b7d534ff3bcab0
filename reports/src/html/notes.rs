//! What the harness noted: what was prepared and set up before the load, and what it did by itself.

use fracas_checker::event::Nanos;
use maud::{Markup, html};

use super::page::{Page, left_out, long};
use crate::run::notes;
use crate::text::seconds;

/// How many notes are listed.
const MAX_NOTES: usize = 100;

/// The whole section; nothing if there is no note.
pub(super) fn section(page: &Page<'_>) -> Markup {
    let notes: Vec<(Nanos, &str)> = notes(page.run.history).collect();
    html! {
        @if !notes.is_empty() {
            section #notes {
                h2 { "Notes of the harness" }
                div.scroll { table {
                    thead { tr { th { "time" } th { "note" } } }
                    tbody { @for (time, text) in notes.iter().take(MAX_NOTES) {
                        tr { td.number { (seconds(*time)) } td { (long(text)) } }
                    } }
                } }
                @if let Some(note) = left_out(notes.len(), MAX_NOTES) { p.note { (note) } }
            }
        }
    }
}
