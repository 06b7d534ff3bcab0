//! What is read of one `results.json`, as far as many of them together need it.
//!
//! It is read without trust: the file may be of an older or a newer program, or made by hand. What it
//! says in words is kept short, and numbers that no run can have are refused. Fields that are not
//! known are ignored.

use std::collections::{BTreeMap, BTreeSet};

use fracas_checker::untrusted::{PHRASE, SENTENCE, shown};
use serde::Deserialize;

use super::row::{Row, Settings};
use crate::results::RESULTS_SCHEMA;

/// How many findings, checks or kinds of faults of one run are read.
const MOST: usize = 200;

/// How much of a command is kept: it must be whole to be of use.
const COMMAND: usize = 4_000;

/// No fault is in effect for longer, in seconds: a year.
const LONGEST: f64 = 366.0 * 86_400.0;

/// How many letters a fingerprint has at most.
const FINGERPRINT: usize = 40;

/// What a run came to, from the best to what a reader must not miss.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Answer {
    Pass,
    Inconclusive,
    Error,
    Anomaly,
}

impl Answer {
    /// All of them, as they are listed.
    pub(super) const ALL: [Self; 4] = [Self::Pass, Self::Anomaly, Self::Inconclusive, Self::Error];

    /// The word for programs, also used as a style class.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Inconclusive => "inconclusive",
            Self::Error => "error",
            Self::Anomaly => "anomaly",
        }
    }

    /// The sign by which it is told without colour.
    pub(super) fn glyph(self) -> &'static str {
        match self {
            Self::Pass => "✓",
            Self::Inconclusive => "?",
            Self::Error => "!",
            Self::Anomaly => "✗",
        }
    }
}

/// A server program: its version in its own words, and its digest.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct Version {
    pub(super) text: String,
    pub(super) sha256: String,
}

/// An anomaly that a run found, or several of one fingerprint.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sighting {
    pub(super) check: String,
    pub(super) class: String,
    pub(super) headline: String,
    /// Its number on the page of the run.
    pub(super) number: u64,
}

/// The faults of one kind in one run.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Injected {
    pub(super) injected: u32,
    pub(super) proven: u32,
    /// For how many seconds they were measurably in effect, all together.
    pub(super) seconds: f64,
}

/// One run, as many runs together need it.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    pub(super) id: String,
    pub(super) started: String,
    /// The night it belongs to, as a day.
    pub(super) night: String,
    /// The bits of how long it took: tells copies of a run from its namesakes.
    pub(super) length: Option<u64>,
    pub(super) seed: u64,
    pub(super) command: String,
    pub(super) row: Row,
    pub(super) version: Version,
    pub(super) answer: Answer,
    pub(super) headline: String,
    /// Whether every check was decided.
    pub(super) decided: bool,
    /// The checks that passed.
    pub(super) passed: BTreeSet<String>,
    pub(super) sightings: BTreeMap<String, Sighting>,
    pub(super) faults: BTreeMap<String, Injected>,
    pub(super) metrics: BTreeMap<String, f64>,
    /// Where its page is, seen from the index; none where there is no page.
    pub(super) page: Option<String>,
}

impl Stored {
    /// Reads a `results.json`. `page` is where the run's page is, seen from the index.
    ///
    /// # Errors
    /// What is wrong with it, for people.
    pub fn read(json: &[u8], page: Option<String>) -> Result<Self, String> {
        let file: File = serde_json::from_slice(json).map_err(|error| error.to_string())?;
        if file.schema != RESULTS_SCHEMA {
            let schema = shown(&file.schema, PHRASE);
            return Err(format!("the schema is `{schema}`, expected `{RESULTS_SCHEMA}`"));
        }
        if !is_moment(&file.run.started) {
            let started = shown(&file.run.started, PHRASE);
            return Err(format!(
                "it started at `{started}`, expected a time such as 2026-11-20T17:45:12Z"
            ));
        }
        let sightings = sightings(file.findings)?;
        let statuses = || file.checks.iter().take(MOST);
        let target = file.target;
        Ok(Self {
            id: shown(&file.run.id, PHRASE),
            night: night(&file.run),
            started: file.run.started.clone(),
            length: file.run.duration_s.map(f64::to_bits),
            seed: file.run.seed,
            command: shown(&file.run.command, COMMAND),
            row: Row {
                plan: plan(&file.run),
                target: shown(&target.name, PHRASE),
                settings: short_settings(target.settings),
                nodes: target.nodes,
                workloads: short(&file.run.workloads),
                faults: short(&file.run.faults),
            },
            version: Version {
                text: shown(target.version.as_deref().unwrap_or_default().trim(), PHRASE),
                sha256: shown(&target.binary_sha256, PHRASE),
            },
            answer: file.verdict,
            headline: shown(&file.headline, SENTENCE),
            decided: statuses().all(|check| matches!(&check.verdict[..], "pass" | "anomaly")),
            passed: statuses()
                .filter(|it| it.verdict == "pass")
                .map(|it| shown(&it.id, PHRASE))
                .collect(),
            sightings,
            faults: injected(&file.faults),
            metrics: file.metrics.into_iter().take(MOST).filter(|(_, it)| it.is_finite()).collect(),
            page: page.filter(|page| is_link(page)),
        })
    }

