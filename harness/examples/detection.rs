//! Measures what a user finds who types the least: for every planted bug of the reference cluster,
//! in how many of some seeds the bare `fracas run regent --arg=--bug=NAME --time 30s` finds it, and
//! the same for other times and numbers of nodes. Writes the tables of `docs/detection.md`.
//!
//! It runs the program, and believes only its `results.json`. What was measured is kept, one line a
//! run, in `DIR/measured.jsonl`: a measurement that was interrupted goes on where it was, and one of
//! fewer bugs or seeds adds to what is there. `--anew` forgets it. The cluster without a bug is
//! measured as well: what is found of it is a false alarm. `--keep` keeps the directories of all
//! runs, else only those stay of which somebody wants to know why.
//!
//! `detection [--jobs N] [--seeds N] [--times 30,60] [--nodes 5,3] [--out DIR] [--anew] [--keep]
//! [BUG…]`; `none` is the cluster without a bug.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::Mutex;
use std::thread;

use fracas_regent::bugs::BUGS;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Where the tables go.
const PAGE: &str = "docs/detection.md";
/// The cluster without a bug.
const CORRECT: &str = "none";
/// So many seeds in a row are what somebody tries who is not content with one.
const FEW: u64 = 3;
/// So many bugs, the first of the table, are of the log, of leaders, locks, clocks and disks; each of
/// the others is of one kind of object, whose workload has a small share of the load.
const FIRST: usize = 20;

/// One run: what is measured.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Cell {
    nodes: u16,
    seconds: u64,
    bug: String,
    seed: u64,
}

/// What came of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Measured {
    #[serde(flatten)]
    cell: Cell,
    /// `pass`, `inconclusive` or `anomaly`.
    verdict: String,
    /// The class of what was found first; empty if nothing was.
    class: String,
}

/// What is asked of this program.
#[derive(Debug)]
struct Options {
    jobs: usize,
    seeds: u64,
    times: Vec<u64>,
    nodes: Vec<u16>,
    out: PathBuf,
    anew: bool,
    keep: bool,
    bugs: BTreeSet<String>,
}

