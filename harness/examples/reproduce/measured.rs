//! Runs, and what came of them.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
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
}

/// What was measured before; a line that cannot be read is measured anew.
pub(crate) fn known(kept: &Path) -> BTreeMap<Cell, Measured> {
    let text = fs::read_to_string(kept).unwrap_or_default();
    let lines = text.lines().filter_map(|line| serde_json::from_str::<Measured>(line).ok());
    lines.map(|measured| (measured.cell.clone(), measured)).collect()
}

/// Keeps what was measured.
pub(crate) fn keep(kept: &Path, measured: &Measured) -> Result<(), String> {
    let line = serde_json::to_string(measured).expect("plain data is JSON");
    let file = OpenOptions::new().create(true).append(true).open(kept);
    let written = file.and_then(|mut file| writeln!(file, "{line}"));
    written.map_err(|error| format!("failed to write {kept:?}: {error}"))
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
    })
}
