//! What is done once a run has ended: what it found is tried again, and what it left is kept or not.
//!
//! No verdict changes here: an anomaly that does not come again was found all the same.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use fracas_engine::judging::Outputs;
use fracas_engine::plan::RunPlan;
use fracas_engine::replay::{Found, rates, spec_of};
use fracas_engine::store::{self, RunDir};
use fracas_lab::leftovers::Identity;

use super::ending::warn;
use super::replay::{Again, add};
use super::run::single;
use super::run_args::RunArgs;
use super::values::{Binaries, Keep};
use crate::exit::Exit;
use crate::output::{complain, narrate, tell};

/// The runs in `out` that a process has made.
pub(super) fn made(out: &Path, process: Identity) -> BTreeMap<PathBuf, RunDir> {
    let runs = store::list(out).unwrap_or_default().into_iter();
    let own = runs.filter(|run| run.supervisor() == Some(process));
    own.map(|run| (run.path().to_owned(), run)).collect()
}

/// One run in a world of its own, with all that was asked for after it.
pub(super) fn carried_out(args: &RunArgs, target: &str, plan: &RunPlan) -> Exit {
    let before = made(&args.out.out, Identity::own());
    let exit = single(args, target, plan);
    let made = made(&args.out.out, Identity::own());
    let new = made.into_iter().find(|(path, _)| !before.contains_key(path));
    new.map_or(exit, |(_, dir)| after(args, &dir, exit))
}

/// Does what was asked for after a run, and says how the program ends.
fn after(args: &RunArgs, dir: &RunDir, exit: Exit) -> Exit {
    let exit = match args.confirm {
        Some(times) if exit == Exit::Anomaly => exit.worst(confirm(args, dir, times)),
        _ => exit,
    };
    let stripped = match (args.keep, exit) {
        // How it ended by a signal or a failure of ours must be found out from its files.
        (_, Exit::Interrupted | Exit::Terminated | Exit::Internal) => false,
        (Keep::Always, _) => false,
        (Keep::Failure, exit) => exit == Exit::Pass,
        (Keep::Never, _) => true,
    };
    if stripped {
        match dir.strip() {
            Ok(()) => narrate("fracas: only `run.json` and `results.json` are kept (`--keep`)"),
            Err(error) => warn(&error.to_string()),
        }
    }
    exit
}

/// Carries out a run again that found an anomaly, and tells whether it came again. Nothing that comes
/// of that makes the anomaly undone: it says how the program ends only where something ended it.
fn confirm(args: &RunArgs, dir: &RunDir, times: u32) -> Exit {
    let decided = Binaries::of(&args.binary).and_then(|binaries| {
        Ok((binaries, spec_of(dir, false)?, Found::of(dir).ok_or_else(unjudged)?))
    });
    let (binaries, spec, first) = match decided {
        Ok(decided) => decided,
        Err(error) => {
            tell(&error);
            return Exit::Pass;
        }
    };
    let again = Again { times, binaries, cache: args.cache.dir(), format: None };
    let again = match again.carried_out(dir, &spec) {
        Ok(again) => again,
        Err(exit @ (Exit::Interrupted | Exit::Terminated)) => return exit,
        Err(_) => Vec::new(), // told where it happened
    };
    if again.is_empty() {
        tell("fracas: warning: no replay was judged: the anomaly is neither confirmed nor not");
        return Exit::Pass;
    }
    let replays = rates(&first, &again, false);
    narrate(&format!("fracas: {}: {replays}", replays.word()));
    if let Err(error) = add(dir, replays, &Outputs::of(&args.report)) {
        complain(&error);
    }
    Exit::Pass
}

fn unjudged() -> String {
    "error: the run was not judged: nothing can be tried again".to_owned()
}
