//! Rate and latency over the run, on the axis of the timeline.
//!
//! Rare outcomes are never averaged away: any operation that failed is at least a visible line.

use std::fmt::Write as _;

use maud::{Markup, html};

use super::page::{Page, left_out, short};
use super::svg::{Band, PLOT, Px, drawing, lane_name};
use super::timeline::tints;
use crate::tally::{Bucket, Series, Tally, reasons};
use crate::text::{count, duration, number, plural};
use crate::words::Fate;

/// The height of either plot.
const HEIGHT: f64 = 120.0;

/// Between the two plots.
const APART: f64 = 12.0;

/// The least height of what is not nothing.
const VISIBLE: f64 = 2.5;

/// The whole section.
pub(super) fn section(page: &Page<'_>) -> Markup {
    let series = Series::of(page.run.history);
    html! {
        section #rates {
            h2 { "Rate and latency" }
            @if page.tally.invoked == 0 {
                p { "No operation was asked." }
            } @else {
                p { (in_short(&page.tally)) }
                (drawing(&page.scale, "Rate and latency over time", &tints(page),
                    &[rate(page, &series), latency(page, &series)]))
                (legend())
                (why(page))
                p.note { "Each step is " (duration(series.step)) " wide; an operation counts where it ended. "
                    "Latencies are those of successful operations, on a logarithmic scale." }
            }
        }
    }
}

fn in_short(tally: &Tally) -> String {
    let latency = |q| tally.quantile(q).map_or_else(|| "unknown".to_owned(), duration);
    let counts = format!(
        "Clients asked {}: {} succeeded, {} were refused and took no effect, {} have an unknown outcome.",
        plural(tally.invoked, "operation"),
        count(tally.ok),
        count(tally.fail),
        count(tally.info + tally.open)
    );
    match tally.ok {
        0 => counts,
        _ => format!(
            "{counts} Of those that succeeded, half took at most {}, 99 % at most {}, all at most {}.",
            latency(0.5),
            latency(0.99),
            latency(1.0)
        ),
    }
}

/// How many reasons are listed.
const MAX_REASONS: usize = 8;

/// Why operations did not succeed. A refusal is often by design, such as that of a follower: only
/// its reason tells.
fn why(page: &Page<'_>) -> Markup {
    let reasons = reasons(page.run.history.operations());
    let told = |fate| if fate == Fate::Fail { "refused" } else { "unknown outcome" };
    html! {
        @if !reasons.is_empty() {
            h4 { "Why operations did not succeed" }
            div.scroll { table.reasons {
                thead { tr { th { "operations" } th { "outcome" } th { "answer" } } }
                tbody { @for reason in reasons.iter().take(MAX_REASONS) { tr {
                    td.number { (count(reason.count)) }
                    td { (told(reason.fate)) }
                    td { (short(&reason.error)) }
                } } }
            } }
            @if let Some(note) = left_out(reasons.len(), MAX_REASONS) { p.note { (note) } }
            p.note { "A refusal did not take effect. Many are by design: a follower that sends clients to "
                "the leader, a lock that another holds. Answers that differ only in numbers are one row." }
        }
    }
}

/// Successful, failed and unknown operations per second, stacked.
fn rate(page: &Page<'_>, series: &Series) -> Band {
    let per_second = 1e9 / series.step as f64;
    let ended = |bucket: &Bucket| bucket.tally.invoked as f64 * per_second;
    let top = nice(series.buckets.iter().map(ended).fold(0.0, f64::max));
    let plot = Plot { page, series, scale: HEIGHT / top * per_second };
    Band {
        height: HEIGHT + APART,
        gutter: axis(
            "operations / s",
            &[(0.0, top), (0.5, top / 2.0), (1.0, 0.0)].map(|(at, value)| (at, number(value))),
        ),
        shapes: html! {
            (grid(&[0.0, 0.5, 1.0]))
            @for (class, path) in ["ok", "fail", "info"].into_iter().zip(plot.stacks()) {
                path class={ "area " (class) } d=(path) {}
            }
        },
        labels: html! {},
    }
}

/// What the bars of the rate are drawn with.
struct Plot<'a> {
    page: &'a Page<'a>,
    series: &'a Series,
    /// The height of one operation.
    scale: f64,
}

impl Plot<'_> {
    /// A path each for what succeeded, failed and is unknown.
    fn stacks(&self) -> [String; 3] {
        let mut paths = <[String; 3]>::default();
        for bucket in &self.series.buckets {
            let (x, width) = self.page.scale.span(
                bucket.from,
                bucket.from.saturating_add(self.series.step),
                1.0,
            );
            let mut base = HEIGHT;
            let counts = [bucket.tally.ok, bucket.tally.fail, bucket.tally.info];
            for (path, count) in paths.iter_mut().zip(counts).filter(|(_, count)| *count > 0) {
                let height = (count as f64 * self.scale).max(VISIBLE);
                base -= height;
                write!(path, "M{} {}h{w}v{}h-{w}z", Px(x), Px(base), Px(height), w = Px(width))
                    .expect("a String takes all");
            }
        }
        paths
    }
}

