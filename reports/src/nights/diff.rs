//! Two runs, held against each other: findings, numbers, and what was decided differently.
//!
//! Two runs cannot show that a defect is gone: a finding of the first that the second has not is only
//! *not seen again*, with whether the second could have shown it.

use std::collections::BTreeSet;

use fracas_checker::untrusted;
use serde_json::{Map, Value, json};

use super::stored::{Sighting, Stored};
use crate::text::number;

/// Two runs.
#[derive(Debug, Clone, Copy)]
pub struct Diff<'a> {
    /// The run that the other is held against.
    pub first: &'a Stored,
    /// The other run.
    pub second: &'a Stored,
}

/// A finding of one of the runs, or of both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Change {
    /// Of the second alone.
    New,
    /// Of both.
    Both,
    /// Of the first alone, and the second has looked for it.
    Unseen,
    /// Of the first alone, and the second does not say whether it is there.
    Undecided,
}

impl Change {
    fn word(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Both => "both",
            Self::Unseen => "not-seen",
            Self::Undecided => "undecided",
        }
    }

    fn phrase(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Both => "in both",
            Self::Unseen => "not seen again",
            Self::Undecided => "not decided",
        }
    }
}

impl<'a> Diff<'a> {
    /// Whether the second run has a finding that the first has not.
    #[must_use]
    pub fn has_news(&self) -> bool {
        self.findings().iter().any(|(change, ..)| *change == Change::New)
    }

    /// Every finding, the new ones first.
    fn findings(&self) -> Vec<(Change, &'a str, &'a Sighting)> {
        let (first, second) = (self.first, self.second);
        let mut all: Vec<(Change, &str, &Sighting)> = Vec::new();
        for (print, sighting) in &second.sightings {
            let change = if first.shows(print) { Change::Both } else { Change::New };
            all.push((change, print, sighting));
        }
        for (print, sighting) in first.sightings.iter().filter(|(print, _)| !second.shows(print)) {
            let looked = second.denies(&sighting.check);
            all.push((if looked { Change::Unseen } else { Change::Undecided }, print, sighting));
        }
        all.sort_by_key(|(change, print, _)| (*change, *print));
        all
    }

    /// The numbers that both runs tell, or one of them.
    fn metrics(&self) -> Vec<(&'a str, Option<f64>, Option<f64>)> {
        let (first, second) = (&self.first.metrics, &self.second.metrics);
        let mut names: Vec<&str> = first.keys().chain(second.keys()).map(String::as_str).collect();
        names.sort_unstable();
        names.dedup();
        let values = |name: &'a str| (name, first.get(name).copied(), second.get(name).copied());
        names.into_iter().map(values).collect()
    }

    /// What was decided or given differently: its name, and how it was in both.
    fn facts(&self) -> Vec<(&'static str, String, String)> {
        let facts = facts(self.first).into_iter().zip(facts(self.second));
        let all = facts.map(|((name, first), (_, second))| (name, first, second));
        all.filter(|(_, first, second)| first != second).collect()
    }

    /// Both runs in a few lines, for a terminal or a log.
    #[must_use]
    pub fn text(&self) -> String {
        let run =
            |run: &Stored| format!("{} {}: {}", run.answer.glyph(), run.id, run.answer.word());
        let mut lines = vec![run(self.first), run(self.second)];
        for (change, print, found) in self.findings() {
            let phrase = change.phrase();
            lines.push(format!("  {phrase:<15} {} ({print}): {}", found.class, found.headline));
        }
        for (name, first, second) in self.metrics() {
            let shown = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), number);
            let change = percent(first, second).map(|it| format!(" ({it})")).unwrap_or_default();
            lines.push(format!("  {name:<15} {} → {}{change}", shown(first), shown(second)));
        }
        for (name, first, second) in self.facts() {
            lines.push(format!("  {name:<15} {first} → {second}"));
        }
        lines.join("\n") + "\n"
    }

    /// The same for programs.
    #[must_use]
    pub fn json(&self) -> String {
        let run = |run: &Stored| json!({ "id": run.id, "verdict": run.answer.word() });
        let findings = self.findings().into_iter().map(|(change, print, found)| {
            json!({
                "change": change.word(), "fingerprint": print, "check": found.check,
                "class": found.class, "headline": found.headline,
            })
        });
        let metrics = self.metrics().into_iter();
        let pair =
            |name: &str, first: Value, second: Value| (name.to_owned(), json!([first, second]));
        let metrics = metrics.map(|(name, first, second)| pair(name, json!(first), json!(second)));
        let facts = self.facts().into_iter();
        let facts = facts.map(|(name, first, second)| pair(name, json!(first), json!(second)));
        let diff = json!({
            "schema": "fracas.diff/1", "runs": [run(self.first), run(self.second)],
            "findings": findings.collect::<Vec<_>>(),
            "metrics": metrics.collect::<Map<_, _>>(),
            "differs": facts.collect::<Map<_, _>>(),
        });
        untrusted::json(&diff.to_string()) + "\n"
    }
}

/// By how much a number changed; none if a run does not tell it, or if it began at nothing.
fn percent(first: Option<f64>, second: Option<f64>) -> Option<String> {
    let (first, second) = (first?, second?);
    let change = (second - first) / first * 100.0;
    change.is_finite().then(|| format!("{change:+.1} %"))
}

/// What was decided and given for a run.
fn facts(run: &Stored) -> [(&'static str, String); 7] {
    let list =
        |words: &BTreeSet<String>| words.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
    let version = format!("{} ({})", run.version.text, run.version.sha256);
    [
        ("target", run.row.subject()),
        ("nodes", run.row.nodes.to_string()),
        ("workloads", list(&run.row.workloads)),
        ("faults", list(&run.row.faults)),
        ("program", version),
        ("seed", run.seed.to_string()),
        ("command", run.command.clone()),
    ]
}
