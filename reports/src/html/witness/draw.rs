//! The drawing of a witness: lanes, bars, the legal order as a line through its points.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::items::{Item, Lane};
use crate::html::svg::{Px, text_width};
use crate::html::warp::{Label, Warp};
use crate::text::seconds;

/// The least width left of the bars, for the lanes' names, and the space around a name in it.
const NAMES: (f64, f64) = (84.0, 24.0);

/// The height above the first lane, for times.
const HEAD: f64 = 26.0;

/// The height of one lane: a label, a bar, a note.
const ROW: f64 = 58.0;

/// From a lane's top to its bar.
const BAR: f64 = 18.0;

/// The height of a bar.
const THICK: f64 = 16.0;

/// Between two labels of one lane.
const APART: f64 = 22.0;

/// Room for what goes on beyond the last event.
const OPEN: f64 = 40.0;

/// How much wider than other texts a label is.
const BOLD: f64 = 1.15;

/// The least width of a bar.
const NARROW: f64 = 8.0;

/// A witness, laid out.
pub(super) struct Figure<'a> {
    items: &'a [Item],
    warp: Warp,
    lanes: BTreeMap<Lane, usize>,
    /// The width left of the bars.
    names: f64,
    width: f64,
}

impl<'a> Figure<'a> {
    pub(super) fn new(items: &'a [Item]) -> Self {
        let times: Vec<_> =
            items.iter().flat_map(|item| [Some(item.from), item.to]).flatten().collect();
        let labelled = items.iter().filter(|item| !item.label.is_empty());
        let labels: Vec<_> = labelled
            .map(|item| Label { lane: item.lane, time: item.from, width: room(item) + APART })
            .collect();
        let warp = Warp::new(&times, &labels);
        let named: BTreeMap<Lane, ()> = items.iter().map(|item| (item.lane, ())).collect();
        let widths = named.keys().map(|lane| text_width(&lane.to_string()) + NAMES.1);
        let names = widths.fold(NAMES.0, f64::max);
        let lanes = named.into_keys().enumerate().map(|(place, lane)| (lane, place)).collect();
        let right = items.iter().map(|item| warp.x(item.from) + room(item)).fold(0.0, f64::max);
        let width = names + right.max(warp.width() + OPEN) + 12.0;
        Self { items, warp, lanes, names, width }
    }

    pub(super) fn draw(&self) -> Markup {
        let height = HEAD + self.lanes.len() as f64 * ROW;
        let points = self.points();
        html! {
            svg.witness-drawing role="img" aria-label="Operations of the witness over time"
                width=(Px(self.width)) height=(Px(height))
                viewBox={ "0 0 " (Px(self.width)) " " (Px(height)) } {
                (self.times(height))
                @for (lane, place) in &self.lanes { (self.name(*lane, *place)) }
                (line(&points))
                @for item in self.items { (self.item(item)) }
                (numbers(&points))
            }
        }
    }

    fn x(&self, time: u64) -> f64 {
        self.names + self.warp.x(time)
    }

    fn top(&self, lane: Lane) -> f64 {
        HEAD + self.lanes.get(&lane).map_or(0.0, |place| *place as f64 * ROW)
    }

    /// A faint line per event, with its time where there is room.
    fn times(&self, height: f64) -> Markup {
        let mut free = 0.0;
        html! { g.times { @for (time, x) in self.warp.stops() {
            @let x = self.names + x;
            line x1=(Px(x)) x2=(Px(x)) y1="16" y2=(Px(height)) {}
            @if x >= free {
                @let text = seconds(time);
                text x=(Px(x)) y="11" { (text) }
                ({ free = x + text_width(&text) + 14.0; "" })
            }
        } } }
    }

    fn name(&self, lane: Lane, place: usize) -> Markup {
        let y = HEAD + place as f64 * ROW;
        html! {
            line.rule x1="0" x2=(Px(self.width)) y1=(Px(y)) y2=(Px(y)) {}
            text.lane x=(Px(self.names - 12.0)) y=(Px(y + BAR + 12.0)) { (lane) }
        }
    }

