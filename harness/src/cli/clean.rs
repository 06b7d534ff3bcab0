//! `fracas clean`: cleans up after crashed runs, and marks them as crashed. Groups for processor time
//! belong to no run that could be named, so they are removed wherever runs are kept.

use fracas_reports::Ended;

use crate::exit::Exit;
use crate::output::{Out, complain, narrate, print};
use fracas_engine::store::{self, RunDir, StoreError};
use fracas_lab::leftovers;

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
    fracas_lab::keep(std::slice::from_ref(&args.out.out));
    let (mut exit, mut told) = (Exit::Pass, false);
    for run in runs {
        match clean_one(&run) {
            Ok(Some(line)) => {
                told = true;
                print(&format!("{}: {line}\n", run.id()));
            }
            Ok(None) => {}
            Err(error) => {
                complain(&error);
                exit = Exit::Internal;
            }
        }
    }
    let groups = leftovers::remove_groups();
    if !groups.is_empty() {
        let groups = counted(groups.len(), "empty control group");
        print(&format!("removed {groups} of crashed runs\n"));
    } else if !told && exit == Exit::Pass {
        narrate(&format!("fracas: nothing to clean up in `{}`", args.out.out.display()));
    }
    exit
}

/// A count with its noun.
fn counted(count: usize, noun: &str) -> String {
    let ending = match (count, noun.ends_with('s')) {
        (1, _) => "",
        (_, true) => "es",
        (_, false) => "s",
    };
    format!("{count} {noun}{ending}")
}

/// What was done about one run; nothing if it has ended.
fn clean_one(run: &RunDir) -> Result<Option<String>, StoreError> {
    let mut record = run.record()?;
    if record.ended != Ended::Running {
        return Ok(None);
    }
    if run.is_alive() {
        return Ok(Some("still running: nothing was done".to_owned()));
    }
    let (killed, unmounted) = (leftovers::reap(run.path()), leftovers::unmount(run.path()));
    if let Err(error) = leftovers::take_back(&run.path().join("nodes")) {
        complain(&error);
    }
    record.ended = Ended::Failed { reason: "the harness was killed".to_owned() };
    run.use_reserve();
    run.write_record(&record)?;
    Ok(Some(format!(
        "its harness had crashed: killed {}, removed {}; `fracas check {}` judges what it recorded",
        counted(killed.len(), "process"),
        counted(unmounted.len(), "mount"),
        run.path().display()
    )))
}
