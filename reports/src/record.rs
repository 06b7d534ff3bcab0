//! The run record: everything that was decided before a run and how it ended, as `run.json`.
//!
//! It deliberately holds nothing of what was found: that is the history's and the verdict's.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// The schema of [`RunRecord`]. Fields are only ever added within a major version.
pub const RUN_SCHEMA: &str = "fracas.run/1";

/// What was run, where and how: the contents of `run.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// [`RUN_SCHEMA`].
    pub schema: String,
    /// The name of the run's directory.
    pub id: String,
    /// The command that repeats the run.
    pub command: String,
    /// When it began, in RFC 3339, UTC.
    pub started: String,
    /// How long it took in seconds; none while it runs, or if it died.
    pub duration_s: Option<f64>,
    /// Every random choice of the harness came from this number.
    pub seed: u64,
    /// The row of the plan that asked for it; none if no plan did. On disk its fields stand among those
    /// of the record.
    #[serde(flatten)]
    pub planned: Option<PlanRow>,
    /// Who ran it.
    pub tool: Tool,
    /// Everything that was decided, as the program that ran it can carry it out again; null in the
    /// record of an older one.
    #[serde(default)]
    pub spec: serde_json::Value,
    /// What was run.
    pub target: TargetInfo,
    /// What clients asked.
    pub workloads: Vec<String>,
    /// The kinds of faults that were allowed.
    pub faults: Vec<String>,
    /// How many clients asked at the same time.
    pub clients: u16,
    /// How many operations per second were asked for; none for as many as possible.
    pub rate: Option<f64>,
    /// For how many seconds clients and faults were to act.
    pub time_s: f64,
    /// The machine.
    pub host: Host,
    /// How it ended.
    pub ended: Ended,
    /// How often its anomalies came again when it was replayed; none if nobody has tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replays: Option<Replays>,
}

/// A row of a plan, in one night.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanRow {
    /// The name of the plan.
    pub plan: String,
    /// The name of the row.
    pub row: String,
    /// The night, as a date: `2026-11-29`. Its runs have the same seeds wherever they are carried out.
    pub night: String,
    /// The part of the night that was carried out together: `2/4`; none if it was not split.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<String>,
}

/// How often the anomalies of a run came again when it was carried out again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Replays {
    /// How many runs were carried out and judged.
    pub times: u32,
    /// In how many of them an anomaly of one of the same classes was found.
    pub same_class: u32,
    /// The 95 % interval of that rate, after Clopper and Pearson.
    pub same_class_interval: (f64, f64),
    /// In how many of them an anomaly of one of the same fingerprints was found.
    pub same_fingerprint: u32,
    /// The 95 % interval of that rate, after Clopper and Pearson.
    pub same_fingerprint_interval: (f64, f64),
    /// Whether faults hit the same nodes as in the run, whoever led.
    pub pinned: bool,
}

impl Replays {
    /// Whether an anomaly of the same class came again: `confirmed`, else `once`.
    #[must_use]
    pub fn word(&self) -> &'static str {
        if self.same_class > 0 { "confirmed" } else { "once" }
    }
}

impl fmt::Display for Replays {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rate = |count: u32, (low, high): (f64, f64)| {
            let (low, high) = (low * 100.0, high * 100.0);
            format!("{count} of {} (95 % interval: {low:.0} to {high:.0} %)", self.times)
        };
        write!(
            f,
            "replays found an anomaly of the same class in {}, and one of the same fingerprint in {}",
            rate(self.same_class, self.same_class_interval),
            rate(self.same_fingerprint, self.same_fingerprint_interval)
        )
    }
}

/// The program that ran it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// The system under test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetInfo {
    /// Its name, as the command line takes it.
    pub name: String,
    /// What it is, in one sentence.
    pub description: String,
    /// Its version in its own words, where it tells. Untrusted text.
    pub version: Option<String>,
    /// The path of the program that every node ran.
    pub binary: String,
    /// The SHA-256 of that program, in hexadecimal.
    pub binary_sha256: String,
    /// The program that nodes may have come back with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<NextProgram>,
    /// How many nodes the cluster had.
    pub nodes: u16,
}

/// A program that servers come back with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NextProgram {
    /// Its version in its own words, where it tells. Untrusted text.
    pub version: Option<String>,
    /// Its path.
    pub binary: String,
    /// Its SHA-256, in hexadecimal; empty where it could not be read.
    pub binary_sha256: String,
}

