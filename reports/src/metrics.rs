//! `metrics.prom`: the numbers of a run in the text format of Prometheus, for a textfile collector.
//!
//! Every line has the labels `target` and `workload`, so that files of different runs can lie beside
//! each other. There are no timestamps: a collector takes the time of the file. Labels are untrusted
//! text and are made harmless, short and escaped.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use fracas_checker::untrusted::{PHRASE, shown};
use fracas_checker::verdict::Status;

use crate::kinds::Kinds;
use crate::run::Run;
use crate::tally::Tally;
use crate::words::outcome;

/// What a verdict can be; exactly one of them is 1.
const VERDICTS: [&str; 4] = ["pass", "anomaly", "inconclusive", "error"];

/// The time to a new leader, as the check of leaders tells it: its name, then which of its times.
const NEW_LEADER: (&str, &str) = ("time-to-new-leader-", "-ms");

/// A label and its text, which nobody has looked at.
type Label<'a> = (&'static str, &'a str);

/// Writes `metrics.prom`.
pub(crate) fn metrics(run: &Run<'_>) -> String {
    let workloads = run.record.workloads.join(",");
    let common = vec![("target", run.record.target.name.as_str()), ("workload", &workloads)];
    let mut page = Page { text: String::new(), common, seen: BTreeSet::new() };
    the_run(&mut page, run);
    operations(&mut page, &Tally::of(run.history.operations()));
    checks(&mut page, run);
    faults(&mut page, run);
    page.text
}

fn the_run(page: &mut Page<'_>, run: &Run<'_>) {
    let record = run.record;
    let (seed, version) = (record.seed.to_string(), record.target.version.as_deref());
    page.family("fracas_run_info", "which run this is; always 1");
    let labels = [("run", &record.id[..]), ("seed", &seed), ("version", version.unwrap_or(""))];
    page.sample("fracas_run_info", &labels, 1.0);
    page.family("fracas_verdict", "1 for the verdict of the run, 0 for the others");
    for verdict in VERDICTS {
        let is = f64::from(u8::from(outcome(run).class == verdict));
        page.sample("fracas_verdict", &[("verdict", verdict)], is);
    }
    if let Some(length) = record.duration_s {
        page.family("fracas_run_duration_seconds", "how long the run took");
        page.sample("fracas_run_duration_seconds", &[], length);
    }
}

fn operations(page: &mut Page<'_>, tally: &Tally) {
    page.family("fracas_operations", "operations of clients by their outcome");
    let unknown = tally.info + tally.open;
    for (outcome, count) in [("ok", tally.ok), ("fail", tally.fail), ("unknown", unknown)] {
        page.sample("fracas_operations", &[("outcome", outcome)], count as f64);
    }
    page.family("fracas_operation_seconds", "how long successful operations took");
    for (quantile, q) in [("0.5", 0.5), ("0.99", 0.99), ("1", 1.0)] {
        if let Some(nanos) = tally.quantile(q) {
            page.sample("fracas_operation_seconds", &[("quantile", quantile)], nanos as f64 / 1e9);
        }
    }
}

/// What the checks say. Where nothing was tested none of them says anything.
fn checks(page: &mut Page<'_>, run: &Run<'_>) {
    if outcome(run).class == "error" {
        return;
    }
    let all = &run.verdict.checks;
    page.family("fracas_check_verdict", "1 for the verdict of a check, 0 for the others");
    for check in all {
        for verdict in [Status::Pass, Status::Anomaly, Status::Inconclusive] {
            let (is, verdict) = (verdict == check.status, verdict.to_string());
            let labels = [("check", &check.id[..]), ("verdict", &verdict)];
            page.sample("fracas_check_verdict", &labels, f64::from(u8::from(is)));
        }
    }
    let mut classes: BTreeMap<&str, u32> = BTreeMap::new();
    for (_, anomaly) in run.verdict.anomalies() {
        *classes.entry(&anomaly.class).or_default() += 1;
    }
    page.family("fracas_anomalies", "anomalies by their class; none where there are none");
    for (class, count) in classes {
        page.sample("fracas_anomalies", &[("class", class)], f64::from(count));
    }
    page.family("fracas_check_value", "the numbers of a check, by their names in results.json");
    for (check, (name, value)) in all.iter().flat_map(|it| it.metrics.iter().map(move |m| (it, m)))
    {
        page.sample("fracas_check_value", &[("check", &check.id), ("name", name)], *value);
    }
    page.family("fracas_new_leader_seconds", "from a fault that hit the leader to the next leader");
    for (name, millis) in all.iter().flat_map(|check| &check.metrics) {
        let quantile = name.strip_prefix(NEW_LEADER.0).and_then(|it| it.strip_suffix(NEW_LEADER.1));
        if let Some(quantile) = quantile {
            page.sample("fracas_new_leader_seconds", &[("which", quantile)], millis / 1e3);
        }
    }
}

