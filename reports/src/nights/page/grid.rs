//! Every row of the plan by night, with the gravest answer of its runs.

use maud::{Markup, html};

use super::super::merged::{Index, RowNights};
use super::super::stored::Answer;
use super::words::{columns, cut, heads, older};

/// How many rows are shown.
const MAX_ROWS: usize = 100;

/// The whole section.
pub(super) fn section(index: &Index) -> Markup {
    html! {
        section #grid {
            h2 { "Rows by night" }
            p.hint {
                "A cell has the gravest answer of a night's runs, how many runs came to it, and of how \
                 many. ✗ anomaly, ! error, ? inconclusive, ✓ pass. It leads to the page of such a run \
                 where that is beside this file."
            }
            div.scroll { table.grid {
                thead { tr { th scope="col" { "row" } (heads(index)) } }
                tbody { @for row in index.rows.iter().take(MAX_ROWS) { (line(index, row)) } }
            } }
            (cut(index.rows.len(), MAX_ROWS))
            (older(index))
        }
    }
}

fn line(index: &Index, row: &RowNights) -> Markup {
    html! {
        tr id=(row.row.id()) {
            th.row scope="row" title=(row.row.name()) {
                strong { (row.row.title()) } " × " (row.row.load())
                span.rest { (row.row.chaos()) " × " (row.row.nodes) " nodes" }
            }
            @for night in columns(index) { (cell(index, row.nights.get(&night).map(Vec::as_slice))) }
        }
    }
}

fn cell(index: &Index, runs: Option<&[usize]>) -> Markup {
    let Some(runs) = runs else {
        return html! { td.cell { span.nothing-ran title="no run" { "·" } } };
    };
    let gravest = &index.runs[index.gravest(runs)];
    let text =
        format!("{} {}/{}", gravest.answer.glyph(), index.count(runs, gravest.answer), runs.len());
    let title = title(index, runs);
    html! {
        td.cell {
            @if let Some(page) = &gravest.page {
                a.(gravest.answer.word()) href=(page) title=(title) { (text) }
            } @else {
                span.(gravest.answer.word()) title=(title) { (text) }
            }
        }
    }
}

/// How many runs came to what, and what the gravest says.
fn title(index: &Index, runs: &[usize]) -> String {
    let gravest = &index.runs[index.gravest(runs)];
    let counts = Answer::ALL.iter().filter_map(|answer| match index.count(runs, *answer) {
        0 => None,
        count => Some(format!("{count} {}", answer.word())),
    });
    let counts: Vec<String> = counts.collect();
    format!("{}: {}. {}", gravest.night, counts.join(", "), gravest.headline)
}
