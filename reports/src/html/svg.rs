//! The shared ground of all drawings: the time axis, lengths, and bars.
//!
//! Colours and patterns are the style sheet's business: shapes carry classes only.

use std::fmt;

use fracas_checker::event::Nanos;
use maud::{Markup, html};
use serde_json::json;

/// Where lane names stand, left of every plot.
pub(super) const GUTTER: f64 = 124.0;

/// The width of every plot on the time axis of the run.
pub(super) const PLOT: f64 = 1_100.0;

/// The width of a drawing.
pub(super) const WIDTH: f64 = GUTTER + PLOT + 16.0;

/// The width of one character of the labels, a little more than most.
const CHARACTER: f64 = 6.9;

/// How wide a label is, roughly.
pub(super) fn text_width(text: &str) -> f64 {
    text.chars().count() as f64 * CHARACTER
}

/// A length with one digit after the point: enough for a screen, short in the file.
pub(super) struct Px(pub(super) f64);

impl fmt::Display for Px {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenths = (self.0 * 10.0).round() / 10.0;
        if tenths.fract() == 0.0 { write!(f, "{tenths:.0}") } else { write!(f, "{tenths:.1}") }
    }
}

/// The time axis of a run: from its start to its last event, over [`PLOT`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Scale {
    end: Nanos,
}

impl Scale {
    pub(super) fn new(end: Nanos) -> Self {
        Self { end: end.max(1) }
    }

    /// The length of the axis in seconds.
    pub(super) fn seconds(&self) -> f64 {
        self.end as f64 / 1e9
    }

    pub(super) fn x(&self, time: Nanos) -> f64 {
        time.min(self.end) as f64 / self.end as f64 * PLOT
    }

    /// Left edge and width of a span of time, wide enough to be seen.
    pub(super) fn span(&self, from: Nanos, to: Nanos, least: f64) -> (f64, f64) {
        let (left, right) = (self.x(from), self.x(to));
        (left.min(PLOT - least), (right - left).max(least))
    }
}

/// Steps between ticks, in seconds.
const TICK_STEPS: [f64; 20] = [
    0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0,
    120.0, 300.0, 600.0, 3_600.0,
];

/// How many ticks an axis has at most.
const MAX_TICKS: f64 = 12.0;

/// Lines and labels of the time axis over a drawing of the given height. The script makes new ones
/// when the axis is zoomed.
pub(super) fn ticks(scale: &Scale, height: f64) -> Markup {
    let seconds = scale.seconds();
    let fits = |step: &f64| seconds / step <= MAX_TICKS;
    let step = TICK_STEPS.into_iter().find(fits).unwrap_or((seconds / 10.0).ceil());
    let count = (seconds / step).floor() as u64;
    let digits = (-step.log10()).ceil().max(0.0) as usize;
    html! {
        g.ticks data-height=(Px(height)) {
            @for place in 0..=count {
                @let time = place as f64 * step;
                @let x = time / seconds * PLOT;
                line x1=(Px(x)) x2=(Px(x)) y1="14" y2=(Px(height)) {}
                text x=(Px(x + 3.0)) y="11" { (format!("{time:.digits$}")) " s" }
            }
        }
    }
}

/// A bar with a text that is shown when the pointer rests on it.
pub(super) struct Bar<'a> {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) height: f64,
    pub(super) class: &'a str,
    pub(super) title: &'a str,
}

impl Bar<'_> {
    pub(super) fn draw(&self) -> Markup {
        html! {
            rect class=(self.class) x=(Px(self.x)) y=(Px(self.y)) width=(Px(self.width))
                height=(Px(self.height)) { title { (self.title) } }
        }
    }

    /// A label inside of the bar. One that does not fit is kept for the script to show when zoomed.
    pub(super) fn label(&self, text: &str) -> Markup {
        self.label_within(text, self.width)
    }

    /// A label within `room`: the first of these `words` that fits, from the longest to a sign.
    pub(super) fn label_of(&self, words: &[&str], room: f64) -> Markup {
        let fits = |text: &&&str| text_width(text) + 8.0 <= room;
        let shown = words.iter().find(fits);
        html! {
            text.tight[shown.is_none()] x=(Px(self.x + INSET))
                y=(Px(self.y + self.height / 2.0 + 4.0)) data-room=(Px(room))
                data-bar=(Px(room)) data-words=(json!(words)) { (shown.unwrap_or(&"")) }
        }
    }

    /// A label that may go on beyond the bar, up to `room` from its left edge.
    pub(super) fn label_within(&self, text: &str, room: f64) -> Markup {
        let tight = text_width(text) + 8.0 > room;
        html! {
            text.tight[tight] x=(Px(self.x + INSET)) y=(Px(self.y + self.height / 2.0 + 4.0))
                data-room=(Px(room)) data-bar=(Px(self.width)) { (text) }
        }
    }
}

/// From a bar's left edge to its label.
const INSET: f64 = 4.0;

/// One group of lanes of a drawing: names in the gutter, shapes and labels on the time axis.
pub(super) struct Band {
    pub(super) height: f64,
    pub(super) gutter: Markup,
    pub(super) shapes: Markup,
    pub(super) labels: Markup,
}

/// A lane's name, right-aligned in the gutter.
pub(super) fn lane_name(name: &str, middle: f64, title: &str) -> Markup {
    html! {
        text.lane x=(Px(GUTTER - 10.0)) y=(Px(middle + 4.0)) { title { (title) } (name) }
    }
}

/// A drawing on the run's time axis that the script can zoom, with what lies beneath all bands.
pub(super) fn drawing(scale: &Scale, name: &str, beneath: &Markup, bands: &[Band]) -> Markup {
    let height = HEAD + bands.iter().map(|band| band.height + GAP).sum::<f64>();
    let tops = bands.iter().scan(HEAD, |top, band| {
        let here = *top;
        *top += band.height + GAP;
        Some((here, band))
    });
    html! {
        div.scroll {
            svg.zoomable role="group" tabindex="0" aria-label=(name)
                viewBox={ "0 0 " (Px(WIDTH)) " " (Px(height)) }
                data-seconds=(scale.seconds()) data-plot=(Px(PLOT)) data-gutter=(Px(GUTTER)) {
                @for (top, band) in tops.clone() {
                    g transform={ "translate(0 " (Px(top)) ")" } { (band.gutter) }
                }
                svg x=(Px(GUTTER)) y="0" width=(Px(PLOT + 16.0)) height=(Px(height)) {
                    g.zx.beneath data-height=(Px(height)) { (beneath) }
                    (ticks(scale, height))
                    @for (top, band) in tops {
                        g transform={ "translate(0 " (Px(top)) ")" } {
                            g.zx { (band.shapes) }
                            g.zt { (band.labels) }
                        }
                    }
                }
            }
        }
    }
}

/// Room for the axis above the first band.
const HEAD: f64 = 22.0;

/// Room between two bands.
const GAP: f64 = 10.0;

/// More than any drawing is high: what lies beneath all bands is cut off at the edge.
pub(super) const FULL_HEIGHT: f64 = 4_000.0;