/// Faults by kind, those that were allowed and never tried included.
fn faults(page: &mut Page<'_>, run: &Run<'_>) {
    let allowed = Kinds::of(run).allowed.into_iter();
    let mut kinds: BTreeMap<String, [u32; 2]> = allowed.map(|kind| (kind, [0, 0])).collect();
    for span in run.history.faults() {
        let proven = usize::from(span.is_effective());
        kinds.entry(span.fault.kind.to_string()).or_default()[proven] += 1;
    }
    page.family("fracas_faults", "injected faults by kind, and whether a measurement proved them");
    for (kind, counts) in &kinds {
        for (proven, count) in [("false", counts[0]), ("true", counts[1])] {
            let labels = [("kind", &kind[..]), ("proven", proven)];
            page.sample("fracas_faults", &labels, f64::from(count));
        }
    }
}

/// What has been written, and the labels of every line.
struct Page<'a> {
    text: String,
    common: Vec<Label<'a>>,
    /// Every series that has a sample: a page with two samples of one is refused as a whole. Only
    /// labels that were cut off can be equal, and then the first sample stays.
    seen: BTreeSet<String>,
}

impl Page<'_> {
    /// Begins a family of samples. Its help is ours, and has neither line breaks nor backslashes.
    fn family(&mut self, name: &str, help: &str) {
        let written = write!(self.text, "# HELP {name} {help}\n# TYPE {name} gauge\n");
        written.expect("a string takes all that is written");
    }

    fn sample(&mut self, name: &str, labels: &[Label<'_>], value: f64) {
        let all = self.common.iter().chain(labels);
        let all: Vec<String> =
            all.map(|(key, text)| format!("{key}=\"{}\"", label(text))).collect();
        let series = format!("{name}{{{}}}", all.join(","));
        if self.seen.insert(series.clone()) {
            let written = writeln!(self.text, "{series} {}", number(value));
            written.expect("a string takes all that is written");
        }
    }
}

/// The text of a label: harmless, short, and escaped as the format wants it.
fn label(text: &str) -> String {
    shown(text, PHRASE).replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// A number as the format writes it.
fn number(value: f64) -> String {
    match value {
        _ if value.is_nan() => "NaN".to_owned(),
        _ if value == f64::INFINITY => "+Inf".to_owned(),
        _ if value == f64::NEG_INFINITY => "-Inf".to_owned(),
        _ => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_escaped() {
        for (text, expected) in [
            ("regent", "regent"),
            ("a\"} 1", "a\\\"} 1"),
            ("C:\\n", "C:\\\\n"),
            ("ends\\", "ends\\\\"),
        ] {
            assert_eq!(label(text), expected);
        }
        assert!(!label("two\nlines").contains('\n'));
        assert!(label(&"x".repeat(10_000)).len() < 1_000);
    }

    #[test]
    fn numbers_are_those_of_the_format() {
        let all = [0.0, 17.0, 0.25, -1e-9, f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
        let expected = ["0", "17", "0.25", "-0.000000001", "NaN", "+Inf", "-Inf"];
        assert_eq!(all.map(number), expected.map(str::to_owned));
    }
}
