//! What came of one fault on one server, as data that goes from process to process.

use fracas_checker::fault::Measurement;
use fracas_engine::faults::Kind;
use serde::{Deserialize, Serialize};

/// What a fault costs, or what things cost without it. What could not be measured is missing.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(crate) struct Cost {
    /// One call of a wall clock, in nanoseconds.
    pub(crate) clock_ns: Option<f64>,
    /// Half of the round trips of the bystanders take no longer, in microseconds.
    pub(crate) round_trip_us: Option<f64>,
    /// Half of the fsyncs of a small record on a bystander's disk take no longer, in milliseconds.
    pub(crate) fsync_ms: Option<f64>,
}

impl Cost {
    /// Whether anything was measured.
    pub(crate) fn is_known(&self) -> bool {
        self.clock_ns.or(self.round_trip_us).or(self.fsync_ms).is_some()
    }
}

/// A fault that was tried.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) mechanism: String,
    /// What was measured when it was injected, when it had held, and when it was healed.
    pub(crate) stages: [Vec<Measurement>; 3],
    /// What the lab failed to do.
    pub(crate) problems: Vec<String>,
    pub(crate) before: Cost,
    pub(crate) during: Cost,
    pub(crate) verdict: Verdict,
}

/// What a row says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Verdict {
    /// All measurements at all stages hold.
    Proven,
    /// Something does not, though it should.
    Failed(String),
    /// This machine, this user or this installation lacks what it takes.
    NotHere(String),
    /// The target file does not allow it.
    NotAllowed,
}

impl Verdict {
    pub(crate) fn is_failed(&self) -> bool {
        matches!(self, Self::Failed(_))
    }
}

impl Row {
    /// A row of a fault that could not even be tried.
    pub(crate) fn untried(name: &str, kind: Kind, verdict: Verdict) -> Self {
        Self {
            name: name.to_owned(),
            kind,
            mechanism: String::new(),
            stages: Default::default(),
            problems: Vec::new(),
            before: Cost::default(),
            during: Cost::default(),
            verdict,
        }
    }

    /// The same without the path of a directory that is gone by the time it is read.
    pub(crate) fn without(mut self, path: &str) -> Self {
        for measurement in self.stages.iter_mut().flatten() {
            measurement.what = measurement.what.replace(path, "");
        }
        self
    }

    /// What the measurements and the problems come to.
    pub(crate) fn judged(mut self) -> Self {
        const STAGES: [&str; 3] = ["injected", "held", "healed"];
        let broken = self.stages.iter().zip(STAGES).find_map(|(measured, stage)| {
            let none = measured.is_empty().then(|| "nothing was measured".to_owned());
            let broken = measured.iter().find(|measurement| !measurement.holds);
            let broken =
                broken.map(|measurement| format!("{}: {}", measurement.what, measurement.result));
            none.or(broken).map(|why| format!("{stage}: {why}"))
        });
        self.verdict = match self.problems.first().cloned().or(broken) {
            None => Verdict::Proven,
            Some(why) => Verdict::Failed(why),
        };
        self
    }
}
