//! `junit.xml`: one test case per check, and one for the run itself.
//!
//! An anomaly is a failure. Inconclusive is *skipped*, so that it never looks like a pass. Trouble
//! of the harness or of the target before any fault is an *error* of the case `run`.

use std::fmt::Write as _;

use fracas_checker::Tried;
use fracas_checker::guarantees::sentence;
use fracas_checker::history::History;
use fracas_checker::verdict::{CheckResult, Status};

use crate::findings::{Finding, findings};
use crate::kinds::Kinds;
use crate::record::Ended;
use crate::run::Run;
use crate::text::{COMMAND, PHRASE, SENTENCE, clean};
use crate::words::outcome;

/// Writes `junit.xml`.
#[must_use]
pub fn junit(run: &Run<'_>) -> String {
    let cases: Vec<Case> = std::iter::once(own_case(run)).chain(check_cases(run)).collect();
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    write(&mut xml, run, &cases).expect("a String takes all");
    xml
}

/// One test case.
struct Case {
    name: String,
    results: Vec<Answer>,
}

/// What is said of a case that did not pass: the element, its type, its message, and more text.
struct Answer {
    element: &'static str,
    kind: String,
    message: String,
    body: String,
}

impl Answer {
    fn new(element: &'static str, kind: &str, message: &str) -> Self {
        let message = clean(message, SENTENCE);
        Self { element, kind: clean(kind, PHRASE), message, body: String::new() }
    }
}

/// The case of the run itself: did it get as far as a verdict?
fn own_case(run: &Run<'_>) -> Case {
    let ended = &run.record.ended;
    let answer = match ended {
        Ended::Finished if run.verdict.checks.is_empty() => {
            Some(Answer::new("skipped", "inconclusive", &run.verdict.headline))
        }
        Ended::Finished => None,
        _ => Some(trouble(ended)),
    };
    Case { name: "run".to_owned(), results: answer.into_iter().collect() }
}

/// Why a run has no verdict: in a sentence, and with the last words of the servers beneath it.
fn trouble(ended: &Ended) -> Answer {
    let text = ended.to_string();
    let (first, rest) = text.split_once('\n').unwrap_or((&text, ""));
    let lines = rest.lines().take(MAX_LINES).map(|line| clean(line, SENTENCE) + "\n");
    let body = if rest.is_empty() {
        String::new()
    } else {
        lines.fold("\n".to_owned(), |all, line| all + &line)
    };
    Answer { body, ..Answer::new("error", ended.word(), first) }
}

/// How many lines of an error are written: the last words of some servers.
const MAX_LINES: usize = 60;

/// A case per check: those with findings first, in the order of the findings.
fn check_cases(run: &Run<'_>) -> Vec<Case> {
    let findings = findings(run.history, run.verdict);
    let first = |check: &CheckResult| {
        findings.iter().position(|finding| finding.check.id == check.id).unwrap_or(usize::MAX)
    };
    let mut checks: Vec<&CheckResult> = run.verdict.checks.iter().collect();
    checks.sort_by_key(|check| first(check));
    checks.into_iter().map(|check| check_case(run, check, &findings)).collect()
}

fn check_case(run: &Run<'_>, check: &CheckResult, findings: &[Finding<'_>]) -> Case {
    let results = match check.status {
        _ if outcome(run).class == "error" => {
            vec![Answer::new("skipped", "not-tested", "nothing was tested: see the case `run`")]
        }
        Status::Pass => Vec::new(),
        Status::Anomaly => {
            let of_check = findings.iter().filter(|finding| finding.check.id == check.id);
            of_check.map(|finding| failure(finding, run.history)).collect()
        }
        Status::Inconclusive => {
            vec![Answer::new("skipped", "inconclusive", &check.reasons.join("; "))]
        }
    };
    Case { name: check.id.clone(), results }
}

fn failure(finding: &Finding<'_>, history: &History) -> Answer {
    let anomaly = &finding.anomaly.in_file(history);
    let mut body = String::from("\n");
    for (place, sentence) in anomaly.story.iter().enumerate() {
        body += &format!("{}. {}\n", place + 1, clean(sentence, SENTENCE));
    }
    for refuted in &anomaly.refuted {
        body += &format!("not operation {}: {}\n", refuted.op, clean(&refuted.reason, SENTENCE));
    }
    if let Some(guarantees) = sentence(&anomaly.guarantees) {
        body += &format!("{}\n", clean(&guarantees, SENTENCE));
    }
    if let Some(cause) = &anomaly.likely_cause {
        body += &format!("likely cause (not a fact): {}\n", clean(cause, SENTENCE));
    }
    if let Some(more) = finding.more() {
        body += &format!("{more}\n");
    }
    body += &format!("fingerprint {}\n", finding.fingerprint);
    Answer { body, ..Answer::new("failure", &anomaly.class, &anomaly.headline) }
}

