//! One run in a world of its own.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use fracas_engine::plan::RunPlan;
use fracas_engine::progress::Listener;
use fracas_engine::run::{self, Audience, Outcome, RunError};
use fracas_lab::World;

use super::chosen::lacking;
use super::closing;
use super::ending::{self, complain_and_mend};
use crate::exit::Exit;
use crate::output::{Format, tell};
use crate::terminal::Terminal;

/// Carries out a run and prints what came of it; without a format it is only told, in one line. `fitted` is asked inside of the world, where it can
/// be tried what the machine has: it gives another plan if this one cannot be carried out there.
pub(super) fn carry_out(
    plan: &RunPlan,
    format: Option<Format>,
    fitted: impl FnOnce() -> Result<Option<RunPlan>, String>,
) -> Exit {
    if let Some(lacking) = lacking(&plan.spec.faults, plan.spec.equipment.clock) {
        tell(&lacking);
        return Exit::Machine;
    }
    if let Some(lacking) = closing::scarce(plan) {
        tell(&lacking);
        return Exit::Machine;
    }
    entered(plan, |world| {
        let fitted = match fitted() {
            Ok(fitted) => fitted,
            Err(error) => {
                tell(&error);
                return Exit::Machine.code();
            }
        };
        let listener: Arc<dyn Listener> = Arc::new(Terminal::default());
        match run::run(fitted.as_ref().unwrap_or(plan), world, &listener) {
            Ok(outcome) => ending::told(&outcome, format).code(),
            Err(error) => failed(&error).code(),
        }
    })
}

/// Starts the cluster of a run and asks every operation once; `audience` hears it.
pub(super) fn rehearse(plan: &RunPlan, audience: &Audience) -> Exit {
    entered(plan, |world| {
        let listener: Arc<dyn Listener> = Arc::new(Terminal::default());
        match run::rehearse(plan, world, &listener, audience) {
            Ok(Outcome { error: None, .. }) => Exit::Pass.code(),
            Ok(Outcome { error: Some(error), .. }) | Err(error) => failed(&error).code(),
        }
    })
}

fn failed(error: &RunError) -> Exit {
    complain_and_mend(error);
    Exit::of_error(error)
}

/// Does something in a world of its own, and closes the run that was made in it.
fn entered(plan: &RunPlan, inside: impl FnOnce(&World) -> u8) -> Exit {
    fracas_lab::own_files_are_ours();
    fracas_lab::keep(&seen(plan));
    match fracas_lab::enter(plan.spec.isolation, inside) {
        Ok(code) => {
            let exit = Exit::of_code(code);
            closing::close(
                plan,
                &format!("the process inside ended with code {code}: {}", exit.word()),
            );
            exit
        }
        Err(error) => {
            closing::close(plan, &error.to_string());
            failed(&RunError::Lab(error))
        }
    }
}

/// The directories that the run and its servers must see wherever they lie: where it was started,
/// where the servers and the target's file are, and where it is kept.
fn seen(plan: &RunPlan) -> Vec<PathBuf> {
    // Made now, so that it and not the one above it is kept. A refusal is told when it is used.
    let _refused = std::fs::create_dir_all(&plan.place.out);
    let binaries = [Some(&plan.spec.binary), plan.spec.binary_next.as_ref()].into_iter().flatten();
    let others = plan.spec.other_binaries.values().map(|other| &other.path);
    let theirs = binaries.chain(others).filter_map(|binary| binary.parent().map(Path::to_owned));
    let beside = plan.spec.target.dir.as_deref().map(std::path::absolute);
    let own = [std::env::current_dir().ok(), std::path::absolute(&plan.place.out).ok()];
    let own = own.into_iter().chain([beside.and_then(Result::ok)]);
    let cache = plan.target.has_preparation().then(|| plan.cache().ok()).flatten();
    own.flatten().chain(theirs).chain(cache).collect()
}