/// Quantiles of the latency, as lines.
fn latency(page: &Page<'_>, series: &Series) -> Band {
    let all = series.buckets.iter().flat_map(|bucket| {
        [0.0, 1.0].into_iter().filter_map(|q| bucket.tally.quantile(q)).map(|nanos| nanos.max(1))
    });
    let (low, high) =
        all.fold((u64::MAX, 1), |(low, high), nanos| (low.min(nanos), high.max(nanos)));
    let decades = Decades::over(low.min(high) as f64, high as f64);
    Band {
        height: HEIGHT,
        gutter: axis("latency", &decades.labels()),
        shapes: html! {
            (grid(&decades.labels().iter().map(|(at, _)| *at).collect::<Vec<_>>()))
            @for (class, q) in [("max", 1.0), ("p99", 0.99), ("p50", 0.5)] {
                path class={ "line " (class) } d=(quantile_line(page, series, &decades, q)) {}
            }
        },
        labels: html! {},
    }
}

/// One quantile over time; steps without a successful operation are gaps.
fn quantile_line(page: &Page<'_>, series: &Series, decades: &Decades, q: f64) -> String {
    let mut path = String::new();
    let mut drawing = false;
    for bucket in &series.buckets {
        let Some(nanos) = bucket.tally.quantile(q) else {
            drawing = false;
            continue;
        };
        let y = Px(decades.place(nanos as f64) * HEIGHT);
        let (from, width) =
            page.scale.span(bucket.from, bucket.from.saturating_add(series.step), 1.0);
        let (left, right) = (Px(from), Px((from + width).min(PLOT)));
        let pen = if drawing { 'L' } else { 'M' };
        write!(path, "{pen}{left} {y}H{right}").expect("a String takes all");
        drawing = true;
    }
    path
}

/// A logarithmic axis of whole powers of ten.
struct Decades {
    low: i32,
    high: i32,
}

impl Decades {
    fn over(low: f64, high: f64) -> Self {
        let below = low.log10().floor() as i32;
        Self { low: below, high: (high.log10().ceil() as i32).max(below + 1) }
    }

    /// 0 at the top, 1 at the bottom.
    fn place(&self, nanos: f64) -> f64 {
        let place =
            (nanos.max(1.0).log10() - f64::from(self.low)) / f64::from(self.high - self.low);
        1.0 - place.clamp(0.0, 1.0)
    }

    fn labels(&self) -> Vec<(f64, String)> {
        (self.low..=self.high)
            .map(|power| 10_f64.powi(power))
            .map(|nanos| (self.place(nanos), round(nanos)))
            .collect()
    }
}

/// A power of ten of nanoseconds, short.
fn round(nanos: f64) -> String {
    match nanos {
        ..1e3 => format!("{nanos:.0} ns"),
        ..1e6 => format!("{:.0} µs", nanos / 1e3),
        ..1e9 => format!("{:.0} ms", nanos / 1e6),
        _ => format!("{:.0} s", nanos / 1e9),
    }
}

/// The name of a plot and the values at the given places, 0 at the top, in the gutter.
fn axis(name: &str, values: &[(f64, String)]) -> Markup {
    html! {
        text.axis-name transform={ "translate(12 " (Px(HEIGHT / 2.0)) ") rotate(-90)" } { (name) }
        @for (at, value) in values { (lane_name(value, at * HEIGHT, name)) }
    }
}

fn grid(places: &[f64]) -> Markup {
    html! { @for at in places {
        line.grid x1="0" x2=(Px(PLOT)) y1=(Px(at * HEIGHT)) y2=(Px(at * HEIGHT)) {}
    } }
}

/// The next number of the form 1, 2 or 5 times a power of ten.
fn nice(value: f64) -> f64 {
    let power = 10_f64.powf(value.max(1.0).log10().floor());
    [1.0, 2.0, 5.0, 10.0]
        .map(|step| step * power)
        .into_iter()
        .find(|top| *top >= value)
        .unwrap_or(value)
}

fn legend() -> Markup {
    let area = |class: &str, word: &str| {
        html! { li { svg.sample viewBox="0 0 22 12" aria-hidden="true" {
            rect class={ "area " (class) } x="0.5" y="0.5" width="21" height="11" {}
        } (word) } }
    };
    let line = |class: &str, word: &str| {
        html! { li { svg.sample viewBox="0 0 22 12" aria-hidden="true" {
            path class={ "line " (class) } d="M0 6H22" {}
        } (word) } }
    };
    html! {
        ul.legend aria-label="What the shapes mean" {
            (area("ok", "ok")) (area("fail", "refused")) (area("info", "unknown"))
            (line("p50", "median")) (line("p99", "99 %")) (line("max", "slowest"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_axis_ends_at_a_round_number() {
        for (value, top) in [(0.0, 1.0), (3.0, 5.0), (378.4, 500.0), (1000.0, 1000.0)] {
            assert_eq!(nice(value), top);
        }
    }
}
