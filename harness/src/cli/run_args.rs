//! The arguments of `fracas run`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{OsStringValueParser, PossibleValuesParser, TypedValueParser};
use clap::{Args, Command, ValueEnum};
use fracas_checker::event::NodeId;
use fracas_engine::judging::Outputs;
use fracas_engine::means::{ClockMeans, DiskAge, PacketMeans, StarveMeans};
use fracas_engine::retention::Bound;
use fracas_engine::spec::Origin;
use fracas_lab::Mechanism;
use fracas_reports::PlanRow;
use fracas_targets::duration;

use super::check::BudgetArgs;
use super::values::{
    BinaryArg, FailOn, Jobs, Keep, Means, Rate, Seed, bound, bytes, count, disk_age, means, offset,
    rate, seed, setting, some_time,
};
use crate::output::{CacheDir, Format, Out};
use crate::plans::{Night, ShardArg};

/// The arguments that a spec has decided.
const DECIDED: [&str; 26] = [
    "targets",
    "settings",
    "workload",
    "faults",
    "fault_every",
    "time",
    "extend",
    "aim",
    "schedule",
    "pin",
    "nodes",
    "clients",
    "rate",
    "keys",
    "extra_args",
    "binary_next",
    "restart_args",
    "isolation",
    "mechanism",
    "disk",
    "disk_age",
    "small_disk",
    "monotonic_offset",
    "min_elections",
    "until_anomaly",
    "no_check",
];

/// How long a run lasts unless something else says so.
pub(super) const TIME: Duration = Duration::from_secs(30);