    /// What tells it from every other run. Copies of its file have the same.
    pub(super) fn identity(&self) -> (&str, &str, u64, Option<u64>, &str) {
        (&self.started, &self.id, self.seed, self.length, &self.version.sha256)
    }

    /// Whether it found this.
    pub(super) fn shows(&self, fingerprint: &str) -> bool {
        self.sightings.contains_key(fingerprint)
    }

    /// Whether it says that what `check` would have found was not there: everything that was to be
    /// seen was seen, and the check passed.
    pub(super) fn denies(&self, check: &str) -> bool {
        self.decided && self.passed.contains(check)
    }
}

/// A day as times begin: every letter stands for a digit.
const DAY: &str = "dddd-dd-dd";

/// The night of a run: that of its plan, or the day on which it began, in UTC.
fn night(run: &RunPart) -> String {
    let planned =
        run.night.as_deref().filter(|night| night.len() == DAY.len() && begins_with_day(night));
    planned.unwrap_or(&run.started[..DAY.len()]).to_owned()
}

/// The plan of a run, and its row in it.
fn plan(run: &RunPart) -> Option<String> {
    let (plan, row) = (run.plan.as_deref()?, run.row.as_deref()?);
    Some(format!("{}, {}", shown(plan, PHRASE), shown(row, PHRASE)))
}

/// Whether a text begins with a day.
fn begins_with_day(text: &str) -> bool {
    let fits = |(form, char): (char, char)| {
        if form == 'd' { char.is_ascii_digit() } else { char == form }
    };
    text.len() >= DAY.len() && DAY.chars().zip(text.chars()).all(fits)
}

/// Whether a text is a time of RFC 3339 in UTC, as far as the day matters.
fn is_moment(text: &str) -> bool {
    text.len() <= PHRASE
        && text.len() > DAY.len()
        && text.is_ascii()
        && text.bytes().all(|byte| byte.is_ascii_graphic())
        && begins_with_day(text)
        && text[DAY.len()..].starts_with('T')
        && text.ends_with('Z')
}

/// Whether a text can be a fingerprint, and the name of a place on a page.
fn is_fingerprint(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !text.is_empty() && text.len() <= FINGERPRINT && text.bytes().all(fits)
}

/// Whether a text leads to a file beside the index, and can be nothing else than a link.
fn is_link(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/%".contains(&byte);
    !text.is_empty() && !text.starts_with('/') && text.bytes().all(plain)
}

fn short(words: &[String]) -> BTreeSet<String> {
    words.iter().take(MOST).map(|word| shown(word, PHRASE)).collect()
}

fn short_settings(settings: Option<BTreeMap<String, String>>) -> Settings {
    let settings = settings.unwrap_or_default();
    settings.iter().take(MOST).map(|(name, it)| (shown(name, PHRASE), shown(it, PHRASE))).collect()
}

