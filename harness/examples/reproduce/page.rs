//! The page `docs/reproductions.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;

use crate::fetch::Fetched;
use crate::measured::{Cell, Measured};
use crate::rows::{Row, SIDES};

/// Where the page goes.
const PAGE: &str = "docs/reproductions.md";

/// What stands before the table.
const HEAD: &str = "# Reproductions: known failures of released systems\n\n\
Written by `make reproduce`. Each row is a failure of a released version, or of a setting, that somebody \
else has told of. fracas looks for it with its usual choice of faults, without a schedule made for it; a \
run that ends with an anomaly of another class is not counted as *found*. The control is a version or a \
setting that is said to be right, with the same command and the same seeds.\n\n\
`make reproduce ROWS=\"NAME NAME\" SEEDS=3 JOBS=2` measures a part. Each run is a line of \
`targets/reproductions/measured.jsonl`. A run with the same command and seed is not repeated; \
`ANEW=--anew` forgets the runs of those rows.\n\n\
What was found without a row, with `strace` and with schedules, is in [findings.md](findings.md).\n";

/// Writes the page.
pub(crate) fn write(
    rows: &[Row],
    fetched: &BTreeMap<(String, bool), Fetched>,
    all: &BTreeMap<Cell, Measured>,
) -> Result<(), String> {
    let mut page = format!("{HEAD}\n## What was found\n\n{}", table(rows, all));
    page += "\n## The rows\n";
    for row in rows {
        page += &section(row, fetched, all);
    }
    fs::write(PAGE, page.trim_end().to_owned() + "\n")
        .map_err(|error| format!("failed to write `{PAGE}`: {error}"))
}

/// A line for each row.
fn table(rows: &[Row], all: &BTreeMap<Cell, Measured>) -> String {
    let mut text = "| row | system | fails | found | first anomaly, in seconds of the run | control | clean |\n\
        |---|---|---|---|---|---|---|\n"
        .to_owned();
    for row in rows {
        let (faulty, control) = (runs(row, false, all), runs(row, true, all));
        let name = &row.name;
        let _ = writeln!(
            text,
            "| [{name}](#{name}) | {} | {} | {} | {} | {} | {} |",
            row.system,
            row.faulty.version,
            found(&faulty),
            seconds(&faulty),
            row.control.version,
            clean(&control),
        );
    }
    text
}

/// The runs of one side of a row, by seed.
fn runs<'a>(row: &Row, control: bool, all: &'a BTreeMap<Cell, Measured>) -> Vec<&'a Measured> {
    let here = |run: &&Measured| run.cell.row == row.name && run.cell.control == control;
    all.values().filter(here).collect()
}

/// In how many of the seeds it was found, and what else came of them.
fn found(runs: &[&Measured]) -> String {
    if runs.is_empty() {
        return "not run".to_owned();
    }
    let found = runs.iter().filter(|run| run.seconds.is_some()).count();
    let rest = runs.iter().filter(|run| run.seconds.is_none());
    format!("{found} of {} seeds{}", runs.len(), others(rest.copied()))
}

/// How many runs of the control passed, and what came of the others.
fn clean(runs: &[&Measured]) -> String {
    if runs.is_empty() {
        return "not run".to_owned();
    }
    let passed = runs.iter().filter(|run| run.verdict == "pass").count();
    let rest = runs.iter().filter(|run| run.verdict != "pass");
    format!("{passed} of {} seeds passed{}", runs.len(), others(rest.copied()))
}

/// What came of runs that are neither found nor clean: verdicts but passes, and the classes.
fn others<'a>(runs: impl Iterator<Item = &'a Measured>) -> String {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for run in runs.filter(|run| run.verdict != "pass") {
        let class = run.classes.first().map(|class| format!(" `{class}`")).unwrap_or_default();
        *counts.entry(format!("{}{class}", run.verdict)).or_default() += 1;
    }
    counts.into_iter().map(|(outcome, count)| format!(", {count} {outcome}")).collect()
}

/// The least, the middle and the greatest time of the first anomaly.
fn seconds(runs: &[&Measured]) -> String {
    let mut times: Vec<f64> = runs.iter().filter_map(|run| run.seconds).collect();
    times.sort_by(f64::total_cmp);
    match times.as_slice() {
        [] => "–".to_owned(),
        [time] => format!("{time:.0}"),
        [first, .., last] => format!("{:.0} ({first:.0} to {last:.0})", times[times.len() / 2]),
    }
}

/// What is said of one row.
fn section(
    row: &Row,
    fetched: &BTreeMap<(String, bool), Fetched>,
    all: &BTreeMap<Cell, Measured>,
) -> String {
    let mut text = format!("\n### {}\n\n{} Reference: {}.\n\n", row.name, row.wrong, row.reference);
    if let Some(note) = &row.note {
        let _ = write!(text, "{note}\n\n");
    }
    for control in SIDES {
        let side = row.side(control);
        let runs = runs(row, control, all);
        let versions: BTreeSet<&str> = runs.iter().map(|run| run.version.as_str()).collect();
        let told: Vec<&str> = versions.into_iter().filter(|version| !version.is_empty()).collect();
        let role = if control { "Control" } else { "Fails" };
        let _ = write!(text, "- {role}: {}", side.version);
        if !told.is_empty() {
            let _ = write!(text, " (the server says: {})", told.join("; "));
        }
        text += ". ";
        text += &if control { clean(&runs) } else { found(&runs) };
        text += &seeds(&runs, control);
        if let Some(Err(reason)) = fetched.get(&(row.name.clone(), control)) {
            let _ = write!(text, "; it could not be fetched here: `{}`", reason.replace('`', "'"));
        }
        let place = format!("$({})", fetch_command(&side.fetch));
        let command = row.command(control, &place).join(" ");
        let _ = write!(text, ".\n\n  ```text\n  fracas {command} --seed=SEED\n  ```\n\n");
    }
    text
}

/// Which seeds found it.
fn seeds(runs: &[&Measured], control: bool) -> String {
    let found: Vec<String> = runs
        .iter()
        .filter(|run| run.seconds.is_some() && !control)
        .map(|run| run.cell.seed.to_string())
        .collect();
    if found.is_empty() { String::new() } else { format!(" ({})", found.join(", ")) }
}

/// The command that names the directory of a version.
fn fetch_command(fetch: &[String]) -> String {
    format!("targets/reproductions/fetch.sh ~/.cache/fracas-versions {}", fetch.join(" "))
}