/// Arguments of `fracas run`.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct RunArgs {
    /// One or more targets: the name of a built-in target, or the path of a target file.
    #[arg(required_unless_present_any = ["spec", "plan"], value_name = "TARGET")]
    pub(super) targets: Vec<String>,
    /// Carry out the runs of a plan, such as `fracas.toml` next to the code: docs/plans.md. Flags and
    /// variables beat what it says.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["targets", "spec"])]
    pub(super) plan: Option<PathBuf>,
    /// Of a plan: take the values of its section `[profile.NAME]`.
    #[arg(long, env = "FRACAS_PROFILE", value_name = "NAME")]
    pub(super) profile: Option<String>,
    /// Of a plan: carry out these rows only, comma-separated; `NAME` has all that its matrix makes.
    #[arg(long, value_delimiter = ',', value_name = "ROW[,ROW]", requires = "plan")]
    pub(super) row: Vec<String>,
    /// Of a plan: the night, from whose date all seeds follow [default: by `SOURCE_DATE_EPOCH`,
    /// `CI_PIPELINE_CREATED_AT` or the clock; nights change at noon, UTC].
    #[arg(long, env = "FRACAS_DATE", value_parser = Night::read, value_name = "YYYY-MM-DD")]
    pub(super) date: Option<Night>,
    /// Of a plan: carry out every N-th run only, from the I-th. `auto` reads the variables of the CI
    /// system; `auto/N` where it does not tell how many jobs there are.
    #[arg(long, env = "FRACAS_SHARD", value_parser = ShardArg::read, value_name = "I/N|auto[/N]")]
    pub(super) shard: Option<ShardArg>,
    /// Carry out the run that FILE describes: the `run.json` of a run, or the output of a dry run.
    /// Only `--binary` changes what happens in it.
    #[arg(long, value_name = "FILE", conflicts_with_all = DECIDED)]
    pub(super) spec: Option<PathBuf>,
    /// A setting of the target, instead of the value that its file gives it; may be given several
    /// times. `fracas validate` tells which settings a target has.
    #[arg(long = "set", value_parser = setting, value_name = "NAME=VALUE")]
    pub(super) settings: Vec<(String, String)>,
    /// What clients ask, comma-separated; `all` for every workload that fits the target [default:
    /// all].
    #[arg(env = "FRACAS_WORKLOAD", long, value_delimiter = ',', value_name = "W[,W]")]
    pub(super) workload: Vec<String>,
    /// Kinds of faults to inject, comma-separated; `all` or `none` [default: all that the target
    /// allows and this machine can inject].
    #[arg(env = "FRACAS_FAULTS", long, value_delimiter = ',', value_name = "F[,F]")]
    pub(super) faults: Vec<String>,
    /// Time from the begin of one single fault to the begin of the next; a scenario of several
    /// faults takes its own time.
    #[arg(long, default_value = "3s", value_parser = some_time, value_name = "TIME")]
    pub(super) fault_every: Duration,
    /// How long clients ask and faults happen; start, recovery and checking come on top
    /// [default: 30s, or as long as a `--schedule` takes].
    #[arg(env = "FRACAS_TIME", short, long, value_parser = duration, value_name = "TIME",
          visible_alias = "duration", alias = "time-limit")]
    pub(super) time: Option<Duration>,
    /// How much longer the load may last if it lacks a little of what a pass needs; `0s` for never
    /// [default: half of `--time`].
    #[arg(long, value_parser = duration, value_name = "TIME")]
    pub(super) extend: Option<Duration>,
    /// Play one scenario for a rare moment over and over, instead of the usual mix of faults;
    /// `fracas list faults` has the names.
    #[arg(long, value_name = "AIM")]
    pub(super) aim: Option<String>,
    /// Inject the faults of this `schedule.json`, instead of drawing them from the seed.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["faults", "aim"])]
    pub(super) schedule: Option<PathBuf>,
    /// With `--schedule`: hit the same nodes as in the recorded run, even if another node leads now.
    #[arg(long, requires = "schedule")]
    pub(super) pin: bool,
    /// Number of nodes [default: as the target says].
    #[arg(env = "FRACAS_NODES", long, value_name = "N", value_parser = count::<u16>)]
    pub(super) nodes: Option<u16>,
    /// Number of clients; `3n` means three for each node.
    #[arg(
        env = "FRACAS_CLIENTS",
        short,
        long,
        default_value = "2n",
        value_name = "N|Nn",
        alias = "concurrency",
        short_alias = 'u'
    )]
    pub(super) clients: String,
    /// Operations per second, of all clients together; `max` is as fast as the servers answer. Several
    /// workloads share it; beside `register`, which has all of it, others ask at most 3 per second and
    /// node.
    #[arg(env = "FRACAS_RATE", long, default_value = "150/s", value_parser = rate, value_name = "N/s|max")]
    pub(super) rate: Rate,
    /// Number of objects (registers, locks, …) that the clients share.
    #[arg(env = "FRACAS_KEYS", long, default_value_t = 5, value_name = "N", value_parser = count::<u16>)]
    pub(super) keys: u16,
    /// The number that all random choices come from [default: a random one, which is printed].
    #[arg(long, env = "FRACAS_SEED", value_parser = seed, value_name = "N")]
    pub(super) seed: Option<Seed>,
    /// Number of runs of each target; the seed is counted up from run to run [default: 1].
    #[arg(long, value_name = "N", alias = "test-count", value_parser = count::<u32>)]
    pub(super) repeat: Option<u32>,
    /// Repeat until a run finds an anomaly or fails to start, at most `--repeat` times. After an
    /// inconclusive run the next one follows.
    #[arg(long)]
    pub(super) until_fail: bool,
    /// How many runs go on side by side, as far as the machine has memory for them; `auto` is one for
    /// every two processors.
    #[arg(long, default_value = "1", value_parser = Jobs::read, value_name = "N|auto")]
    pub(super) jobs: Jobs,
    /// Carry a run that found an anomaly out again, so many times, with the faults that happened: it is
    /// called confirmed if the anomaly came again, else once. It stays an anomaly.
    #[arg(long, value_name = "N", value_parser = count::<u32>)]
    pub(super) confirm: Option<u32>,
    /// The outcomes that make the exit code one of failure, comma-separated [default: all]. Runs that
    /// could not take place always do.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "OUTCOME[,…]")]
    pub(super) fail_on: Vec<FailOn>,
    /// The runs of which all files are kept; of others `run.json` and `results.json` are.
    #[arg(long, value_enum, default_value = "always")]
    pub(super) keep: Keep,
    /// The reports to write, comma-separated [default: all]. `results.json` is always written.
    #[arg(long, value_delimiter = ',', value_name = "REPORT[,…]",
          value_parser = PossibleValuesParser::new(Outputs::words()))]
    pub(super) report: Vec<String>,
    /// After each run, remove the oldest runs in `--out` beyond so many, or beyond so much room, such as
    /// `20G`: first those that passed. The newest stays.
    #[arg(long, value_parser = bound, value_name = "N|SIZE")]
    pub(super) retain: Option<Bound>,
    /// Check while the run goes on, and end it within a second of the first anomaly.
    #[arg(long)]
    pub(super) until_anomaly: bool,
    /// The server program to test, instead of the one that the target names; `NAME=PATH` for another program
    /// of the target. May be given several times.
    #[arg(long, env = "FRACAS_BINARY", value_name = "[NAME=]PATH",
          value_parser = OsStringValueParser::new().map(BinaryArg::from))]
    pub(super) binary: Vec<BinaryArg>,
    /// An argument to add to the server's command line; may be given several times.
    #[arg(long = "arg", value_name = "ARG", allow_hyphen_values = true)]
    pub(super) extra_args: Vec<String>,
    /// Another version of the server program: some killed nodes restart with it.
    #[arg(long, value_name = "PATH")]
    pub(super) binary_next: Option<PathBuf>,
    /// An argument to add when some killed nodes restart; may be given several times.
    #[arg(long = "restart-arg", value_name = "ARG", allow_hyphen_values = true)]
    pub(super) restart_args: Vec<String>,
    /// By what right fracas makes its network namespaces.
    #[arg(long, value_enum, default_value = "auto")]
    pub(super) isolation: IsolationArg,
    /// By what means a kind of fault is injected: `partition=nft`, `partition=iptables`,
    /// `clock=redirect`, `clock=faketime`, `packets=reinject`, `packets=netem`, `starve=turns`,
    /// `starve=cgroup`. May be given several times; the last one for each kind counts.
    #[arg(long, value_parser = means, value_delimiter = ',', value_name = "KIND=HOW")]
    pub(super) mechanism: Vec<Means>,
    /// What makes a new, renamed or removed file survive a power failure: any fsync, as on ext4,
    /// or only an fsync of its directory, as POSIX says.
    #[arg(long, value_enum, default_value = "ext4")]
    pub(super) disk: DiskArg,
    /// How old data that nobody has synced becomes before it is durable by itself, as a kernel
    /// writes it back; `never` for the strict reading.
    #[arg(long, default_value = "30s", value_parser = disk_age, value_name = "TIME|never")]
    pub(super) disk_age: DiskAge,
    /// Give each data directory of each node a small disk in memory, such as `64M`, which a
    /// schedule can fill. It is gone after the run.
    #[arg(long, value_parser = bytes, value_name = "SIZE")]
    pub(super) small_disk: Option<u64>,
    /// Start a node with its monotonic clock and its time since boot ahead or behind: `n2=1h`,
    /// `n3=-30s`. If a measurement does not show it, the node is not started.
    #[arg(long, value_parser = offset, value_delimiter = ',', value_name = "NODE=DURATION")]
    pub(super) monotonic_offset: Vec<(NodeId, i64)>,
    /// Number of elections under load that a pass needs [default: 1 where leaders are judged].
    #[arg(long, value_name = "N")]
    pub(super) min_elections: Option<u64>,
    #[command(flatten)]
    pub(super) budget: BudgetArgs,
    /// Record the history, but do not judge it; `fracas check` can judge it later.
    #[arg(long)]
    pub(super) no_check: bool,
    /// Show what would be done, as JSON, and start nothing.
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Format of the result on stdout.
    #[arg(long, value_enum, default_value = "text")]
    pub(super) format: Format,
    #[command(flatten)]
    pub(super) out: Out,
    #[command(flatten)]
    pub(super) cache: CacheDir,
    /// Let others read the directory of the run, such as the web server of a CI system; else only
    /// the user who runs fracas can.
    #[arg(long)]
    pub(super) share: bool,
    /// For the tests of fracas itself: partitions claim to work but do nothing.
    #[arg(long, hide = true)]
    pub(super) test_ineffective_cut: bool,
    /// Where the values came from, by their keys in a spec.
    #[arg(skip)]
    pub(super) origins: BTreeMap<String, Origin>,
    /// The flags that the user gave, and those whose variables are set.
    #[arg(skip)]
    pub(super) given: BTreeMap<String, Origin>,
    /// The row of the plan that asks for the run.
    #[arg(skip)]
    pub(super) planned: Option<PlanRow>,
}

