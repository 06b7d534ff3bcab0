//! What a target prepares once on this machine, for the nodes of one run: a program that fills a
//! directory before any node is started. Its result is kept in the cache folder, under its key.
//!
//! The key is a digest of all that it depends on: the target file, the command and the files that it
//! names, the server. Nothing is started here.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use fracas_checker::event::NodeId;
use fracas_lab::agent::{Facts, Prepare, Start};
use fracas_lab::{Program, prepared};
use fracas_targets::{Deployment, PrepareIn};
use sha2::{Digest, Sha256};

use crate::cluster::reach;
use crate::equipment::name;
use crate::plan::RunPlan;
use crate::run::error::RunError;
use crate::text::plain;
use crate::{programs, record, targets};

/// What stands for the directory in the key: its path follows from the key.
const PLACE: &str = "{{ prepare.dir }}";

/// What keys of another form begin with: a change of what is kept, or how, makes everything anew.
const FORM: &str = "fracas.prepared/1";

/// A preparation of a run.
pub(crate) struct Preparing {
    /// What the agent is told.
    pub(crate) order: Prepare,
    /// How long the program may take.
    pub(crate) within: Duration,
    /// The command, fit for a terminal.
    pub(crate) command: String,
    /// The directory of each node that gets a copy, by its name for the agent.
    pub(crate) into: Vec<(NodeId, PathBuf)>,
}

/// What a run has to prepare, if anything.
///
/// # Errors
/// When a text cannot be filled in, or what it depends on cannot be read.
pub(crate) fn of(
    plan: &RunPlan,
    deployment: &Deployment,
    facts: &Facts,
) -> Result<Option<Preparing>, RunError> {
    let version = version(plan)?;
    // The program has another working directory.
    let target = std::path::absolute(plan.target_dir()).unwrap_or_default();
    let rendered = |dir: &Path| {
        let around = PrepareIn { target: &target, dir, version: version.as_deref() };
        let filled = deployment.prepare(&around);
        let mut filled = filled.map_err(|error| RunError::Render(error.to_string()))?;
        filled.iter_mut().for_each(|filled| programs::locate(&mut filled.argv));
        Ok::<_, RunError>(filled)
    };
    let (Some(keyed), Some((node, first))) =
        (rendered(Path::new(PLACE))?, deployment.nodes.first_key_value())
    else {
        return Ok(None);
    };
    let cache = plan.cache().map_err(RunError::Render)?;
    let user = first.asks.user.as_deref().unwrap_or_default();
    let key = key(plan, &[&keyed.argv[..], &keyed.key, &[user.to_owned()]])?;
    let Some(filled) = rendered(&prepared::filled(&cache, &key)?)? else { return Ok(None) };
    let mut reach = reach(first);
    reach.reads.extend(filled.argv.iter().filter_map(|word| programs::file_of(word)));
    let command = plain(&filled.command());
    let into = deployment.nodes.iter().filter_map(|(node, plan)| {
        plan.prepared.as_ref().map(|dir| (*node, name(facts, *node, dir)))
    });
    let program = Program { name: None, argv: filled.argv, env: BTreeMap::new() };
    let start = Start { node: *node, program, also: Vec::new(), monotonic_offset: 0, reach };
    let order = Prepare { cache, key, name: plan.target.name().to_owned(), start };
    Ok(Some(Preparing { order, within: filled.within, command, into: into.collect() }))
}

/// What the server says of its version, where that is a part of the key.
fn version(plan: &RunPlan) -> Result<Option<String>, RunError> {
    if !plan.target.prepares_by_version() {
        return Ok(None);
    }
    match record::version(plan, &plan.spec.binary) {
        Some(version) => Ok(Some(version)),
        None => Err(RunError::Target(
            "start the cluster: `prepare.key` has the server's version, and the server does not tell it"
                .to_owned(),
        )),
    }
}

/// The key of a preparation with these texts: a digest of all that it depends on.
fn key(plan: &RunPlan, texts: &[&[String]]) -> Result<String, RunError> {
    let (spec, lang) = (&plan.spec, std::env::var("LANG").unwrap_or_default());
    let parts = [FORM, &spec.target.text, &spec.binary_sha256, &lang].map(str::to_owned);
    let others: Vec<String> =
        spec.other_binaries.values().map(|other| other.sha256.clone()).collect();
    let mut all: Vec<&[String]> = vec![&parts, &others];
    all.extend(texts);
    let mut hash = Sha256::new();
    for list in &all {
        hash.update(list.len().to_le_bytes());
        list.iter().for_each(|text| add(&mut hash, text));
    }
    for path in texts.iter().copied().flatten().filter_map(|word| programs::file_of(word)) {
        let digest = targets::digest(&path).map_err(|error| {
            RunError::Target(format!("start the cluster: read `{}`: {error}", path.display()))
        })?;
        add(&mut hash, &digest);
    }
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Adds a text with its length: else two texts could be taken for one.
fn add(hash: &mut Sha256, text: &str) {
    hash.update(text.len().to_le_bytes());
    hash.update(text.as_bytes());
}
