//! Carrying out a run again: its spec, with the schedule that happened.

use std::collections::BTreeSet;
use std::fs;

use fracas_reports::{Replays, interval};

use crate::nemesis;
use crate::spec::RunSpec;
use crate::store::RunDir;

/// The spec of a stored run, with the schedule that happened. With `pin` its faults hit the same
/// nodes, whoever leads by then.
///
/// # Errors
/// A text for the user: which file of the run is missing or not understood.
pub fn spec_of(run: &RunDir, pin: bool) -> Result<RunSpec, String> {
    let read = |name: &str| {
        let path = run.file(name);
        let text = fs::read_to_string(&path);
        text.map(|text| (path.display().to_string(), text))
            .map_err(|error| format!("error: failed to read `{}`: {error}", path.display()))
    };
    let (path, text) = read("run.json")?;
    let mut spec = RunSpec::read(&text).map_err(|why| format!("error: `{path}` {why}"))?;
    let (path, text) = read("schedule.json")?;
    spec.schedule = nemesis::Plan::read(&text, pin)
        .map_err(|error| format!("error: `{path}` is not a schedule: {error}"))?;
    spec.pin = pin;
    spec.judge = true; // the run may have been recorded only; without a verdict nothing is found
    Ok(spec)
}

/// What a run found: the classes of its anomalies, and their fingerprints.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Found {
    /// Names of anomalies.
    pub classes: BTreeSet<String>,
    /// Fingerprints.
    pub fingerprints: BTreeSet<String>,
}

impl Found {
    /// Reads the findings of a stored run; none if it was not judged.
    #[must_use]
    pub fn of(run: &RunDir) -> Option<Self> {
        let text = fs::read_to_string(run.file("results.json")).ok()?;
        let results: serde_json::Value = serde_json::from_str(&text).ok()?;
        if results["verdict"] == "error" {
            return None;
        }
        let findings = results["findings"].as_array()?;
        let all = |key: &str| {
            findings.iter().filter_map(|finding| Some(finding[key].as_str()?.to_owned())).collect()
        };
        Some(Self { classes: all("class"), fingerprints: all("fingerprint") })
    }
}

/// How often what `first` found came again in `again`.
#[must_use]
pub fn rates(first: &Found, again: &[Found], pinned: bool) -> Replays {
    let count = |same: &dyn Fn(&Found) -> bool| {
        u32::try_from(again.iter().filter(|found| same(found)).count()).unwrap_or(u32::MAX)
    };
    let times = u32::try_from(again.len()).unwrap_or(u32::MAX);
    let same_class = count(&|found| !found.classes.is_disjoint(&first.classes));
    let same_fingerprint = count(&|found| !found.fingerprints.is_disjoint(&first.fingerprints));
    Replays {
        times,
        same_class,
        same_class_interval: interval(same_class, times),
        same_fingerprint,
        same_fingerprint_interval: interval(same_fingerprint, times),
        pinned,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_anomaly_is_counted_where_its_class_or_its_fingerprint_comes_again() {
        let found = |classes: &[&str], fingerprints: &[&str]| Found {
            classes: classes.iter().map(|it| (*it).to_owned()).collect(),
            fingerprints: fingerprints.iter().map(|it| (*it).to_owned()).collect(),
        };
        let first = found(&["stale-read"], &["a1"]);
        let again = [
            found(&["stale-read", "split-brain"], &["a1", "b2"]),
            found(&["stale-read"], &["c3"]),
            found(&["lost-write"], &["d4"]),
            found(&[], &[]),
        ];
        let rates = rates(&first, &again, false);
        assert_eq!((rates.times, rates.same_class, rates.same_fingerprint), (4, 2, 1));
    }
}
