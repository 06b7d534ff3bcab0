//! `fracas run`: from flags to a decided run. Several of them are a `series`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use fracas_checker::event::NodeId;
use fracas_checker::history::Coverage;
use fracas_targets::Target;
use fracas_workloads::{Chosen, Load, Workload};

use super::carry_out::carry_out;
use super::chosen::{
    Lacking, are_usual, faults, kinds, left_out, must_be_given, schedule, unknown,
};
use super::repetition::command;
use super::run_args::{DiskArg, IsolationArg, RunArgs, TIME};
use super::values::{Binaries, clients};
use crate::exit::Exit;
use crate::output::{Format, narrate, one_line, print};
use fracas_engine::faults::Kind;
use fracas_engine::judging::Outputs;
use fracas_engine::means::Wanted;
use fracas_engine::nemesis;
use fracas_engine::plan::{self, Notes, Place, RunPlan, promised};
use fracas_engine::preflight;
use fracas_engine::spec::{OtherBinary, RunSpec, SPEC_SCHEMA};
use fracas_engine::store::Readers;
use fracas_engine::{fits, targets};
use fracas_lab::disk::Model;
use fracas_lab::leftovers::Identity;
use fracas_lab::{Isolation, NODES_MAX};

/// What is said of a target that promises nothing of objects or leaders.
pub(super) const NO_PROMISES: &str = "fracas: warning: its `[promises]` name no objects and no leaders: \
    nothing that clients see is checked, only whether servers end by themselves and whether the cluster \
    answers again after the faults; a pass says no more than that. Promise something, such as \
    `registers = \"linearizable\"` (docs/adding-a-target.md), or choose a setting that does";

/// One run in a world of its own.
pub(super) fn single(args: &RunArgs, target: &str, plan: &RunPlan) -> Exit {
    for skipped in &plan.notes.skipped {
        if args.workload.iter().all(|name| name == ALL) {
            tracing::debug!("{skipped}"); // nobody asked for it by name
        } else {
            narrate(&format!("fracas: {skipped}"));
        }
    }
    plan.notes.left_out.iter().for_each(tell_left_out);
    let row = args.planned.as_ref().map(|planned| format!("row `{}`: ", planned.row));
    narrate(&format!(
        "fracas: {}{} with seed {}: {}",
        row.unwrap_or_default(),
        plan.target.name(),
        plan.spec.seed,
        plan.summary()
    ));
    if plan.target.promises().made.is_empty() {
        narrate(NO_PROMISES);
    }
    plan.notes.warning.iter().for_each(|warning| narrate(&format!("fracas: {warning}")));
    if let Some(no_room) = plan.no_room() {
        narrate(&format!("fracas: {no_room}"));
    }
    if args.dry_run {
        print(&match (args.format, &args.planned) {
            (Format::Text, None) => plan.shown() + "\n",
            (Format::Text, Some(planned)) => {
                format!("{}: {}\n", planned.row, plan.place.command)
            }
            (Format::Json, _) => one_line(&plan.shown()),
        });
        return Exit::Pass;
    }
    carry_out(plan, Some(args.format), || fitted(args, target, plan))
}

fn tell_left_out((kind, why): (&Kind, &String)) {
    narrate(&format!("fracas: fault `{kind}` is left out: {why} (see `fracas doctor`)"));
}

/// The path of the program that nodes come back with.
fn next_binary(path: &Path) -> Result<PathBuf, String> {
    let refused = |why: String| format!("error: `--binary-next={}`: {why}", path.display());
    match std::path::absolute(path) {
        Ok(whole) if whole.is_file() => Ok(whole),
        Ok(_) => Err(refused("there is no such file".to_owned())),
        Err(error) => Err(refused(error.to_string())),
    }
}

/// The plan without the usual faults that the network of this machine cannot have; none if it can
/// have all. That shows only inside a world, where a network can be made.
fn fitted(args: &RunArgs, target: &str, plan: &RunPlan) -> Result<Option<RunPlan>, String> {
    let found = if are_usual(args) { preflight::lacking(plan) } else { Lacking::new() };
    if found.is_empty() {
        return Ok(None);
    }
    found.iter().for_each(tell_left_out);
    let fitted = decide_without(args, (target, plan.spec.seed), &found)?;
    narrate(&format!("fracas: without these: {}", fitted.summary()));
    // In here it would be the identity of another process.
    let place = Place { supervisor: plan.place.supervisor, ..fitted.place };
    Ok(Some(RunPlan { place, ..fitted }))
}

fn isolation(wanted: IsolationArg) -> Isolation {
    match wanted {
        IsolationArg::Auto => Isolation::Auto,
        IsolationArg::Root => Isolation::Root,
        IsolationArg::Userns => Isolation::Userns,
    }
}

