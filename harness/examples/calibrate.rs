//! Measures how soon every planted bug of the reference cluster is found, and writes the table
//! `docs/calibration.md`.
//!
//! For each bug it looks for the smallest set of faults that exposes it: first each kind that the
//! bug's row names alone, with a few seeds, then all of them together, with ten. It runs the
//! program as a user would, and believes only its `results.json`.

use std::fmt::Write;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use fracas_regent::bugs::{BUGS, BugInfo};
use serde_json::Value;

/// Every bug must be found within this many seeds.
const SEEDS: u64 = 10;
/// A single kind of fault gets this many.
const SEEDS_ALONE: u64 = 2;
/// Where the table goes.
const TABLE: &str = "docs/calibration.md";

/// What a bug needs beside the usual.
struct Recipe {
    bug: &'static str,
    faults: &'static [&'static str],
    flags: &'static [&'static str],
}

/// Bugs that show only at a rare moment, and the aim for it.
const AIMED: [Recipe; 1] = [Recipe {
    bug: "vote-not-persisted",
    faults: &["partition", "pause", "kill"],
    flags: &["--aim=vote", "--nodes=3", "--workload=leadership", "--rate=1.5/s", "--time=60s"],
}];

/// How a bug was found.
struct Found {
    faults: String,
    flags: String,
    class: String,
    seeds: u64,
    seconds: f64,
    total: f64,
}

fn main() -> ExitCode {
    let mut rows = String::new();
    let mut missed = Vec::new();
    for bug in BUGS {
        eprintln!("calibrate: {}", bug.name);
        match find(&bug) {
            Some(found) => {
                eprintln!("  {} with {}, seed {}", found.class, found.faults, found.seeds);
                let Found { faults, flags, class, seeds, seconds, total } = found;
                writeln!(rows, "| `{}` | `{class}` | {seeds} | {seconds:.1} | {total:.0} | {faults} | {flags} |", bug.name)
                    .expect("a string takes any text");
            }
            None => missed.push(bug.name),
        }
    }
    if !missed.is_empty() {
        eprintln!("calibrate: not found within {SEEDS} seeds: {}", missed.join(", "));
        return ExitCode::FAILURE;
    }
    match std::fs::write(TABLE, page(&rows)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("calibrate: failed to write `{TABLE}`: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The page around the table.
fn page(rows: &str) -> String {
    format!(
        "# Calibration: how soon the planted bugs are found\n\n\
         Written by `make calibrate`: `fracas run regent --arg=--bug=NAME` with seeds counted up from 1 until \
         an anomaly is reported, at most {SEEDS} of them. Each kind of fault that a bug's row in `regent --list-bugs` \
         names is tried alone first ({SEEDS_ALONE} seeds), then all together; *faults* is the first set that \
         was enough. Times are of one machine and one night: they say *seconds*, not *how many* seconds.\n\n\
         | bug | found as | seeds | seconds into that run | seconds in all | faults | other flags |\n\
         |---|---|---|---|---|---|---|\n{rows}"
    )
}

/// The first set of faults that exposes a bug, and how soon.
fn find(bug: &BugInfo) -> Option<Found> {
    if let Some(recipe) = AIMED.iter().find(|recipe| recipe.bug == bug.name) {
        return hunt(bug.name, recipe.faults, recipe.flags, SEEDS);
    }
    let flags = ["--time=30s"];
    let alone = bug.faults.iter().find_map(|kind| hunt(bug.name, &[kind], &flags, SEEDS_ALONE));
    alone.or_else(|| hunt(bug.name, bug.faults, &flags, SEEDS))
}

/// Runs one seed after the other until an anomaly is reported.
fn hunt(bug: &str, faults: &[&str], flags: &[&str], seeds: u64) -> Option<Found> {
    let mut total = 0.0;
    for seed in 1..=seeds {
        let results = run(bug, faults, flags, seed)?;
        let findings = results["findings"].as_array()?;
        let ended = |finding: &Value| finding["window_s"][1].as_f64();
        let first = findings
            .iter()
            .min_by(|a, b| ended(a).partial_cmp(&ended(b)).expect("times are numbers"));
        if let Some(first) = first {
            let seconds = ended(first)?;
            return Some(Found {
                faults: faults.join(", "),
                flags: flags.iter().map(|flag| format!("`{flag}`")).collect::<Vec<_>>().join(" "),
                class: first["class"].as_str()?.to_owned(),
                seeds: seed,
                seconds,
                total: total + seconds,
            });
        }
        total += results["run"]["duration_s"].as_f64()?;
    }
    None
}

/// One run's results.
fn run(bug: &str, faults: &[&str], flags: &[&str], seed: u64) -> Option<Value> {
    let fracas = Path::new("target/debug/fracas").to_owned();
    let output = Command::new(fracas)
        .args(["run", "regent", "--quiet", "--format=json", "--out=runs/calibration"])
        .arg(format!("--arg=--bug={bug}"))
        .arg(format!("--faults={}", faults.join(",")))
        .arg(format!("--seed={seed}"))
        .args(flags)
        .stderr(Stdio::null())
        .output()
        .inspect_err(|error| eprintln!("calibrate: failed to run fracas: {error}"))
        .ok()?;
    let results = serde_json::from_slice(&output.stdout);
    results
        .inspect_err(|error| eprintln!("calibrate: no results ({}): {error}", output.status))
        .ok()
}
