//! The run record: everything that was decided, written before the run begins.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, SystemTime};

use fracas_reports::{Ended, Host, NextProgram, RUN_SCHEMA, RunRecord, TargetInfo, Tool};
use serde::Serialize;

use crate::actor::Actual;
use crate::faults::Kind;
use crate::nemesis::{self, Planned};
use crate::plan::RunPlan;
use crate::{store, targets};
use fracas_lab::World;
use fracas_lab::agent::Facts;

/// A server that does not tell its version in this time is not asked again.
const VERSION_WITHIN: Duration = Duration::from_secs(5);

/// The record of a run that is about to begin; the name of its directory and the mechanisms of its
/// lab are added when there are such.
#[must_use]
pub fn begin(plan: &RunPlan, world: &World) -> RunRecord {
    RunRecord {
        schema: RUN_SCHEMA.to_owned(),
        id: String::new(),
        command: plan.place.command.clone(),
        started: store::rfc3339(SystemTime::now()),
        duration_s: None,
        seed: plan.spec.seed,
        planned: plan.place.planned.clone(),
        tool: Tool { name: "fracas".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() },
        spec: serde_json::to_value(&plan.spec).expect("a spec can be written"),
        target: target(plan),
        workloads: plan.workloads.all().map(|workload| workload.name().to_owned()).collect(),
        faults: plan.spec.faults.iter().map(ToString::to_string).collect(),
        clients: plan.load.clients,
        rate: plan.load.rate,
        time_s: plan.spec.time.as_secs_f64(),
        host: host(plan, world),
        ended: Ended::Running,
        replays: None,
    }
}

fn target(plan: &RunPlan) -> TargetInfo {
    let next = plan.spec.binary_next.as_deref().map(|binary| NextProgram {
        version: version(plan, binary),
        binary: binary.display().to_string(),
        binary_sha256: targets::digest(binary).unwrap_or_default(),
    });
    TargetInfo {
        name: plan.target.name().to_owned(),
        description: plan.target.description().to_owned(),
        version: version(plan, &plan.spec.binary),
        next,
        binary: plan.spec.binary.display().to_string(),
        binary_sha256: plan.spec.binary_sha256.clone(),
        nodes: u16::try_from(plan.spec.nodes.len()).unwrap_or(u16::MAX),
    }
}

/// What a program of the target tells of its version.
#[must_use]
pub fn version(plan: &RunPlan, binary: &Path) -> Option<String> {
    let others = plan.spec.other_binaries.iter();
    let others = others.map(|(name, other)| (name.clone(), other.path.clone())).collect();
    let argv = plan.target.version_command(binary, &others)?;
    let told = fracas_lab::run_command(&argv, VERSION_WITHIN);
    told.inspect_err(|error| tracing::warn!(%error, "failed to ask the server's version")).ok()
}

fn host(plan: &RunPlan, world: &World) -> Host {
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease");
    Host {
        kernel: kernel.map(|text| text.trim().to_owned()).unwrap_or_default(),
        isolation: world.isolation.to_owned(),
        mechanisms: rights(plan),
        lacking: plan
            .notes
            .left_out
            .iter()
            .map(|(kind, why)| (kind.to_string(), why.clone()))
            .collect(),
        open: open(),
    }
}

/// The parts of the isolation that this machine lacks.
fn open() -> BTreeMap<String, String> {
    let refused = fracas_lab::filters_calls().err();
    let told = refused.map(|error| ("seccomp".to_owned(), error.to_string()));
    if let Some((_, why)) = &told {
        tracing::warn!("servers run without a filter of system calls: {why}");
    }
    told.into_iter().collect()
}

/// As which users servers run, and what they ask of the machine beside what every server gets.
fn rights(plan: &RunPlan) -> BTreeMap<String, String> {
    let mut rights = BTreeMap::from([("users".to_owned(), fracas_lab::users())]);
    let example = plan.target.deploy(&targets::example(&plan.target));
    let first = example.ok().and_then(|example| example.nodes.into_values().next());
    let asked = first.map(|node| node.asked()).unwrap_or_default();
    if !asked.is_empty() {
        rights.insert("rights".to_owned(), format!("each server asks {}", asked.join(", ")));
    }
    rights
}

/// By what means each kind of fault that was allowed is brought about in this lab.
#[must_use]
pub fn mechanisms(facts: &Facts, plan: &RunPlan) -> BTreeMap<String, String> {
    let how = |kind: &Kind| kind.mechanism(facts, &plan.spec.equipment);
    plan.spec.faults.iter().map(|kind| (kind.word().to_owned(), how(kind))).collect()
}

/// The schedule file: what was planned, which can be fed back, and what came of it.
#[derive(Serialize)]
struct Schedule<'a> {
    schema: &'a str,
    planned: &'a [Planned],
    actual: &'a [Actual],
}

/// The text of `schedule.json`.
#[must_use]
pub fn schedule(plan: &nemesis::Plan, actual: &[Actual]) -> String {
    let schedule = Schedule { schema: &plan.schema, planned: &plan.planned, actual };
    serde_json::to_string_pretty(&schedule).expect("a schedule has no map keys that JSON refuses")
}
