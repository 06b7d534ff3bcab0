//! From a history on disk to a verdict, and from there to the reports.
//!
//! The verdict is the checker's; here is only the clock that its budget needs, and the writing.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

use fracas_checker::formats::{self, Hint, ReadError, Recorded};
use fracas_checker::history::History;
use fracas_checker::objects::Kind;
use fracas_checker::recorded::{self, Judged};
use fracas_checker::verdict::CheckResult;
use fracas_checker::{Algorithm, Budget, Status, Verdict, coverage, judge, lifecycle};
use fracas_reports::{Ended, FILES, Finding, Run, RunRecord, findings, summary};
use serde_json::json;

use crate::cli::{Format, one_line, print, tell};
use crate::exit::Exit;
use crate::guard::Proven;
use crate::plan::{CheckBudget, RunPlan};
use crate::store::RunDir;
use crate::text::{plain, plain_lines};

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
    /// By this model alone; by the plan of the history, or the model that fits, if none is named.
    pub kind: Option<&'static Kind>,
    /// How the model is decided.
    pub algorithm: Algorithm,
    /// What it may use.
    pub budget: CheckBudget,
}

impl Judge {
    /// The verdict, with the history as it was judged.
    ///
    /// # Errors
    /// When no model fits the history, or the one that is named does not.
    pub fn verdict(&self, recorded: Recorded) -> Result<Judged, String> {
        let until = Instant::now() + self.budget.time;
        let expired = || Instant::now() >= until;
        let budget = Budget::new(self.budget.bytes, &expired);
        recorded::Judge { kind: self.kind, algorithm: self.algorithm, budget }.verdict(recorded)
    }
}

/// Judges a run, writes its reports, tells the user, and says how the program should end. What was
/// `proven` while it went on must be found again.
#[must_use]
pub fn judge_run(
    dir: &RunDir,
    record: &RunRecord,
    plan: &RunPlan,
    proven: Option<&Proven>,
) -> Exit {
    let Recorded { history, torn, .. } = match read(&dir.file("history.jsonl"), &Hint::default()) {
        Ok(recorded) => recorded,
        Err(error) => {
            tell(&format!("fracas: failed to {error}"));
            return Exit::Internal;
        }
    };
    let verdict = decide(&history, plan.check);
    let run = Run { record, history: &history, verdict: &verdict, torn };
    write_reports(dir, &run);
    add_to_job_summary(&run);
    match plan.format {
        Format::Text => {
            let early = proven.map(|proven| format!("{proven}\n")).unwrap_or_default();
            print(&plain_lines(&(early + &closing_lines(dir, &run))));
        }
        Format::Json => print(&one_line(&fracas_reports::results_json(&run))),
    }
    match proven.map_or(Ok(()), |proven| confirmed(&verdict, proven)) {
        Ok(()) => Exit::of(verdict.status),
        Err(contradiction) => {
            let history = dir.file("history.jsonl");
            tell(&format!("fracas: {contradiction} (history: {})", history.display()));
            Exit::Internal
        }
    }
}

/// Writes the reports of a run that could not take place, as far as it was recorded: they tell the
/// error, and the servers' last words. Without a history there is nothing to report.
pub fn report_failure(dir: &RunDir, record: &RunRecord, plan: &RunPlan) {
    let Ok(Recorded { history, torn, .. }) = read(&dir.file("history.jsonl"), &Hint::default())
    else {
        return;
    };
    let verdict = decide(&history, plan.check);
    let run = Run { record, history: &history, verdict: &verdict, torn };
    write_reports(dir, &run);
    add_to_job_summary(&run);
    match plan.format {
        Format::Text => tell(&format!("report: {}", dir.file("report.html").display())),
        Format::Json => print(&one_line(&fracas_reports::results_json(&run))),
    }
}

/// What is told of a run that is not judged.
#[must_use]
pub fn recorded(plan: &RunPlan, dir: &RunDir) -> String {
    let history = dir.file("history.jsonl").display().to_string();
    match plan.format {
        Format::Text => format!("recorded: {history}\n"),
        Format::Json => {
            let (run, target) = (json!({"id": dir.id()}), json!({"name": plan.target.name()}));
            let told = json!({"run": run, "target": target, "verdict": null, "history": history});
            format!("{told}\n")
        }
    }
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

/// Adds the summary to the page of a job on GitHub, where this is one.
fn add_to_job_summary(run: &Run<'_>) {
    let Some(path) = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty()) else {
        return;
    };
    let opened = File::options().append(true).create(true).open(path);
    if let Err(error) = opened.and_then(|mut file| file.write_all(summary(run).as_bytes())) {
        tell(&format!("fracas: warning: failed to add to the job's summary: {error}"));
    }
}

