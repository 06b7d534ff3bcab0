//! A lane per node: its role and generation as observed, and when its server was gone or stopped.

use std::collections::{BTreeMap, BTreeSet};

use fracas_checker::event::{EventKind, Nanos, NodeId};
use fracas_checker::observation::Role;
use maud::{Markup, html};

use super::super::page::Page;
use super::super::svg::{Band, Bar, PLOT, Px, lane_name};
use crate::findings::Finding;
use crate::leaders::{RoleSpan, roles};
use crate::lives::{Down, Why};
use crate::text::{PHRASE, brief, clean, seconds};

/// The height of one lane.
const ROW: f64 = 22.0;

/// How many nodes are drawn.
const MAX_NODES: usize = 64;

/// How many spans of role are drawn for all nodes together.
const MAX_SPANS: usize = 2_000;

/// How many observations of witnesses are drawn on top, on each lane.
const MAX_WITNESS: usize = 500;

/// The lanes of all nodes, and what was left out to draw them.
pub(super) fn band(page: &Page<'_>) -> (Band, Option<String>) {
    let history = page.run.history;
    let roles = roles(history, &page.downs);
    let nodes: BTreeSet<NodeId> =
        history.header().nodes.iter().chain(roles.keys()).copied().take(MAX_NODES).collect();
    let each = MAX_SPANS / nodes.len().max(1);
    let lanes: Vec<Lane<'_>> = nodes
        .iter()
        .enumerate()
        .map(|(place, node)| Lane { page, node: *node, y: place as f64 * ROW, each })
        .collect();
    let cut = roles.len() > nodes.len() || roles.values().any(|spans| spans.len() > each);
    let band = Band {
        height: nodes.len() as f64 * ROW,
        gutter: html! { @for lane in &lanes { (lane.name()) } },
        shapes: html! { @for lane in &lanes { (lane.shapes(&roles)) } },
        labels: html! { @for lane in &lanes { (lane.labels(&roles)) } },
    };
    (band, cut.then(|| format!("Only the first {each} changes of role of each node are drawn.")))
}

/// One node's lane.
struct Lane<'a> {
    page: &'a Page<'a>,
    node: NodeId,
    y: f64,
    /// How many spans it may draw.
    each: usize,
}

