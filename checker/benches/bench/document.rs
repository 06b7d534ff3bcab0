//! The page `docs/benchmarks.md`, and one line per row while it is being measured.

use super::measure::Measured;
use super::rows::{How, Part, Row};

type Rows = [(Row, Measured)];

/// One row, as it was just measured.
pub(crate) fn line(row: &Row, found: &Measured) -> String {
    let time = found.fastest().map_or("–".to_owned(), seconds);
    let memory = found.bytes.map_or("–".to_owned(), bytes);
    let size = row.shape.operations;
    format!("{:<62} {size:>8} {:>14} {time:>9} {memory:>9}", row.name(), verdict(found))
}

/// The whole page.
pub(crate) fn page(machine: &str, rows: &Rows) -> String {
    let mut page = format!("{HEAD}\n{machine}\n{MEANING}");
    for part in Part::ALL {
        let rows: Vec<&(Row, Measured)> = rows.iter().filter(|(row, _)| row.part == part).collect();
        if rows.is_empty() {
            continue;
        }
        page += &format!("\n## {}\n\n{}\n\n", part.title(), part.goal());
        page += if part.usual().is_some() { COMPARED } else { TABLE };
        for (row, found) in &rows {
            page += &entry(row, found, &rows);
        }
        page += &unfinished(&rows);
    }
    page
}

const HEAD: &str = "# Benchmarks

How long the checker takes, and how much memory. This page is written by

```sh
cargo bench -p fracas-checker -- --write
```

(or `make bench`), which takes a few minutes; `-- --quick` and a word such as `-- queue` measure
less and show it only. No test rests on these numbers. A wrong verdict would fail the run.

Measured on:
";

const MEANING: &str = "
What the columns mean:

- *history*: the kind of object, how many clients ask it at a time, each one operation after the
  other, and of how many operations nobody learned the outcome. Where nothing else is said, there is
  one key, every value is written once, and the history is legal. “One wrong answer” is a stale read
  among the last twentieth of the operations, or what comes next to it for the kind. The histories
  come from a seeded generator (`checker/benches/generator`), so they are the same everywhere.
- *verdict*: what the check said. Where several seeds were tried, how many were decided.
- *fastest*, *median*: of up to seven runs, from the history in memory to the verdict; an anomaly
  with its witness, its smallest part and its words. “From the file”: reading it included. Every run
  gets its memory from the system and gives it back, as the one run of a program does.
- *memory*: the most memory on top of that of the history, in a process of its own.
- *slope*: how the time grows with the number of operations n, as the exponent of n, over all sizes
  from 10^4 on.
";

const TABLE: &str = "| history | operations | verdict | fastest | median | memory | slope |
|---|---:|---|---:|---:|---:|---:|
";

const COMPARED: &str = "| history | operations | verdict | fastest | median | memory | times |
|---|---:|---|---:|---:|---:|---:|
";

fn entry(row: &Row, found: &Measured, rows: &[&(Row, Measured)]) -> String {
    let usual = row.part.usual();
    let last = usual.map_or_else(|| slope(row, rows), |usual| times((row, found), usual, rows));
    let show = |value: Option<f64>| value.map_or("–".to_owned(), seconds);
    format!(
        "| {} | {} | {} | {} | {} | {} | {} |\n",
        row.name(),
        grouped(row.shape.operations),
        verdict(found),
        show(found.fastest()),
        show(found.median()),
        found.bytes.map_or("–".to_owned(), bytes),
        last.map_or("–".to_owned(), |last| format!("{last:.2}")),
    )
}

fn verdict(found: &Measured) -> String {
    match found.decided {
        (decided, all) if all > 1 => format!("{decided} of {all} decided"),
        _ => found.verdict.clone(),
    }
}

/// What stopped the rows that were not decided.
fn unfinished(rows: &[&(Row, Measured)]) -> String {
    let mut text = String::new();
    for (row, found) in rows.iter().filter(|(_, found)| !found.is_decided()) {
        if let Some(reason) = &found.reason {
            let (name, size) = (row.name(), grouped(row.shape.operations));
            text += &format!("- {name}, {size} operations: {reason}\n");
        }
    }
    if text.is_empty() { text } else { format!("\nNot decided:\n\n{text}") }
}

/// How many times as long it takes as the `usual` way.
fn times((row, found): (&Row, &Measured), usual: How, rows: &[&(Row, Measured)]) -> Option<f64> {
    let usual = rows.iter().find(|(other, _)| other.how == usual && row.same_history(other))?;
    let decided = found.is_decided() && usual.1.is_decided();
    decided.then_some(found.fastest()? / usual.1.fastest()?)
}

/// The smallest size that tells how time grows.
const LARGE: usize = 10_000;

/// The exponent of growth by least squares, shown with the largest size of a shape.
fn slope(row: &Row, rows: &[&(Row, Measured)]) -> Option<f64> {
    let same = |other: &Row| other.name() == row.name() && other.shape.operations >= LARGE;
    let family = rows.iter().filter(|(other, found)| same(other) && found.is_decided());
    let points: Vec<(f64, f64)> = family
        .filter_map(|(other, found)| {
            Some(((other.shape.operations as f64).ln(), found.fastest()?.ln()))
        })
        .collect();
    let largest = rows.iter().filter(|(other, _)| same(other)).map(|(it, _)| it.shape.operations);
    let is_largest = largest.max() == Some(row.shape.operations);
    (is_largest && points.len() > 1).then(|| exponent(&points))
}

/// The slope of the line through `points`.
pub(crate) fn exponent(points: &[(f64, f64)]) -> f64 {
    let count = points.len() as f64;
    let (x, y) = points.iter().fold((0.0, 0.0), |(x, y), point| (x + point.0, y + point.1));
    let (x, y) = (x / count, y / count);
    let rise: f64 = points.iter().map(|point| (point.0 - x) * (point.1 - y)).sum();
    let run: f64 = points.iter().map(|point| (point.0 - x) * (point.0 - x)).sum();
    rise / run
}

fn seconds(seconds: f64) -> String {
    match seconds {
        s if s >= 1.0 => format!("{s:.2} s"),
        s if s >= 0.001 => format!("{:.1} ms", s * 1e3),
        s => format!("{:.1} µs", s * 1e6),
    }
}

fn bytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}

/// `1 000 000` is easier to read than `1000000`.
fn grouped(number: usize) -> String {
    match number {
        1_000_000.. => {
            format!("{} {:03} {:03}", number / 1_000_000, number / 1_000 % 1_000, number % 1_000)
        }
        1_000.. => format!("{} {:03}", number / 1_000, number % 1_000),
        _ => number.to_string(),
    }
}
