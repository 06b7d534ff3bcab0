//! One run as one value: everything that is decided before it starts, complete and serialisable.
//!
//! Flags, variables and target files are mapped onto it in one place, the command line. `run.json`
//! holds it, `fracas run --spec FILE` carries it out again, and the command that repeats a run is
//! made from it. A replay is the spec with the schedule that happened.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use fracas_checker::event::NodeId;
use fracas_checker::history::Coverage;
use fracas_lab::{Isolation, Mechanism};
use fracas_targets::Settings;
use serde::{Deserialize, Serialize};

use crate::faults::Kind;
use crate::means::Wanted;
use crate::nemesis;

/// The schema of [`RunSpec`].
pub const SPEC_SCHEMA: &str = "fracas.spec/1";

/// What a document may hold beside a spec: what a dry run tells of it.
const BESIDES: [&str; 3] = ["judging", "kinds", "repeat"];

/// Everything that is decided before a run starts. Times are in milliseconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunSpec {
    /// [`SPEC_SCHEMA`].
    pub schema: String,
    /// The system under test, with its whole description.
    pub target: TargetSpec,
    /// Its server: the path of a program.
    pub binary: PathBuf,
    /// The SHA-256 of that program, in hexadecimal; empty where it could not be read.
    pub binary_sha256: String,
    /// The other programs of the target, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub other_binaries: BTreeMap<String, OtherBinary>,
    /// Arguments added to its command line.
    pub extra_args: Vec<String>,
    /// The server that nodes come back with where a fault says so.
    pub binary_next: Option<PathBuf>,
    /// Arguments added when a node comes back where a fault says so.
    pub restart_args: Vec<String>,
    /// The nodes.
    pub nodes: Vec<NodeId>,
    /// What clients ask, by the names of workloads.
    pub workloads: Vec<String>,
    /// Clients for workloads whose load the user chooses.
    pub clients: u16,
    /// Operations per second of all clients together; none for as many as possible.
    pub rate: Option<f64>,
    /// Objects that the clients share.
    pub keys: u16,
    /// How long load and faults last.
    #[serde(rename = "time_ms", with = "millis")]
    pub time: Duration,
    /// How much longer the load may last where it lacks a little of the coverage that a pass needs.
    #[serde(rename = "extend_ms", with = "millis")]
    pub extend: Duration,
    /// The kinds of faults that are allowed.
    pub faults: BTreeSet<Kind>,
    /// From the begin of one single fault to that of the next.
    #[serde(rename = "fault_every_ms", with = "millis")]
    pub fault_every: Duration,
    /// The scenario that is played over and over, by its name; none for the usual mix.
    pub aim: Option<String>,
    /// The file that the schedule comes from; none if it was drawn from the seed.
    pub schedule_file: Option<PathBuf>,
    /// Whether the acts of that file are the very faults of the run that left it.
    pub pin: bool,
    /// The faults.
    pub schedule: nemesis::Plan,
    /// The number that all random choices come from.
    pub seed: u64,
    /// The rights with which the lab is made.
    pub isolation: Isolation,
    /// How partitions are made.
    pub partition: Mechanism,
    /// What the nodes are given for faults of clocks, disks and processors.
    pub equipment: Wanted,
    /// The coverage that a pass needs.
    pub coverage: Coverage,
    /// The memory and time that judging may use.
    pub check: CheckBudget,
    /// Whether to end with the first anomaly that is proven while the run goes on.
    pub until_anomaly: bool,
    /// Whether to judge at once.
    pub judge: bool,
    /// Where each value came from, by its key; those that are not named are defaults.
    #[serde(default)]
    pub origins: BTreeMap<String, Origin>,
}

/// A further program of a target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OtherBinary {
    /// Where it is.
    pub path: PathBuf,
    /// Its SHA-256, in hexadecimal; empty where it could not be read.
    pub sha256: String,
}

/// A system under test, as a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TargetSpec {
    /// The name of a built-in target, or the path of a target file.
    pub name: String,
    /// The directory of the file, where the server may lie; none for a built-in target.
    pub dir: Option<PathBuf>,
    /// The whole file.
    pub text: String,
    /// The values of its settings that differ from its file.
    #[serde(default)]
    pub settings: Settings,
}

/// Where a value came from. An origin beats the origins after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// A flag.
    Flag,
    /// A variable of the environment, `FRACAS_…`.
    Variable,
    /// The profile of the plan.
    Profile,
    /// The row of the plan, or its defaults.
    Plan,
    /// The target file.
    Target,
    /// The default of fracas.
    Default,
}

/// The memory and time that judging may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckBudget {
    /// Time for all checks together.
    #[serde(rename = "time_ms", with = "millis")]
    pub time: Duration,
    /// Bytes for the tables of a search.
    pub bytes: usize,
}

impl Default for CheckBudget {
    /// A minute and a gigabyte.
    fn default() -> Self {
        Self { time: Duration::from_secs(60), bytes: 1 << 30 }
    }
}

impl RunSpec {
    /// Reads a spec: a document of its own, the output of a dry run, or the `run.json` of a run.
    ///
    /// # Errors
    /// A text that completes "`FILE` ": what is wrong, and where.
    pub fn read(text: &str) -> Result<Self, String> {
        let syntax = |error: serde_json::Error| format!("is not a spec: {error}");
        let mut document: serde_json::Value = serde_json::from_str(text).map_err(syntax)?;
        let Some(object) = document.as_object_mut() else {
            return Err("is not a spec: expected a JSON object".to_owned());
        };
        if let Some(inner) = object.remove("spec") {
            document = inner;
        } else if object.contains_key("ended") {
            return Err(
                "is the record of a run that has no `spec`: an older fracas wrote it".into()
            );
        } else {
            BESIDES.iter().for_each(|key| drop(object.remove(*key)));
        }
        match document.get("schema").and_then(|schema| schema.as_str()) {
            Some(SPEC_SCHEMA) => serde_json::from_value(document).map_err(syntax),
            Some(other) => Err(format!("has schema `{other}`, expected `{SPEC_SCHEMA}`")),
            None => Err(format!("has no `schema`, expected `{SPEC_SCHEMA}`")),
        }
    }

    /// The memory and time that judging may use, by a recorded spec.
    #[must_use]
    pub fn budget_of(recorded: &serde_json::Value) -> CheckBudget {
        serde_json::from_value(recorded["check"].clone()).unwrap_or_default()
    }

    /// Where the value of this key came from.
    #[must_use]
    pub fn origin(&self, key: &str) -> Origin {
        self.origins.get(key).copied().unwrap_or(Origin::Default)
    }
}

/// Durations as whole milliseconds.
mod millis {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(time: &Duration, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_u64(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        u64::deserialize(from).map(Duration::from_millis)
    }
}
