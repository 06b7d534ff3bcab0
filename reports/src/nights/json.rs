//! `index.json`: all of an index, for programs.
//!
//! Nights, rows and runs are named by their places in the lists of this file. Fields are only ever
//! added within a major version of the schema.

use fracas_checker::untrusted::{self, SENTENCE, shown};
use serde_json::{Map, Value, json};

use super::merged::{Finding, Index, KindNights, RowNights, Unread};
use super::standing::{Course, Standing};
use super::stored::{Answer, Injected, Stored, Version};
use super::trend::METRICS;
use crate::interval::interval;

/// The schema of `index.json`.
pub const INDEX_SCHEMA: &str = "fracas.index/1";

/// Writes `index.json`.
#[must_use]
pub fn index_json(index: &Index) -> String {
    let value = json!({
        "schema": INDEX_SCHEMA,
        "nights": index.nights,
        "tonight": index.tonight().map(|night| &index.nights[night]),
        "since_last_night": counts(index),
        "changes": changes(index),
        "rows": index.rows.iter().map(|it| row(index, it)).collect::<Vec<_>>(),
        "findings": index.findings.iter().map(|it| finding(index, it)).collect::<Vec<_>>(),
        "faults": index.kinds.iter().map(|(name, it)| kind(index, name, it)).collect::<Vec<_>>(),
        "runs": runs(index),
        "left_out": { "findings": index.untold },
        "copies": index.copies, "runs_without_results": index.unjudged,
        "unread": index.unread.iter().map(unread).collect::<Vec<_>>(),
    });
    untrusted::json(&value.to_string()) + "\n"
}

fn unread(unread: &Unread) -> Value {
    json!({ "file": shown(&unread.file, SENTENCE), "why": shown(&unread.why, SENTENCE) })
}

fn counts(index: &Index) -> Value {
    let counts = index.counts();
    let told = Standing::ALL.iter().filter(|standing| **standing != Standing::Gone);
    let count = |it: &Standing| json!(counts.get(it).copied().unwrap_or_default());
    Value::Object(told.map(|it| (it.word().to_owned(), count(it))).collect())
}

fn changes(index: &Index) -> Vec<Value> {
    let change = |(place, row): (usize, usize)| {
        let finding = &index.findings[place];
        let standing = finding.courses[&row].standing.word();
        json!({ "standing": standing, "fingerprint": finding.fingerprint, "row": row })
    };
    index.changes().into_iter().map(change).collect()
}

fn row(index: &Index, nights: &RowNights) -> Value {
    let row = &nights.row;
    json!({
        "id": row.id(), "name": row.name(), "plan": row.plan, "target": row.target, "settings": row.settings,
        "nodes": row.nodes, "workloads": row.workloads, "faults": row.faults,
        "nights": nights.nights.iter().map(|(night, runs)| cell(index, *night, runs)).collect::<Vec<_>>(),
        "trends": trends(index, nights),
    })
}

fn cell(index: &Index, night: usize, runs: &[usize]) -> Value {
    let mut cell = json!({ "night": night, "runs": runs.len(), "gravest": index.gravest(runs) });
    for answer in Answer::ALL {
        cell[answer.word()] = json!(index.count(runs, answer));
    }
    cell
}

fn trends(index: &Index, row: &RowNights) -> Value {
    let mut trends = Map::new();
    for (metric, _) in METRICS {
        if let Some(trend) = index.trend(row, metric) {
            let told = json!({
                "nights": trend.points, "band": trend.band, "outside": trend.outside(),
            });
            trends.insert(metric.to_owned(), told);
        }
    }
    Value::Object(trends)
}

fn finding(index: &Index, finding: &Finding) -> Value {
    let example = &index.runs[finding.example];
    let page = example.page.as_ref().map(|page| format!("{page}#a{}", finding.number));
    json!({
        "fingerprint": finding.fingerprint, "check": finding.check, "class": finding.class,
        "headline": finding.headline, "standing": finding.standing().word(),
        "rows": finding.courses.iter().map(|(row, it)| course(index, finding, *row, it)).collect::<Vec<_>>(),
        "example": {
            "run": finding.example, "page": page, "seed": example.seed, "command": example.command,
        },
    })
}

fn course(index: &Index, finding: &Finding, row: usize, course: &Course) -> Value {
    let edges = index.edges(finding, row);
    let program = |run: Option<&Stored>| run.map(|run| version(&run.version));
    json!({
        "row": row, "standing": course.standing.word(), "as_of": index.rows[row].last(),
        "seen": course.seen, "first_seen": course.first, "last_seen": course.last,
        "not_seen_since": course.away, "nights": course.nights,
        "runs": { "seen": course.hits, "of": course.runs, "interval": interval(course.hits, course.runs),
            "without_since": course.since, "chance": course.chance },
        "versions": {
            "last_good_before": program(edges.good_before), "first_bad": program(edges.first_bad),
            "last_bad": program(edges.last_bad), "first_good_after": program(edges.good_after),
        },
    })
}

fn version(version: &Version) -> Value {
    json!({ "version": version.text, "sha256": version.sha256 })
}

fn kind(index: &Index, name: &(String, String), kind: &KindNights) -> Value {
    let night = |(place, it): (&usize, &Injected)| {
        json!({
            "night": place, "injected": it.injected, "proven": it.proven, "seconds": it.seconds,
        })
    };
    let (target, word) = name;
    let known = |print: &&String| index.findings.iter().any(|it| it.fingerprint == **print);
    json!({
        "target": target, "kind": word, "nights": kind.nights.iter().map(night).collect::<Vec<_>>(),
        "findings_beside": kind.beside.iter().filter(known).collect::<Vec<_>>(),
    })
}

/// Every run with its row and its night.
fn runs(index: &Index) -> Vec<Value> {
    let mut runs = vec![Value::Null; index.runs.len()];
    for (number, row) in index.rows.iter().enumerate() {
        for (night, places) in &row.nights {
            for place in places {
                let run = &index.runs[*place];
                runs[*place] = json!({
                    "id": run.id, "row": number, "night": night, "seed": run.seed,
                    "verdict": run.answer.word(), "page": run.page,
                });
            }
        }
    }
    runs
}