    fn item(&self, item: &Item) -> Markup {
        let (x, y) = (self.x(item.from), self.top(item.lane) + BAR);
        let right = item.to.map_or(self.width - 8.0, |to| self.x(to));
        let width = (right - x).max(NARROW);
        let refused = item.refused;
        html! {
            g.item.(item.class).refused[refused] tabindex="0" {
                title { (item.title) }
                rect x=(Px(x)) y=(Px(y)) width=(Px(width)) height=(Px(THICK)) {}
                @if item.to.is_none() {
                    path.arrow d={ "M" (Px(right - 6.0)) " " (Px(y)) "l7 8l-7 8z" } {}
                }
                text.label x=(Px(x)) y=(Px(y - 5.0)) {
                    @if refused { "✗ " } (item.label)
                }
                @if let Some((_, state)) = &item.placed {
                    text.state x=(Px(x)) y=(Px(y + THICK + 14.0)) { "then: " (state) }
                }
                @if refused { text.state x=(Px(x)) y=(Px(y + THICK + 14.0)) { (REFUSED) } }
            }
        }
    }

    /// A point within each placed operation's bar, from left to right as far as the bars allow.
    fn points(&self) -> Vec<Point> {
        let mut placed: Vec<(usize, &Item)> =
            self.items.iter().filter_map(|item| Some((item.placed.as_ref()?.0, item))).collect();
        placed.sort_by_key(|(number, _)| *number);
        let mut least = 0.0_f64;
        let mut points = Vec::with_capacity(placed.len());
        for (number, item) in placed {
            let from = self.x(item.from) + 9.0;
            let to = item.to.map_or(f64::MAX, |to| self.x(to) - 9.0).max(from);
            let x = least.max(from).min(to);
            least = x + 18.0;
            points.push((number, x, self.top(item.lane) + BAR + THICK / 2.0));
        }
        points
    }
}

/// The number of an operation in the legal order, and where it takes effect.
type Point = (usize, f64, f64);

/// The legal order as a line from point to point, beneath everything else.
fn line(points: &[Point]) -> Markup {
    let places: Vec<String> =
        points.iter().map(|(_, x, y)| format!("{},{}", Px(*x), Px(*y))).collect();
    html! {
        @if points.len() > 1 { polyline.order points=(places.join(" ")) {} }
    }
}

/// The numbers of the legal order, each at the point where its operation takes effect.
fn numbers(points: &[Point]) -> Markup {
    html! { g.numbers aria-hidden="true" { @for (number, x, y) in points {
        circle cx=(Px(*x)) cy=(Px(*y)) r="8" {}
        text x=(Px(*x)) y=(Px(*y + 4.0)) { (number) }
    } } }
}

/// What stands beneath an operation that no legal order can contain.
const REFUSED: &str = "in no legal order";

/// The width that an item's texts need.
fn room(item: &Item) -> f64 {
    let state = item.placed.as_ref().map_or("", |(_, state)| state.as_str());
    let below = text_width(state) + text_width("then: ");
    let mark = if item.refused { text_width(REFUSED) } else { 0.0 };
    (text_width(&item.label) * BOLD + 14.0).max(below).max(mark)
}

#[cfg(test)]
mod tests {
    use fracas_checker::event::{NodeId, ProcessId};

    use super::*;

    #[test]
    fn the_name_of_every_lane_has_room() {
        let client = Lane::Client(ProcessId(1_000_001));
        let wide = text_width("process 1000001") + NAMES.1;
        for (lane, expect) in [(Lane::Node(NodeId(1)), NAMES.0), (client, wide)] {
            let item = Item {
                lane,
                from: 0,
                to: Some(1),
                label: String::new(),
                title: String::new(),
                class: "ok",
                placed: None,
                refused: false,
            };
            assert_eq!(Figure::new(&[item]).names, expect);
        }
    }
}
