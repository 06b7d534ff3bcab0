//! Measures how stable fingerprints are, and how well they tell planted bugs apart.
//!
//! `fingerprints DIR BUG…` reads the runs of each bug in `DIR/BUG/*/`, judges their histories anew
//! and prints a table: how many runs found anything, the fingerprint that most of these share, what
//! it is made of, in how many runs it is that of the headline, and which bugs share it.
//! `--record N` first carries out `fracas run regent --arg=--bug=BUG` with the seeds 1 to N; what
//! stands after `--` goes to these runs. `--write` writes the table into `docs/fingerprints.md`, too;
//! `--each` tells the findings of every run on standard error, to see why two runs differ.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use fracas_checker::formats::Hint;
use fracas_engine::judging::{decide, read};
use fracas_engine::spec::CheckBudget;
use fracas_regent::bugs::BUGS;
use fracas_reports::{Finding, findings};

/// Where the table goes.
const PAGE: &str = "docs/fingerprints.md";

/// What stands before it.
const HEAD: &str = "# Fingerprints: how well they recognise a defect\n\n\
A fingerprint is a hash of the check, the class and the hallmarks of an anomaly. It should be the \
same whenever the same defect shows, and another one for another defect. This page measures it with \
the planted bugs of the reference cluster, in bare runs of `fracas run regent --arg=--bug=NAME`, of \
30 s or 60 s, about ten of each. The *main* fingerprint of a bug is the one that most of its runs \
share; *first in* says in how many runs it is that of the headline. `make fingerprints` measures \
again.\n\n\
Four planted bugs end in votes given twice, and what the voter tells between its two votes shows \
which: it was never restarted (`generation-reused`); it was, and only its vote was forgotten \
(`vote-not-persisted`), its last generation too (`rename-without-directory-fsync`), or every \
generation (`generation-not-persisted`). Two leaders that such votes elected have the same hallmarks \
as the votes. A restart is no hallmark where any node of the run votes twice without one.\n\n\
Two planted bugs cannot be told apart by what most runs show: `leader-reads-unconfirmed` and \
`leader-lease-read` answer reads from the state of a deposed leader. In ten runs of each, the old \
answers came under the same faults: the leader was cut off, had just stood still, or its clock was \
wrong. In three of the ten runs of the first, and in none of the second, a new leader also answered \
before it had applied what an earlier one had acknowledged; that is a second fingerprint of these \
runs, `lost-across-generations`. By their code a partition without a pause and without a clock fault \
would tell them apart: the second then stops to answer in time. The bare runs have no such partition \
of an old leader.\n\n\
`accepts-stale-leader` and `reorders-on-duplicate` both lose what an earlier leader acknowledged. A \
running node took back what it had applied in four of seven runs of the first, in each that was \
looked at and lost something, and in none of seven of the second: the first obeys a deposed leader, \
and its log is overwritten. In the second a follower acknowledges entries that it does not have, and \
nobody takes anything back. This is a hallmark, wherever the target tells how much of its log it has \
applied. In one of the six runs in which `accepts-stale-leader` was found nothing was lost: the \
cluster had no single leader after the heal, and that was all.\n";

/// What is asked of this program.
#[derive(Default)]
struct Options {
    dir: PathBuf,
    bugs: Vec<String>,
    record: u64,
    write: bool,
    each: bool,
    flags: Vec<String>,
}

/// The fingerprints of one run in the order of its findings, each with what it is made of.
type Prints = Vec<(String, String)>;

/// What the runs of one bug have in common.
struct Row {
    bug: String,
    runs: usize,
    found: usize,
    /// The fingerprint that most runs share, what it is made of, and how many have it.
    main: Option<(String, String, usize)>,
    /// In how many runs it is that of the headline.
    first: usize,
}

