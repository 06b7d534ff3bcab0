//! `summary.md`: a short form in GitHub's Markdown, for job summaries.
//!
//! What comes from outside is written with character references, so that none of it can act as
//! Markdown or HTML. Sections that would make the file too long are left out whole, and it says so.

use fracas_checker::Tried;
use fracas_checker::guarantees::sentence;
use fracas_checker::verdict::CheckResult;

use crate::findings::{Finding, findings, missing};
use crate::kinds::{Kinds, proven};
use crate::record::Ended;
use crate::run::Run;
use crate::tally::Tally;
use crate::text::{COMMAND, PHRASE, SENTENCE, clean, count, plural};
use crate::words;

/// The most that is written; job summaries are cut off above 1 MiB.
pub const MAX_SUMMARY_BYTES: usize = 900_000;

/// Kept free for the note that sections were left out.
const NOTE_BYTES: usize = 200;

/// Writes `summary.md`.
#[must_use]
pub fn summary(run: &Run<'_>) -> String {
    let mut sections = vec![head(run), checks(run), repeat(run)];
    sections.extend(findings(run.history, run.verdict).iter().map(details));
    within(MAX_SUMMARY_BYTES, sections)
}

/// Joins the sections that fit, in order.
fn within(bytes: usize, sections: Vec<String>) -> String {
    let mut joined = String::new();
    let mut left_out = 0;
    for section in sections {
        if joined.len() + section.len() + NOTE_BYTES > bytes {
            left_out += 1;
        } else {
            joined += &section;
        }
    }
    if left_out > 0 {
        joined += &format!(
            "\n_{} left out to keep this summary short; the full story is in `report.html`._\n",
            plural(left_out, "section")
        );
    }
    joined
}

fn head(run: &Run<'_>) -> String {
    let outcome = words::outcome(run);
    let (record, target) = (run.record, &run.record.target);
    let tally = Tally::of(run.history.operations());
    let faults = run.history.faults();
    let mut text =
        format!("### {} {} – {}\n\n", outcome.glyph, outcome.word, short(&target.called()));
    text += &format!("{}\n\n", long(&words::headline(run)));
    text += &ended(&record.ended);
    for (kind, why) in &record.host.lacking {
        text += &format!("- no fault `{}` on this machine: {}\n", short(kind), long(why));
    }
    for (part, why) in &record.host.open {
        text += &format!("- isolation without `{}`: {}\n", short(part), long(why));
    }
    let undecided = if outcome.class == "error" { Vec::new() } else { missing(run) };
    for (check, reason) in undecided {
        text += &format!("- not decided: {} – {}\n", short(check), long(reason));
    }
    if let Some(load) = run.verdict.faults.as_ref().and_then(Tried::load) {
        text += &format!("- {}\n", long(&load));
    }
    text += &format!(
        "\nseed {} · {} · {} ok, {} refused, {} unknown · faults: {} · workload {}\n\n",
        record.seed,
        plural(u64::from(target.nodes), "node"),
        count(tally.ok),
        count(tally.fail),
        count(tally.info + tally.open),
        proven(&faults),
        short(&record.workloads.join(", ")),
    );
    if let Some(untried) = Kinds::of(run).untried() {
        text += &format!("**Faults: {}.**\n\n", escape(&untried));
    }
    text
}

/// How many lines of an error are written: the last words of some servers.
const MAX_LINES: usize = 30;

/// How the run ended, where that is not as it should; an error with the last words of the servers.
fn ended(ended: &Ended) -> String {
    let text = ended.to_string();
    match ended {
        Ended::Finished => String::new(),
        _ if ended.error().is_some() => {
            let rest = text.lines().skip(1).take(MAX_LINES);
            rest.map(|line| format!("<code>{}</code><br>\n", long(line))).collect::<String>() + "\n"
        }
        _ => format!("**{}.**\n\n", long(&text)),
    }
}

fn checks(run: &Run<'_>) -> String {
    let mut text = String::from("| check | verdict | promise |\n| --- | --- | --- |\n");
    for check in &run.verdict.checks {
        text += &row(run, check);
    }
    text + "\n"
}

fn row(run: &Run<'_>, check: &CheckResult) -> String {
    let (word, glyph) = words::check(run, check.status);
    format!("| {} | {glyph} {word} | {} |\n", short(&check.id), short(&check.promise))
}

fn details(finding: &Finding<'_>) -> String {
    let anomaly = finding.anomaly;
    let more = finding.more().map_or_else(String::new, |more| format!(" ({more})"));
    let mut text = format!(
        "<details><summary>{} – {}</summary>\n\n{}{more}\n\n",
        short(&finding.check.id),
        short(&anomaly.class),
        long(&anomaly.headline)
    );
    for (place, sentence) in anomaly.story.iter().enumerate() {
        text += &format!("{}. {}\n", place + 1, long(sentence));
    }
    if let Some(guarantees) = sentence(&anomaly.guarantees) {
        text += &format!("\n{}\n", long(&guarantees));
    }
    if let Some(cause) = &anomaly.likely_cause {
        text += &format!("\nLikely cause (not a fact): {}\n", long(cause));
    }
    text + &format!("\nfingerprint {}\n\n</details>\n\n", finding.fingerprint)
}

fn repeat(run: &Run<'_>) -> String {
    let command = escape(&clean(&run.record.command, COMMAND));
    format!("Repeat with <code>{command}</code>\n\n")
}

fn short(text: &str) -> String {
    escape(&clean(text, PHRASE))
}

fn long(text: &str) -> String {
    escape(&clean(text, SENTENCE))
}

/// Writes as character references what could act as Markdown or HTML, or link or call anybody.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        let plain =
            !char.is_ascii_punctuation() || matches!(char, '.' | ',' | ';' | '-' | '/' | '=');
        if plain {
            escaped.push(char);
        } else {
            escaped += &format!("&#{};", u32::from(char));
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markdown_is_disarmed() {
        assert_eq!(long("a|b\n<i>`x`"), "a&#124;b↵&#60;i&#62;&#96;x&#96;");
        assert_eq!(long("@all http://x [y](z)"), "&#64;all http&#58;//x &#91;y&#93;&#40;z&#41;");
    }

    #[test]
    fn sections_are_left_out_whole() {
        let sections = vec!["a".repeat(500), "b".repeat(500), "c".repeat(100)];
        let text = within(900, sections);
        assert!(text.contains("1 section left out"), "{text}");
        assert!(text.contains('c') && !text.contains("bb"));
        assert!(text.len() <= 900);
    }
}
