//! `fracas clean`: ends what dead runs left behind, and marks them as dead. Groups for processor time
//! belong to no run that could be named, so they are removed wherever runs are kept.

use fracas_reports::Ended;

use super::{Out, complain, print};
use crate::exit::Exit;
use crate::lab::leftovers::{self, Identity};
use crate::store::{self, RunDir, StoreError};

/// Arguments of `fracas clean`.
#[derive(Debug, clap::Args)]
pub(super) struct CleanArgs {
    #[command(flatten)]
    out: Out,
}

/// Looks at every run that has not ended; those whose harness is gone are cleaned up.
pub(super) fn clean(args: &CleanArgs) -> Exit {
    let runs = match store::list(&args.out.out) {
        Ok(runs) => runs,
        Err(error) => {
            complain(&error);
            return Exit::Usage;
        }
    };
    let mut exit = Exit::Pass;
    for run in runs {
        match clean_one(&run) {
            Ok(Some(line)) => print(&format!("{}: {line}\n", run.id())),
            Ok(None) => {}
            Err(error) => {
                complain(&error);
                exit = Exit::Internal;
            }
        }
    }
    let groups = leftovers::remove_groups();
    if !groups.is_empty() {
        print(&format!("removed {} empty groups for processor time of dead runs\n", groups.len()));
    }
    exit
}

/// What was done about one run; nothing if it has ended.
fn clean_one(run: &RunDir) -> Result<Option<String>, StoreError> {
    let mut record = run.record()?;
    if record.ended != Ended::Running {
        return Ok(None);
    }
    if run.supervisor().is_some_and(|supervisor: Identity| supervisor.lives()) {
        return Ok(Some("still running; left alone".to_owned()));
    }
    let (killed, unmounted) = (leftovers::reap(run.path()), leftovers::unmount(run.path()));
    record.ended = Ended::Failed { reason: "the harness was killed".to_owned() };
    run.write_record(&record)?;
    Ok(Some(format!(
        "the harness died; ended {} processes and {} mounts; `fracas check {}` judges what it had recorded",
        killed.len(),
        unmounted.len(),
        run.path().display()
    )))
}
