//! `fracas check`: judging histories that are on disk, whoever recorded them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::builder::PossibleValuesParser;
use fracas_checker::formats::{self, Hint, Recorded};
use fracas_checker::objects::{self, Kind, OBJECTS};
use fracas_checker::recorded::Judged;
use fracas_checker::{Algorithm, Value, Verdict, untrusted};
use fracas_targets::duration;
use serde_json::json;

use super::told::told;
use crate::exit::Exit;
use crate::output::{Out, complain, print};
use fracas_engine::judging::{self, Judge};
use fracas_engine::plan::CheckBudget;
use fracas_engine::store::RunDir;

/// What judging may use.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(super) struct BudgetArgs {
    /// Time for all checks together; what they have not decided by then is inconclusive.
    #[arg(long, default_value = "60s", value_parser = duration, value_name = "TIME")]
    check_time: Duration,
    /// Memory for the tables of one search, in MiB.
    #[arg(long, default_value_t = 1024, value_name = "MIB")]
    check_memory: usize,
}

impl BudgetArgs {
    /// The budget that they mean.
    pub(super) fn budget(self) -> CheckBudget {
        CheckBudget { time: self.check_time, bytes: self.check_memory.saturating_mul(1 << 20) }
    }
}

/// Arguments of `fracas check`.
#[derive(Debug, clap::Args)]
pub(super) struct CheckArgs {
    /// Files with histories, directories or names of runs; `-` reads from stdin.
    #[arg(required = true, value_name = "HISTORY")]
    histories: Vec<String>,
    /// Judge by this model only: the kind of object that the operations act on. Without it the
    /// history's own plan says what to check, or fracas takes the model that fits the operations.
    #[arg(long, value_name = "MODEL", value_parser = PossibleValuesParser::new(models()))]
    model: Option<String>,
    /// The value of every register, text or counter before the first operation, such as `0`
    /// [default: absent, empty or 0].
    #[arg(long, value_name = "VALUE", allow_hyphen_values = true)]
    initial: Option<String>,
    /// Format of the histories [default: found by their content], or of the verdict (`text` or
    /// `json`). Give it twice for both.
    #[arg(long, value_name = "FORMAT", value_parser = PossibleValuesParser::new(formats()))]
    format: Vec<String>,
    /// The algorithm of the check; all but `auto` are for tests and measurements.
    #[arg(long, default_value = "auto", value_name = "ALGORITHM",
          value_parser = PossibleValuesParser::new(algorithms()))]
    algorithm: String,
    #[command(flatten)]
    budget: BudgetArgs,
    #[command(flatten)]
    out: Out,
}

/// Every name of a model.
pub(super) fn models() -> Vec<&'static str> {
    OBJECTS.iter().flat_map(|kind| kind.names).copied().collect()
}

/// Every name of a format of histories, and the two of verdicts.
fn formats() -> Vec<&'static str> {
    formats::Format::NAMES.iter().map(|(name, _)| *name).chain(TOLD).collect()
}

/// How a verdict can be told.
const TOLD: [&str; 2] = ["text", "json"];

fn algorithms() -> Vec<&'static str> {
    Algorithm::NAMES.iter().map(|(name, _)| *name).collect()
}

impl CheckArgs {
    fn kind(&self) -> Option<&'static Kind> {
        self.model.as_deref().and_then(objects::named)
    }

    fn hint(&self) -> Hint {
        let format = self.format.iter().find_map(|word| word.parse().ok());
        Hint { format, kind: self.kind() }
    }

    fn json(&self) -> bool {
        self.format.iter().any(|word| word == "json")
    }

    fn judge(&self) -> Judge {
        Judge {
            kind: self.kind(),
            algorithm: self.algorithm.parse().unwrap_or_default(),
            budget: self.budget.budget(),
        }
    }
}

/// The value that a word means: a number if it is one.
pub(super) fn initial(word: &str) -> Value {
    word.parse().map_or_else(|_| Value::text(word), Value::Int)
}

