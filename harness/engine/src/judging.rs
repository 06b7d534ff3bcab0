//! From a history on disk to a verdict, and from there to the reports.
//!
//! The verdict is the checker's; here is only the clock that its budget needs, and the writing.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;
use std::time::Instant;

use fracas_checker::formats::{self, Hint, ReadError, Recorded};
use fracas_checker::history::History;
use fracas_checker::objects::Kind;
use fracas_checker::recorded::{self, Judged};
use fracas_checker::{Algorithm, Budget, Status, Verdict, judge};
use fracas_reports::{FILES, Run, RunRecord};

use crate::proven::Proven;
use crate::spec::CheckBudget;
use crate::store::RunDir;

/// Why a history could not be read.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// The file could not be opened.
    #[error("open `{path}`: {error}")]
    Open {
        /// The file.
        path: String,
        /// The reason.
        error: std::io::Error,
    },
    /// What is in it is not a history.
    #[error("read `{path}`: {error}")]
    Read {
        /// The file.
        path: String,
        /// The line and the reason.
        error: ReadError,
    },
}

/// Reads a history, whoever recorded it.
///
/// # Errors
/// When the file cannot be opened, or is not a history.
pub fn read(path: &Path, hint: &Hint) -> Result<Recorded, HistoryError> {
    let name = path.display().to_string();
    let file =
        File::open(path).map_err(|error| HistoryError::Open { path: name.clone(), error })?;
    formats::read(file, hint).map_err(|error| HistoryError::Read { path: name, error })
}

/// Judges a history within a budget.
#[must_use]
pub fn decide(history: &History, budget: CheckBudget) -> Verdict {
    let until = Instant::now() + budget.time;
    judge(history, Budget::new(budget.bytes, &|| Instant::now() >= until))
}

/// How a history that is on disk is to be judged.
#[derive(Debug, Clone, Copy)]
pub struct Judge {
    /// The model to judge by. None: the plan of the history decides, or the model that fits.
    pub kind: Option<&'static Kind>,
    /// How the model is decided.
    pub algorithm: Algorithm,
    /// What it may use.
    pub budget: CheckBudget,
}

impl Judge {
    /// The verdict, with the history as it was judged.
    ///
    /// # Errors When no model fits the history, or when the named model does not.
    pub fn verdict(&self, recorded: Recorded) -> Result<Judged, String> {
        let until = Instant::now() + self.budget.time;
        let expired = || Instant::now() >= until;
        let budget = Budget::new(self.budget.bytes, &expired);
        recorded::Judge { kind: self.kind, algorithm: self.algorithm, budget }.verdict(recorded)
    }
}

/// What the checks say of a recorded run.
pub struct Conclusion {
    /// Its history.
    pub history: History,
    /// Whether the history's last line was cut off.
    pub torn: bool,
    /// The verdict.
    pub verdict: Verdict,
    /// The names of the reports that were written.
    pub written: Vec<&'static str>,
    /// Why others could not be written.
    pub unwritten: Vec<String>,
    /// How the verdict contradicts what was proven while the run went on: a bug of fracas.
    pub contradiction: Option<String>,
}

impl Conclusion {
    /// All that a report is made of.
    #[must_use]
    pub fn report<'a>(&'a self, record: &'a RunRecord) -> Run<'a> {
        Run { record, history: &self.history, verdict: &self.verdict, torn: self.torn }
    }
}

/// How a run is judged, and what is written of it.
#[derive(Debug, Clone, Copy)]
pub struct Judging<'a> {
    /// What judging may use.
    pub budget: CheckBudget,
    /// What was proven while the run went on: it must be found again.
    pub proven: Option<&'a Proven>,
    /// The reports that are written.
    pub outputs: &'a Outputs,
}

/// The reports of a run that are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outputs(Option<BTreeSet<&'static str>>);

/// How each report is asked for.
const WORDS: [(&str, &str); 5] = [
    ("html", "report.html"),
    ("json", RESULTS),
    ("junit", "junit.xml"),
    ("md", "summary.md"),
    ("prom", "metrics.prom"),
];

/// Whoever looks for what a run found reads it here: it is always written.
const RESULTS: &str = "results.json";

impl Outputs {
    /// The words by which reports are asked for.
    pub fn words() -> impl Iterator<Item = &'static str> {
        WORDS.iter().map(|(word, _)| *word)
    }

    /// The reports of these words; without any, all.
    #[must_use]
    pub fn of(words: &[String]) -> Self {
        let files = WORDS.iter().filter(|(word, _)| words.iter().any(|wanted| wanted == word));
        let files: BTreeSet<&str> = files.map(|(_, file)| *file).chain([RESULTS]).collect();
        Self((!words.is_empty()).then_some(files))
    }

    fn has(&self, file: &str) -> bool {
        self.0.as_ref().is_none_or(|files| files.contains(file))
    }
}

