//! How to run it again, what will be the same, and where it was run.

use maud::{Markup, html};

use super::page::{Page, long, short};
use crate::text::{COMMAND, clean, number, plural};

/// The whole section.
pub(super) fn section(page: &Page<'_>) -> Markup {
    let command = &page.run.record.command;
    html! {
        section #reproduce {
            h2 { "Reproduce" }
            div.command {
                pre tabindex="0" { code #command { (clean(command, COMMAND)) } }
                button.js #copy type="button" { "copy" }
            }
            @if let Some(replays) = &page.run.record.replays {
                p { "When this run was carried out again, " (replays.to_string()) "." }
            }
            div.columns {
                div {
                    h4 { "The same every time" }
                    ul {
                        li { "with seed " (page.run.record.seed) ": the choice, order and planned times of faults" }
                        li { "the operations of each client, their keys and values" }
                        li { "how a given history is judged" }
                    }
                }
                div {
                    h4 { "Not the same" }
                    ul {
                        li { "how the kernel schedules the nodes, and how long packets and disks take" }
                        li { "so also: who is elected when, and which operations meet a fault" }
                    }
                }
            }
            (environment(page))
        }
    }
}

fn environment(page: &Page<'_>) -> Markup {
    let (record, target, host) = (page.run.record, &page.run.record.target, &page.run.record.host);
    let rate = record.rate.map_or_else(
        || "as fast as they are answered".to_owned(),
        |rate| format!("{} operations per second", number(rate)),
    );
    let clients = plural(u64::from(record.clients), "client");
    let faults = if record.faults.is_empty() { "none".into() } else { record.faults.join(", ") };
    let rows = [
        ("run", record.id.clone()),
        ("started", record.started.clone()),
        ("load", format!("{clients} for {} s, {rate}", number(record.time_s))),
        ("faults allowed", faults),
        ("target", format!("{}: {}", target.name, target.description)),
        ("version", target.version.clone().unwrap_or_else(|| "it did not tell".to_owned())),
        ("binary", target.binary.clone()),
        ("sha256", target.binary_sha256.clone()),
        ("kernel", host.kernel.clone()),
        ("isolation", host.isolation.clone()),
        ("tool", format!("{} {}", record.tool.name, record.tool.version)),
    ];
    html! {
        h4 { "Where and how it was run" }
        dl.environment {
            @for (name, value) in rows { dt { (name) } dd { (long(&value)) } }
            @if let Some(next) = &target.next {
                dt { "next binary" } dd { (long(&next.binary)) }
                dt { "its version" }
                dd { (long(next.version.as_deref().unwrap_or("it did not tell"))) }
                dt { "its sha256" } dd { (long(&next.binary_sha256)) }
            }
            @for (kind, means) in &host.mechanisms {
                dt { "means of " (short(kind)) } dd { (short(means)) }
            }
            @for (kind, why) in &host.lacking {
                dt { "left out: " (short(kind)) } dd { (long(why)) }
            }
            @for (part, why) in &host.open {
                dt { "isolation without " (short(part)) } dd { (long(why)) }
            }
        }
    }
}
