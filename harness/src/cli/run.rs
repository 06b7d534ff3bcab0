//! `fracas run`: from flags to a decided run. Several of them are a `series`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use clap::ValueEnum;
use fracas_checker::event::{NodeId, OpKind};
use fracas_targets::{Target, duration};
use fracas_workloads::{Size, Workload};

use super::check::BudgetArgs;
use super::chosen::{faults, kinds, lacking, must_be_given, schedule, unknown};
use super::repetition::command;
use super::values::{
    Means, Rate, Seed, bytes, clients, count, means, offset, rate, seed, some_time,
};
use super::{Format, Out, complain, narrate, one_line, print, tell};
use crate::equipment::{ClockMeans, PacketMeans, StarveMeans, Wanted};
use crate::exit::Exit;
use crate::lab::disk::Model;
use crate::lab::leftovers::Identity;
use crate::lab::{self, Isolation, Mechanism, NODES_MAX};
use crate::nemesis;
use crate::plan::{RunPlan, default_coverage, promised};
use crate::{run, targets};

/// Arguments of `fracas run`.
#[derive(Debug, clap::Args)]
pub(super) struct RunArgs {
    /// Targets: names of built-in ones, or paths of target files.
    #[arg(required = true, value_name = "TARGET")]
    pub(super) targets: Vec<String>,
    /// What clients do, comma-separated [default: all that fit the target].
    #[arg(long, value_delimiter = ',', value_name = "W[,W]")]
    workload: Vec<String>,
    /// Kinds of faults, comma-separated, or `all` or `none` [default: all that the target allows].
    #[arg(long, value_delimiter = ',', value_name = "F[,F]")]
    faults: Vec<String>,
    /// From the begin of one fault to that of the next; longer where a story of several takes longer.
    #[arg(long, default_value = "5s", value_parser = some_time, value_name = "TIME")]
    pub(super) fault_every: Duration,
    /// How long clients and faults go on.
    #[arg(short, long, default_value = "30s", value_parser = duration, value_name = "TIME",
          visible_alias = "duration", alias = "time-limit")]
    pub(super) time: Duration,
    /// Aim at a rare moment instead of mixing faults; `fracas list faults` names them.
    #[arg(long, value_name = "AIM")]
    pub(super) aim: Option<String>,
    /// Carry out the faults of this `schedule.json` instead of drawing them.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["faults", "aim"])]
    schedule: Option<PathBuf>,
    /// With `--schedule`: hit the very nodes that were hit then, whoever leads now.
    #[arg(long, requires = "schedule")]
    pin: bool,
    /// How many nodes [default: the target's].
    #[arg(long, value_name = "N", value_parser = count::<u16>)]
    nodes: Option<u16>,
    /// How many clients; `3n` is three per node.
    #[arg(
        short,
        long,
        default_value = "2n",
        value_name = "N|Nn",
        alias = "concurrency",
        short_alias = 'u'
    )]
    clients: String,
    /// Operations per second of all clients together, or `max`.
    #[arg(long, default_value = "150/s", value_parser = rate, value_name = "N/s|max")]
    rate: Rate,
    /// How many registers they share.
    #[arg(long, default_value_t = 5, value_name = "N", value_parser = count::<u16>)]
    keys: u16,
    /// The root of all randomness [default: random, always printed].
    #[arg(long, env = "FRACAS_SEED", value_parser = seed, value_name = "N")]
    pub(super) seed: Option<Seed>,
    /// How many runs of each target, with seeds counted up from the first [default: 1].
    #[arg(long, value_name = "N", alias = "test-count", value_parser = count::<u32>)]
    pub(super) repeat: Option<u32>,
    /// Repeat until a run finds an anomaly or cannot take place, at most `--repeat` times; an
    /// inconclusive run does not end it.
    #[arg(long)]
    pub(super) until_fail: bool,
    /// End a run within a second of the first anomaly that is proven while it goes on.
    #[arg(long)]
    until_anomaly: bool,
    /// The server to run, instead of the target's.
    #[arg(long, env = "FRACAS_BINARY", value_name = "PATH")]
    pub(super) binary: Option<PathBuf>,
    /// An argument added to the server's command line; may be given several times.
    #[arg(long = "arg", value_name = "ARG", allow_hyphen_values = true)]
    extra_args: Vec<String>,
    /// The server that killed nodes may come back with: mixed versions.
    #[arg(long, value_name = "PATH")]
    pub(super) binary_next: Option<PathBuf>,
    /// An argument added when a killed node may come back with other flags; several times if need be.
    #[arg(long = "restart-arg", value_name = "ARG", allow_hyphen_values = true)]
    pub(super) restart_args: Vec<String>,
    /// How the lab is made.
    #[arg(long, value_enum, default_value = "auto")]
    isolation: IsolationArg,
    /// How a kind of fault is brought about: `partition=nft`, `partition=iptables`,
    /// `clock=redirect`, `clock=faketime`, `packets=reinject`, `packets=netem`, `starve=turns`,
    /// `starve=cgroup`; the last one of a kind counts.
    #[arg(long, value_parser = means, value_delimiter = ',', value_name = "KIND=HOW")]
    mechanism: Vec<Means>,
    /// When a change of a name is durable on the nodes' disks, where a power failure may take it:
    /// after any fsync, as on ext4, or strictly after one of its directory.
    #[arg(long, value_enum, default_value = "ext4")]
    disk: DiskArg,
    /// How many bytes there are for each directory of the nodes' data, in memory and gone with the
    /// run: a disk that a schedule can fill, such as `64M`.
    #[arg(long, value_parser = bytes, value_name = "SIZE")]
    pub(super) small_disk: Option<u64>,
    /// A node's monotonic clock and time since boot are ahead by this much from its start on, or
    /// behind: `n2=1h`, `n3=-30s`. A node for which this cannot be proven is not started.
    #[arg(long, value_parser = offset, value_delimiter = ',', value_name = "NODE=DURATION")]
    monotonic_offset: Vec<(NodeId, i64)>,
    /// Elections that must be seen under load for a pass [default: 1 where leaders are judged].
    #[arg(long, value_name = "N")]
    min_elections: Option<u64>,
    #[command(flatten)]
    budget: BudgetArgs,
    /// Record only; `fracas check` judges later.
    #[arg(long)]
    no_check: bool,
    /// Show what would be done, and start nothing.
    #[arg(long)]
    pub(super) dry_run: bool,
    /// What the result looks like.
    #[arg(long, value_enum, default_value = "text")]
    pub(super) format: Format,
    #[command(flatten)]
    pub(super) out: Out,
    /// For the tests of fracas itself: partitions claim to work but do nothing.
    #[arg(long, hide = true)]
    test_ineffective_cut: bool,
}