/// Judges every history named; the worst verdict is the exit code.
pub(super) fn check(args: &CheckArgs) -> Exit {
    args.histories.iter().map(|name| check_one(args, name)).fold(Exit::Pass, Exit::worst)
}

fn check_one(args: &CheckArgs, name: &str) -> Exit {
    match judged(args, name) {
        Ok((path, Judged { recorded, verdict })) => {
            let path = path.display().to_string();
            if args.json() {
                print(&document(&path, &recorded, &verdict));
            } else {
                print(&told(&path, &verdict, &recorded));
            }
            Exit::of(verdict.status)
        }
        Err(error) => {
            complain(&error);
            if args.json() {
                let json = json!({ "file": name, "error": error }).to_string();
                print(&(untrusted::json(&json) + "\n"));
            }
            Exit::Usage
        }
    }
}

/// Where a history is, and what it is judged to be.
fn judged(args: &CheckArgs, name: &str) -> Result<(PathBuf, Judged), String> {
    let (path, mut recorded) =
        open(&args.out.out, name, &args.hint()).map_err(|error| error.to_string())?;
    let judged = || -> Result<Judged, String> {
        if let Some(word) = &args.initial {
            recorded = recorded.starting_at(&initial(word), args.kind())?;
        }
        args.judge().verdict(recorded)
    };
    let judged = judged().map_err(|error| format!("check `{}`: {error}", path.display()))?;
    Ok((path, judged))
}

/// The verdict on the history that `name` stands for, as one line of JSON.
fn document(name: &str, recorded: &Recorded, verdict: &Verdict) -> String {
    let json = json!({
        "file": name,
        "format": recorded.format.name(),
        "torn": recorded.torn,
        "notes": recorded.notes,
        "status": verdict.status,
        "headline": verdict.headline,
        "checks": verdict.clone().in_file(&recorded.history).checks,
    });
    untrusted::json(&json.to_string()) + "\n"
}

/// Reads what a name means: stdin, a history itself, or that of a run.
pub(super) fn open(
    out: &Path,
    name: &str,
    hint: &Hint,
) -> Result<(PathBuf, Recorded), Box<dyn std::error::Error>> {
    if name == "-" {
        let recorded = formats::read(std::io::stdin().lock(), hint)
            .map_err(|error| format!("read standard input: {error}"))?;
        return Ok(("-".into(), recorded));
    }
    let path = locate(out, name)?;
    let recorded = judging::read(&path, hint)?;
    Ok((path, recorded))
}

/// The file that a name means: a history itself, which may be a pipe, or that of a run.
fn locate(out: &Path, name: &str) -> Result<PathBuf, Box<dyn std::error::Error>> {
    let direct = PathBuf::from(name);
    if direct.exists() && !direct.is_dir() {
        return Ok(direct);
    }
    if direct.join(HISTORY).is_file() {
        return Ok(direct.join(HISTORY));
    }
    let found = RunDir::find(out, name);
    if direct.is_dir() && found.is_err() {
        return Err(no_run(&direct).into());
    }
    Ok(found.map(|run| run.file(HISTORY))?)
}

/// What a run directory keeps its history in.
const HISTORY: &str = "history.jsonl";

/// The histories that other tools keep in a directory, the one that is read best first.
const OTHERS: [&str; 3] = ["history.edn", "history.txt", "jepsen.log"];

/// Why a directory is not judged, and what to give instead.
fn no_run(dir: &Path) -> String {
    let within = |name: &&&str| dir.join(name).is_file();
    let expected = match OTHERS.iter().find(within) {
        Some(name) => format!("`{}`, which is in it", dir.join(name).display()),
        None => "a file, the name of a run or a run directory".to_owned(),
    };
    format!("read `{}`: a directory without `{HISTORY}`, expected {expected}", dir.display())
}
