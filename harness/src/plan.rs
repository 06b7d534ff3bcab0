//! Everything that is decided before a run starts, merged from flags, variables and the target.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use fracas_checker::event::{NodeId, OpKind};
use fracas_checker::fault::FaultKind;
use fracas_checker::history::{self, Coverage};
use fracas_targets::{Leaders, Leases, Locks, Registers, Target, Tokens};
use fracas_workloads::{Size, Workload};

use crate::cli::Format;
use crate::equipment::Wanted;
use crate::lab::Mechanism;
use crate::lab::leftovers::Identity;
use crate::nemesis;

/// Until the first answer after the last heal, where a target does not say.
const RECOVERY: Duration = Duration::from_secs(30);

/// How often a lock must go from one holder to another for a pass to mean something.
const HANDOVERS: u64 = 3;

/// A run, decided.
pub struct RunPlan {
    /// The system under test.
    pub target: Target,
    /// Its server.
    pub binary: PathBuf,
    /// Arguments added to its command line.
    pub extra_args: Vec<String>,
    /// The server that nodes come back with where a fault says so.
    pub binary_next: Option<PathBuf>,
    /// Arguments added when a node comes back where a fault says so.
    pub restart_args: Vec<String>,
    /// The nodes.
    pub nodes: Vec<NodeId>,
    /// What clients do.
    pub workloads: Vec<&'static dyn Workload>,
    /// What was left out, and why.
    pub skipped: Vec<String>,
    /// How much they do.
    pub size: Size,
    /// How long load and faults last.
    pub time: Duration,
    /// The faults.
    pub faults: nemesis::Plan,
    /// The kinds of faults that were allowed.
    pub kinds: BTreeSet<FaultKind>,
    /// The kinds that nobody asked for by name and this machine cannot bring about, with the reason.
    pub left_out: BTreeMap<FaultKind, String>,
    /// How partitions are made.
    pub partition: Mechanism,
    /// What the nodes are given for faults of clocks and disks.
    pub equipment: Wanted,
    /// Test hook: partitions claim to work but do nothing.
    pub ineffective_cut: bool,
    /// The root of all randomness.
    pub seed: u64,
    /// What a pass needs.
    pub coverage: Coverage,
    /// What judging may use.
    pub check: CheckBudget,
    /// Where runs are kept.
    pub out: PathBuf,
    /// What repeats this run.
    pub command: String,
    /// The process that answers for this run, as the machine outside numbers it.
    pub supervisor: Identity,
    /// Whether to end with the first anomaly that is proven while the run goes on.
    pub until_anomaly: bool,
    /// Whether to judge at once.
    pub judge: bool,
    /// What the result on stdout looks like.
    pub format: Format,
}

/// What judging may use.
#[derive(Debug, Clone, Copy)]
pub struct CheckBudget {
    /// Time for all checks together.
    pub time: Duration,
    /// Bytes for the tables of a search.
    pub bytes: usize,
}

impl RunPlan {
    /// How the history is to be judged.
    #[must_use]
    pub fn judging(&self) -> history::Plan {
        let (promised, promises) = (promised(&self.target), self.target.promises());
        let wanted = self.workloads.iter().flat_map(|workload| workload.checks());
        let wanted = wanted.copied().filter(|id| promised.contains(id));
        let mut checks: Vec<String> = Vec::new();
        for id in wanted.chain(["liveness/recovers", "nodes/stay-up"]) {
            if !checks.iter().any(|known| known == id) {
                checks.push(id.to_owned());
            }
        }
        history::Plan {
            checks,
            recovery_ms: millis(self.recovery()),
            step_down_ms: promises.step_down.map(millis),
            clock_error_ms: promises.clock_error.map_or(0, millis),
            gives_up_on: promises.gives_up_on.clone(),
            coverage: self.coverage.clone(),
            ..history::Plan::default()
        }
    }

