//! Which runs ask the same question, so that one night's answer can be held against another's.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;
use sha2::{Digest, Sha256};

use crate::fingerprint::hex;

/// The settings of a target that differ from its file.
pub(super) type Settings = BTreeMap<String, String>;

/// How many words of a list are named.
const NAMED: usize = 4;

/// How many bytes of a row's digest are its name in links.
const BYTES: usize = 4;

/// A row: a target with its settings, on so many nodes, under these workloads and faults; of a plan, if
/// the runs are such.
///
/// Seeds, times, rates and the program that was tested are no part of it: they change from night to
/// night. Kinds of faults that a machine lacks are: without them less can be found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Row {
    /// The plan, and the name of its row; none of a run without a plan.
    pub(super) plan: Option<String>,
    pub(super) target: String,
    pub(super) settings: Settings,
    pub(super) nodes: u16,
    pub(super) workloads: BTreeSet<String>,
    pub(super) faults: BTreeSet<String>,
}

impl Row {
    /// The target with its settings.
    pub(super) fn subject(&self) -> String {
        let settings = self.settings.iter().map(|(name, value)| format!("{name}={value}"));
        match settings.collect::<Vec<_>>() {
            none if none.is_empty() => self.target.clone(),
            some => format!("{} ({})", self.target, some.join(", ")),
        }
    }

    /// The first words of its name: of its plan, or its target.
    pub(super) fn title(&self) -> String {
        self.plan.clone().unwrap_or_else(|| self.subject())
    }

    /// What clients asked, in a few words.
    pub(super) fn load(&self) -> String {
        some(self.workloads.iter(), "no workload")
    }

    /// What was allowed to happen, in a few words.
    pub(super) fn chaos(&self) -> String {
        some(self.faults.iter(), "no faults")
    }

    /// All of it, in one line.
    pub(super) fn name(&self) -> String {
        let plan = self.plan.iter().map(|plan| format!("{plan}: ")).collect::<String>();
        let (subject, load, chaos) = (self.subject(), self.load(), self.chaos());
        format!("{plan}{subject} × {load} × {chaos} × {} nodes", self.nodes)
    }

    /// A short name that is the same in every index.
    pub(super) fn id(&self) -> String {
        let all =
            json!([self.plan, self.target, self.settings, self.nodes, self.workloads, self.faults]);
        format!("r{}", hex(&Sha256::digest(all.to_string().as_bytes())[..BYTES]))
    }
}

/// The first words of a list, and how many more there are.
fn some<'a>(words: impl ExactSizeIterator<Item = &'a String>, none: &str) -> String {
    let more = words.len().saturating_sub(NAMED);
    let named: Vec<&str> = words.take(NAMED).map(String::as_str).collect();
    match (named.is_empty(), more) {
        (true, _) => none.to_owned(),
        (_, 0) => named.join(", "),
        _ => format!("{} and {more} more", named.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> Row {
        Row {
            plan: None,
            target: "etcd".to_owned(),
            settings: Settings::new(),
            nodes: 3,
            workloads: BTreeSet::from(["register".to_owned()]),
            faults: BTreeSet::from(["kill".to_owned(), "clock".to_owned()]),
        }
    }

    #[test]
    fn rows_have_names() {
        assert_eq!(row().name(), "etcd × register × clock, kill × 3 nodes");
        let workloads = ["a", "b", "c", "d", "e", "f"].map(str::to_owned).into();
        let settings = Settings::from([("reads".to_owned(), "any".to_owned())]);
        let row = Row { workloads, settings, faults: BTreeSet::new(), ..row() };
        assert_eq!(row.name(), "etcd (reads=any) × a, b, c, d and 2 more × no faults × 3 nodes");
    }

    /// Whatever differs makes another row, and another name in links.
    #[test]
    fn rows_differ_in_each_part() {
        let others = [
            Row { plan: Some("nightly, locks".to_owned()), ..row() },
            Row { target: "redis".to_owned(), ..row() },
            Row { settings: Settings::from([("a".to_owned(), "b".to_owned())]), ..row() },
            Row { nodes: 5, ..row() },
            Row { workloads: BTreeSet::from(["set".to_owned()]), ..row() },
            Row { faults: BTreeSet::from(["kill".to_owned()]), ..row() },
        ];
        for other in others {
            assert_ne!(other, row());
            assert_ne!(other.id(), row().id());
        }
        assert_eq!(row().id(), row().id());
    }
}