fn write(xml: &mut String, run: &Run<'_>, cases: &[Case]) -> std::fmt::Result {
    let record = run.record;
    let having = |element| {
        cases.iter().filter(|case| case.results.iter().any(|it| it.element == element)).count()
    };
    let totals = format!(
        "tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\"",
        cases.len(),
        having("failure"),
        having("error"),
        having("skipped"),
    );
    let name = escape(&record.id);
    let time = record.duration_s.filter(|time| time.is_finite()).unwrap_or(0.0);
    let started = escape(&record.started);
    writeln!(xml, "<testsuites name=\"fracas\" {totals} time=\"{time:.3}\">")?;
    write!(xml, "  <testsuite name=\"{name}\" {totals} time=\"{time:.3}\"")?;
    writeln!(xml, " timestamp=\"{started}\">")?;
    properties(xml, run)?;
    for case in cases {
        test_case(xml, &class_name(run), case)?;
    }
    let said = [Some(repeat(run)), untried(run)].into_iter().flatten();
    let said = said.map(|line| escape(&line)).collect::<Vec<_>>().join("\n");
    writeln!(xml, "    <system-out>{said}</system-out>")?;
    writeln!(xml, "  </testsuite>\n</testsuites>")
}

fn properties(xml: &mut String, run: &Run<'_>) -> std::fmt::Result {
    let (record, target) = (run.record, &run.record.target);
    let kinds = Kinds::of(run);
    writeln!(xml, "    <properties>")?;
    for (name, value) in [
        ("seed", record.seed.to_string()),
        ("verdict", outcome(run).class.to_owned()),
        ("target", target.name.clone()),
        ("target.version", target.version.clone().unwrap_or_else(|| "unknown".to_owned())),
        ("target.sha256", target.binary_sha256.clone()),
        ("version", format!("{} {}", record.tool.name, record.tool.version)),
        ("faults.allowed", kinds.allowed.join(", ")),
        ("faults.never-tried", kinds.untried.join(", ")),
        ("report", "report.html".to_owned()),
        ("faults.load", run.verdict.faults.as_ref().and_then(Tried::load).unwrap_or_default()),
    ] {
        writeln!(xml, "      <property name=\"{name}\" value=\"{}\"/>", escape(&value))?;
    }
    writeln!(xml, "    </properties>")
}

fn class_name(run: &Run<'_>) -> String {
    let record = run.record;
    let part = |words: &[String]| if words.is_empty() { "none".into() } else { words.join("+") };
    format!("{}.{}.{}", record.target.name, part(&record.workloads), part(&record.faults))
}

fn test_case(xml: &mut String, class: &str, case: &Case) -> std::fmt::Result {
    let (class, name) = (escape(class), escape(&case.name));
    write!(xml, "    <testcase classname=\"{class}\" name=\"{name}\"")?;
    if case.results.is_empty() {
        return writeln!(xml, "/>");
    }
    writeln!(xml, ">")?;
    for Answer { element, kind, message, body } in &case.results {
        let (kind, message) = (escape(kind), escape(message));
        let body = body.lines().map(escape).collect::<Vec<_>>().join("\n");
        writeln!(xml, "      <{element} type=\"{kind}\" message=\"{message}\">{body}</{element}>")?;
    }
    writeln!(xml, "    </testcase>")
}

/// What a pass of this run says nothing of.
fn untried(run: &Run<'_>) -> Option<String> {
    let untried = Kinds::of(run).untried()?;
    Some(format!("faults: {untried}"))
}

fn repeat(run: &Run<'_>) -> String {
    format!("repeat with: {}", run.record.command)
}

/// A text on one line, fit for an attribute and for content alike; [`clean`] leaves nothing in it
/// that XML 1.0 forbids.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in clean(text, COMMAND).chars() {
        match char {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            _ => escaped.push(char),
        }
    }
    escaped
}