impl RunArgs {
    /// The flags, as a command of their own.
    pub(super) fn flags() -> Command {
        Self::augment_args(Command::default().name("run"))
    }

    pub(super) fn partition_means(&self) -> Mechanism {
        let chosen = self.mechanism.iter().rev().find_map(|means| match means {
            Means::Partition(how) => Some(*how),
            _ => None,
        });
        chosen.unwrap_or(Mechanism::Auto)
    }

    pub(super) fn clock_means(&self) -> ClockMeans {
        let chosen = self.mechanism.iter().rev().find_map(|means| match means {
            Means::Clock(how) => Some(*how),
            _ => None,
        });
        chosen.unwrap_or_default()
    }

    pub(super) fn packet_means(&self) -> PacketMeans {
        let chosen = self.mechanism.iter().rev().find_map(|means| match means {
            Means::Packets(how) => Some(*how),
            _ => None,
        });
        chosen.unwrap_or_default()
    }

    pub(super) fn starve_means(&self) -> StarveMeans {
        let chosen = self.mechanism.iter().rev().find_map(|means| match means {
            Means::Starve(how) => Some(*how),
            _ => None,
        });
        chosen.unwrap_or_default()
    }
}

/// What makes a change of a name durable.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum DiskArg {
    /// Any fsync on the same file system.
    Ext4,
    /// An fsync of its directory.
    Posix,
}

/// By what right the lab is made.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum IsolationArg {
    /// As root if fracas runs as root, else in a user namespace.
    Auto,
    /// As root.
    Root,
    /// In a user namespace.
    Userns,
}
