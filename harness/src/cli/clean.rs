//! `fracas clean`: cleans up after crashed runs, and marks them as crashed. Groups for processor time
//! belong to no run that could be named, so they are removed wherever runs are kept.

use std::path::PathBuf;

use fracas_reports::Ended;

use crate::exit::Exit;
use crate::output::{CacheDir, Out, complain, narrate, print};
use fracas_engine::store::{self, RunDir, StoreError};
use fracas_engine::text::plain;
use fracas_lab::leftovers;
use fracas_lab::prepared::{self, Removed};

/// Arguments of `fracas clean`.
#[derive(Debug, clap::Args)]
pub(super) struct CleanArgs {
    #[command(flatten)]
    out: Out,
    /// Remove what targets have prepared, instead; what a run uses now is left.
    #[arg(long)]
    cache: bool,
    #[command(flatten)]
    cache_dir: CacheDir,
}

/// Looks at every run that has not ended; those whose harness is gone are cleaned up.
pub(super) fn clean(args: &CleanArgs) -> Exit {
    if args.cache { clean_cache(args.cache_dir.dir()) } else { clean_runs(args) }
}

/// Removes what targets have prepared, and tells what it was.
fn clean_cache(cache: Option<PathBuf>) -> Exit {
    let Some(cache) = cache else {
        complain(&"find the cache folder: name it with `--cache-dir` or `FRACAS_CACHE_DIR`");
        return Exit::Usage;
    };
    match prepared::remove_all(&cache) {
        Ok(removed) => {
            removed.iter().for_each(|removed| print(&format!("{}\n", told(removed))));
            if removed.is_empty() {
                narrate(&format!("fracas: nothing is prepared in `{}`", cache.display()));
            }
            Exit::Pass
        }
        Err(error) => {
            complain(&error);
            Exit::Internal
        }
    }
}

/// What became of a preparation.
fn told(Removed { name, size, in_use }: &Removed) -> String {
    let did = if *in_use { "left, because a run uses it:" } else { "removed" };
    let size = format!("{:.1} MB in {}", size.bytes as f64 / 1e6, counted(size.files, "file"));
    match name {
        Some(name) => format!("{did} what `{}` has prepared: {size}", plain(name)),
        None => format!("{did} a preparation that was not finished: {size}"),
    }
}

fn clean_runs(args: &CleanArgs) -> Exit {
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
        let groups = counted(groups.len() as u64, "empty control group");
        print(&format!("removed {groups} of crashed runs\n"));
    } else if !told && exit == Exit::Pass {
        narrate(&format!("fracas: nothing to clean up in `{}`", args.out.out.display()));
    }
    exit
}

/// A count with its noun.
fn counted(count: u64, noun: &str) -> String {
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
        counted(killed.len() as u64, "process"),
        counted(unmounted.len() as u64, "mount"),
        run.path().display()
    )))
}
