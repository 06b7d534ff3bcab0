//! What the outputs say of invented runs: fields, cases, sections, sizes.

use crate::markup::{Piece, balanced, pieces};
use crate::samples::{self, Sample};
use fracas_reports::{Ended, FILES, PlanRow, RunRecord, html, junit, results_json, summary};
use serde_json::{Value, json};

fn results(sample: &Sample) -> Value {
    serde_json::from_str(&results_json(&sample.run())).expect("results.json is JSON")
}

#[test]
fn results_have_the_published_fields() {
    let results = results(&samples::stale_read());
    let fields: Vec<&str> =
        results.as_object().expect("an object").keys().map(String::as_str).collect();
    assert_eq!(
        fields,
        [
            "checks",
            "ended",
            "fault_kinds",
            "faults",
            "files",
            "findings",
            "headline",
            "host",
            "metrics",
            "notes",
            "ops",
            "refusals",
            "run",
            "schema",
            "target",
            "verdict"
        ]
    );
    assert_eq!(results["schema"], "fracas.results/1");
    assert_eq!(results["verdict"], "anomaly");
    assert_eq!(results["ended"], json!({ "how": "finished" }));
    assert_eq!(results["run"]["seed"], 7_041_776);
    assert_eq!(results["host"]["mechanisms"]["kill"], "sigkill");
    assert_eq!(results["checks"][0]["id"], "register/linearizable");
    assert_eq!(results["checks"][1]["verdict"], "pass");
    assert_eq!(results["files"]["report.html"], FILES[0].1);
}

#[test]
fn results_count_every_operation_once() {
    let results = results(&samples::stale_read());
    let ops = |name: &str| results["ops"][name].as_u64().expect("a count");
    assert_eq!(ops("invoked"), ops("ok") + ops("fail") + ops("indeterminate"));
    assert!(ops("ok") > 500 && ops("fail") > 0 && ops("indeterminate") > 0);
    assert!(results["metrics"]["p50_ms"].as_f64() < results["metrics"]["p99_ms"].as_f64());
    assert_eq!(results["metrics"]["generations_led"], 5.0);
}

/// What many nights are held together by, and compared in.
#[test]
fn results_have_settings_and_the_numbers_of_trends() {
    let mut sample = samples::clean();
    sample.record.spec = json!({ "target": { "settings": { "reads": "any" } } });
    let told = [
        ("recovery-ms", 900.0),
        ("g1/time-to-new-leader-median-ms", 700.0),
        ("g2/time-to-new-leader-median-ms", 500.0),
        ("time-to-new-leader-max-ms", 9_000.0),
    ];
    let metrics = told.map(|(name, value)| (name.to_owned(), value));
    sample.verdict.checks[1].metrics.extend(metrics);
    let results = results(&sample);
    assert_eq!(results["target"]["settings"], json!({ "reads": "any" }));
    assert_eq!(results["metrics"]["recovery_ms"], 900.0);
    assert_eq!(results["metrics"]["new_leader_ms"], 700.0);
}

#[test]
fn results_say_which_faults_were_verified() {
    let results = results(&samples::inconclusive());
    let verified: Vec<bool> = results["faults"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|fault| fault["verified"] == true)
        .collect();
    assert_eq!(verified, [false, true, true, false, true]);
    assert_eq!(results["faults"][1]["from_s"], 28.04);
    assert_eq!(results["faults"][0]["from_s"], Value::Null);
}

#[test]
fn a_finding_has_its_window_and_fingerprint() {
    let results = results(&samples::stale_read());
    let finding = &results["findings"][0];
    assert_eq!(finding["class"], "stale-read");
    assert_eq!(finding["window_s"], json!([11.02, 15.207]));
    assert_eq!(finding["permalink"], "report.html#a1");
    assert_eq!(finding["events"].as_array().map(Vec::len), Some(6));
}

#[test]
fn fingerprints_depend_on_class_and_hallmarks_alone() {
    let print = |sample: &Sample| results(sample)["findings"][0]["fingerprint"].clone();
    // The same defect under other process ids, indices and surroundings.
    assert_eq!(print(&samples::stale_read()), print(&samples::busy(100)));
    assert_ne!(print(&samples::stale_read()), print(&samples::split_brain()));
}

#[track_caller]
fn cases(sample: &Sample, expect: &[&str]) {
    let xml = junit(&sample.run());
    let pieces = pieces(&xml);
    balanced(&pieces, &[]);
    let mut found = Vec::new();
    for piece in &pieces {
        match piece {
            Piece::Open("testcase", attributes, _) => {
                let name = attributes.iter().find(|(key, _)| *key == "name");
                found.push(name.expect("a case has a name").1.to_owned());
            }
            Piece::Open(name @ ("failure" | "skipped" | "error"), ..) => {
                found.last_mut().expect("within a case").push_str(&format!(": {name}"));
            }
            _ => {}
        }
    }
    assert_eq!(found, expect);
}

#[test]
fn junit_has_a_case_per_check() {
    let (linearizable, leaders) = ("register/linearizable", "leader/one-per-generation");
    cases(&samples::clean(), &["run", linearizable, leaders, "coverage"]);
    let failed = "register/linearizable: failure";
    cases(&samples::stale_read(), &["run", failed, leaders, "coverage"]);
    cases(
        &samples::inconclusive(),
        &["run: error", "register/linearizable: skipped", leaders, "coverage: skipped"],
    );
    cases(&samples::empty(), &["run: error"]);
    let unchecked = Sample { record: samples::record(), ..samples::empty() };
    cases(&unchecked, &["run: skipped"]);
}

