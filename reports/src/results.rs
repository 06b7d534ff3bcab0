//! `results.json`: the verdict and the numbers, for programs.
//!
//! Fields are only ever added within a major version of the schema; readers ignore those they do
//! not know. Texts are kept as they are, but written so that no program that embeds the file in a
//! page or shows it in a terminal is led astray.

use std::collections::BTreeMap;

use fracas_checker::Window;
use fracas_checker::event::{EventKind, Nanos};
use fracas_checker::fault::{Cut, Fault};
use fracas_checker::history::{FaultSpan, History, Proof};
use fracas_checker::leadership::reigns;
use fracas_checker::untrusted;
use fracas_checker::verdict::{Anomaly, CheckResult};
use serde::Serialize;
use serde_json::{Value, json};

use crate::findings::{Finding, findings};
use crate::kinds::{Kinds, windows};
use crate::record::{Ended, PlanRow, Replays};
use crate::run::{Run, notes};
use crate::tally::{Reason, Tally, reasons};
use crate::words::{Fate, outcome};

/// The answer of every check of a run that failed, and why.
const NOT_TESTED: &str = "not-tested";
const NOTHING_TESTED: &str = "nothing was tested, because the run failed: see `ended`";

/// The schema of `results.json`.
pub const RESULTS_SCHEMA: &str = "fracas.results/1";

#[derive(Serialize)]
struct Results<'a> {
    schema: &'static str,
    run: Value,
    ended: &'a Ended,
    target: Value,
    host: Value,
    /// `pass`, `anomaly`, `inconclusive`, or `error` where nothing could be judged.
    verdict: &'static str,
    headline: String,
    ops: Value,
    fault_kinds: Value,
    refusals: Vec<Value>,
    checks: Vec<Value>,
    findings: Vec<Value>,
    faults: Vec<Value>,
    /// What the harness noted: what was prepared and set up, and what it did by itself.
    notes: Vec<Value>,
    metrics: BTreeMap<&'static str, f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    replays: Option<&'a Replays>,
    /// `confirmed` or `once`, where it was replayed.
    #[serde(skip_serializing_if = "Option::is_none")]
    confirmation: Option<&'static str>,
    files: BTreeMap<&'static str, &'static str>,
}

/// Writes `results.json`; `files` are all outputs, each with what it is.
pub(crate) fn json(run: &Run<'_>, files: BTreeMap<&'static str, &'static str>) -> String {
    let tally = Tally::of(run.history.operations());
    let (faults, windows) = (run.history.faults(), windows(run));
    let (kinds, outcome) = (Kinds::of(run), outcome(run));
    let results = Results {
        schema: RESULTS_SCHEMA,
        run: the_run(run),
        ended: &run.record.ended,
        target: target(run),
        host: json!(run.record.host),
        verdict: outcome.class,
        headline: outcome.headline,
        ops: ops(&tally),
        fault_kinds: json!({ "allowed": kinds.allowed, "never_tried": kinds.untried }),
        refusals: reasons(run.history.operations()).iter().map(refusal).collect(),
        checks: run.verdict.checks.iter().map(|result| check(run, result)).collect(),
        findings: findings(run.history, run.verdict)
            .iter()
            .flat_map(|finding| each(finding, run.history))
            .collect(),
        faults: faults.iter().map(|span| fault(span, windows.get(&span.id))).collect(),
        notes: notes(run.history)
            .map(|(time, text)| json!({ "time_s": seconds(time), "text": text }))
            .collect(),
        metrics: metrics(run, &tally),
        replays: run.record.replays.as_ref(),
        confirmation: run.record.replays.as_ref().map(Replays::word),
        files,
    };
    let text = serde_json::to_string_pretty(&results).expect("every key is a string");
    untrusted::json(&text) + "\n"
}

fn the_run(run: &Run<'_>) -> Value {
    let record = run.record;
    let mut told = json!({
        "id": record.id, "started": record.started, "duration_s": record.duration_s,
        "seed": record.seed, "command": record.command, "tool": record.tool,
        "workloads": record.workloads, "faults": record.faults, "clients": record.clients,
        "rate": record.rate, "time_s": record.time_s, "history_torn": run.torn || run.history.is_torn(),
    });
    if let Some(PlanRow { plan, row, night, shard }) = &record.planned {
        let fields = [("plan", json!(plan)), ("row", json!(row)), ("night", json!(night))];
        let shard = shard.iter().map(|shard| ("shard", json!(shard)));
        fields.into_iter().chain(shard).for_each(|(key, value)| told[key] = value);
    }
    told
}

fn target(run: &Run<'_>) -> Value {
    let target = &run.record.target;
    json!({
        "next": target.next, "settings": run.record.spec["target"]["settings"],
        "name": target.name, "version": target.version, "binary": target.binary,
        "binary_sha256": target.binary_sha256, "nodes": target.nodes,
    })
}

fn ops(tally: &Tally) -> Value {
    json!({
        "invoked": tally.invoked, "ok": tally.ok, "fail": tally.fail,
        "indeterminate": tally.info + tally.open, "never_ended": tally.open,
    })
}