/// The findings of a run by their fingerprints: of several alike the first, which is on its page.
fn sightings(findings: Vec<FindingPart>) -> Result<BTreeMap<String, Sighting>, String> {
    let mut all = BTreeMap::new();
    for found in findings {
        if !is_fingerprint(&found.fingerprint) {
            let print = shown(&found.fingerprint, PHRASE);
            return Err(format!(
                "`{print}` is no fingerprint: expected small letters, digits and `-`"
            ));
        }
        if all.len() < MOST {
            all.entry(found.fingerprint).or_insert_with(|| Sighting {
                check: shown(&found.check, PHRASE),
                class: shown(&found.class, PHRASE),
                headline: shown(&found.headline, SENTENCE),
                number: found.number,
            });
        }
    }
    Ok(all)
}

/// The faults of a run by their kinds.
fn injected(faults: &[FaultPart]) -> BTreeMap<String, Injected> {
    let mut kinds: BTreeMap<String, Injected> = BTreeMap::new();
    for fault in faults {
        let kind = shown(&fault.kind, PHRASE);
        if kinds.len() >= MOST && !kinds.contains_key(&kind) {
            continue;
        }
        let all = kinds.entry(kind).or_default();
        all.injected += 1;
        if let (true, Some(from), Some(to)) = (fault.verified, fault.from_s, fault.to_s) {
            all.seconds += (to - from).clamp(0.0, LONGEST);
        }
        all.proven += u32::from(fault.verified);
    }
    kinds
}

/// The parts of the file that are read.
#[derive(Deserialize)]
struct File {
    schema: String,
    run: RunPart,
    target: TargetPart,
    verdict: Answer,
    headline: String,
    checks: Vec<CheckPart>,
    findings: Vec<FindingPart>,
    faults: Vec<FaultPart>,
    metrics: BTreeMap<String, f64>,
}

#[derive(Deserialize)]
struct RunPart {
    id: String,
    started: String,
    duration_s: Option<f64>,
    seed: u64,
    command: String,
    workloads: Vec<String>,
    faults: Vec<String>,
    #[serde(default)]
    plan: Option<String>,
    #[serde(default)]
    row: Option<String>,
    #[serde(default)]
    night: Option<String>,
}

#[derive(Deserialize)]
struct TargetPart {
    name: String,
    #[serde(default)]
    settings: Option<BTreeMap<String, String>>,
    version: Option<String>,
    binary_sha256: String,
    nodes: u16,
}

#[derive(Deserialize)]
struct CheckPart {
    id: String,
    verdict: String,
}

#[derive(Deserialize)]
struct FindingPart {
    fingerprint: String,
    check: String,
    class: String,
    headline: String,
    number: u64,
}

#[derive(Deserialize)]
struct FaultPart {
    kind: String,
    from_s: Option<f64>,
    to_s: Option<f64>,
    verified: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_begin_with_a_day() {
        for (text, is) in [
            ("2026-11-20T17:45:12Z", true),
            ("2026-11-20T17:45:12.412Z", true),
            ("2026-11-20", false),
            ("2026-11-20 17:45:12Z", false),
            ("2026-11-20T17:45:12+02:00", false),
            ("2026-1-20T17:45:12Z", false),
            ("<b>6-11-20T17:45:12Z", false),
            ("2026-11-20T<script>Z", true),
            ("2026-11-20T\u{202e}Z", false),
            ("", false),
        ] {
            assert_eq!(is_moment(text), is, "{text}");
        }
    }

    #[test]
    fn fingerprints_are_plain() {
        for (text, is) in [
            ("f5-6d520a3534c8", true),
            ("", false),
            ("f5 6d", false),
            ("F5", false),
            ("x\" onclick=\"", false),
            (&"a".repeat(41), false),
        ] {
            assert_eq!(is_fingerprint(text), is, "{text}");
        }
    }

    #[test]
    fn links_lead_to_files() {
        for (text, is) in [
            ("20261120-174512-regent-1/report.html", true),
            ("../a%20b/report.html", true),
            ("", false),
            ("/etc/passwd", false),
            ("javascript:alert(1)", false),
            ("a/report.html#x", false),
            ("a\" onclick=\"", false),
        ] {
            assert_eq!(is_link(text), is, "{text}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_file_is_told() {
        for (json, expected) in [
            ("", "EOF"),
            ("{}", "missing field `schema`"),
            (r#"{"schema":"fracas.run/1"}"#, "missing field"),
        ] {
            let error = Stored::read(json.as_bytes(), None).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }
}
