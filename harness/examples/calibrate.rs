//! Measures how soon every planted bug of the reference cluster is found, and writes the table
//! `docs/calibration.md`.
//!
//! The bugs that need nothing but partitions, pauses and kills are looked for with the smallest set
//! of kinds that exposes them: first each kind alone that the bug's row names, with a few seeds,
//! then all of them together. All others are looked for under `--faults all`, as a user would who
//! knows nothing of them. It runs the program, and believes only its `results.json`.
//!
//! `calibrate BUG…` measures these only, and keeps the other rows as they are. With `--replays` the
//! schedule of the run that found a bug is carried out ten times more, `--jobs N` of them at once.
//! `--out DIR` says where runs are kept.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::fs;
use std::iter;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;

use fracas_regent::bugs::{BUGS, BugInfo};
use serde_json::Value;

/// Every bug must be found within this many seeds.
const SEEDS: u64 = 10;
/// A single kind of fault gets this many.
const SEEDS_ALONE: u64 = 2;
/// So many bugs, the first of the table, need nothing but partitions, pauses and kills.
const PLAIN: usize = 10;
/// How often a schedule is carried out again.
const REPLAYS: usize = 10;
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

/// What is asked of this program.
struct Options {
    out: PathBuf,
    bugs: Vec<String>,
    replays: bool,
    /// So many replays at once.
    jobs: usize,
}

/// How a bug was found.
struct Found {
    faults: String,
    flags: Vec<String>,
    class: String,
    /// The classes of all that was found in that run.
    classes: BTreeSet<String>,
    seed: u64,
    /// When the anomaly was complete, in that run.
    seconds: f64,
    /// How long all runs up to then took.
    total: f64,
    /// Whether any fault had begun by then.
    troubled: bool,
    /// That run's directory.
    run: PathBuf,
}

fn main() -> ExitCode {
    let options = match options(env::args().skip(1)) {
        Ok(options) => options,
        Err(error) => {
            eprintln!("calibrate: {error}");
            return ExitCode::FAILURE;
        }
    };
    let mut missed = Vec::new();
    for bug in BUGS.iter().enumerate().filter(|(_, bug)| options.wants(bug.name)) {
        let name = bug.1.name;
        eprintln!("calibrate: {name}");
        match options.measure(bug) {
            Ok(true) => {}
            Ok(false) => missed.push(name),
            Err(error) => {
                eprintln!("calibrate: {error}");
                return ExitCode::FAILURE;
            }
        }
    }
    if !missed.is_empty() {
        eprintln!("calibrate: not found within {SEEDS} seeds: {}", missed.join(", "));
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// Reads the command line.
fn options(mut args: impl Iterator<Item = String>) -> Result<Options, String> {
    let out = PathBuf::from("runs/calibration");
    let mut options = Options { out, bugs: Vec::new(), replays: false, jobs: 1 };
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--replays" => options.replays = true,
            "--out" => options.out = args.next().ok_or("`--out` needs a directory")?.into(),
            "--jobs" => options.jobs = jobs(args.next())?,
            bug if BUGS.iter().any(|row| row.name == bug) => options.bugs.push(arg),
            _ => {
                return Err(format!(
                    "`{arg}` is no planted bug, nor `--replays`, `--jobs N` or `--out DIR`"
                ));
            }
        }
    }
    Ok(options)
}

fn jobs(number: Option<String>) -> Result<usize, String> {
    let number = number.and_then(|number| number.parse().ok()).filter(|number| *number > 0);
    number.ok_or_else(|| "`--jobs` needs a number above 0".to_owned())
}

/// Puts a row into the table, in the place of the one that is there.
fn put(bug: &'static str, row: String) -> std::io::Result<()> {
    let mut rows: BTreeMap<&str, String> = BTreeMap::new();
    let old = fs::read_to_string(TABLE).unwrap_or_default();
    for line in old.lines() {
        let named = |bug: &&BugInfo| line.starts_with(&format!("| `{}` |", bug.name));
        rows.extend(BUGS.iter().find(named).map(|bug| (bug.name, line.to_owned())));
    }
    rows.insert(bug, row);
    let rows: Vec<String> = BUGS.iter().filter_map(|bug| rows.remove(bug.name)).collect();
    fs::write(TABLE, page(&rows.join("\n")))
}

