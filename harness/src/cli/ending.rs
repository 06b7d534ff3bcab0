//! What is printed when a run is over: what was decided, why, where to read it, how to repeat it.

use std::fs::File;
use std::io::Write;

use fracas_checker::verdict::CheckResult;
use fracas_checker::{Status, coverage, lifecycle};
use fracas_engine::judging::Conclusion;
use fracas_engine::run::{Outcome, RunError};
use fracas_engine::store::RunDir;
use fracas_engine::text::{plain, plain_lines};
use fracas_reports::{Ended, Finding, Run, findings, summary};
use serde_json::json;

use crate::exit::Exit;
use crate::output::{Format, complain, narrate, one_line, print, tell};

/// Prints what came of a run, and says how the program ends. Without a format it is only told.
pub(super) fn told(outcome: &Outcome, format: Option<Format>) -> Exit {
    let Some(format) = format else { return aside(outcome) };
    if let Some(Ok(conclusion)) = &outcome.judged {
        conclusion.unwritten.iter().for_each(|why| warn(why));
        add_to_job_summary(&conclusion.report(&outcome.record));
    }
    let stopped = &outcome.stopped;
    let exit = match &outcome.error {
        Some(error) => told_failure(outcome, error, format),
        None => told_verdict(outcome, format),
    };
    stopped.broken.iter().for_each(|why| tell(&format!("fracas: {}", plain(why))));
    stopped.interrupt.map_or(exit, Exit::of_interrupt)
}

/// What came of a run that is no result by itself, in one line.
fn aside(outcome: &Outcome) -> Exit {
    let exit = match (&outcome.error, &outcome.judged) {
        (Some(error), _) => {
            complain_and_mend(error);
            Exit::of_error(error)
        }
        (None, None) => Exit::Inconclusive,
        (None, Some(Err(error))) => {
            complain(error);
            Exit::Internal
        }
        (None, Some(Ok(conclusion))) => {
            narrate(&format!("fracas: {}", headline(&conclusion.report(&outcome.record))));
            Exit::of(conclusion.verdict.status)
        }
    };
    outcome.stopped.interrupt.map_or(exit, Exit::of_interrupt)
}

/// Tells an error, and how to give this machine what it has run out of.
pub(super) fn complain_and_mend(error: &RunError) {
    complain(error);
    if let Some(mend) = error.mend() {
        tell(&format!("  help: {mend}"));
    }
}

/// A run that could not take place: its report has what was recorded until then, if anything was.
fn told_failure(outcome: &Outcome, error: &RunError, format: Format) -> Exit {
    if let Some(Ok(conclusion)) = &outcome.judged {
        match format {
            Format::Text => page(&outcome.dir).iter().for_each(|line| tell(line)),
            Format::Json => print(&results(outcome, conclusion)),
        }
    }
    complain_and_mend(error);
    Exit::of_error(error)
}

/// A run that took place.
fn told_verdict(outcome: &Outcome, format: Format) -> Exit {
    let conclusion = match &outcome.judged {
        None => {
            print(&recorded(outcome, format));
            let broken = outcome.stopped.broken.is_some();
            return if broken { Exit::Inconclusive } else { Exit::Pass };
        }
        Some(Err(error)) => {
            complain(error);
            return Exit::Internal;
        }
        Some(Ok(conclusion)) => conclusion,
    };
    match format {
        Format::Text => {
            let proven = outcome.stopped.proven.as_ref();
            let early = proven.map(|proven| format!("{proven}\n")).unwrap_or_default();
            let lines = closing_lines(&outcome.dir, &conclusion.report(&outcome.record));
            print(&plain_lines(&(early + &lines)));
        }
        Format::Json => print(&results(outcome, conclusion)),
    }
    let Some(contradiction) = &conclusion.contradiction else {
        return Exit::of(conclusion.verdict.status);
    };
    let history = outcome.dir.file("history.jsonl");
    tell(&format!("fracas: {contradiction} (history: {})", history.display()));
    Exit::Internal
}

/// `results.json` on one line.
fn results(outcome: &Outcome, conclusion: &Conclusion) -> String {
    one_line(&fracas_reports::results_json(&conclusion.report(&outcome.record)))
}