/// Judges a run and writes its reports.
///
/// # Errors
/// When its history cannot be read.
pub fn judge_run(
    dir: &RunDir,
    record: &RunRecord,
    Judging { budget, proven, outputs }: Judging<'_>,
) -> Result<Conclusion, HistoryError> {
    let recorded = read(&dir.file("history.jsonl"), &Hint::default())?;
    let (history, torn) = (recorded.history, recorded.torn);
    let verdict = decide(&history, budget);
    let contradiction = proven.and_then(|proven| confirmed(&verdict, proven).err());
    let run = Run { record, history: &history, verdict: &verdict, torn };
    let (written, unwritten) = write_reports(dir, &run, outputs);
    Ok(Conclusion { history, torn, verdict, written, unwritten, contradiction })
}

/// Writes the reports that are wanted; returns the names of those that were written, and why others
/// were not. A failure never changes the verdict.
fn write_reports(
    dir: &RunDir,
    run: &Run<'_>,
    outputs: &Outputs,
) -> (Vec<&'static str>, Vec<String>) {
    let (mut written, mut unwritten) = (Vec::new(), Vec::new());
    for &(name, _, render) in FILES.iter().filter(|(name, ..)| outputs.has(name)) {
        match dir.write(name, &render(run)) {
            Ok(()) => written.push(name),
            Err(error) => unwritten.push(error.to_string()),
        }
    }
    (written, unwritten)
}

/// Holds what was proven while a run went on against the verdict over the whole history. Both
/// decide the same question, so a check that passes contradicts it: one of them is wrong. A check
/// that ran out of its budget does not.
fn confirmed(verdict: &Verdict, proven: &Proven) -> Result<(), String> {
    let id = proven.alarm.check;
    let status = verdict.checks.iter().find(|check| check.id == id).map(|check| check.status);
    match status {
        Some(Status::Anomaly | Status::Inconclusive) => Ok(()),
        Some(Status::Pass) | None => Err(format!(
            "this is a bug of fracas: {proven}, but the whole history passes `{id}`: do not rely on \
             either, and please report it"
        )),
    }
}

#[cfg(test)]
mod tests {
    use fracas_checker::online::Alarm;
    use fracas_checker::verdict::CheckResult;

    use super::*;

    #[track_caller]
    fn check(statuses: &[(&str, Status)], bug: Option<&str>) {
        let checks = statuses
            .iter()
            .map(|(id, status)| CheckResult { status: *status, ..CheckResult::new(id, "") });
        let alarm =
            Alarm { check: "register/linearizable", object: Some("k3".into()), index: 7, time: 0 };
        let proven = Proven { alarm, load_ended: Some(1_500_000_000) };
        let got = confirmed(&Verdict::of(checks.collect()), &proven);
        match (got, bug) {
            (Ok(()), None) => {}
            (Err(got), Some(bug)) => assert!(got.contains(bug), "{got}"),
            (got, bug) => panic!("{got:?}, expected {bug:?}"),
        }
    }

    /// Every report has a word, and what a run found is written whatever is asked for.
    #[test]
    fn reports_are_asked_for_by_words() {
        let named: Vec<&str> = WORDS.iter().map(|(_, file)| *file).collect();
        assert!(FILES.iter().all(|(file, ..)| named.contains(file)), "{named:?}");
        assert_eq!(FILES.len(), WORDS.len());
        let wanted = |words: &[&str]| {
            let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            let outputs = Outputs::of(&words);
            named.iter().filter(|file| outputs.has(file)).count()
        };
        assert_eq!([wanted(&[]), wanted(&["json"]), wanted(&["junit", "md"])], [5, 1, 3]);
    }

    #[test]
    fn what_was_proven_must_be_found_again() {
        let register = "register/linearizable";
        check(&[("coverage", Status::Inconclusive), (register, Status::Anomaly)], None);
        check(&[(register, Status::Inconclusive)], None);
        let bug = "this is a bug of fracas: event 7 at 0.000 s proves an anomaly of k3";
        check(&[("nodes/stay-up", Status::Anomaly), (register, Status::Pass)], Some(bug));
        check(&[("nodes/stay-up", Status::Anomaly)], Some(bug));
    }
}