fn main() -> ExitCode {
    match measure() {
        Ok(table) => {
            print!("{table}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("fingerprints: failed to {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure() -> Result<String, String> {
    let options = options(env::args().skip(1))?;
    for bug in &options.bugs {
        (1..=options.record).try_for_each(|seed| options.carry_out(bug, seed))?;
    }
    let rows: Result<Vec<Row>, String> = options.bugs.iter().map(|bug| options.row(bug)).collect();
    let rows = rows?;
    let table = table(&rows) + "\n" + &summary(&rows);
    if options.write {
        let page = format!("{HEAD}\n{table}");
        fs::write(PAGE, page).map_err(|error| format!("write `{PAGE}`: {error}"))?;
    }
    Ok(table)
}

/// In a sentence, what the table says.
fn summary(rows: &[Row]) -> String {
    let stable =
        |row: &&Row| row.main.as_ref().is_some_and(|(_, _, count)| count * 10 >= row.found * 9);
    let alone = |row: &&Row| {
        let print = |row: &Row| row.main.as_ref().map(|(print, ..)| print.clone());
        let same = rows.iter().filter(|other| print(other) == print(row));
        row.main.is_some() && same.count() == 1
    };
    format!(
        "Of {} bugs, {} have their main fingerprint in at least nine of ten runs that found them, and \
         {} share it with no other bug.\n",
        rows.len(),
        rows.iter().filter(stable).count(),
        rows.iter().filter(alone).count()
    )
}

/// Reads the command line.
fn options(mut args: impl Iterator<Item = String>) -> Result<Options, String> {
    let dir = args.next().ok_or("find a directory: expected `DIR BUG…`")?.into();
    let mut options = Options { dir, ..Options::default() };
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--" => options.flags = args.by_ref().collect(),
            "--write" => options.write = true,
            "--each" => options.each = true,
            "--record" => {
                let number = args.next().and_then(|number| number.parse().ok());
                options.record = number.ok_or("read `--record`: expected a number of runs")?;
            }
            bug if BUGS.iter().any(|row| row.name == bug) => options.bugs.push(arg),
            _ => {
                return Err(format!(
                    "know `{arg}`: expected a planted bug, `--record`, `--write`, `--each` or `--`"
                ));
            }
        }
    }
    if options.bugs.is_empty() {
        options.bugs = BUGS.iter().map(|bug| bug.name.to_owned()).collect();
    }
    Ok(options)
}

impl Options {
    fn carry_out(&self, bug: &str, seed: u64) -> Result<(), String> {
        let me = env::current_exe().map_err(|error| format!("find itself: {error}"))?;
        let beside = me.parent().and_then(Path::parent).ok_or("find the program beside it")?;
        let status = Command::new(beside.join("fracas"))
            .args(["run", "regent", "--quiet", "--out"])
            .arg(self.dir.join(bug))
            .args([format!("--arg=--bug={bug}"), format!("--seed={seed}")])
            .args(&self.flags)
            .stdout(Stdio::null())
            .status()
            .map_err(|error| format!("run fracas: {error}"))?;
        match status.code() {
            Some(0..=2) => Ok(()),
            _ => Err(format!("run `{bug}` with seed {seed}: {status}")),
        }
    }

    fn row(&self, bug: &str) -> Result<Row, String> {
        let runs: Vec<Prints> =
            self.runs(bug)?.iter().map(|run| self.prints(run)).collect::<Result<_, _>>()?;
        let mut shared: BTreeMap<&(String, String), usize> = BTreeMap::new();
        for print in runs.iter().flat_map(|run| run.iter().collect::<BTreeSet<_>>()) {
            *shared.entry(print).or_default() += 1;
        }
        let first_in =
            |print: &(String, String)| runs.iter().filter(|run| run.first() == Some(print)).count();
        let main = shared.iter().max_by_key(|(print, count)| (**count, first_in(print)));
        Ok(Row {
            bug: bug.to_owned(),
            runs: runs.len(),
            found: runs.iter().filter(|run| !run.is_empty()).count(),
            first: main.map_or(0, |(print, _)| first_in(print)),
            main: main.map(|((print, of), count)| (print.clone(), of.clone(), *count)),
        })
    }

    /// The fingerprints of one run.
    fn prints(&self, history: &Path) -> Result<Prints, String> {
        let recorded = read(history, &Hint::default()).map_err(|error| error.to_string())?;
        let budget = CheckBudget { bytes: 1 << 30, time: Duration::from_secs(60) };
        let verdict = decide(&recorded.history, budget);
        let found = findings(&recorded.history, &verdict);
        if self.each {
            eprintln!("{}", history.display());
            found.iter().for_each(|finding| {
                let (cause, more) = (&finding.anomaly.likely_cause, finding.alike.len());
                eprintln!("  {}: {:?} (and {more})", made_of(finding), finding.anomaly.headline);
                eprintln!("    {}", cause.as_deref().unwrap_or("no likely cause"));
            });
        }
        Ok(found.iter().map(|finding| (finding.fingerprint.clone(), made_of(finding))).collect())
    }

    /// The histories of a bug's runs.
    fn runs(&self, bug: &str) -> Result<Vec<PathBuf>, String> {
        let dir = self.dir.join(bug);
        let failed = |error| format!("list `{}`: {error}", dir.display());
        let mut runs = Vec::new();
        for entry in fs::read_dir(&dir).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let history = entry.path().join("history.jsonl");
            // `latest` is a link to a run that is counted by its own name.
            let is_run = entry.file_type().is_ok_and(|kind| kind.is_dir()) && history.is_file();
            runs.extend(is_run.then_some(history));
        }
        runs.sort();
        Ok(runs)
    }
}

/// What a fingerprint is made of.
fn made_of(finding: &Finding<'_>) -> String {
    let made: Vec<&str> = std::iter::once(&finding.anomaly.class)
        .chain(&finding.hallmarks)
        .map(String::as_str)
        .collect();
    format!("{}: {}", finding.check.id, made.join("; "))
}

fn table(rows: &[Row]) -> String {
    let mut text = "| bug | runs that found it | main fingerprint | in runs | first in | made of | shared with |\n\
                    |---|---|---|---|---|---|---|\n"
        .to_owned();
    for row in rows {
        let Row { bug, runs, found, first, main } = row;
        let Some((print, of, count)) = main else {
            text += &format!("| `{bug}` | 0 of {runs} | – | – | – | – | – |\n");
            continue;
        };
        let same = |other: &&Row| {
            other.bug != *bug && other.main.as_ref().is_some_and(|(own, ..)| own == print)
        };
        let others: Vec<&str> = rows.iter().filter(same).map(|row| row.bug.as_str()).collect();
        let others = if others.is_empty() { "none".to_owned() } else { others.join(", ") };
        text += &format!(
            "| `{bug}` | {found} of {runs} | `{print}` | {count} of {found} | {first} of {found} | {of} | {others} |\n"
        );
    }
    text
}
