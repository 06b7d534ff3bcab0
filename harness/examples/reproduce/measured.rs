//! Runs, and what came of them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::program::program;
use crate::rows::Row;

/// One run: what is measured.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Cell {
    pub(crate) row: String,
    pub(crate) control: bool,
    pub(crate) seed: u64,
}

/// What came of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Measured {
    #[serde(flatten)]
    pub(crate) cell: Cell,
    /// `pass`, `inconclusive`, `anomaly` or `error`.
    pub(crate) verdict: String,
    /// The classes of what was found, the gravest first.
    pub(crate) classes: Vec<String>,
    /// When the first anomaly of the classes that the row names was complete, in seconds of the run.
    pub(crate) seconds: Option<f64>,
    /// What the server says of its version.
    pub(crate) version: String,
    /// The arguments of `fracas`, without the seed. What was fetched is in braces.
    pub(crate) command: String,
}

/// Where all that was measured is kept, beside the rows: a run a line.
const KEPT: &str = "targets/reproductions/measured.jsonl";

/// What was measured before, with the command that its row has now; the last line of a run counts.
pub(crate) fn known(rows: &[Row]) -> Result<BTreeMap<Cell, Measured>, String> {
    let mut known = BTreeMap::new();
    for (number, line) in (1..).zip(kept()?.lines()) {
        let measured: Measured = serde_json::from_str(line)
            .map_err(|error| format!("{KEPT}:{number}: this is no measurement: {error}"))?;
        let row = rows.iter().find(|row| row.name == measured.cell.row);
        if row.is_some_and(|row| measured.command == command(row, measured.cell.control)) {
            known.insert(measured.cell.clone(), measured);
        }
    }
    Ok(known)
}

/// Forgets what was measured before of these rows.
pub(crate) fn forget(names: &BTreeSet<String>) -> Result<(), String> {
    let text = kept()?;
    let other = |line: &&str| {
        let measured = serde_json::from_str::<Measured>(line);
        measured.map_or(true, |measured| !names.contains(&measured.cell.row))
    };
    let lines: String = text.lines().filter(other).map(|line| format!("{line}\n")).collect();
    fs::write(KEPT, lines).map_err(|error| format!("failed to write {KEPT}: {error}"))
}

/// Keeps what was measured: a line more.
pub(crate) fn keep(measured: &Measured) -> Result<(), String> {
    let line = serde_json::to_string(measured).expect("plain data is JSON");
    let file = OpenOptions::new().create(true).append(true).open(KEPT);
    let written = file.and_then(|mut file| file.write_all(format!("{line}\n").as_bytes()));
    written.map_err(|error| format!("failed to write {KEPT}: {error}"))
}

/// All that is kept.
fn kept() -> Result<String, String> {
    match fs::read_to_string(KEPT) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(String::new()),
        read => read.map_err(|error| format!("failed to read {KEPT}: {error}")),
    }
}

/// What names a command: what was fetched stands in it, and not where it was fetched to.
fn command(row: &Row, control: bool) -> String {
    let fetched = format!("{{{}}}", row.side(control).fetch.join(" "));
    row.command(control, &fetched).join(" ")
}

/// Carries out one run.
pub(crate) fn run(
    row: &Row,
    cell: &Cell,
    fetched: Option<&str>,
    out: &Path,
) -> Result<Measured, String> {
    let side = if cell.control { "control" } else { "faulty" };
    let mut command = Command::new(program()?);
    command.args(row.command(cell.control, fetched.unwrap_or_default()));
    command.arg(format!("--seed={}", cell.seed)).args(["--quiet", "--format=json", "--out"]);
    command.arg(out.join(format!("{}-{side}-{}", row.name, cell.seed)));
    let output = command.stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("failed to run fracas: {error}"))?;
    let results: Value = serde_json::from_slice(&output.stdout).map_err(|error| {
        let words = String::from_utf8_lossy(&output.stderr);
        format!("no results of {cell:?} ({}): {error}\n{words}", output.status)
    })?;
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let findings = results["findings"].as_array().map(Vec::as_slice).unwrap_or_default();
    let shows = |finding: &&Value| row.classes.contains(&word(&finding["class"]));
    let ends = findings.iter().filter(shows).filter_map(|finding| finding["window_s"][1].as_f64());
    Ok(Measured {
        cell: cell.clone(),
        verdict: word(&results["verdict"]),
        classes: findings.iter().map(|finding| word(&finding["class"])).collect(),
        seconds: ends.min_by(f64::total_cmp),
        version: word(&results["target"]["version"]),
        command: self::command(row, cell.control),
    })
}
