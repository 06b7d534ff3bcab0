//! Where the anomalies are: marks with links, and their windows behind everything.
//!
//! What many anomalies share is drawn once: windows that overlap are one, and so are marks that would
//! lie on each other.

use fracas_checker::event::Nanos;
use fracas_checker::verdict::Anomaly;
use maud::{Markup, html};

use super::super::page::Page;
use super::super::svg::{Band, FULL_HEIGHT, PLOT, Px, lane_name, text_width};
use crate::findings::Finding;
use crate::text::{PHRASE, clean};

/// How many anomalies are marked; the rest is listed in words.
const MAX_MARKS: usize = 60;

/// How many anomalies the title of one mark names.
const MAX_NAMED: usize = 4;

/// Anomalies whose marks would lie on each other, from left to right.
struct Mark<'a> {
    x: f64,
    anomalies: Vec<(usize, &'a Anomaly)>,
}

impl Mark<'_> {
    /// The first of them by number, and how many more there are.
    fn label(&self) -> String {
        match self.anomalies.len() {
            1 => format!("✗{}", self.first()),
            more => format!("✗{} +{}", self.first(), more - 1),
        }
    }

    fn first(&self) -> usize {
        self.anomalies.iter().map(|(number, _)| *number).min().unwrap_or(0)
    }

    fn width(&self) -> f64 {
        text_width(&self.label()) + 6.0
    }

    fn title(&self) -> String {
        let headline = |(number, anomaly): &(usize, &Anomaly)| {
            format!("{number}: {}", clean(&anomaly.headline, PHRASE))
        };
        let mut named: Vec<String> = self.anomalies.iter().take(MAX_NAMED).map(headline).collect();
        if self.anomalies.len() > MAX_NAMED {
            named.push(format!("and {} more", self.anomalies.len() - MAX_NAMED));
        }
        named.join(" · ")
    }
}

/// The lane of marks; none without anomalies.
pub(super) fn band(page: &Page<'_>) -> Option<Band> {
    let marks = marks(page);
    (!marks.is_empty()).then(|| Band {
        height: 18.0,
        gutter: lane_name("anomalies", 9.0, "where a promise was broken"),
        shapes: html! { @for mark in &marks { (edge(mark)) } },
        labels: html! { @for mark in &marks { (draw(mark)) } },
    })
}

/// Every anomaly that is marked, with the number of its finding.
fn marked<'a>(page: &'a Page<'_>) -> impl Iterator<Item = (usize, &'a Anomaly)> {
    let each = |finding: &'a Finding<'_>| finding.all().map(|anomaly| (finding.number, anomaly));
    page.findings.iter().flat_map(each).take(MAX_MARKS)
}

/// The marks of all anomalies that are marked, with room between them.
fn marks<'a>(page: &'a Page<'_>) -> Vec<Mark<'a>> {
    let mut anomalies: Vec<(usize, &Anomaly)> = marked(page).collect();
    anomalies.sort_by_key(|(number, anomaly)| (anomaly.window.1, *number));
    let mut marks: Vec<Mark<'a>> = Vec::new();
    for anomaly in anomalies {
        let x = page.scale.x(anomaly.1.window.1).min(PLOT - 8.0);
        match marks.last_mut() {
            Some(last) if x - last.x < last.width() + 4.0 => last.anomalies.push(anomaly),
            _ => marks.push(Mark { x, anomalies: vec![anomaly] }),
        }
    }
    marks
}

/// The time spans of the witnesses, behind all lanes.
pub(super) fn windows(page: &Page<'_>) -> Markup {
    let windows = marked(page).map(|(_, anomaly)| anomaly.window);
    html! {
        @for (from, to) in merged(windows.collect()) {
            @let (x, width) = page.scale.span(from, to, 2.0);
            rect.window x=(Px(x)) y="14" width=(Px(width)) height=(Px(FULL_HEIGHT)) {}
        }
    }
}

/// The same times in spans that do not overlap.
fn merged(mut spans: Vec<(Nanos, Nanos)>) -> Vec<(Nanos, Nanos)> {
    spans.sort_unstable();
    let mut merged: Vec<(Nanos, Nanos)> = Vec::new();
    for (from, to) in spans {
        match merged.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(to),
            _ => merged.push((from, to)),
        }
    }
    merged
}

fn edge(mark: &Mark<'_>) -> Markup {
    html! { line.anomaly x1=(Px(mark.x)) x2=(Px(mark.x)) y1="0" y2=(Px(FULL_HEIGHT)) {} }
}

fn draw(mark: &Mark<'_>) -> Markup {
    let (x, width, label) = (mark.x, mark.width(), mark.label());
    let number = mark.first();
    html! {
        a href={ "#a" (number) } aria-label={ "anomaly " (label) } {
            g.mark data-x=(Px(x)) transform={ "translate(" (Px(x)) " 0)" } {
                title { (mark.title()) }
                rect x="-9" y="0" width=(Px(width)) height="16" {}
                text x=(Px(width / 2.0 - 9.0)) y="12" { (label) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_that_overlap_are_one() {
        for (spans, expect) in [
            (vec![], vec![]),
            (vec![(5, 9), (0, 3)], vec![(0, 3), (5, 9)]),
            (vec![(0, 10), (2, 5), (10, 12), (20, 20)], vec![(0, 12), (20, 20)]),
        ] {
            assert_eq!(merged(spans.clone()), expect, "{spans:?}");
        }
    }
}
