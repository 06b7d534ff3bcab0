//! What became of findings since the last night of the same row.

use maud::{Markup, html};

use super::super::merged::Index;
use super::words::{badge, cut, known, link, page_of};

/// How many changes are listed.
const MAX_CHANGES: usize = 100;

/// The whole section.
pub(super) fn section(index: &Index) -> Markup {
    let changes = index.changes();
    let away: Vec<usize> = (0..index.rows.len()).filter(|row| !index.is_up_to_date(*row)).collect();
    html! {
        section #since {
            h2 { "Since the last night of the same row" }
            @if changes.is_empty() { p { "No finding, new or old." } } @else {
                ul.changes { @for (finding, row) in changes.iter().take(MAX_CHANGES) {
                    (change(index, *finding, *row))
                } }
                (cut(changes.len(), MAX_CHANGES))
            }
            @if !away.is_empty() { p.note {
                "Without a run on the newest night, so nothing is said of them here: "
                @for (place, row) in away.iter().take(MAX_CHANGES).enumerate() {
                    @if place > 0 { "; " }
                    (index.rows[*row].row.name()) " (last " (index.nights[index.rows[*row].last()]) ")"
                }
                "."
            } }
        }
    }
}

fn change(index: &Index, finding: usize, row: usize) -> Markup {
    let found = &index.findings[finding];
    let course = &found.courses[&row];
    html! {
        li.(course.standing.word()) {
            p.gist {
                (badge(course.standing)) " " strong { (found.class) } " "
                (link(page_of(index, found), &found.headline))
            }
            p.row-name { (index.rows[row].row.name()) }
            p.known { (known(index, course)) " " a href={ "#" (found.fingerprint) } { (found.fingerprint) } }
        }
    }
}