#[test]
fn junit_says_how_to_repeat_it() {
    let sample = samples::stale_read();
    let xml = junit(&sample.run());
    assert!(xml.contains("<property name=\"seed\" value=\"7041776\"/>"));
    assert!(
        xml.contains(&format!("<system-out>repeat with: {}</system-out>", sample.record.command))
    );
    assert!(xml.contains("type=\"stale-read\""));
    assert!(xml.contains("tests=\"4\" failures=\"1\" errors=\"0\" skipped=\"0\""));
}

#[test]
fn the_summary_tells_the_story() {
    let text = summary(&samples::stale_read().run());
    assert!(text.starts_with("### ✗ ANOMALY – ravel 2.4.1\n"), "{text}");
    assert!(text.contains("| register/linearizable | ✗ ANOMALY |"));
    assert!(text.contains("<details><summary>register/linearizable – stale-read</summary>"));
    assert!(text.contains("6. A linearizable register must not return 12."));
    let text = summary(&samples::inconclusive().run());
    assert!(text.contains("not decided&#58; coverage") || text.contains("not decided: coverage"));
    assert!(text.contains("interrupted by SIGINT"));
}

#[track_caller]
fn page_has(sample: &Sample, texts: &[&str]) {
    let page = html(&sample.run());
    balanced(&pieces(&page), &["meta"]);
    for text in texts {
        assert!(page.contains(text), "the page does not say `{text}`");
    }
}

#[test]
fn the_page_says_everything_without_a_script() {
    page_has(
        &samples::stale_read(),
        &[
            "ANOMALY",
            "9f31c2aa",
            "7041776",
            "Likely cause",
            "Why no other order is legal",
            "operations are enough to show it",
            "marks the operation that no legal order can contain",
            "✗ read k3 → 12 via n1",
            "then: k3 = 15",
            "5 of 5 proven",
            "n1, n2 │ n3, n4, n5",
            "5 generations had a leader",
            "Suspicions",
            "hatch-partition",
            "fracas run ravel",
        ],
    );
    page_has(&samples::clean(), &["PASS", "All 3 checks passed."]);
    page_has(&samples::split_brain(), &["leader of 9 – claim", "not the only leader"]);
    page_has(
        &samples::inconclusive(),
        &["INCONCLUSIVE", "What was missing for a verdict", "interrupted by SIGINT", "not proven"],
    );
}

#[test]
fn the_verdict_of_a_real_check_is_drawn() {
    page_has(
        &samples::judged(),
        &["split-brain", "leader of 9 – effect", "leader of 9 – claim", "class=\"item reign\""],
    );
}

#[test]
fn how_a_run_ended_is_said_on_top() {
    let clean = samples::clean();
    for (ended, text) in [
        (Ended::Running, "The run died"),
        (
            Ended::TargetBroke { reason: "no leader".into() },
            "The target broke before testing: no leader",
        ),
        (Ended::Failed { reason: "disk full".into() }, "harness itself failed: disk full"),
    ] {
        let record = RunRecord { ended, ..clean.record.clone() };
        page_has(&Sample { record, ..clean.clone() }, &[text]);
    }
}

#[test]
fn a_torn_history_is_said_to_be_one() {
    let sample = samples::clean();
    let mut run = sample.run();
    assert!(!html(&run).contains("has been dropped"));
    run.torn = true;
    assert!(html(&run).contains("has been dropped"));
    assert!(results_json(&run).contains("\"history_torn\": true"));
}

#[test]
fn an_empty_history_is_no_trouble() {
    for (name, _, render) in FILES {
        assert!(!render(&samples::empty().run()).is_empty(), "{name}");
    }
    page_has(&samples::empty(), &["No check ran.", "No operation was asked.", "No fault was"]);
}

#[test]
fn a_busy_run_stays_small_and_keeps_its_witness() {
    let sample = samples::busy(3_000);
    assert!(sample.history.operations().len() > 20_000);
    let page = html(&sample.run());
    assert!(page.len() < 2_000_000, "{} bytes", page.len());
    assert!(page.contains("too many to draw each"));
    assert_eq!(page.matches("<rect class=\"witness\"").count(), 3 + 1, "three and the legend");
}

#[test]
fn the_same_run_is_written_the_same_way() {
    for (name, _, render) in FILES {
        assert_eq!(render(&samples::busy(50).run()), render(&samples::busy(50).run()), "{name}");
    }
}

#[test]
fn a_run_record_reads_back() {
    let ended = Ended::Interrupted { signal: "SIGTERM".to_owned() };
    let record = RunRecord { ended, ..samples::record() };
    let text = serde_json::to_string(&record).expect("a record is JSON");
    assert!(text.contains(r#""ended":{"how":"interrupted","signal":"SIGTERM"}"#), "{text}");
    assert_eq!(serde_json::from_str::<RunRecord>(&text).expect("it reads back"), record);
    assert!(!text.contains("night"), "no plan asked for it: {text}");
}

/// The index of many nights tells by these fields which runs asked the same question.
#[test]
fn a_run_knows_its_row_its_night_and_its_shard() {
    let row = PlanRow {
        plan: "nightly".to_owned(),
        row: "registers".to_owned(),
        night: "2026-11-29".to_owned(),
        shard: Some("2/4".to_owned()),
    };
    let mut sample = samples::clean();
    sample.record.planned = Some(row.clone());
    let text = serde_json::to_string(&sample.record).expect("a record is JSON");
    assert!(text.contains(r#""plan":"nightly","row":"registers","night":"2026-11-29""#), "{text}");
    assert_eq!(serde_json::from_str::<RunRecord>(&text).expect("it reads back"), sample.record);
    let told = results(&sample)["run"].clone();
    assert_eq!(serde_json::from_value::<PlanRow>(told).expect("a row"), row);
    sample.record.planned = Some(PlanRow { shard: None, ..row });
    assert_eq!(results(&sample)["run"].get("shard"), None);
}