    /// How long after the last heal the cluster may take to answer again.
    #[must_use]
    pub fn recovery(&self) -> Duration {
        self.target.promises().recovery.unwrap_or(RECOVERY)
    }

    /// The number of nodes that make a majority.
    #[must_use]
    pub fn quorum(&self) -> usize {
        self.nodes.len() / 2 + 1
    }

    /// The run in one line.
    #[must_use]
    pub fn summary(&self) -> String {
        let kinds: Vec<&str> = self.kinds.iter().map(|kind| kind.word()).collect();
        let workloads: Vec<&str> = self.workloads.iter().map(|workload| workload.name()).collect();
        format!(
            "{}, {}, {:?}, workloads: {}, faults: {}",
            counted(self.nodes.len(), "node"),
            counted(self.size.clients.into(), "client"),
            self.time,
            workloads.join(", "),
            if kinds.is_empty() { "none".to_owned() } else { kinds.join(", ") }
        )
    }

    /// Everything that was decided, as JSON.
    #[must_use]
    pub fn shown(&self) -> String {
        let shown = serde_json::json!({
            "target": self.target.name(),
            "binary": self.binary,
            "extra_args": self.extra_args,
            "disk": self.equipment.disk,
            "small_disk_bytes": self.equipment.small_disk,
            "monotonic_offset_ns": self.equipment.monotonic,
            "binary_next": self.binary_next,
            "restart_args": self.restart_args,
            "nodes": self.nodes,
            "workloads": self.workloads.iter().map(|workload| workload.name()).collect::<Vec<_>>(),
            "clients": self.size.clients,
            "rate": self.size.rate,
            "keys": self.size.keys,
            "time_ms": millis(self.time),
            "seed": self.seed,
            "until_anomaly": self.until_anomaly,
            "judging": self.judging(),
            "schedule": self.faults,
            "repeat": self.command,
        });
        serde_json::to_string_pretty(&shown).expect("JSON values can be written")
    }

    /// The name of the run, without its time stamp.
    #[must_use]
    pub fn name(&self) -> String {
        let workloads: Vec<&str> = self.workloads.iter().map(|workload| workload.name()).collect();
        format!("{}-{}-{}", self.target.name(), workloads.join("+"), self.seed)
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// A count with its noun: `1 node`, `5 nodes`.
fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// The checks that a target's promises call for, by id.
#[must_use]
pub fn promised(target: &Target) -> BTreeSet<&'static str> {
    let promises = target.promises();
    let registers = promises.registers.map(|Registers::Linearizable| "register/linearizable");
    let leaders = promises.leaders.map(|Leaders::OnePerGeneration| "leader/one-per-generation");
    let locks = promises.locks.map(|Locks::Exclusive| "lock/linearizable");
    let leases = promises.leases.map(|Leases::Exclusive| "lease/exclusive");
    let tokens = promises.tokens.map(|Tokens::Fencing| "fencing/linearizable");
    [registers, leaders, locks, leases, tokens].into_iter().flatten().collect()
}

/// What a pass needs where nobody says otherwise.
#[must_use]
pub fn default_coverage(served: &BTreeSet<OpKind>, leaders: bool, faults: bool) -> Coverage {
    let least = [
        (OpKind::Read, 10),
        (OpKind::Write, 10),
        (OpKind::Cas, 5),
        (OpKind::Acquire, 10),
        (OpKind::Renew, 5),
        (OpKind::Release, 5),
        (OpKind::GuardedWrite, 10),
    ];
    let locks = served.contains(&OpKind::Acquire);
    let asked: BTreeMap<OpKind, u64> =
        least.into_iter().filter(|(kind, _)| served.contains(kind)).collect();
    Coverage {
        ok_per_kind: asked,
        handovers: if locks { HANDOVERS } else { 0 },
        ok_per_fault_window: 1,
        elections: u64::from(leaders),
        effective_faults: u64::from(faults),
        ..Coverage::default()
    }
}
