//! The page: which faults are proven where, how, and at what price.

use std::fmt::Write;

use fracas_checker::fault::Measurement;

use crate::cases::Group;
use crate::row::{Cost, Row, Verdict};

/// How many measurements of a stage are shown.
const SHOWN: usize = 2;

/// What was tried on one server by one user.
pub(crate) struct Block {
    pub(crate) server: String,
    pub(crate) way: &'static str,
    pub(crate) rows: Vec<Row>,
}

/// The whole page.
pub(crate) fn page(blocks: &[Block]) -> String {
    let mut page = String::from(HEAD);
    page.push_str("\n## At a glance\n\n");
    let heads = blocks.iter().map(|block| format!("{}, {}", block.server, block.way));
    line(&mut page, ["fault".to_owned()].into_iter().chain(heads));
    line(&mut page, (0..=blocks.len()).map(|_| "---".to_owned()));
    for name in names() {
        let cells = blocks.iter().map(|block| word(find(block, name)));
        line(&mut page, [name.to_owned()].into_iter().chain(cells));
    }
    equipment(&mut page, blocks);
    for name in names() {
        section(&mut page, name, blocks);
    }
    page
}

const HEAD: &str = "\
# Proven faults

Written by `make prove-faults`: each server of four nodes is started in a lab while clients write to it; each fault is brought about by the code of a run, measured when it was injected, once more before it was healed, and after that. Where something more was measured than is shown, it held as well.

regent is a program of Rust, etcd of Go (dynamic, as Debian has it), redis of C with jemalloc. The systems of other runtimes are each one run of `fracas` as root, with a schedule of all faults that their target files allow; what a fault costs others was not measured there.

The last three columns are what the fault costs those who are not meant, just before it → while it lasted: one call of a wall clock (of the victim itself where clocks are wrong or shifted, else of a bystander), the round trip of a packet between two bystanders (half take no longer), and an fsync of a small record on a bystander's disk (the same). Times are of one busy machine: what matters is that both sides of an arrow are alike.
";

fn names() -> Vec<&'static str> {
    Group::ALL.into_iter().flat_map(Group::names).collect()
}

fn find<'a>(block: &'a Block, name: &str) -> Option<&'a Row> {
    block.rows.iter().find(|row| row.name == name)
}

fn line(page: &mut String, cells: impl Iterator<Item = String>) {
    let cells: Vec<String> =
        cells.map(|cell| cell.replace('|', "\\|").replace('\n', " ")).collect();
    writeln!(page, "| {} |", cells.join(" | ")).expect("a string takes any text");
}

/// A row in a word.
fn word(row: Option<&Row>) -> String {
    match row.map(|row| &row.verdict) {
        Some(Verdict::Proven) => "proven",
        Some(Verdict::Failed(_)) => "**failed**",
        Some(Verdict::NotHere(_)) => "not here",
        Some(Verdict::NotAllowed) => "not allowed",
        None => "not tried",
    }
    .to_owned()
}

/// What the clocks and disks cost that nodes are given so that faults can be brought about.
fn equipment(page: &mut String, blocks: &[Block]) {
    page.push_str(
        "\n## What the equipment costs\n\nWhere clocks or disks are to be troubled, nodes are given \
         ones that can be. Without → with them, and no fault: the disk answers an fsync after 1 to \
         5 ms on purpose.\n\n",
    );
    let heads = ["server", "user", "clock call", "fsync"];
    line(page, heads.into_iter().map(str::to_owned));
    line(page, heads.into_iter().map(|_| "---".to_owned()));
    let with_costs = |block: &&Block| find(block, "delay").is_some_and(|row| row.before.is_known());
    for block in blocks.iter().filter(with_costs) {
        let before = |name| find(block, name).map(|row| row.before).unwrap_or_default();
        let (plain, clock) = (before("monotonic offset"), before("clock step"));
        let cells = [
            block.server.clone(),
            block.way.to_owned(),
            change(plain.clock_ns, clock.clock_ns, " ns"),
            change(plain.fsync_ms, before("slow fsync").fsync_ms, " ms"),
        ];
        line(page, cells.into_iter());
    }
}

/// One fault, on all servers.
fn section(page: &mut String, name: &str, blocks: &[Block]) {
    let rows: Vec<(&Block, &Row)> =
        blocks.iter().filter_map(|block| Some((block, find(block, name)?))).collect();
    let mechanism = rows.iter().map(|(_, row)| &*row.mechanism).find(|means| !means.is_empty());
    let mechanism = mechanism.unwrap_or("no means here");
    write!(page, "\n## {}\n\nBy {mechanism}.\n\n", capital(name)).expect("a string takes any text");
    let heads =
        ["server", "user", "injected", "held", "healed", "clock call", "round trip", "fsync"];
    line(page, heads.into_iter().map(str::to_owned));
    line(page, heads.into_iter().map(|_| "---".to_owned()));
    for (block, row) in rows {
        let stages: Vec<String> = match &row.verdict {
            Verdict::Proven => row.stages.iter().map(|stage| proof(stage)).collect(),
            Verdict::Failed(why) => {
                vec![format!("**failed**: {why}"), String::new(), String::new()]
            }
            Verdict::NotAllowed => {
                let why = "the target file does not allow it";
                vec![why.to_owned(), String::new(), String::new()]
            }
            Verdict::NotHere(why) => vec![format!("not here: {why}"), String::new(), String::new()],
        };
        let server = [block.server.clone(), block.way.to_owned()];
        line(page, server.into_iter().chain(stages).chain(prices(&row.before, &row.during)));
    }
}

/// The first measurements, which is where the fault itself is measured.
fn proof(measured: &[Measurement]) -> String {
    let shown: Vec<String> = measured
        .iter()
        .take(SHOWN)
        .map(|measurement| format!("{}: {}", measurement.what, measurement.result))
        .collect();
    let more = measured.len().saturating_sub(SHOWN);
    let more = if more > 0 { format!("; and {more} more") } else { String::new() };
    format!("{}{more}", shown.join("; "))
}

fn prices(before: &Cost, during: &Cost) -> [String; 3] {
    [
        change(before.clock_ns, during.clock_ns, " ns"),
        change(before.round_trip_us, during.round_trip_us, " µs"),
        change(before.fsync_ms, during.fsync_ms, " ms"),
    ]
}

fn change(before: Option<f64>, during: Option<f64>, unit: &str) -> String {
    let number = |value: Option<f64>| match value {
        Some(value) if value < 0.1 => format!("{value:.4}"),
        Some(value) if value < 10.0 => format!("{value:.1}"),
        Some(value) => format!("{value:.0}"),
        None => "?".to_owned(),
    };
    format!("{} → {}{unit}", number(before), number(during))
}

fn capital(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(char::to_uppercase).into_iter().flatten().chain(letters).collect()
}
