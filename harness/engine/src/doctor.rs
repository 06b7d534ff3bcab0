//! What this machine can do: every mechanism is tried in a scratch lab, and what fails is told
//! with the exact error and how to mend it.
//!
//! Nothing is concluded from versions or settings. Each trial runs in a process of its own, so the
//! caller stays as it was. What a run needs is not decided here.

mod finding;
mod needs;
mod trial;

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use fracas_lab::LabError;

use crate::faults::Kind;
pub use crate::faults::trial::PROBE_ARGUMENT;
use finding::ANSWER;
pub use finding::{FaultSupport, Finding};
pub use needs::{Need, TargetNeeds};
pub use trial::probe_main;

/// How long one scratch lab may take; it usually takes about a second.
const TRIAL_WITHIN: Duration = Duration::from_secs(60);

/// Why no fault is available where no lab can be built.
const NO_LAB: &str = "no lab can be built here";

/// Why nothing is known of a mechanism.
const NOT_TRIED: &str = "it was not tried: the trial ended before";

/// Names what is used instead where one of two ways does not work.
fn name_replacements(findings: &mut [Finding]) {
    let trials = || Kind::ALL.into_iter().flat_map(Kind::trials);
    let works: Vec<String> =
        findings.iter().filter(|found| found.available).map(|found| found.what.clone()).collect();
    for finding in findings.iter_mut().filter(|finding| !finding.available) {
        let instead =
            trials().find(|trial| trial.mechanism == finding.what).and_then(|it| it.instead);
        finding.instead = instead
            .filter(|mechanism| works.iter().any(|able| able == mechanism))
            .map(str::to_owned);
    }
}

/// A scratch lab, entered in one way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trial {
    /// `root` or `userns`.
    pub isolation: String,
    /// What was tried, in order; what could not be tried is missing.
    pub findings: Vec<Finding>,
}

/// What this machine can do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The way in which a lab is entered if nothing else is asked for; none if no way works.
    pub isolation: Option<String>,
    /// Which faults are available there.
    pub faults: Vec<FaultSupport>,
    /// What a target needs, where one was named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<TargetNeeds>,
    /// Every way that was tried.
    pub trials: Vec<Trial>,
}

/// Tries everything.
#[must_use]
pub fn examine() -> Report {
    Report::of(["root", "userns"].map(trial).into())
}

/// Runs one trial in a process of its own. What it has found counts, however it ends.
fn trial(isolation: &str) -> Trial {
    let argv = ["/proc/self/exe", PROBE_ARGUMENT, isolation].map(str::to_owned);
    let (said, wrong) = fracas_lab::hear_command(&argv, TRIAL_WITHIN)
        .unwrap_or_else(|error| (String::new(), Some(error)));
    let mut findings = read_findings(&said);
    if let Some(error) = wrong.or_else(|| findings.is_empty().then(|| nothing_said(&said))) {
        let tried = |mechanism: &str| findings.iter().any(|finding| finding.what == mechanism);
        // It was about this one that it ended; what comes after it was not tried.
        let amid = trial::mechanisms().find(|mechanism| !tried(mechanism));
        findings.extend(amid.map(|mechanism| Finding::refused(mechanism, &error)));
    }
    name_replacements(&mut findings);
    Trial { isolation: isolation.to_owned(), findings }
}

/// Reads what [`probe_main`] wrote: one finding a line, among whatever its processes complained of.
fn read_findings(said: &str) -> Vec<Finding> {
    let answers = said.lines().filter_map(|line| line.strip_prefix(ANSWER));
    answers.filter_map(|json| serde_json::from_str(json).ok()).collect()
}

/// A trial ended well and told nothing.
fn nothing_said(said: &str) -> LabError {
    let first = said.lines().next().unwrap_or_default();
    LabError::Reported(format!("try a scratch lab: it said `{first}`"))
}

impl Report {
    /// Concludes from all trials.
    fn of(trials: Vec<Trial>) -> Self {
        let usable = trials.iter().find(|trial| trial.works("network").is_some());
        let isolation = usable.map(|trial| trial.isolation.clone());
        let faults = Kind::ALL.map(|kind| match usable.map(|trial| trial.means(kind)) {
            Some(Ok(means)) => FaultSupport { kind, mechanism: Some(means), lacking: None },
            Some(Err(why)) => FaultSupport { kind, mechanism: None, lacking: Some(why) },
            None => FaultSupport { kind, mechanism: None, lacking: Some(NO_LAB.to_owned()) },
        });
        Self { isolation, faults: faults.into(), target: None, trials }
    }

    /// Whether a lab can be built here at all.
    #[must_use]
    pub fn usable(&self) -> bool {
        self.faults.iter().any(|fault| fault.mechanism.is_some())
    }
}

impl Trial {
    /// What was found out about the `mechanism`.
    fn found(&self, mechanism: &str) -> Option<&Finding> {
        self.findings.iter().find(|finding| finding.what == mechanism)
    }

    /// The same, if it works.
    fn works(&self, mechanism: &str) -> Option<&Finding> {
        self.found(mechanism).filter(|finding| finding.available)
    }

    /// By what means a kind of fault is brought about, or why it cannot be.
    fn means(&self, kind: Kind) -> Result<String, String> {
        let ways = kind.tried_by();
        if let Some((_, means)) = ways.iter().find(|(mechanism, _)| self.works(mechanism).is_some())
        {
            return Ok((*means).to_owned());
        }
        let detail = self.found(ways[0].0).map(|finding| finding.detail.clone());
        Err(detail.unwrap_or_else(|| NOT_TRIED.to_owned()))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.isolation {
            Some(isolation) if isolation == "root" => writeln!(f, "fracas can run here, as root")?,
            Some(_) => writeln!(f, "fracas can run here, in a user namespace")?,
            None => writeln!(f, "fracas cannot run here: see what failed below")?,
        }
        for FaultSupport { kind, mechanism, lacking } in &self.faults {
            let lacking = lacking.as_deref().unwrap_or_default();
            match mechanism {
                Some(means) => writeln!(f, "  {:<11} {means}", kind.word())?,
                None => writeln!(f, "  {:<11} not available: {lacking}", kind.word())?,
            }
        }
        self.target.iter().try_for_each(|target| target.fmt(f))?;
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