/// What is told of a run that is not judged.
fn recorded(Outcome { dir, record, .. }: &Outcome, format: Format) -> String {
    let history = dir.file("history.jsonl").display().to_string();
    match format {
        Format::Text => format!("recorded: {history}\n"),
        Format::Json => {
            let (run, target) = (json!({"id": dir.id()}), json!({"name": record.target.name}));
            let told = json!({"run": run, "target": target, "verdict": null, "history": history});
            format!("{told}\n")
        }
    }
}

/// Warns of something that was to be written and was not.
pub(super) fn warn(why: &str) {
    tell(&format!("fracas: warning: failed to {why}"));
}

/// Adds the summary to the page of a job on GitHub, where this is one.
fn add_to_job_summary(run: &Run<'_>) {
    let Some(path) = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty()) else {
        return;
    };
    let opened = File::options().append(true).create(true).open(path);
    if let Err(error) = opened.and_then(|mut file| file.write_all(summary(run).as_bytes())) {
        warn(&format!("add to the job's summary: {error}"));
    }
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

/// How many reasons of a check are shown on screen; the reports have all.
const REASONS: usize = 8;

/// What is told of one check: its answer, what it found, and what it could not decide. Where the run
/// found an anomaly, which may have ended it early, it is no news what a pass would have needed.
fn of_check(check: &CheckResult, found: bool) -> Vec<String> {
    let mut lines = vec![format!("  {:<12} {}", check.status.to_string(), check.id)];
    let shown = if found && check.id == coverage::ID { 0 } else { REASONS };
    let told = check.reasons.iter().take(shown).map(|reason| format!("    {}", plain(reason)));
    lines.extend(told);
    lines.extend(match check.reasons.len().saturating_sub(shown) {
        0 => None,
        1 if shown == 0 => {
            Some("    1 thing that a pass needs was not seen; see the report".to_owned())
        }
        more if shown == 0 => {
            Some(format!("    {more} things that a pass needs were not seen; see the report"))
        }
        more => Some(format!("    and {more} more in the report")),
    });
    lines.extend(notes(check));
    lines
}

/// The last lines on screen: what, why, where to read it, how to repeat it.
fn closing_lines(dir: &RunDir, run: &Run<'_>) -> String {
    let verdict = run.verdict;
    let mut lines = vec![headline(run)];
    // What an interrupted run lacks is no news: only what it found is told.
    let told = |check: &&CheckResult| !interrupted(run) || !check.anomalies.is_empty();
    let found = verdict.status == Status::Anomaly;
    verdict.checks.iter().filter(told).for_each(|check| lines.extend(of_check(check, found)));
    lines.extend(anomalies(&findings(run.history, verdict)));
    if let Some(tried) = verdict.faults.as_ref().filter(|_| !interrupted(run)) {
        let kinds = (verdict.status != Status::Pass).then(|| tried.kinds());
        lines.extend(kinds.into_iter().chain(tried.load()).map(|line| plain(&line)));
    }
    let told_above = interrupted(run) && verdict.status == Status::Inconclusive;
    if run.record.ended != Ended::Finished && !told_above {
        lines.push(run.record.ended.to_string());
    }
    lines.extend(page(dir));
    lines.push(format!("repeat: {}", run.record.command));
    if let Some((_, found)) = verdict.anomalies().next() {
        lines.push(format!("explained by: fracas explain {}", found.class));
    }
    lines.join("\n") + "\n"
}

/// Where the page is, if it was asked for.
fn page(dir: &RunDir) -> Option<String> {
    let page = dir.file("report.html");
    page.is_file().then(|| format!("report: {}", page.display()))
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
    use super::*;

    /// Where an anomaly was found it is no news what a pass would have needed.
    #[test]
    fn reasons_are_few_on_screen() {
        let mut check = CheckResult::new(coverage::ID, "");
        (0..30).for_each(|number| check.inconclusive(format!("only {number} ok read")));
        let told = of_check(&check, true);
        let expected = "    30 things that a pass needs were not seen; see the report";
        assert_eq!((told.len(), told[1].as_str()), (2, expected));
        let told = of_check(&check, false);
        assert_eq!(told.len(), 1 + REASONS + 1);
        assert_eq!(told[1 + REASONS], "    and 22 more in the report");
        let mut check = CheckResult::new("register/linearizable", "");
        check.inconclusive("a search did not end");
        assert_eq!(of_check(&check, true)[1], "    a search did not end");
    }
}
