//! Where the anomalies are: a mark with a link each, and their windows behind everything.

use maud::{Markup, html};

use super::super::page::Page;
use super::super::svg::{Band, FULL_HEIGHT, PLOT, Px, lane_name};
use crate::findings::Finding;
use crate::text::{PHRASE, clean};

/// How many anomalies are marked; the rest is listed in words.
const MAX_MARKS: usize = 60;

/// The narrowest mark that can be hit with a pointer.
const MARK: f64 = 18.0;

/// The lane of marks; none without anomalies.
pub(super) fn band(page: &Page<'_>) -> Option<Band> {
    let marked = || page.findings.iter().take(MAX_MARKS);
    (!page.findings.is_empty()).then(|| Band {
        height: 18.0,
        gutter: lane_name("anomalies", 9.0, "where a promise was broken"),
        shapes: html! { @for finding in marked() { (edge(page, finding)) } },
        labels: html! { @for finding in marked() { (mark(page, finding)) } },
    })
}

/// The time span of each witness, behind all lanes.
pub(super) fn windows(page: &Page<'_>) -> Markup {
    html! {
        @for finding in page.findings.iter().take(MAX_MARKS) {
            @let (from, to) = finding.anomaly.window;
            @let (x, width) = page.scale.span(from, to, 2.0);
            rect.window x=(Px(x)) y="14" width=(Px(width)) height=(Px(FULL_HEIGHT)) {}
        }
    }
}

fn edge(page: &Page<'_>, finding: &Finding<'_>) -> Markup {
    let x = page.scale.x(finding.anomaly.window.1);
    html! { line.anomaly x1=(Px(x)) x2=(Px(x)) y1="0" y2=(Px(FULL_HEIGHT)) {} }
}

fn mark(page: &Page<'_>, finding: &Finding<'_>) -> Markup {
    let x = page.scale.x(finding.anomaly.window.1);
    let headline = clean(&finding.anomaly.headline, PHRASE);
    html! {
        a href={ "#a" (finding.number) } aria-label={ "anomaly " (finding.number) } {
            g.mark data-x=(Px(x)) transform={ "translate(" (Px(x.min(PLOT))) " 0)" } {
                title { (finding.number) ": " (headline) }
                rect x=(Px(-MARK / 2.0)) y="0" width=(Px(MARK)) height="16" {}
                text x="0" y="12" { "✗" (finding.number) }
            }
        }
    }
}
