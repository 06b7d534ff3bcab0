//! What this machine can do: every mechanism is tried in a scratch lab, and what fails is told
//! with the exact error and how to mend it.
//!
//! Nothing is concluded from versions or settings. Each trial runs in a process of its own, so the
//! caller stays as it was. What a run needs is not decided here.

mod trial;

use std::fmt;
use std::time::Duration;

use fracas_checker::fault::FaultKind;
use serde::{Deserialize, Serialize};

use crate::lab::{self, LabError};

pub use trial::probe_main;

/// The hidden argument that starts a trial: `fracas __doctor-probe userns`.
pub const PROBE_ARGUMENT: &str = "__doctor-probe";

/// How long one scratch lab may take; it usually takes about a second.
const TRIAL_WITHIN: Duration = Duration::from_secs(60);

/// Where the answer of a trial is read from: no other output begins like this.
const ANSWER: &str = "fracas-doctor:";

/// What was found out about one mechanism.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The mechanism: `namespaces`, `network`, `nft-bridge`, `iptables`, `packets`, `netem`,
    /// `pause`, `starve`, `limits`, `kill`, `small-disk`, `cgroup`, `clock`, `faketime`,
    /// `disk`.
    pub what: String,
    /// Whether it worked.
    pub available: bool,
    /// What was measured, or the exact error.
    pub detail: String,
    /// What is used instead, where there is something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instead: Option<String>,
    /// How to make it available.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mend: Option<String>,
}

/// A scratch lab, entered in one way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trial {
    /// `root` or `userns`.
    pub isolation: String,
    /// What was tried, in order; what could not be tried is missing.
    pub findings: Vec<Finding>,
}

/// Whether a kind of fault can be brought about and proven here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultSupport {
    /// The kind.
    pub kind: FaultKind,
    /// By what means; none if it is not available.
    pub mechanism: Option<String>,
}

/// What this machine can do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The way in which a lab is entered if nothing else is asked for; none if no way works.
    pub isolation: Option<String>,
    /// Which faults are available there.
    pub faults: Vec<FaultSupport>,
    /// Every way that was tried.
    pub trials: Vec<Trial>,
}

/// Tries everything.
#[must_use]
pub fn examine() -> Report {
    Report::of(["root", "userns"].map(trial).into())
}

/// Runs one trial in a process of its own.
fn trial(isolation: &str) -> Trial {
    let argv = ["/proc/self/exe", PROBE_ARGUMENT, isolation].map(str::to_owned);
    let findings = lab::run_command(&argv, TRIAL_WITHIN).and_then(|line| read_answer(&line));
    Trial {
        isolation: isolation.to_owned(),
        findings: findings.unwrap_or_else(|error| vec![Finding::refused("namespaces", &error)]),
    }
}

/// Reads what [`probe_main`] wrote.
fn read_answer(line: &str) -> Result<Vec<Finding>, LabError> {
    let json = line.strip_prefix(ANSWER).and_then(|json| serde_json::from_str(json).ok());
    json.ok_or_else(|| LabError::Reported(format!("try a scratch lab: it said `{line}`")))
}

impl Report {
    /// Concludes from all trials.
    fn of(trials: Vec<Trial>) -> Self {
        let usable = trials.iter().find(|trial| trial.works("network").is_some());
        let isolation = usable.map(|trial| trial.isolation.clone());
        let faults = FaultKind::ALL.map(|kind| FaultSupport {
            kind,
            mechanism: usable.and_then(|trial| trial.means(kind)),
        });
        Self { isolation, faults: faults.into(), trials }
    }

    /// Whether a lab can be built here at all.
    #[must_use]
    pub fn usable(&self) -> bool {
        self.faults.iter().any(|fault| fault.mechanism.is_some())
    }
}

impl Trial {
    /// `name`, if the mechanism `what` works.
    fn works(&self, what: &str) -> Option<&Finding> {
        self.findings.iter().find(|finding| finding.what == what && finding.available)
    }

    /// By what means a kind of fault is brought about; none if it cannot be.
    fn means(&self, kind: FaultKind) -> Option<String> {
        let name = match kind {
            FaultKind::Partition => {
                &self.works("nft-bridge").or_else(|| self.works("iptables"))?.what
            }
            FaultKind::Pause => self.works("pause").map(|_| "sigstop")?,
            FaultKind::Kill => self.works("kill").map(|_| "sigkill")?,
            FaultKind::Clock => self.works("clock").map(|_| lab::clock::MECHANISM)?,
            FaultKind::Slow | FaultKind::Loss => self.works("packets").map(|_| "re-injection")?,
            FaultKind::Disk => self.works("disk").map(|_| "fuse")?,
            FaultKind::Power => self.works("disk").map(|_| "sigkill, fuse")?,
            FaultKind::Starve => self.works("starve").map(|_| "sigstop and sigcont by turns")?,
        };
        Some(name.to_owned())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.isolation {
            Some(isolation) => {
                writeln!(f, "a lab can be entered here; the default is `{isolation}`")?;
            }
            None => f.write_str("no lab can be entered here\n")?,
        }
        for fault in &self.faults {
            let means = fault.mechanism.as_deref().unwrap_or("not available");
            writeln!(f, "  {:<11} {means}", fault.kind.word())?;
        }
        self.trials.iter().try_for_each(|trial| trial.fmt(f))
    }
}

impl fmt::Display for Trial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.isolation.as_str() {
            "root" => writeln!(f, "\na lab as root")?,
            _ => writeln!(f, "\na lab in a user namespace, without root")?,
        }
        self.findings.iter().try_for_each(|finding| finding.fmt(f))
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = if self.available { "ok" } else { "no" };
        writeln!(f, "  {:<11} {word}  {}", self.what, self.detail)?;
        if let Some(instead) = &self.instead {
            writeln!(f, "{:19}used instead: {instead}", "")?;
        }
        if let Some(mend) = &self.mend {
            writeln!(f, "{:19}to mend it: {mend}", "")?;
        }
        Ok(())
    }
}
