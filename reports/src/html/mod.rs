//! `report.html`: one file that says what happened, to be read without a network or a script.
//!
//! The script adds zooming, details under the pointer, the theme switch and the copy button. All
//! text from outside goes through [`page::short`] or [`page::long`] and is escaped by the template.

mod anomaly;
mod bar;
mod checks;
mod cluster;
pub(crate) mod csp;
mod faults;
mod notes;
mod page;
mod rates;
mod reproduce;
mod svg;
mod timeline;
mod warp;
mod witness;

use maud::{DOCTYPE, Markup, PreEscaped, html as markup};

use self::page::Page;
use crate::run::Run;
use crate::text::{PHRASE, clean};
use crate::words::{Outcome, outcome};

const SCRIPT: &str = include_str!("../../assets/report.js");
const STYLE: &str = include_str!("../../assets/report.css");

/// Writes `report.html`.
#[must_use]
pub fn html(run: &Run<'_>) -> String {
    let page = Page::new(run);
    let Outcome { word, glyph, .. } = outcome(run);
    let title = format!("{glyph} {word} – {} – fracas", clean(&run.record.target.name, PHRASE));
    markup! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(csp::policy(SCRIPT, STYLE));
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="referrer" content="no-referrer";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body { (body(&page)) script { (PreEscaped(SCRIPT)) } }
        }
    }
    .into_string()
}

fn body(page: &Page<'_>) -> Markup {
    markup! {
        (patterns())
        (bar::header(page))
        main {
            (bar::notices(page))
            (anomaly::section(page))
            (timeline::section(page))
            (rates::section(page))
            (faults::section(page))
            (cluster::section(page))
            (notes::section(page))
            (checks::section(page))
            (reproduce::section(page))
        }
        footer { "Written by " (page::short(&page.run.record.tool.name)) " "
            (page::short(&page.run.record.tool.version)) ". Nothing on this page comes from a network." }
    }
}

/// The hatch patterns by which kinds of faults and outcomes are told apart without colour.
fn patterns() -> Markup {
    let hatch = |name: &str, turn: &str, size: &str, line: &str| {
        markup! {
            pattern id={ "hatch-" (name) } class={ "hatch " (name) } width=(size) height=(size)
                patternUnits="userSpaceOnUse" patternTransform=(turn) {
                rect class="ground" width=(size) height=(size) {}
                path d=(line) {}
            }
        }
    };
    markup! {
        svg.patterns width="0" height="0" aria-hidden="true" { defs {
            (hatch("partition", "rotate(45)", "8", "M0 0V8"))
            (hatch("pause", "rotate(0)", "7", "M0 0V7"))
            (hatch("kill", "rotate(-45)", "7", "M0 0V7"))
            (hatch("power", "rotate(90)", "4", "M0 0V4"))
            (hatch("clock", "rotate(20)", "7", "M0 0V7"))
            (hatch("slow", "rotate(90)", "5", "M0 0V5"))
            (hatch("loss", "rotate(-45)", "5", "M0 0V5"))
            (hatch("disk", "rotate(-20)", "9", "M0 0V9M4 0V9"))
            (hatch("starve", "rotate(70)", "8", "M0 0V8M3 0V8"))
            (hatch("crash", "rotate(45)", "7", "M0 0V7M0 0H7"))
            (hatch("info", "rotate(-45)", "4", "M0 0V4"))
            (hatch("candidate", "rotate(45)", "6", "M0 0V6"))
        } }
    }
}