fn main() -> ExitCode {
    match options(env::args().skip(1)).and_then(|options| measure(&options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("detection: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Reads the command line.
fn options(mut args: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut options = Options {
        jobs: 1,
        seeds: 5,
        times: vec![30, 60],
        nodes: vec![5, 3],
        out: "runs/detection".into(),
        anew: false,
        keep: false,
        bugs: BTreeSet::new(),
    };
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or_else(|| format!("`{arg}` needs a value"));
        match arg.as_str() {
            "--jobs" => options.jobs = numbers(&arg, &value()?)?[0],
            "--seeds" => options.seeds = numbers(&arg, &value()?)?[0],
            "--times" => options.times = numbers(&arg, &value()?)?,
            "--nodes" => options.nodes = numbers(&arg, &value()?)?,
            "--out" => options.out = value()?.into(),
            "--anew" => options.anew = true,
            "--keep" => options.keep = true,
            name if names().any(|known| known == name) => drop(options.bugs.insert(arg)),
            _ => return Err(format!("`{arg}` is no planted bug, nor `{CORRECT}`, nor a flag")),
        }
    }
    if options.bugs.is_empty() {
        options.bugs = names().map(str::to_owned).collect();
    }
    Ok(options)
}

/// Whole numbers above 0, with commas between them; at least one.
fn numbers<T: TryFrom<u64>>(flag: &str, text: &str) -> Result<Vec<T>, String> {
    let number = |word: &str| {
        let number: u64 = word.trim_end_matches('s').parse().ok().filter(|number| *number > 0)?;
        T::try_from(number).ok()
    };
    let all: Option<Vec<T>> = text.split(',').map(number).collect();
    all.ok_or_else(|| format!("`{flag} {text}`: expected whole numbers above 0, as `30,60`"))
}

/// Every planted bug, and the cluster without one.
fn names() -> impl Iterator<Item = &'static str> {
    BUGS.iter().map(|bug| bug.name).chain([CORRECT])
}

/// Measures what is asked and not known yet, and writes the page after every run.
fn measure(options: &Options) -> Result<(), String> {
    fs::create_dir_all(&options.out)
        .map_err(|error| format!("failed to create `--out`: {error}"))?;
    let kept = options.out.join("measured.jsonl");
    if options.anew {
        fs::write(&kept, "").map_err(|error| format!("failed to write {kept:?}: {error}"))?;
    }
    let known = known(&kept);
    let mut left: Vec<Cell> = cells(options).filter(|cell| !known.contains_key(cell)).collect();
    eprintln!("detection: {} runs are left, {} are known", left.len(), known.len());
    left.reverse();
    let (left, all) = (Mutex::new(left), Mutex::new(known));
    let work = || -> Result<(), String> {
        loop {
            let next = left.lock().expect("no job panics").pop();
            let Some(cell) = next else { return Ok(()) };
            let measured = run(&cell, options)?;
            let Measured { verdict, class, .. } = &measured;
            eprintln!("detection: {cell:?}: {verdict} {class}");
            let mut all = all.lock().expect("no job panics");
            keep(&kept, &measured)?;
            all.insert(cell, measured);
            write_page(&all)?;
        }
    };
    thread::scope(|scope| {
        let jobs: Vec<_> = (0..options.jobs).map(|_| scope.spawn(work)).collect();
        jobs.into_iter().try_for_each(|job| job.join().expect("a job does not panic"))
    })?;
    let all = all.into_inner().expect("no job panics");
    write_page(&all)
}

/// Every run that is asked for, the first seeds first.
fn cells(options: &Options) -> impl Iterator<Item = Cell> {
    let mut cells = Vec::new();
    for nodes in &options.nodes {
        for seconds in &options.times {
            for seed in 1..=options.seeds {
                let named = names().filter(|name| options.bugs.contains(*name));
                let (nodes, seconds) = (*nodes, *seconds);
                cells.extend(named.map(|bug| Cell { nodes, seconds, bug: bug.to_owned(), seed }));
            }
        }
    }
    cells.into_iter()
}

/// What was measured before; a line that cannot be read is measured anew.
fn known(kept: &Path) -> BTreeMap<Cell, Measured> {
    let text = fs::read_to_string(kept).unwrap_or_default();
    let lines = text.lines().filter_map(|line| serde_json::from_str::<Measured>(line).ok());
    lines.map(|measured| (measured.cell.clone(), measured)).collect()
}

fn keep(kept: &Path, measured: &Measured) -> Result<(), String> {
    let line = serde_json::to_string(measured).expect("plain data is JSON");
    let file = OpenOptions::new().create(true).append(true).open(kept);
    let written = file.and_then(|mut file| writeln!(file, "{line}"));
    written.map_err(|error| format!("failed to write {kept:?}: {error}"))
}

/// Carries out one run. Its directory is removed when its results are read, unless it is to be kept,
/// or nothing was decided, or the cluster has no bug.
fn run(cell: &Cell, options: &Options) -> Result<Measured, String> {
    let Cell { nodes, seconds, bug, seed } = cell;
    let place = options.out.join(format!("{nodes}-{seconds}s-{bug}-{seed}"));
    let mut command = Command::new(program()?);
    command.args(["run", "regent", "--quiet", "--format=json", "--out"]).arg(&place);
    command.args([format!("--time={seconds}s"), format!("--seed={seed}")]);
    if *nodes != 5 {
        command.arg(format!("--nodes={nodes}"));
    }
    if bug != CORRECT {
        command.arg(format!("--arg=--bug={bug}"));
    }
    let output = command.stderr(Stdio::null()).output();
    let output = output.map_err(|error| format!("failed to run fracas: {error}"))?;
    let results: Value = serde_json::from_slice(&output.stdout)
        .map_err(|error| format!("no results of {cell:?} ({}): {error}", output.status))?;
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (verdict, class) = (word(&results["verdict"]), word(&results["findings"][0]["class"]));
    if !["pass", "inconclusive", "anomaly"].contains(&verdict.as_str()) {
        return Err(format!("no verdict of {cell:?} ({})", output.status));
    }
    if !options.keep && verdict != "inconclusive" && bug != CORRECT {
        let _gone = fs::remove_dir_all(&place); // what is left is in the way of nothing
    }
    Ok(Measured { cell: cell.clone(), verdict, class })
}

/// The program that was built beside this one.
fn program() -> Result<PathBuf, String> {
    let me = env::current_exe().map_err(|error| format!("failed to find itself: {error}"))?;
    let beside = me.parent().and_then(Path::parent).map(|dir| dir.join("fracas"));
    beside.ok_or_else(|| "failed to find `fracas` beside itself".to_owned())
}

/// Writes the page.
fn write_page(all: &BTreeMap<Cell, Measured>) -> Result<(), String> {
    let mut page = HEAD.to_owned();
    let sizes: BTreeSet<u16> = all.keys().map(|cell| cell.nodes).collect();
    for nodes in sizes.into_iter().rev() {
        page += &table(nodes, all);
    }
    fs::write(PAGE, page).map_err(|error| format!("failed to write `{PAGE}`: {error}"))
}

/// What stands before the tables.
const HEAD: &str = "# Detection: what the default run finds\n\n\
Written by `make calibrate-default`: for every planted bug of the reference cluster, the seeds with \
which the bare `fracas run regent --arg=--bug=NAME --time TIME` found an anomaly: all faults, all \
workloads, nothing tuned to the bug. *n of m* says with how many of the seeds 1 to m. The row `none` is \
the cluster without a bug: whatever is found there is a false alarm. [calibration.md](calibration.md) \
says how soon each bug is found with the faults that it needs.\n\n\
`make calibrate-default BUGS=\"no-step-down none\" SEEDS=3 TIMES=30 NODES=3 JOBS=2` measures a part. \
Runs that are in `runs/detection/measured.jsonl` are not repeated; `ANEW=--anew` forgets them. The \
machine should be quiet: JOBS runs happen at once, and a machine that is late misses moments.\n";

/// The section of clusters of this size.
fn table(nodes: u16, all: &BTreeMap<Cell, Measured>) -> String {
    let here = || all.values().filter(|run| run.cell.nodes == nodes);
    let times: BTreeSet<u64> = here().map(|run| run.cell.seconds).collect();
    let mut text = format!("\n## {nodes} nodes\n\n| bug |");
    text.extend(times.iter().map(|time| format!(" {time} s | found as |")));
    text += &format!("\n|---|{}\n", "---|---|".repeat(times.len()));
    for bug in names().filter(|bug| here().any(|run| run.cell.bug == **bug)) {
        let _ = write!(text, "| `{bug}` |");
        for time in &times {
            let runs = here().filter(|run| run.cell.bug == bug && run.cell.seconds == *time);
            text += &row(&runs.collect::<Vec<_>>());
        }
        text.push('\n');
    }
    text.push('\n');
    for time in &times {
        let runs: Vec<&Measured> = here().filter(|run| run.cell.seconds == *time).collect();
        let _ = writeln!(text, "- {}", summary(*time, &runs));
    }
    text
}

/// What came of the runs with one bug, as two cells of the table.
fn row(runs: &[&Measured]) -> String {
    if runs.is_empty() {
        return " – | |".to_owned();
    }
    let classes: BTreeSet<&str> =
        runs.iter().map(|run| run.class.as_str()).filter(|class| !class.is_empty()).collect();
    let classes: Vec<String> = classes.into_iter().map(|class| format!("`{class}`")).collect();
    let found = runs.iter().filter(|run| run.verdict == "anomaly").count();
    let unsure = runs.iter().filter(|run| run.verdict == "inconclusive").count();
    let unsure = if unsure > 0 { format!(", {unsure} inconclusive") } else { String::new() };
    format!(" {found} of {}{unsure} | {} |", runs.len(), classes.join(", "))
}

/// What runs of one length find, in a sentence.
fn summary(time: u64, runs: &[&Measured]) -> String {
    let (correct, planted): (Vec<&Measured>, Vec<&Measured>) =
        runs.iter().partition(|run| run.cell.bug == CORRECT);
    let first: BTreeSet<&str> = names().take(FIRST).collect();
    let some: Vec<&Measured> =
        planted.iter().copied().filter(|run| first.contains(run.cell.bug.as_str())).collect();
    let seeds: BTreeSet<u64> = some.iter().map(|run| run.cell.seed).collect();
    let alarms = correct.iter().filter(|run| run.verdict == "anomaly").count();
    let (plain, all) = (Finds::of(&some), Finds::of(&planted));
    format!(
        "**{time} s**: one run finds {:.1} of the first {} bugs on average over {} seeds, the seeds 1 to \
         {FEW} find {} together; of all {} bugs one run finds {:.1}, the seeds 1 to {FEW} find {} together; \
         {alarms} false alarms in {} runs of the cluster without a bug.",
        plain.average,
        plain.bugs,
        seeds.len(),
        plain.few,
        all.bugs,
        all.average,
        all.few,
        correct.len()
    )
}

/// What runs find of the bugs that they are about.
struct Finds {
    bugs: usize,
    /// How many of them one run finds: the share of its runs that find it, summed over the bugs, so
    /// that a measurement that goes on says what it will.
    average: f64,
    /// How many of them the first seeds find together.
    few: usize,
}

impl Finds {
    fn of(runs: &[&Measured]) -> Self {
        let bugs: BTreeSet<&str> = runs.iter().map(|run| run.cell.bug.as_str()).collect();
        let found = |run: &&&Measured| run.verdict == "anomaly";
        let share = |bug: &&str| {
            let runs = runs.iter().filter(|run| run.cell.bug == *bug);
            runs.clone().filter(found).count() as f64 / runs.count().max(1) as f64
        };
        let early = runs.iter().filter(found).filter(|run| run.cell.seed <= FEW);
        let few: BTreeSet<&str> = early.map(|run| run.cell.bug.as_str()).collect();
        Self { bugs: bugs.len(), average: bugs.iter().map(share).sum(), few: few.len() }
    }
}
