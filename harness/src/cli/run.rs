//! `fracas run`: from flags to a decided run. Several of them are a `series`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use fracas_checker::event::NodeId;
use fracas_checker::fault::FaultKind;
use fracas_targets::Target;
use fracas_workloads::{Size, Workload};

use super::chosen::{
    Lacking, are_usual, faults, kinds, lacking, left_out, must_be_given, schedule, unknown,
};
use super::closing;
use super::ending::{self, complain_and_mend};
use super::repetition::command;
use super::run_args::{DiskArg, IsolationArg, RunArgs, TIME};
use super::values::clients;
use crate::exit::Exit;
use crate::output::{Format, narrate, one_line, print, tell};
use crate::terminal::Terminal;
use fracas_engine::equipment::Wanted;
use fracas_engine::nemesis;
use fracas_engine::plan::{Asked, RunPlan, promised};
use fracas_engine::preflight;
use fracas_engine::progress::Listener;
use fracas_engine::store::Readers;
use fracas_engine::{fits, run, targets};
use fracas_lab::disk::Model;
use fracas_lab::leftovers::Identity;
use fracas_lab::{Isolation, NODES_MAX};

/// One run in a world of its own.
pub(super) fn one(args: &RunArgs, target: &str, plan: &RunPlan) -> Exit {
    for skipped in &plan.skipped {
        if args.workload.is_empty() {
            tracing::debug!("{skipped}"); // nobody asked for it by name
        } else {
            narrate(&format!("fracas: {skipped}"));
        }
    }
    plan.left_out.iter().for_each(tell_left_out);
    narrate(&format!("fracas: {} with seed {}: {}", plan.target.name(), plan.seed, plan.summary()));
    plan.warning.iter().for_each(|warning| narrate(&format!("fracas: {warning}")));
    if let Some(no_room) = plan.no_room() {
        narrate(&format!("fracas: {no_room}"));
    }
    if args.dry_run {
        print(&match args.format {
            Format::Text => plan.shown() + "\n",
            Format::Json => one_line(&plan.shown()),
        });
        return Exit::Pass;
    }
    if let Some(lacking) = lacking(&plan.kinds, plan.equipment.clock) {
        tell(&lacking);
        return Exit::Machine;
    }
    if let Some(lacking) = closing::scarce(plan) {
        tell(&lacking);
        return Exit::Machine;
    }
    fracas_lab::own_files_are_ours();
    fracas_lab::keep(&seen(plan));
    let entered = fracas_lab::enter(isolation(args.isolation), |world| {
        let fitted = match fitted(args, target, plan) {
            Ok(fitted) => fitted,
            Err(error) => {
                tell(&error);
                return Exit::Machine.code();
            }
        };
        let listener: Arc<dyn Listener> = Arc::new(Terminal::default());
        match run::run(fitted.as_ref().unwrap_or(plan), world, &listener) {
            Ok(outcome) => ending::told(&outcome, args.format).code(),
            Err(error) => {
                complain_and_mend(&error);
                Exit::of_error(&error).code()
            }
        }
    });
    match entered {
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
            let error = run::RunError::Lab(error);
            complain_and_mend(&error);
            Exit::of_error(&error)
        }
    }
}

fn tell_left_out((kind, why): (&FaultKind, &String)) {
    narrate(&format!("fracas: fault `{kind}` is left out: {why} (see `fracas doctor`)"));
}

/// The plan without the usual faults that the network of this machine cannot have; none if it can
/// have all. That shows only inside a world, where a network can be made.
fn fitted(args: &RunArgs, target: &str, plan: &RunPlan) -> Result<Option<RunPlan>, String> {
    let found = if are_usual(args) { preflight::lacking(plan) } else { Lacking::new() };
    if found.is_empty() {
        return Ok(None);
    }
    found.iter().for_each(tell_left_out);
    let fitted = decide_without(args, (target, plan.seed), &found)?;
    narrate(&format!("fracas: without these: {}", fitted.summary()));
    // In here it would be the identity of another process.
    Ok(Some(RunPlan { supervisor: plan.supervisor, ..fitted }))
}

/// The directories that the run and its servers must see wherever they lie: where it was started,
/// where the servers are, and where it is kept.
fn seen(plan: &RunPlan) -> Vec<PathBuf> {
    // Made now, so that it and not the one above it is kept. A refusal is told when it is used.
    let _refused = std::fs::create_dir_all(&plan.out);
    let binaries = [Some(&plan.binary), plan.binary_next.as_ref()].into_iter().flatten();
    let theirs = binaries.filter_map(|binary| binary.parent().map(Path::to_owned));
    let own = [std::env::current_dir().ok(), std::path::absolute(&plan.out).ok()];
    own.into_iter().flatten().chain(theirs).collect()
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
    let (target, beside) = targets::load(name)?;
    let binary = targets::binary(&target, beside.as_deref(), args.binary.as_deref())?;
    if let Ok(deployment) = target.deploy(&targets::example(&target)) {
        fits::reachable(&target, &deployment)?; // what cannot be filled in is told when it is
    }
    let nodes = nodes(args.nodes.unwrap_or(target.default_nodes()))?;
    let (workloads, skipped) = workloads(&args.workload, &target)?;
    let left_out = left_out(args, &target, found);
    let mut kinds = kinds(&args.faults, &target, nodes.len())?;
    kinds.retain(|kind| !left_out.contains_key(kind));
    let size = Size {
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
    must_be_given(&faults, args)?;
    let time = args.time.unwrap_or_else(|| usual_time(args, &faults));
    let leaders = workloads.iter().any(|workload| workload.name() == "leadership");
    let faulty = !kinds.is_empty();
    let asked = Asked { workloads: &workloads, size: &size, time, leaders, faults: faulty };
    let mut coverage = asked.coverage();
    let warning = asked.too_little();
    coverage.elections = args.min_elections.unwrap_or(coverage.elections);
    coverage.every_fault = args.schedule.is_some();
    Ok(RunPlan {
        target,
        binary,
        extra_args: args.extra_args.clone(),
        binary_next: args.binary_next.clone(),
        restart_args: args.restart_args.clone(),
        equipment: equipment(args, &nodes)?,
        nodes,
        workloads,
        skipped,
        warning,
        size,
        time,
        extend: args.extend.unwrap_or(time / 2),
        faults,
        kinds,
        left_out,
        fits,
        partition: args.partition_means(),
        ineffective_cut: args.test_ineffective_cut,
        seed,
        coverage,
        check: args.budget.budget(),
        out: args.out.out.clone(),
        readers: Readers::when(args.share),
        command: command(args, name, seed),
        supervisor: Identity::own(),
        until_anomaly: args.until_anomaly,
        judge: !args.no_check,
    })
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

/// The workloads that were asked for and fit; where none was asked for, all that fit.
fn workloads(
    wanted: &[String],
    target: &Target,
) -> Result<(Vec<&'static dyn Workload>, Vec<String>), String> {
    let names = || fracas_workloads::ALL.iter().map(|workload| workload.name());
    let mut chosen = Vec::new();
    for name in wanted {
        let found = fracas_workloads::find(name)
            .ok_or_else(|| unknown("workload", name, names().collect::<Vec<_>>().as_slice()))?;
        if !chosen.iter().any(|other: &&dyn Workload| other.name() == found.name()) {
            chosen.push(found);
        }
    }
    if wanted.is_empty() {
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
    let promised = promised(target);
    if !workload.checks().iter().any(|check| promised.contains(check)) {
        return Some(format!(
            "workload `{name}` is skipped: the target makes no promise that it could check"
        ));
    }
    None
}
