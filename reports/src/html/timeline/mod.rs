//! The timeline: faults, nodes, clients and anomalies on one time axis.
//!
//! All of it is drawn here, without a script; how much is bounded by named constants, and what was
//! reduced is said beneath the drawing. An operation of a witness is never reduced.

mod anomalies;
mod clients;
mod faults;
mod nodes;
mod stalls;

use std::collections::BTreeMap;

use fracas_checker::event::{EventKind, Phase};
use maud::{Markup, html};

pub(super) use faults::tints;

use super::page::Page;
use super::svg::{Band, Px, drawing};
use crate::lives::{Down, Why};

/// The whole section.
pub(super) fn section(page: &Page<'_>) -> Markup {
    let (nodes, left_out) = nodes::band(page);
    let (clients, mut notes) = clients::band(page);
    notes.extend(left_out);
    let mut bands = vec![phases(page)];
    bands.extend(anomalies::band(page));
    bands.extend(faults::band(page));
    bands.push(nodes);
    bands.push(clients);
    let beneath = html! { (tints(page)) (stalls::gaps(page)) (anomalies::windows(page)) };
    notes.extend(stalls::notes(page));
    html! {
        section #timeline {
            h2 { "Timeline" }
            p.hint.js {
                "Zoom: wheel with Ctrl, or " kbd { "W" } " and " kbd { "S" } ". Move: drag, or "
                kbd { "A" } " and " kbd { "D" } ". Show all: " kbd { "0" }
                ". Point at a bar to read about it below the drawing."
            }
            (drawing(&page.scale, "Timeline of faults, nodes and clients", &beneath, &bands))
            p.readout aria-live="polite" {}
            (legend(page))
            @for note in notes { p.note { (note) } }
        }
    }
}

/// The phases of the run, as marks under the axis.
fn phases(page: &Page<'_>) -> Band {
    let entered: Vec<(f64, Phase)> = page
        .run
        .history
        .events()
        .iter()
        .filter_map(|event| match event.kind {
            EventKind::Phase { phase } => Some((page.scale.x(event.time), phase)),
            _ => None,
        })
        .take(MAX_PHASES)
        .collect();
    Band {
        height: 14.0,
        gutter: super::svg::lane_name("phase", 7.0, "what the harness was doing"),
        shapes: html! { @for (x, _) in &entered {
            line.phase x1=(Px(*x)) x2=(Px(*x)) y1="0" y2=(Px(super::svg::FULL_HEIGHT)) {}
        } },
        labels: html! { @for (place, (x, phase)) in entered.iter().enumerate() {
            @let room = entered.get(place + 1).map_or(super::svg::PLOT, |next| next.0) - x;
            @let word = phase_word(*phase);
            text.phase.tight[super::svg::text_width(word) + 6.0 > room] x=(Px(x + 4.0)) y="11"
                data-room=(Px(room)) data-bar=(Px(room)) { (word) }
        } },
    }
}

/// A run has five phases; a history from elsewhere may claim more.
const MAX_PHASES: usize = 20;

fn phase_word(phase: Phase) -> &'static str {
    match phase {
        Phase::Start => "start",
        Phase::Load => "load",
        Phase::Recover => "recover",
        Phase::FinalReads => "final reads",
        Phase::Stop => "stop",
    }
}

/// The shapes that this page has, each with its meaning.
fn legend(page: &Page<'_>) -> Markup {
    let sample = |class: &str, sign: &str, word: &str| {
        html! { li { svg.sample viewBox="0 0 22 12" aria-hidden="true" {
            rect class=(class) x="0.5" y="0.5" width="21" height="11" {}
            @if !sign.is_empty() { text.sign x="11" y="10" { (sign) } }
        } (word) } }
    };
    let downs = || page.downs.values().flatten();
    let whys: BTreeMap<&str, &Why> = downs().map(|down| (down.why.class(), &down.why)).collect();
    let unproven = page.faults.iter().any(|span| span.effective.is_none());
    html! {
        ul.legend aria-label="What the shapes mean" {
            (sample("op ok", "", "ok"))
            (sample("op fail", "", "refused: did not take effect"))
            (sample("op info", "", "unknown: may take effect later"))
            (sample("role leader", "", "leader, with its generation"))
            (sample("role candidate", "", "candidate"))
            (sample("role follower", "", "follower"))
            @for (class, why) in whys {
                (sample(&format!("down {class}"), why.glyph(), meaning(why)))
            }
            @if downs().any(Down::restarts) {
                (sample("nothing", "▸", "server started again"))
            }
            @if !page.faults.is_empty() {
                (sample("fault any", "", "fault in effect, proven; each kind has its own hatch"))
                (sample("unproven", "", match unproven {
                    true => "fault not proven, or about to begin or end",
                    false => "fault about to begin or end",
                }))
            }
            @if stalls::any(page) { (sample("gap", "", "the harness stood still, or is broken: it saw nothing")) }
            @if !page.findings.is_empty() { (sample("witness", "", "part of an anomaly")) }
        }
    }
}

fn meaning(why: &Why) -> &'static str {
    match why {
        Why::Crashed(_) => "server crashed: it ended by itself",
        Why::Ended => "server ended by a fault",
        Why::NoPower => "power failure: killed, unsynced data lost",
        Why::Paused => "server paused by a fault",
    }
}