impl RunArgs {
    fn partition_means(&self) -> Mechanism {
        let chosen = self.mechanism.iter().rev().find_map(|means| match means {
            Means::Partition(how) => Some(*how),
            _ => None,
        });
        chosen.unwrap_or(Mechanism::Auto)
    }

    fn clock_means(&self) -> ClockMeans {
        let chosen = self.mechanism.iter().rev().find_map(|means| match means {
            Means::Clock(how) => Some(*how),
            _ => None,
        });
        chosen.unwrap_or_default()
    }

    fn packet_means(&self) -> PacketMeans {
        let chosen = self.mechanism.iter().rev().find_map(|means| match means {
            Means::Packets(how) => Some(*how),
            _ => None,
        });
        chosen.unwrap_or_default()
    }

    fn starve_means(&self) -> StarveMeans {
        let chosen = self.mechanism.iter().rev().find_map(|means| match means {
            Means::Starve(how) => Some(*how),
            _ => None,
        });
        chosen.unwrap_or_default()
    }
}

/// When a change of a name is durable.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum DiskArg {
    /// After any fsync of the file system.
    Ext4,
    /// After an fsync of its directory.
    Posix,
}

/// How the lab is made.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum IsolationArg {
    /// As root where that is possible, else in a user namespace.
    Auto,
    /// As root.
    Root,
    /// In a user namespace.
    Userns,
}

/// One run in a world of its own.
pub(super) fn one(args: &RunArgs, plan: &RunPlan) -> Exit {
    for skipped in &plan.skipped {
        narrate(&format!("fracas: {skipped}"));
    }
    narrate(&format!("fracas: {} with seed {}: {}", plan.target.name(), plan.seed, plan.summary()));
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
    let entered = lab::enter(isolation(args.isolation), |world| match run::run(plan, world) {
        Ok(exit) => exit.code(),
        Err(error) => {
            complain(&error);
            error.exit().code()
        }
    });
    match entered {
        Ok(code) => Exit::of_code(code),
        Err(error) => {
            complain(&error);
            run::RunError::Lab(error).exit()
        }
    }
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
    let (target, beside) = targets::load(name)?;
    let binary = targets::binary(&target, beside.as_deref(), args.binary.as_deref())?;
    let nodes = nodes(args.nodes.unwrap_or(target.default_nodes()))?;
    let (workloads, skipped) = workloads(&args.workload, &target)?;
    let kinds = kinds(&args.faults, &target, nodes.len())?;
    let size = Size {
        clients: clients(&args.clients, nodes.len(), lab::resources::descriptors())?,
        nodes: nodes.clone(),
        rate: args.rate.0,
        keys: args.keys,
        serves: target.serves(),
    };
    let leaders = workloads.iter().any(|workload| workload.name() == "leadership");
    let faults = match &args.schedule {
        Some(path) => schedule(path, &target, args.pin)?,
        None => nemesis::Plan::draw(&faults(args, &target, nodes.len(), &kinds)?, seed),
    };
    let kinds = if args.schedule.is_some() { faults.kinds() } else { kinds };
    must_be_given(&faults, args)?;
    let mut coverage =
        default_coverage(&needed(&workloads, &target), leaders, !faults.planned.is_empty());
    coverage.elections = args.min_elections.unwrap_or(coverage.elections);
    let equipment = Wanted {
        clock: args.clock_means(),
        packets: args.packet_means(),
        starve: args.starve_means(),
        small_disk: args.small_disk,
        monotonic: offsets(&args.monotonic_offset, &nodes)?,
        disk: match args.disk {
            DiskArg::Ext4 => Model::Ext4,
            DiskArg::Posix => Model::Posix,
        },
    };
    Ok(RunPlan {
        target,
        binary,
        extra_args: args.extra_args.clone(),
        binary_next: args.binary_next.clone(),
        restart_args: args.restart_args.clone(),
        nodes,
        workloads,
        skipped,
        size,
        time: args.time,
        faults,
        kinds,
        partition: args.partition_means(),
        equipment,
        ineffective_cut: args.test_ineffective_cut,
        seed,
        coverage,
        check: args.budget.budget(),
        out: args.out.out.clone(),
        command: command(args, name, seed),
        supervisor: Identity::own(),
        until_anomaly: args.until_anomaly,
        judge: !args.no_check,
        format: args.format,
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

/// The kinds of operations that the chosen workloads will really ask.
fn needed(workloads: &[&'static dyn Workload], target: &Target) -> BTreeSet<OpKind> {
    let served = target.serves();
    workloads.iter().flat_map(|workload| workload.asks(&served)).collect()
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
