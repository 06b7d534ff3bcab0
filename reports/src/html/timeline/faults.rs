//! The fault lanes: what was proven in full strength, begin and end dashed.

use std::collections::BTreeSet;

use fracas_checker::event::Nanos;
use fracas_checker::fault::FaultKind;
use fracas_checker::history::FaultSpan;
use maud::{Markup, html};

use super::super::page::Page;
use super::super::svg::{Band, Bar, FULL_HEIGHT, PLOT, Px, lane_name, text_width};
use crate::text::seconds;
use crate::words;

/// The height of one lane.
const ROW: f64 = 22.0;

/// How many lanes the faults of one kind may take; more overlap in the last one.
const MAX_ROWS: usize = 6;

/// The lanes of all faults, grouped by kind; none without faults.
pub(super) fn band(page: &Page<'_>) -> Option<Band> {
    let rows = rows(page);
    let drawn = || rows.iter().enumerate().flat_map(|(place, row)| row.drawn(page, place));
    (!rows.is_empty()).then(|| Band {
        height: rows.len() as f64 * ROW,
        gutter: html! { @for (place, row) in rows.iter().enumerate() {
            (lane_name(row.kind, place as f64 * ROW + 10.0, "faults of this kind"))
        } },
        shapes: html! { @for (y, span, _) in drawn() { (shape(page, span, y)) } },
        labels: html! { @for (y, span, free) in drawn() { (label(page, span, (y, free))) } },
    })
}

/// One lane and what is on it.
struct Row<'a> {
    kind: &'a str,
    spans: Vec<&'a FaultSpan>,
}

impl Row<'_> {
    /// Every fault of the lane with the lane's top, and where the next one begins.
    fn drawn(&self, page: &Page<'_>, place: usize) -> impl Iterator<Item = (f64, &FaultSpan, f64)> {
        let begins = self.spans.iter().skip(1).map(|next| page.scale.x(next.begin.1));
        let free = begins.chain([PLOT]);
        self.spans.iter().zip(free).map(move |(span, free)| (place as f64 * ROW, *span, free))
    }
}

/// Puts every fault on the first lane of its kind that is free; kinds in the order in which they
/// first came.
fn rows<'a>(page: &'a Page<'_>) -> Vec<Row<'a>> {
    let mut kinds: Vec<&FaultKind> = Vec::new();
    for kind in page.drawn_faults().map(|span| &span.fault.kind) {
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    kinds.into_iter().flat_map(|kind| kind_rows(page, kind)).collect()
}

fn kind_rows<'a>(page: &'a Page<'_>, kind: &'a FaultKind) -> Vec<Row<'a>> {
    let mut rows: Vec<Row<'a>> = Vec::new();
    for span in page.drawn_faults().filter(|span| span.fault.kind == *kind) {
        let free = rows.iter().position(|row| {
            let last = row.spans.last().expect("a lane begins with a fault");
            last.window(page.end).1 <= span.begin.1
        });
        match free {
            Some(place) => rows[place].spans.push(span),
            None if rows.len() < MAX_ROWS => {
                rows.push(Row { kind: kind.word(), spans: vec![span] });
            }
            None => rows[MAX_ROWS - 1].spans.push(span),
        }
    }
    rows
}

fn shape(page: &Page<'_>, span: &FaultSpan, y: f64) -> Markup {
    let title = title(span, page);
    let (from, to) = span.window(page.end);
    let (x, width) = page.scale.span(from, to, 2.0);
    let whole = Bar { x, y, width, height: ROW - 4.0, class: "unproven", title: &title };
    let proven = span.effective.map(|(from, to)| {
        let (x, width) = page.scale.span(from, to, 2.0);
        let class = format!("fault {}", words::class(&span.fault));
        Bar { x, y, width, height: ROW - 4.0, class: &class, title: &title }.draw()
    });
    html! { (whole.draw()) @if let Some(proven) = proven { (proven) } }
}

fn label(page: &Page<'_>, span: &FaultSpan, (y, free): (f64, f64)) -> Markup {
    let (from, to) = span.window(page.end);
    let (x, width) = page.scale.span(from, to, 2.0);
    let proven = if span.effective.is_some() { "" } else { " – not proven" };
    let full = format!("{}: {}{proven}", span.id, words::befell(&span.fault));
    let fits = text_width(&full) + 8.0 <= free - x;
    let text = if fits { full } else { format!("{}{proven}", span.id) };
    Bar { x, y, width, height: ROW - 4.0, class: "", title: "" }.label_within(&text, free - x)
}

fn title(span: &FaultSpan, page: &Page<'_>) -> String {
    let (from, to) = span.window(page.end);
    let proven = match span.effective {
        Some((from, to)) => format!("proven {} – {}", seconds(from), seconds(to)),
        None => "not proven".to_owned(),
    };
    let (id, kind, victims) = (span.id, &span.fault.kind, words::befell(&span.fault));
    format!("fault {id}: {kind} {victims} · {} – {} · {proven}", seconds(from), seconds(to))
}

/// The times of proven faults, as a tint behind all lanes: of the sort where one sort is on, of no
/// sort where several are. Tints never lie on each other, so however many faults there are, what is
/// drawn above them stays readable.
pub(in crate::html) fn tints(page: &Page<'_>) -> Markup {
    let effective = page.drawn_faults().filter_map(|span| {
        let (from, to) = span.effective?;
        Some((from, to, words::class(&span.fault)))
    });
    html! {
        @for (from, to, kind) in apart(&effective.collect::<Vec<_>>()) {
            @let (x, width) = page.scale.span(from, to, 1.0);
            rect class={ "tint " (kind.unwrap_or("several")) } x=(Px(x)) y="14"
                width=(Px(width)) height=(Px(FULL_HEIGHT)) {}
        }
    }
}

/// Spans of time cut where others begin or end, each with the kind that is on, if it is one only.
fn apart<'a>(spans: &[(Nanos, Nanos, &'a str)]) -> Vec<(Nanos, Nanos, Option<&'a str>)> {
    let mut edges: Vec<Nanos> = spans.iter().flat_map(|(from, to, _)| [*from, *to]).collect();
    edges.sort_unstable();
    edges.dedup();
    let mut parts: Vec<(Nanos, Nanos, Option<&str>)> = Vec::new();
    for pair in edges.windows(2) {
        let (from, to) = (pair[0], pair[1]);
        let on = spans.iter().filter(|(begin, end, _)| *begin < to && *end > from);
        let kinds: BTreeSet<&str> = on.map(|(.., kind)| *kind).collect();
        let kind = kinds.first().copied().filter(|_| kinds.len() == 1);
        match parts.last_mut() {
            _ if kinds.is_empty() => {}
            Some(last) if last.1 == from && last.2 == kind => last.1 = to,
            _ => parts.push((from, to, kind)),
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tints_never_lie_on_each_other() {
        const KILL: &str = "kill";
        const PAUSE: &str = "pause";
        for (spans, expect) in [
            (vec![(0, 10, KILL), (20, 30, KILL)], vec![(0, 10, Some(KILL)), (20, 30, Some(KILL))]),
            (vec![(0, 10, KILL), (5, 30, KILL)], vec![(0, 30, Some(KILL))]),
            (
                vec![(0, 20, KILL), (10, 30, PAUSE)],
                vec![(0, 10, Some(KILL)), (10, 20, None), (20, 30, Some(PAUSE))],
            ),
            (vec![(5, 5, KILL)], vec![]),
        ] {
            assert_eq!(apart(&spans), expect, "{spans:?}");
        }
    }
}