impl TargetInfo {
    /// Its name and its version; most programs begin their version with their name.
    #[must_use]
    pub fn called(&self) -> String {
        let name = &self.name;
        match self.version.as_deref().map(str::trim) {
            None => name.clone(),
            Some(version) if begins_with(version, name) => version.to_owned(),
            Some(version) => format!("{name} {version}"),
        }
    }
}

/// Whether the first word of a text is this word, in whatever case.
fn begins_with(text: &str, word: &str) -> bool {
    text.split_whitespace().next().is_some_and(|first| first.eq_ignore_ascii_case(word))
}

/// The machine a run happened on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Host {
    /// The kernel's release.
    pub kernel: String,
    /// How the cluster was kept apart: `userns`, `root`.
    pub isolation: String,
    /// By what means each kind of fault that was allowed is brought about, by kind.
    pub mechanisms: BTreeMap<String, String>,
    /// The kinds of faults that were left out because this machine, or this user, cannot bring them
    /// about; with the reason.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub lacking: BTreeMap<String, String>,
    /// The parts of the isolation that this machine lacks, with the reason.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub open: BTreeMap<String, String>,
}

/// How a run ended. On disk it is an object whose field `how` names the variant.
///
/// The record is written when a run begins and again when it ends, so [`Ended::Running`] in a
/// directory that nobody writes to means that the run died without a chance to say so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "kebab-case")]
pub enum Ended {
    /// `{"how":"running"}`: it has not ended, or it died.
    Running,
    /// `{"how":"finished"}`: it ran to its end.
    Finished,
    /// `{"how":"interrupted","signal":"SIGINT"}`: somebody stopped it.
    Interrupted {
        /// The name of the signal.
        signal: String,
    },
    /// `{"how":"target-broke","reason":"…"}`: the cluster was not usable before any fault.
    TargetBroke {
        /// What it did. Untrusted text.
        reason: String,
    },
    /// `{"how":"client-broke","reason":"…"}`: a client program did not keep to its protocol.
    ClientBroke {
        /// What it did. Untrusted text.
        reason: String,
    },
    /// `{"how":"failed","reason":"…"}`: the harness itself failed.
    Failed {
        /// What went wrong.
        reason: String,
    },
}

impl Ended {
    /// The word used in machine-readable outputs.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Finished => "finished",
            Self::Interrupted { .. } => "interrupted",
            Self::TargetBroke { .. } => "target-broke",
            Self::ClientBroke { .. } => "client-broke",
            Self::Failed { .. } => "failed",
        }
    }

    /// Why there is nothing to judge, in words: first what happened, then on lines of their own the
    /// details, such as the last words of a server. None where a verdict can be trusted. Untrusted.
    #[must_use]
    pub fn error(&self) -> Option<String> {
        match self {
            Self::TargetBroke { reason } => {
                let failed = if reason.starts_with("start ") { "failed to " } else { "" };
                Some(format!("The target broke before testing: {failed}{reason}"))
            }
            Self::ClientBroke { reason } => Some(format!("Nothing can be concluded: {reason}")),
            Self::Failed { reason } => Some(format!("The harness itself failed: {reason}")),
            Self::Running | Self::Finished | Self::Interrupted { .. } => None,
        }
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Running => f.write_str(
                "The run died before it could record how it ended: this report shows what was \
                 recorded until then",
            ),
            Self::Finished => f.write_str("The run ran to its end"),
            Self::Interrupted { signal } => write!(f, "The run was interrupted by {signal}"),
            Self::TargetBroke { .. } | Self::ClientBroke { .. } | Self::Failed { .. } => {
                f.write_str(&self.error().unwrap_or_default())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Most programs say their name before their version.
    #[test]
    fn a_target_is_not_named_twice() {
        let info = |version: Option<&str>| TargetInfo {
            name: "regent".to_owned(),
            description: String::new(),
            version: version.map(str::to_owned),
            binary: String::new(),
            binary_sha256: String::new(),
            next: None,
            nodes: 3,
        };
        for (version, called) in [
            (Some("regent 0.1.0"), "regent 0.1.0"),
            (Some("Regent 0.1.0"), "Regent 0.1.0"),
            (Some("regentd 0.1.0"), "regent regentd 0.1.0"),
            (Some("v3.5.1"), "regent v3.5.1"),
            (None, "regent"),
        ] {
            assert_eq!(info(version).called(), called);
        }
    }
}
