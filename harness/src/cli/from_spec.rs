//! A run that a file describes: the record of another run, or the output of a dry run.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use fracas_engine::plan::{Notes, Place, RunPlan};
use fracas_engine::spec::RunSpec;
use fracas_engine::{fits, targets};
use fracas_targets::quoted;

use super::run::{digest, digests, place};
use super::run_args::RunArgs;
use super::values::Binaries;

/// The run that the file describes, with the server that is here.
///
/// # Errors
/// A text for the user: what is wrong in the file, or missing here.
pub(super) fn decide(args: &RunArgs, path: &Path) -> Result<RunPlan, String> {
    let name = path.display();
    let text = std::fs::read_to_string(path)
        .map_err(|error| format!("error: failed to read `{name}`: {error}"))?;
    let spec = RunSpec::read(&text).map_err(|why| format!("error: `{name}` {why}"))?;
    let command = format!("fracas run --spec={}", quoted(&name.to_string()));
    of(spec, &Binaries::of(&args.binary)?, place(args, command))
}

/// The run of a spec, with the server and the other programs that are here: those of `binaries` that
/// are named.
pub(super) fn of(mut spec: RunSpec, binaries: &Binaries, place: Place) -> Result<RunPlan, String> {
    let target = targets::parse(&spec.target)?;
    if let Ok(deployment) = target.deploy(&targets::example(&target)) {
        fits::reachable(&target, &deployment)?; // what cannot be filled in is told when it is
    }
    let recorded = std::mem::take(&mut spec.binary_sha256);
    let named = std::mem::take(&mut spec.binary);
    let here = binaries.server.as_deref().or_else(|| Some(&*named).filter(|it| it.is_file()));
    spec.binary = targets::binary(&target, spec.target.dir.as_deref(), here)
        .map_err(|error| format!("{error}\nnote: the spec names `{}`", named.display()))?;
    spec.binary_sha256 = digest(&spec.binary);
    let recorded_others = std::mem::take(&mut spec.other_binaries);
    let named_others = recorded_others.into_iter().filter(|(_, other)| other.path.is_file());
    let mut others: BTreeMap<String, PathBuf> =
        named_others.map(|(name, other)| (name, other.path)).collect();
    others.extend(binaries.others.clone());
    let others = targets::other_binaries(&target, spec.target.dir.as_deref(), &others)?;
    spec.other_binaries = digests(others);
    if let Some(next) = spec.binary_next.as_ref().filter(|next| !next.is_file()) {
        return Err(format!(
            "error: the spec's other server `{}` does not exist here: put it there",
            next.display()
        ));
    }
    let missing = here.is_none().then_some(&*named);
    let warning = elsewhere(missing, &recorded, &spec);
    RunPlan::of(spec, place, Notes { warning, ..Notes::default() })
}

/// What is said of a server that is not the one, or not in the place, that a spec was recorded with.
fn elsewhere(missing: Option<&Path>, recorded: &str, spec: &RunSpec) -> Option<String> {
    let binary = spec.binary.display();
    let other = !recorded.is_empty() && recorded != spec.binary_sha256;
    let place = missing.map(|named| {
        format!("the spec names `{}`, which does not exist here: `{binary}` runs", named.display())
    });
    let differs = other.then(|| {
        format!("`{binary}` is another server than the spec was recorded with: its SHA-256 differs")
    });
    let both: Vec<String> = place.into_iter().chain(differs).collect();
    (!both.is_empty()).then(|| both.join("; "))
}