/// Merges flags and target into a run, or says precisely what is wrong.
pub(super) fn decide(args: &RunArgs, name: &str, seed: u64) -> Result<RunPlan, String> {
    decide_without(args, (name, seed), &Lacking::new())
}

/// The same without the faults that this machine was found to lack something for.
fn decide_without(
    args: &RunArgs,
    (name, seed): (&str, u64),
    found: &Lacking,
) -> Result<RunPlan, String> {
    let found_target = targets::find(name, args.settings.iter().cloned().collect())?;
    let target = targets::parse(&found_target)?;
    let (binary, others) = programs(args, &target, found_target.dir.as_deref())?;
    if let Ok(deployment) = target.deploy(&targets::example(&target)) {
        fits::reachable(&target, &deployment)?; // what cannot be filled in is told when it is
    }
    let nodes = nodes(args.nodes.unwrap_or(target.default_nodes()))?;
    let (workloads, skipped) = workloads(&args.workload, &target)?;
    let left_out = left_out(args, &target, found);
    let mut kinds = kinds(&args.faults, &target, nodes.len())?;
    kinds.retain(|kind| !left_out.contains_key(kind));
    let load = Load {
        clients: clients(&args.clients, nodes.len())?,
        nodes: nodes.clone(),
        rate: args.rate.0,
        keys: args.keys,
        serves: target.serves(),
    };
    let config = faults(args, &target, nodes.len(), &kinds)?;
    let faults = match &args.schedule {
        Some(path) => schedule(path, &target, (&nodes, args.pin))?,
        None => nemesis::Plan::draw(&config, seed),
    };
    let fits = args.schedule.is_none().then(|| nemesis::Plan::fits(&config, seed)).flatten();
    let kinds = if args.schedule.is_some() { faults.kinds() } else { kinds };
    must_be_given(&faults, &kinds, args)?;
    let time = args.time.unwrap_or_else(|| usual_time(args, &faults));
    let chosen = Chosen::new(&workloads, &load);
    let usual = plan::coverage(&chosen, time, !kinds.is_empty());
    let (coverage, warning) = (needed(args, usual), chosen.too_little(time));
    let spec = RunSpec {
        schema: SPEC_SCHEMA.to_owned(),
        target: found_target,
        binary_sha256: digest(&binary),
        binary,
        other_binaries: digests(others),
        extra_args: args.extra_args.clone(),
        binary_next: args.binary_next.as_deref().map(next_binary).transpose()?,
        restart_args: args.restart_args.clone(),
        equipment: equipment(args, &nodes)?,
        nodes,
        workloads: workloads.iter().map(|workload| workload.name().to_owned()).collect(),
        clients: load.clients,
        rate: load.rate,
        keys: load.keys,
        time,
        extend: args.extend.unwrap_or(time / 2),
        faults: kinds,
        fault_every: args.fault_every,
        aim: args.aim.clone(),
        schedule_file: args.schedule.clone(),
        pin: args.pin,
        schedule: faults,
        seed,
        isolation: isolation(args.isolation),
        partition: args.partition_means(),
        coverage,
        check: args.budget.budget(),
        until_anomaly: args.until_anomaly,
        judge: !args.no_check,
        origins: args.origins.clone(),
    };
    let place = place(args, command(&spec, args));
    RunPlan::of(spec, place, Notes { skipped, warning, left_out, fits })
}

/// The server of a target, and its other programs.
fn programs(
    args: &RunArgs,
    target: &Target,
    beside: Option<&Path>,
) -> Result<(PathBuf, BTreeMap<String, PathBuf>), String> {
    let binaries = Binaries::of(&args.binary)?;
    let server = targets::binary(target, beside, binaries.server.as_deref())?;
    Ok((server, targets::other_binaries(target, beside, &binaries.others)?))
}

/// What a pass needs.
fn needed(args: &RunArgs, usual: Coverage) -> Coverage {
    Coverage {
        elections: args.min_elections.unwrap_or(usual.elections),
        every_fault: args.schedule.is_some(),
        ..usual
    }
}

/// Where a run is carried out, and for whom.
pub(super) fn place(args: &RunArgs, command: String) -> Place {
    Place {
        out: args.out.out.clone(),
        readers: Readers::when(args.share),
        command,
        planned: args.planned.clone(),
        outputs: Outputs::of(&args.report),
        cache: args.cache.dir(),
        supervisor: Identity::own(),
        ineffective_cut: args.test_ineffective_cut,
    }
}

