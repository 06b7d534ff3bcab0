//! `fracas report`: the reports of a stored run, written again.

use fracas_checker::formats::Hint;
use fracas_reports::{Ended, FILES, Run, RunRecord};

use super::check::BudgetArgs;
use super::{Out, complain, print, tell};
use crate::exit::Exit;
use crate::judging;
use crate::plan::CheckBudget;
use crate::store::RunDir;

/// Arguments of `fracas report`.
#[derive(Debug, clap::Args)]
pub(super) struct ReportArgs {
    /// The directory of a run, `latest`, or the name of a run or its beginning.
    run: String,
    #[command(flatten)]
    budget: BudgetArgs,
    #[command(flatten)]
    out: Out,
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
    let recorded = match judging::read(&dir.file("history.jsonl"), &Hint::default()) {
        Ok(recorded) => recorded,
        Err(error) => {
            complain(&error);
            return Exit::Usage;
        }
    };
    let verdict = judging::decide(&recorded.history, budget);
    let run = Run { record, history: &recorded.history, verdict: &verdict, torn: recorded.torn };
    let written = judging::write_reports(dir, &run);
    if record.ended == Ended::Running {
        tell(
            "fracas: warning: the run has not ended, or it crashed; the report shows what was recorded",
        );
    }
    for name in &written {
        print(&format!("{}\n", dir.file(name).display()));
    }
    if written.len() == FILES.len() { Exit::Pass } else { Exit::Internal }
}
