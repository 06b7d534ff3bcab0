//! Which faults were in effect for how long, night by night: where the holes are.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::super::merged::{Index, KindNights};
use super::super::stored::Injected;
use super::words::{columns, cut, heads, older};

/// How many targets with their kinds are shown.
const MAX_KINDS: usize = 200;

/// The whole section.
pub(super) fn section(index: &Index) -> Markup {
    html! {
        section #faults {
            h2 { "Faults in effect" }
            p.hint {
                "Seconds for which a kind of fault was measurably in effect. 0 stands where it was \
                 allowed and never in effect, nothing where it was not allowed. Findings are those of \
                 runs in which the kind was in effect; it need not be their cause."
            }
            div.scroll { table.grid {
                thead { tr {
                    th scope="col" { "kind and target" } (heads(index))
                    th scope="col" { "all" } th scope="col" { "proven" } th scope="col" { "findings" }
                } }
                tbody { @for ((target, kind), it) in index.kinds.iter().take(MAX_KINDS) {
                    tr {
                        th.row scope="row" { strong { (kind) } " " (target) }
                        @for night in columns(index) { (cell(&it.nights, night)) }
                        (sums(it))
                    }
                } }
            } }
            (cut(index.kinds.len(), MAX_KINDS))
            (older(index))
        }
    }
}

fn cell(nights: &BTreeMap<usize, Injected>, night: usize) -> Markup {
    let Some(all) = nights.get(&night) else { return html! { td.cell {} } };
    let title = format!("{} of {} proven, {:.1} s", all.proven, all.injected, all.seconds);
    let class = if all.proven == 0 { "hole" } else { "effective" };
    html! { td.cell { span.(class) title=(title) { (seconds(all)) } } }
}

/// How long; that it was in effect at all shows where it was for less than a second.
fn seconds(all: &Injected) -> String {
    match all.seconds {
        _ if all.proven == 0 => "0".to_owned(),
        short if short < 1.0 => "<1".to_owned(),
        long => format!("{long:.0}"),
    }
}

fn sums(kind: &KindNights) -> Markup {
    let nights = kind.nights.values();
    let (injected, proven): (u64, u64) = nights.clone().fold((0, 0), |(injected, proven), it| {
        (injected + u64::from(it.injected), proven + u64::from(it.proven))
    });
    let seconds: f64 = nights.map(|it| it.seconds).sum();
    html! {
        td.number { (format!("{seconds:.0}")) " s" }
        td.number { (proven) " of " (injected) }
        td.number { (kind.beside.len()) }
    }
}