/// The SHA-256 of a server, or nothing where it cannot be read: it is told, not needed.
pub(super) fn digest(binary: &Path) -> String {
    targets::digest(binary).unwrap_or_else(|error| {
        tracing::warn!(%error, path = %binary.display(), "failed to read the server's binary");
        String::new()
    })
}

/// Programs with their digests.
pub(super) fn digests(others: BTreeMap<String, PathBuf>) -> BTreeMap<String, OtherBinary> {
    let told = |(name, path): (String, PathBuf)| {
        let sha256 = digest(&path);
        (name, OtherBinary { path, sha256 })
    };
    others.into_iter().map(told).collect()
}

/// How far the monotonic clocks of nodes are ahead; the cluster must have them.
fn offsets(wanted: &[(NodeId, i64)], nodes: &[NodeId]) -> Result<BTreeMap<NodeId, i64>, String> {
    match wanted.iter().find(|(node, _)| !nodes.contains(node)) {
        None => Ok(wanted.iter().copied().collect()),
        Some((node, _)) => {
            let nodes: Vec<String> = nodes.iter().map(NodeId::to_string).collect();
            let nodes = nodes.join(", ");
            Err(format!("error: `--monotonic-offset` names `{node}`: the cluster has {nodes}"))
        }
    }
}

/// What the nodes are given for faults of clocks, disks and links.
fn equipment(args: &RunArgs, nodes: &[NodeId]) -> Result<Wanted, String> {
    Ok(Wanted {
        clock: args.clock_means(),
        packets: args.packet_means(),
        starve: args.starve_means(),
        small_disk: args.small_disk,
        monotonic: offsets(&args.monotonic_offset, nodes)?,
        disk: match args.disk {
            DiskArg::Ext4 => Model::Ext4,
            DiskArg::Posix => Model::Posix,
        },
        disk_age: args.disk_age,
    })
}

/// How long a run lasts where nobody says: as long as its schedule takes, if it has one.
fn usual_time(args: &RunArgs, faults: &nemesis::Plan) -> Duration {
    let takes = args.schedule.as_ref().map(|_| Duration::from_millis(faults.lasts_ms()));
    takes.filter(|time| !time.is_zero()).unwrap_or(TIME)
}

fn nodes(count: u16) -> Result<Vec<NodeId>, String> {
    if (1..=NODES_MAX).contains(&count) {
        return Ok((1..=count).map(NodeId).collect());
    }
    Err(format!("error: invalid value `{count}` for `--nodes`: expected 1 to {NODES_MAX}"))
}

/// What stands for every workload that fits.
const ALL: &str = "all";

/// The workloads that were asked for and fit; where none was asked for, all that fit.
fn workloads(
    wanted: &[String],
    target: &Target,
) -> Result<(Vec<&'static dyn Workload>, Vec<String>), String> {
    let names = || fracas_workloads::ALL.iter().map(|workload| workload.name());
    let every = wanted.is_empty() || wanted.iter().any(|name| name == ALL);
    let mut chosen = Vec::new();
    for name in wanted.iter().filter(|name| *name != ALL) {
        let found = fracas_workloads::find(name)
            .ok_or_else(|| unknown("workload", name, names().collect::<Vec<_>>().as_slice()))?;
        if !chosen.iter().any(|other: &&dyn Workload| other.name() == found.name()) {
            chosen.push(found);
        }
    }
    if every {
        chosen = fracas_workloads::ALL.to_vec();
    }
    let (fitting, unfit): (Vec<_>, Vec<_>) =
        chosen.into_iter().map(|w| (w, misfit(w, target))).partition(|(_, why)| why.is_none());
    let skipped: Vec<String> = unfit.into_iter().filter_map(|(_, why)| why).collect();
    if fitting.is_empty() {
        return Err(format!(
            "error: no workload fits target `{}`: {}",
            target.name(),
            skipped.join("; ")
        ));
    }
    Ok((fitting.into_iter().map(|(workload, _)| workload).collect(), skipped))
}

/// Why a workload cannot be run against a target.
fn misfit(workload: &'static dyn Workload, target: &Target) -> Option<String> {
    let served = target.serves();
    let missing: Vec<&str> = workload
        .needs()
        .iter()
        .filter(|kind| !served.contains(kind))
        .map(|kind| kind.word())
        .collect();
    let name = workload.name();
    if !missing.is_empty() {
        return Some(format!(
            "workload `{name}` is skipped: the target does not serve {}",
            missing.join(", ")
        ));
    }
    // Where nothing is promised of objects, the load shows whether the cluster answers again.
    let promised = promised(target);
    if !promised.is_empty() && !workload.checks().iter().any(|check| promised.contains(check)) {
        return Some(format!(
            "workload `{name}` is skipped: the target makes no promise that it could check"
        ));
    }
    None
}
