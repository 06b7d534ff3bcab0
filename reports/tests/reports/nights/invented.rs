//! Invented nights: short results of runs that never were, in the form that runs write.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use fracas_reports::results_json;
use serde_json::{Value, json};

use crate::samples;

/// What a run came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Clean,
    Stale,
    Brain,
    Undecided,
}

/// A run of a night.
pub(crate) struct Invented {
    /// What clients ask: that is what the rows differ in.
    pub(crate) row: String,
    /// The day of the month, from the first of November 2026 on.
    pub(crate) day: u32,
    pub(crate) seed: u64,
    pub(crate) kind: Kind,
}

/// The workload of a row.
pub(crate) fn row(number: u32) -> String {
    format!("workload-{number}")
}

impl Invented {
    /// Its `results.json`.
    pub(crate) fn json(&self) -> Value {
        let Self { row, day, seed, kind } = self;
        let mut run = results(*kind).clone();
        // Months of 28 days: there is no day that a calendar does not have.
        let (month, of_month) = (11 + (day - 1) / 28, (day - 1) % 28 + 1);
        let (year, month) = (2026 + (month - 1) / 12, (month - 1) % 12 + 1);
        let date = format!("{year}-{month:02}-{of_month:02}");
        run["run"]["started"] = json!(format!("{date}T02:17:{:02}Z", seed % 60));
        run["run"]["id"] = json!(format!("{date}-ravel-{row}-{seed}"));
        run["run"]["seed"] = json!(seed);
        run["run"]["workloads"] = json!([row]);
        run["target"]["version"] = json!(format!("2.4.{}", i64::from(*day) - 19));
        let wave = f64::from(day * 7 % 5) / 100.0;
        run["metrics"]["ops_per_s"] = json!(380.0 * (1.0 + wave));
        run["metrics"]["recovery_ms"] = json!(900.0 * (1.0 - wave));
        run
    }
}

/// Four runs of three rows on each of seven nights: a bug of the first row is there from the third
/// night to the fifth; one of the second row shows in one of four runs, on three nights. The
/// third row finds nothing; a run of it is undecided.
pub(crate) fn seven_nights() -> Vec<Value> {
    let mut runs = Vec::new();
    for night in 0..7 {
        for (number, seed) in (0..3).flat_map(|number| (0..4).map(move |seed| (number, seed))) {
            let kind = match (number, night, seed) {
                (0, 2..=4, _) => Kind::Stale,
                (1, 1 | 3 | 6, 2) => Kind::Brain,
                (2, 4, 3) => Kind::Undecided,
                _ => Kind::Clean,
            };
            runs.push(Invented { row: row(number), day: 20 + night, seed, kind }.json());
        }
    }
    runs
}

/// What a run of this kind writes, without what the index does not read.
fn results(kind: Kind) -> &'static Value {
    static ALL: OnceLock<BTreeMap<Kind, Value>> = OnceLock::new();
    let written = |sample: samples::Sample| {
        let text = results_json(&sample.run());
        let mut value: Value = serde_json::from_str(&text).expect("results.json is JSON");
        for key in ["refusals", "notes", "host", "fault_kinds", "files"] {
            value.as_object_mut().expect("an object").remove(key);
        }
        for fault in value["faults"].as_array_mut().expect("a list") {
            fault
                .as_object_mut()
                .expect("an object")
                .retain(|key, _| ["kind", "from_s", "to_s", "verified"].contains(&key.as_str()));
        }
        value
    };
    let all = ALL.get_or_init(|| {
        BTreeMap::from([
            (Kind::Clean, written(samples::clean())),
            (Kind::Stale, written(samples::stale_read())),
            (Kind::Brain, written(samples::split_brain())),
            (Kind::Undecided, written(samples::inconclusive())),
        ])
    });
    &all[&kind]
}