impl Lane<'_> {
    fn name(&self) -> Markup {
        lane_name(&self.node.to_string(), self.y + 9.0, "role and generation as observed")
    }

    fn spans<'a>(&self, roles: &'a Roles) -> impl Iterator<Item = &'a RoleSpan> {
        roles.get(&self.node).into_iter().flatten().take(self.each)
    }

    /// Every time its server was down, and where the next one begins: they may overlap.
    fn downs(&self) -> impl Iterator<Item = (&Down, f64)> {
        let all = self.page.downs.get(&self.node).map_or(&[][..], Vec::as_slice);
        let next = all.iter().skip(1).map(|next| self.page.scale.x(next.from)).chain([PLOT]);
        all.iter().zip(next).take(self.each)
    }

    fn shapes(&self, roles: &Roles) -> Markup {
        html! {
            @for span in self.spans(roles) {
                (self.bar(span, &class(span), &title(self.node, span)).draw())
            }
            @for (down, free) in self.downs() { (self.down(down, free).0) }
            @for (from, to) in self.witnessed() { (self.witness(from, to)) }
        }
    }

    /// What was observed of this node that is part of a witness.
    fn witnessed(&self) -> impl Iterator<Item = (Nanos, Nanos)> {
        let findings = self.page.findings.iter();
        let indices = findings.flat_map(Finding::all).flat_map(|anomaly| &anomaly.witness);
        indices.take(MAX_WITNESS).filter_map(|index| {
            let event = self.page.event(*index)?;
            match &event.kind {
                EventKind::Observe(seen) if seen.node == self.node => {
                    Some((seen.since, event.time))
                }
                _ => None,
            }
        })
    }

    fn witness(&self, from: Nanos, to: Nanos) -> Markup {
        let (x, width) = self.page.scale.span(from, to, 3.0);
        let title = format!("{} observed at {}: part of a witness", self.node, seconds(to));
        Bar { x, y: self.y, width, height: ROW - 4.0, class: "witness", title: &title }.draw()
    }

    fn labels(&self, roles: &Roles) -> Markup {
        html! {
            @for span in self.spans(roles) {
                @if let (Role::Leader, Some(generation)) = (span.role, span.generation) {
                    g.on-leader { (self.bar(span, "", "").label(&generation.to_string())) }
                }
            }
            @for (down, free) in self.downs() { (self.down(down, free).1) (self.restart(down)) }
        }
    }

    fn bar<'a>(&self, span: &RoleSpan, class: &'a str, title: &'a str) -> Bar<'a> {
        let (x, width) = self.page.scale.span(span.from, span.to, 1.5);
        Bar { x, y: self.y, width, height: ROW - 4.0, class, title }
    }

    /// The shape of a time during which the server was gone or stopped, and the label, which ends
    /// where the next one begins.
    fn down(&self, down: &Down, free: f64) -> (Markup, Markup) {
        let (x, width) = self.page.scale.span(down.from, down.to.unwrap_or(self.page.end), 2.0);
        let class = match down.proven {
            true => format!("down {}", down.why.class()),
            false => "unproven".to_owned(),
        };
        let title = tell(self.node, down);
        let bar = Bar { x, y: self.y, width, height: ROW - 4.0, class: &class, title: &title };
        let doubt = if down.proven { "" } else { "?" };
        let glyph = down.why.glyph();
        let short = format!("{glyph} {}{doubt}", down.why.word());
        let long = match &down.why {
            Why::Crashed(how) => format!("{short}: {}", brief(how, 24)),
            _ => short.clone(),
        };
        let label = bar.label_of(&[&long, &short, glyph], width.min(free - x));
        let label = html! { g.why.(down.why.class()) { (label) } };
        (bar.draw(), label)
    }

    /// A mark where the server was started again.
    fn restart(&self, down: &Down) -> Markup {
        let Some(at) = down.to.filter(|_| down.restarts()) else { return html! {} };
        let x = self.page.scale.x(at).min(PLOT - RESTART);
        html! {
            text.restart x=(Px(x)) y=(Px(self.y + ROW / 2.0 + 4.0)) data-inset="0"
                data-room=(Px(RESTART)) data-bar=(Px(RESTART)) { "▸" }
        }
    }
}

/// The width of the mark of a new start.
const RESTART: f64 = 9.0;

fn tell(node: NodeId, down: &Down) -> String {
    let cause = match &down.why {
        Why::Crashed(how) => format!("crashed by itself with {}", clean(how, PHRASE)),
        why => why.word().to_owned(),
    };
    let doubt = if down.proven { "" } else { ", not proven" };
    let by = down.fault.map_or_else(String::new, |id| format!(" by fault {id}{doubt}"));
    let from = seconds(down.from);
    match down.to {
        Some(to) if down.restarts() => {
            format!("{node} {cause}{by} · {from}, started again at {}", seconds(to))
        }
        Some(to) => format!("{node} {cause}{by} · {from} – {}", seconds(to)),
        None => format!("{node} {cause}{by} · {from}, never started again"),
    }
}

type Roles = BTreeMap<NodeId, Vec<RoleSpan>>;

fn class(span: &RoleSpan) -> String {
    let parity = if span.generation.is_some_and(|it| it % 2 == 1) { " odd" } else { "" };
    let hearsay = if span.proven { "" } else { " hearsay" };
    format!("role {}{parity}{hearsay}", word(span.role))
}

fn word(role: Role) -> &'static str {
    match role {
        Role::Leader => "leader",
        Role::Follower => "follower",
        Role::Candidate => "candidate",
    }
}

fn title(node: NodeId, span: &RoleSpan) -> String {
    let generation = span.generation.map_or_else(String::new, |it| format!(" of generation {it}"));
    let proven = if span.proven { "" } else { " (hearsay)" };
    let (from, to) = (seconds(span.from), seconds(span.to));
    format!("{node} {}{generation}{proven} · {from} – {to}", word(span.role))
}
