//! `fracas check` and `fracas report`: judging and reporting what is on disk.

use std::path::{Path, PathBuf};
use std::time::Duration;

use fracas_checker::Verdict;
use fracas_reports::{Ended, FILES, Run, RunRecord};

use super::{Format, Out, complain, print, tell};
use crate::exit::Exit;
use crate::judging;
use crate::plan::CheckBudget;
use crate::store::RunDir;
use crate::text::plain;

/// What judging may use.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(super) struct BudgetArgs {
    /// Seconds that all checks together may take; then what is left is inconclusive.
    #[arg(long, default_value_t = 60, value_name = "SECONDS")]
    check_time: u32,
    /// Mebibytes that the tables of a search may hold.
    #[arg(long, default_value_t = 1024, value_name = "MIB")]
    check_memory: usize,
}

impl BudgetArgs {
    /// The budget that they mean.
    pub(super) fn budget(self) -> CheckBudget {
        CheckBudget {
            time: Duration::from_secs(self.check_time.into()),
            bytes: self.check_memory.saturating_mul(1 << 20),
        }
    }
}

/// Arguments of `fracas check`.
#[derive(Debug, clap::Args)]
pub(super) struct CheckArgs {
    /// Histories (`history.jsonl`), run directories, or names of runs.
    #[arg(required = true, value_name = "HISTORY")]
    histories: Vec<String>,
    #[command(flatten)]
    budget: BudgetArgs,
    #[command(flatten)]
    out: Out,
    /// What the result looks like.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

/// Arguments of `fracas report`.
#[derive(Debug, clap::Args)]
pub(super) struct ReportArgs {
    /// A run directory, `latest`, or the beginning of a run's name.
    run: String,
    #[command(flatten)]
    budget: BudgetArgs,
    #[command(flatten)]
    out: Out,
}

/// Judges every history named; the worst verdict is the exit code.
pub(super) fn check(args: &CheckArgs) -> Exit {
    args.histories.iter().map(|name| check_one(args, name)).fold(Exit::Pass, Exit::worst)
}

fn check_one(args: &CheckArgs, name: &str) -> Exit {
    let path = match locate(&args.out.out, name) {
        Ok(path) => path,
        Err(error) => {
            complain(&error);
            return Exit::Usage;
        }
    };
    let (history, torn) = match judging::read(&path) {
        Ok(read) => read,
        Err(error) => {
            complain(&error);
            return Exit::Usage;
        }
    };
    let verdict = judging::decide(&history, args.budget.budget());
    match args.format {
        Format::Json => {
            let json = serde_json::to_string(&verdict).expect("a verdict has only string keys");
            print(&format!("{json}\n"));
        }
        Format::Text => print(&told(&path, &verdict, torn)),
    }
    Exit::of(verdict.status)
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

/// The verdict for people.
fn told(path: &Path, verdict: &Verdict, torn: bool) -> String {
    let mut text =
        format!("{}: {}: {}\n", path.display(), verdict.status, plain(&verdict.headline));
    if torn {
        text.push_str("  the last line was cut off and left out\n");
    }
    for check in &verdict.checks {
        text.push_str(&format!("  {:<12} {}\n", check.status.to_string(), check.id));
        let reasons = check.reasons.iter().map(|reason| plain(reason));
        let anomalies = check
            .anomalies
            .iter()
            .map(|found| format!("{}: {}", found.class, plain(&found.headline)));
        for line in anomalies.chain(reasons) {
            text.push_str(&format!("    {line}\n"));
        }
    }
    text
}

/// Judges a stored run again and writes its reports.
pub(super) fn report(args: &ReportArgs) -> Exit {
    let dir = match RunDir::find(&args.out.out, &args.run) {
        Ok(dir) => dir,
        Err(error) => {
            complain(&error);
            return Exit::Usage;
        }
    };
    match read_run(&dir) {
        Ok(record) => rewrite(&dir, &record, args.budget.budget()),
        Err(error) => {
            complain(&error);
            Exit::Usage
        }
    }
}

fn read_run(dir: &RunDir) -> Result<RunRecord, crate::store::StoreError> {
    dir.record()
}

/// The exit code is about the writing: the verdict is in the report, and `check` tells it.
fn rewrite(dir: &RunDir, record: &RunRecord, budget: CheckBudget) -> Exit {
    let (history, torn) = match judging::read(&dir.file("history.jsonl")) {
        Ok(read) => read,
        Err(error) => {
            complain(&error);
            return Exit::Usage;
        }
    };
    let verdict = judging::decide(&history, budget);
    let run = Run { record, history: &history, verdict: &verdict, torn };
    let written = judging::write_reports(dir, &run);
    if record.ended == Ended::Running {
        tell("fracas: warning: the run has not ended, or died; the report shows what was recorded");
    }
    for name in &written {
        print(&format!("{}\n", dir.file(name).display()));
    }
    if written.len() == FILES.len() { Exit::Pass } else { Exit::Internal }
}
