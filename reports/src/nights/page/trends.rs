//! How the numbers of each row went, with the band in which they usually are.

use maud::{Markup, html};

use super::super::merged::{Index, RowNights};
use super::super::trend::{METRICS, Trend};
use super::words::{MAX_NIGHTS, cut};
use crate::text::number;

/// How many rows are shown.
const MAX_ROWS: usize = 40;

/// The size of a drawing, and the room above and below its line.
const WIDTH: f64 = 150.0;
const HEIGHT: f64 = 40.0;
const MARGIN: f64 = 4.0;

/// The whole section.
pub(super) fn section(index: &Index) -> Markup {
    html! {
        section #trends {
            h2 { "Trends" }
            p.hint {
                "The median of each night's runs. The band is where the 14 nights before the last one \
                 were: their median, and three deviations to either side; with fewer than five nights \
                 there is none. It is for the eye: no verdict depends on it."
            }
            div.scroll { table.trends {
                thead { tr { th scope="col" { "row" } @for (_, name) in METRICS { th scope="col" { (name) } } } }
                tbody { @for row in index.rows.iter().take(MAX_ROWS) { (line(index, row)) } }
            } }
            (cut(index.rows.len(), MAX_ROWS))
        }
    }
}

fn line(index: &Index, row: &RowNights) -> Markup {
    html! {
        tr {
            th.row scope="row" title=(row.row.name()) {
                strong { (row.row.title()) } " × " (row.row.load())
                span.rest { (row.row.chaos()) " × " (row.row.nodes) " nodes" }
            }
            @for (metric, name) in METRICS {
                td {
                    @if let Some(trend) = index.trend(row, metric) {
                        (figure(index, &trend, name))
                    } @else {
                        span.nothing-ran { "not told" }
                    }
                }
            }
        }
    }
}

fn figure(index: &Index, trend: &Trend, name: &str) -> Markup {
    let (night, last) = trend.last();
    let label = format!("{name}: {} on {}", number(last), index.nights[night]);
    html! {
        (drawing(trend, &label))
        p.value.out[trend.outside().is_some()] {
            strong { (number(last)) }
            @if let Some((low, high)) = trend.band {
                " (" (number(low)) " – " (number(high)) ")"
            }
            @if let Some(side) = trend.outside() { " " (side) " its band" }
        }
    }
}

/// The line of the last nights over the band, with a point at its end.
fn drawing(trend: &Trend, label: &str) -> Markup {
    let points = &trend.points[trend.points.len().saturating_sub(MAX_NIGHTS)..];
    let scale = Scale::of(points, trend.band);
    let line = points.iter().enumerate().map(|(place, (_, value))| {
        format!("{:.1},{:.1}", scale.x(place, points.len()), scale.y(*value))
    });
    let end = (scale.x(points.len() - 1, points.len()), scale.y(trend.last().1));
    html! {
        svg.trend role="img" aria-label=(label) width=(WIDTH) height=(HEIGHT)
            viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } {
            @if let Some((low, high)) = trend.band {
                rect.band x="0" width=(WIDTH) y=(format!("{:.1}", scale.y(high)))
                    height=(format!("{:.1}", (scale.y(low) - scale.y(high)).max(1.0))) {}
            }
            polyline points=(line.collect::<Vec<_>>().join(" ")) {}
            circle cx=(format!("{:.1}", end.0)) cy=(format!("{:.1}", end.1)) r="2.5" {}
        }
    }
}

/// The numbers that a drawing reaches over.
struct Scale {
    low: f64,
    high: f64,
}

impl Scale {
    fn of(points: &[(usize, f64)], band: Option<(f64, f64)>) -> Self {
        let band = band.into_iter().flat_map(|(low, high)| [low, high]);
        let all = points.iter().map(|(_, value)| *value).chain(band);
        let (low, high) = all.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (low.min(value), high.max(value))
        });
        Self { low, high }
    }

    fn x(&self, place: usize, points: usize) -> f64 {
        let steps = points.saturating_sub(1).max(1) as f64;
        MARGIN + place as f64 / steps * (WIDTH - 2.0 * MARGIN)
    }

    fn y(&self, value: f64) -> f64 {
        let span = self.high - self.low;
        let part = if span > 0.0 { (value - self.low) / span } else { 0.5 };
        HEIGHT - MARGIN - part.clamp(0.0, 1.0) * (HEIGHT - 2.0 * MARGIN)
    }
}