/// One check. Where the run failed, none was decided, and the only reason is that.
fn check(run: &Run<'_>, check: &CheckResult) -> Value {
    let tested = outcome(run).class != "error";
    let verdict = if tested { json!(check.status) } else { json!(NOT_TESTED) };
    let reasons = if tested { json!(check.reasons) } else { json!([NOTHING_TESTED]) };
    json!({
        "id": check.id, "promise": check.promise, "verdict": verdict,
        "anomalies": check.anomalies.len(), "reasons": reasons,
        "suspicions": check.suspicions, "not_checked": check.not_checked,
        "assumptions": check.assumptions, "metrics": check.metrics,
    })
}

/// One entry per anomaly; those of one fingerprint follow each other.
fn each(of: &Finding<'_>, history: &History) -> Vec<Value> {
    of.all().map(|anomaly| finding(of, &anomaly.in_file(history))).collect()
}

fn finding(finding: &Finding<'_>, anomaly: &Anomaly) -> Value {
    json!({
        "fingerprint": finding.fingerprint, "check": finding.check.id,
        "number": finding.number, "alike": finding.alike.len(), "class": anomaly.class,
        "headline": anomaly.headline, "story": anomaly.story,
        "likely_cause": anomaly.likely_cause, "refuted": anomaly.refuted,
        "key": anomaly.key, "nodes": anomaly.nodes, "generation": anomaly.generation,
        "guarantees": anomaly.guarantees,
        "events": anomaly.witness, "prefix": anomaly.prefix,
        "window_s": [seconds(anomaly.window.0), seconds(anomaly.window.1)],
        "permalink": format!("report.html#a{}", finding.number),
    })
}

/// Why operations did not succeed; those that differ in numbers only are one.
fn refusal(reason: &Reason) -> Value {
    let outcome = if reason.fate == Fate::Fail { "fail" } else { "indeterminate" };
    json!({ "outcome": outcome, "error": reason.error, "count": reason.count })
}

/// What a fault did, and beside its effects the nodes and directions that they are done to: where
/// faults had no effects yet, these stood here.
fn done(fault: &Fault) -> Value {
    let mut told = json!(fault);
    let cut = fault.cut();
    let pairs: Vec<Cut> = fault.pairs().into_iter().filter(|pair| !cut.contains(pair)).collect();
    let all = [("nodes", json!(fault.nodes())), ("cut", json!(cut)), ("pairs", json!(pairs))];
    for (key, value) in all {
        if value.as_array().is_some_and(|all| !all.is_empty()) {
            told[key] = value;
        }
    }
    told
}

fn fault(span: &FaultSpan, load: Option<&Window>) -> Value {
    let load = load.map(
        |it| json!({ "open": it.open, "asked": it.asked, "ok": it.ok, "refused": it.refused }),
    );
    let measured = |proof: &Proof| {
        let at_s = seconds(proof.time);
        json!({ "stage": proof.stage, "at_s": at_s, "measurements": proof.measurements })
    };
    json!({
        "id": span.id, "kind": span.fault.kind, "fault": done(&span.fault), "how": span.mechanism,
        "begin_s": seconds(span.begin.1), "end_s": span.end.map(|(_, time)| seconds(time)),
        "from_s": span.effective.map(|(from, _)| seconds(from)),
        "to_s": span.effective.map(|(_, to)| seconds(to)),
        "verified": span.is_effective(), "problems": span.problems,
        "load": load,
        "proofs": span.proofs.iter().map(measured).collect::<Vec<_>>(),
    })
}

fn metrics(run: &Run<'_>, tally: &Tally) -> BTreeMap<&'static str, f64> {
    let length = seconds(run.history.end());
    let millis = |q| tally.quantile(q).map(|nanos| nanos as f64 / 1e6);
    let observations = run.history.events().iter();
    let observations = observations.filter(|event| matches!(event.kind, EventKind::Observe(_)));
    let proven = reigns(run.history).into_iter().filter(|reign| reign.grade.proves());
    let mut generations: Vec<_> = proven.map(|reign| (reign.group, reign.generation)).collect();
    generations.dedup();
    [
        ("ops_per_s", (length > 0.0).then(|| tally.ok as f64 / length)),
        ("p50_ms", millis(0.5)),
        ("p99_ms", millis(0.99)),
        ("max_ms", millis(1.0)),
        ("availability", tally.availability()),
        ("generations_led", Some(generations.len() as f64)),
        ("observations", Some(observations.count() as f64)),
        ("recovery_ms", slowest(run, "recovery-ms")),
        ("new_leader_ms", slowest(run, "time-to-new-leader-median-ms")),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name, value?)))
    .collect()
}

/// A number of the checks; of several groups of nodes, which have a name before it, the largest.
fn slowest(run: &Run<'_>, name: &str) -> Option<f64> {
    let all = run.verdict.checks.iter().flat_map(|check| &check.metrics);
    let of_groups = all.filter(|(told, _)| told.rsplit('/').next() == Some(name));
    of_groups.map(|(_, value)| *value).reduce(f64::max)
}

fn seconds(time: Nanos) -> f64 {
    time as f64 / 1e9
}