/// The page around the table.
fn page(rows: &str) -> String {
    format!(
        "# Calibration: how soon the planted bugs are found\n\n\
         Written by `make calibrate`: `fracas run regent --arg=--bug=NAME` with seeds counted up from 1 until \
         an anomaly is reported, at most {SEEDS} of them; each run ends with its first proven anomaly (`--until-anomaly`). For bugs that need nothing but partitions, pauses and \
         kills, each kind of fault that the bug's row in `regent --list-bugs` names is tried alone first \
         ({SEEDS_ALONE} seeds), then all together; *faults* is the first set that was enough. All others are looked \
         for under `--faults all`, with the workload that the bug's row names, or with all. *Again* says in how many of {REPLAYS} runs with `--schedule` of the \
         run that found it an anomaly of a class was found that the first run had shown, too; \
         the load finds a bug that needs no fault by itself. Times are of one machine and one day: they say *seconds*, \
         not *how many* seconds.\n\n\
         | bug | found as | seeds | seconds into that run | seconds in all | faults | other flags | again |\n\
         |---|---|---|---|---|---|---|---|\n{rows}\n"
    )
}

impl Options {
    fn wants(&self, bug: &str) -> bool {
        self.bugs.is_empty() || self.bugs.iter().any(|name| name == bug)
    }

    /// Looks for a bug and puts its row into the table; says whether it was found.
    fn measure(&self, bug: (usize, &BugInfo)) -> Result<bool, String> {
        let Some(found) = self.find(bug)? else { return Ok(false) };
        let row = found.row(bug.1.name, self)?;
        eprintln!("  {row}");
        put(bug.1.name, row).map_err(|error| format!("failed to write `{TABLE}`: {error}"))?;
        Ok(true)
    }

    /// How a bug is found, and how soon.
    fn find(&self, (place, bug): (usize, &BugInfo)) -> Result<Option<Found>, String> {
        if let Some(recipe) = AIMED.iter().find(|recipe| recipe.bug == bug.name) {
            return self.hunt(bug.name, recipe.faults, recipe.flags, SEEDS);
        }
        if place >= PLAIN {
            let workload = format!("--workload={}", asked_for(bug));
            return self.hunt(bug.name, &["all"], &["--time=60s", workload.as_str()], SEEDS);
        }
        let flags = ["--time=30s"];
        for kind in bug.faults {
            if let Some(found) = self.hunt(bug.name, &[kind], &flags, SEEDS_ALONE)? {
                return Ok(Some(found));
            }
        }
        self.hunt(bug.name, bug.faults, &flags, SEEDS)
    }

    /// Runs one seed after the other until an anomaly is reported.
    fn hunt(
        &self,
        bug: &str,
        faults: &[&str],
        flags: &[&str],
        seeds: u64,
    ) -> Result<Option<Found>, String> {
        let mut total = 0.0;
        let faults = faults.join(",");
        for seed in 1..=seeds {
            let mut asked = vec![format!("--faults={faults}"), format!("--seed={seed}")];
            asked.extend(flags.iter().map(|flag| (*flag).to_owned()));
            let results = self.run(bug, &asked)?;
            let Some((class, seconds)) = first(&results) else {
                total += results["run"]["duration_s"].as_f64().unwrap_or(0.0);
                continue;
            };
            let begun = |fault: &Value| fault["begin_s"].as_f64().is_some_and(|at| at < seconds);
            let id = results["run"]["id"].as_str().ok_or("the results name no run")?;
            return Ok(Some(Found {
                faults: faults.replace(',', ", "),
                flags: flags.iter().map(|flag| (*flag).to_owned()).collect(),
                class,
                classes: classes(&results).map(str::to_owned).collect(),
                seed,
                seconds,
                total: total + seconds,
                troubled: results["faults"].as_array().into_iter().flatten().any(begun),
                run: self.out.join(id),
            }));
        }
        Ok(None)
    }

