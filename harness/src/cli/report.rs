//! `fracas report`: the reports of a stored run, written again.

use fracas_reports::{Ended, RunRecord};

use super::check::BudgetArgs;
use super::ending::warn;
use crate::exit::Exit;
use crate::output::{Out, complain, print, tell};
use fracas_engine::judging::{self, Judging, Outputs};
use fracas_engine::spec::CheckBudget;
use fracas_engine::store::RunDir;

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

fn read_run(dir: &RunDir) -> Result<RunRecord, fracas_engine::store::StoreError> {
    dir.record()
}

/// The exit code is about the writing: the verdict is in the report, and `check` tells it.
fn rewrite(dir: &RunDir, record: &RunRecord, budget: CheckBudget) -> Exit {
    let judging = Judging { budget, proven: None, outputs: &Outputs::default() };
    let conclusion = match judging::judge_run(dir, record, judging) {
        Ok(conclusion) => conclusion,
        Err(error) => {
            complain(&error);
            return Exit::Usage;
        }
    };
    if record.ended == Ended::Running {
        tell(
            "fracas: warning: the run has not ended, or it crashed; the report shows what was recorded",
        );
    }
    conclusion.unwritten.iter().for_each(|why| warn(why));
    for name in &conclusion.written {
        print(&format!("{}\n", dir.file(name).display()));
    }
    if conclusion.unwritten.is_empty() { Exit::Pass } else { Exit::Internal }
}