/// Writes every report; returns the names of those that were written. A failure is a warning: it
/// never changes the verdict.
pub fn write_reports(dir: &RunDir, run: &Run<'_>) -> Vec<&'static str> {
    let mut written = Vec::new();
    for (name, _, render) in FILES {
        match dir.write(name, &render(run)) {
            Ok(()) => written.push(name),
            Err(error) => tell(&format!("fracas: warning: failed to {error}")),
        }
    }
    written
}

/// How many notes of a check are shown on screen; the reports have all.
const NOTES: usize = 3;

/// What a check says beside its answer: what looks odd, faults that did not happen, and servers
/// that may have ended.
fn notes(check: &CheckResult) -> impl Iterator<Item = String> {
    let missed = check.not_checked.iter().filter(|_| check.id == coverage::ID);
    let excused = check.assumptions.iter().filter(|_| check.id == lifecycle::ID);
    let all = check.suspicions.iter().chain(missed).chain(excused);
    let more = all.clone().count().saturating_sub(NOTES);
    let more = (more > 0).then(|| format!("    note: and {more} more in the report"));
    all.take(NOTES).map(|note| format!("    note: {}", plain(note))).chain(more)
}

/// The verdict in one line.
fn headline(run: &Run<'_>) -> String {
    let (verdict, ended) = (run.verdict, &run.record.ended);
    let status = verdict.status.to_string().to_uppercase();
    if interrupted(run) && verdict.status == Status::Inconclusive {
        return format!(
            "{status}: {ended} before enough was seen; no anomaly was found until then"
        );
    }
    format!("{status}: {}", plain(&verdict.headline))
}

fn interrupted(run: &Run<'_>) -> bool {
    matches!(run.record.ended, Ended::Interrupted { .. })
}

/// What is told of one check: its answer, what it found, and what it could not decide.
fn of_check(check: &CheckResult) -> Vec<String> {
    let mut lines = vec![format!("  {:<12} {}", check.status.to_string(), check.id)];
    lines.extend(check.reasons.iter().map(|reason| format!("    {}", plain(reason))));
    lines.extend(notes(check));
    lines
}

/// The last lines on screen: what, why, where to read it, how to repeat it.
#[must_use]
pub fn closing_lines(dir: &RunDir, run: &Run<'_>) -> String {
    let verdict = run.verdict;
    let mut lines = vec![headline(run)];
    // What an interrupted run lacks is no news: only what it found is told.
    let told = |check: &&CheckResult| !interrupted(run) || !check.anomalies.is_empty();
    verdict.checks.iter().filter(told).for_each(|check| lines.extend(of_check(check)));
    lines.extend(anomalies(&findings(run.history, verdict)));
    if let Some(tried) = verdict.faults.as_ref().filter(|_| !interrupted(run)) {
        let kinds = (verdict.status != Status::Pass).then(|| tried.kinds());
        lines.extend(kinds.into_iter().chain(tried.load()).map(|line| plain(&line)));
    }
    let told_above = interrupted(run) && verdict.status == Status::Inconclusive;
    if run.record.ended != Ended::Finished && !told_above {
        lines.push(run.record.ended.to_string());
    }
    lines.push(format!("report: {}", dir.file("report.html").display()));
    lines.push(format!("repeat: {}", run.record.command));
    if let Some((_, found)) = verdict.anomalies().next() {
        lines.push(format!("explained by: fracas explain {}", found.class));
    }
    lines.join("\n") + "\n"
}

/// The anomalies as every output orders them: the first with its story, of the others the headline.
fn anomalies(findings: &[Finding<'_>]) -> Vec<String> {
    let mut lines = Vec::new();
    for finding in findings {
        let (number, anomaly) = (finding.number, finding.anomaly);
        let more = finding.more().map_or_else(String::new, |more| format!(" ({more})"));
        lines.push(format!("  {number}. {}: {}{more}", anomaly.class, plain(&anomaly.headline)));
        if number == 1 {
            lines.extend(anomaly.story.iter().map(|fact| format!("     {}", plain(fact))));
            let cause = anomaly.likely_cause.iter();
            lines.extend(cause.map(|it| format!("     Likely cause (not a fact): {}", plain(it))));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use fracas_checker::online::Alarm;

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