    /// One run's results. A run that has none, or whose harness failed, tells nothing of the bug.
    fn run(&self, bug: &str, flags: &[String]) -> Result<Value, String> {
        let program = program()?;
        let output = Command::new(&program)
            .args(["run", "regent", "--quiet", "--format=json", "--until-anomaly", "--out"])
            .arg(&self.out)
            .arg(format!("--arg=--bug={bug}"))
            .args(flags)
            .stderr(Stdio::null())
            .output()
            .map_err(|error| format!("failed to run `{}`: {error}", program.display()))?;
        serde_json::from_slice(&output.stdout)
            .map_err(|error| format!("`{bug}` has no results ({}): {error}", output.status))
    }

    /// In how many of some replays of a run a class of anomaly is found again that it showed.
    fn replay(&self, bug: &str, found: &Found) -> Result<usize, String> {
        let schedule = found.run.join("schedule.json");
        // An aim is in the schedule already.
        let kept = found.flags.iter().filter(|flag| !flag.starts_with("--aim")).cloned();
        let of_this =
            [format!("--schedule={}", schedule.display()), format!("--seed={}", found.seed)];
        let flags: Vec<String> = kept.chain(of_this).collect();
        let again = || {
            let results = self.run(bug, &flags)?;
            Ok(classes(&results).any(|class| found.classes.contains(class)))
        };
        let next = AtomicUsize::new(0);
        let some = || {
            let mine = iter::from_fn(|| (next.fetch_add(1, Relaxed) < REPLAYS).then(again));
            mine.map(|again| again.map(usize::from)).sum::<Result<usize, String>>()
        };
        thread::scope(|scope| {
            let jobs: Vec<_> = (0..self.jobs).map(|_| scope.spawn(some)).collect();
            jobs.into_iter().map(|job| job.join().expect("a job does not panic")).sum()
        })
    }
}

impl Found {
    /// The row of the table.
    fn row(&self, bug: &str, options: &Options) -> Result<String, String> {
        let again = match (options.replays, self.troubled) {
            (false, _) => "–".to_owned(),
            (true, false) => "needs no fault".to_owned(),
            (true, true) => format!("{} of {REPLAYS}", options.replay(bug, self)?),
        };
        let Self { faults, class, seed, seconds, total, .. } = self;
        let flags: Vec<String> = self.flags.iter().map(|flag| format!("`{flag}`")).collect();
        let flags = flags.join(" ");
        Ok(format!(
            "| `{bug}` | `{class}` | {seed} | {seconds:.1} | {total:.0} | {faults} | {flags} | {again} |"
        ))
    }
}

/// The workload that a bug is looked for with: its own, or all of them.
fn asked_for(bug: &BugInfo) -> &'static str {
    if bug.workload == "any" { "all" } else { bug.workload }
}

/// The program that was built beside this one.
fn program() -> Result<PathBuf, String> {
    let me = env::current_exe().map_err(|error| format!("failed to find itself: {error}"))?;
    let above = me.parent().and_then(Path::parent);
    above
        .map(|above| above.join("fracas"))
        .ok_or_else(|| format!("`{}` is not in the directory of a build", me.display()))
}

/// The class of the finding that was complete first, and when that was.
fn first(results: &Value) -> Option<(String, f64)> {
    let complete = |finding: &Value| {
        let class = finding["class"].as_str()?.to_owned();
        Some((class, finding["window_s"][1].as_f64()?))
    };
    let all = results["findings"].as_array()?.iter().filter_map(complete);
    all.min_by(|first, second| first.1.total_cmp(&second.1))
}

/// The classes of all findings.
fn classes(results: &Value) -> impl Iterator<Item = &str> {
    let findings = results["findings"].as_array();
    findings.into_iter().flatten().filter_map(|finding| finding["class"].as_str())
}
