//! `fracas check`: judging histories that are on disk, whoever recorded them.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::builder::PossibleValuesParser;
use fracas_checker::Algorithm;
use fracas_checker::formats::{self, Hint, Recorded};
use fracas_checker::objects::{self, Kind, OBJECTS};
use fracas_checker::untrusted;
use fracas_targets::duration;

use super::told::told;
use super::{Out, complain, print};
use crate::exit::Exit;
use crate::judging::{self, Judge};
use crate::plan::CheckBudget;
use crate::store::RunDir;

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
    /// history's own plan says what to check, or fracas takes the first model that fits all
    /// operations.
    #[arg(long, value_name = "MODEL", value_parser = PossibleValuesParser::new(models()))]
    model: Option<String>,
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

/// Judges every history named; the worst verdict is the exit code.
pub(super) fn check(args: &CheckArgs) -> Exit {
    args.histories.iter().map(|name| check_one(args, name)).fold(Exit::Pass, Exit::worst)
}

fn check_one(args: &CheckArgs, name: &str) -> Exit {
    let (path, recorded) = match open(&args.out.out, name, &args.hint()) {
        Ok(opened) => opened,
        Err(error) => {
            complain(&error);
            return Exit::Usage;
        }
    };
    let (verdict, note) = match args.judge().verdict(&recorded.history) {
        Ok(judged) => judged,
        Err(error) => {
            complain(&format!("check `{}`: {error}", path.display()));
            return Exit::Usage;
        }
    };
    if args.json() {
        let json = serde_json::to_string(&verdict).expect("a verdict has only string keys");
        print(&(untrusted::json(&json) + "\n"));
    } else {
        print(&told(&path.display().to_string(), &verdict, &recorded, note.as_deref()));
    }
    Exit::of(verdict.status)
}

/// Reads what a name means: stdin, a history itself, or that of a run.
pub(super) fn open(
    out: &Path,
    name: &str,
    hint: &Hint,
) -> Result<(PathBuf, Recorded), Box<dyn std::error::Error>> {
    if name == "-" {
        let mut bytes = Vec::new();
        std::io::stdin().read_to_end(&mut bytes)?;
        let recorded = formats::read(bytes.as_slice(), hint)
            .map_err(|error| format!("read standard input: {error}"))?;
        return Ok(("-".into(), recorded));
    }
    let path = locate(out, name)?;
    let recorded = judging::read(&path, hint)?;
    Ok((path, recorded))
}

/// The file that a name means: a history itself, or that of a run.
fn locate(out: &Path, name: &str) -> Result<PathBuf, crate::store::StoreError> {
    let direct = PathBuf::from(name);
    if direct.is_file() {
        return Ok(direct);
    }
    if direct.join("history.jsonl").is_file() {
        return Ok(direct.join("history.jsonl"));
    }
    RunDir::find(out, name).map(|run| run.file("history.jsonl"))
}
