//! `fracas index`: runs of shards that have never met, found in any depth.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::{Room, json};

/// A short `results.json`. A finding is a class and a fingerprint.
fn results(day: u32, seed: u32, finding: Option<(&str, &str)>) -> Value {
    let verdict = if finding.is_some() { "anomaly" } else { "pass" };
    let found = finding.map(|(class, fingerprint)| {
        json!({
            "fingerprint": fingerprint, "check": "register/linearizable", "class": class,
            "headline": "k3 was 12, and 15 had been acknowledged", "number": 1,
        })
    });
    json!({
        "schema": "fracas.results/1",
        "run": {
            "id": format!("202611{day}-021700-regent-register-{seed}"), "seed": seed,
            "started": format!("2026-11-{day}T02:17:{seed:02}Z"), "duration_s": 35.5,
            "command": "fracas run regent", "workloads": ["register"], "faults": ["kill"],
        },
        "target": {
            "name": "regent", "version": "regent 0.1.0", "binary_sha256": "50aeee84", "nodes": 5,
        },
        "verdict": verdict, "headline": "a headline",
        "checks": [{ "id": "register/linearizable", "verdict": verdict }],
        "findings": found.into_iter().collect::<Vec<_>>(),
        "faults": [{ "kind": "kill", "from_s": 3.0, "to_s": 5.5, "verified": true }],
        "metrics": { "ops_per_s": 140.0 },
    })
}

/// Writes a run with a page.
fn keep(room: &Room, dir: &str, run: &Value) {
    let dir = room.path(dir).join(run["run"]["id"].as_str().unwrap());
    fs::create_dir_all(dir.join("nodes/n1")).unwrap();
    fs::write(dir.join("results.json"), run.to_string()).unwrap();
    fs::write(dir.join("report.html"), "<!doctype html>").unwrap();
    // A server may write what looks like a run.
    fs::write(dir.join("nodes/n1/results.json"), run.to_string().replace("02:17", "03:17"))
        .unwrap();
}

/// Two nights of two shards; the second night has a finding.
fn runs() -> Vec<Value> {
    let stale = Some(("stale-read", "f5-0123456789ab"));
    (1..=4)
        .map(|seed| results(20, seed, None))
        .chain((1..=4).map(|seed| results(21, seed, stale)))
        .collect()
}

/// What an index says, without its links: these differ from place to place.
fn told(path: &Path) -> Value {
    let mut told = json(path);
    for run in told["runs"].as_array_mut().unwrap() {
        assert!(run["page"].as_str().unwrap().ends_with("/report.html"));
        run["page"] = Value::Null;
    }
    for finding in told["findings"].as_array_mut().unwrap() {
        finding["example"]["page"] = Value::Null;
    }
    told
}

#[test]
fn directories_that_have_never_met_make_the_same_index() {
    let room = Room::new();
    for (place, run) in runs().iter().enumerate() {
        keep(&room, "all", run);
        keep(&room, if place % 2 == 1 { "machine 1/shard 1" } else { "other/a/b/c" }, run);
    }
    let whole = room.run(&["index", "all"]);
    whole.assert_code(0).assert_stdout(&["2026-11-21: 1 new", "f5-0123456789ab", "all/index.html"]);
    let merged = room.run(&["index", "machine 1", "other", "--into", "site"]);
    merged.assert_code(0).assert_stdout(&["2026-11-21: 1 new"]);
    assert_eq!(told(&room.path("site/index.json")), told(&room.path("all/index.json")));
    assert_eq!(told(&room.path("all/index.json"))["runs"].as_array().unwrap().len(), 8);
    let page = fs::read_to_string(room.path("site/index.html")).unwrap();
    assert!(page.contains("href=\"../machine%201/shard%201/"), "links lead to the pages");
}

/// Files alone, under whatever name, give the same bytes wherever they lie.
#[test]
fn results_alone_are_enough() {
    let room = Room::new();
    for (place, run) in runs().iter().enumerate() {
        let dir = if place < 4 { "cache/first" } else { "cache/second/deep" };
        fs::create_dir_all(room.path(dir)).unwrap();
        fs::write(room.path(dir).join(format!("{place}-results.json")), run.to_string()).unwrap();
        room.file(&format!("{place}.json"), &run.to_string());
    }
    room.run(&["index", "cache"]).assert_code(0);
    let files: Vec<String> = (0..8).rev().map(|place| format!("{place}.json")).collect();
    let mut words = vec!["index", "--into", "site"];
    words.extend(files.iter().map(String::as_str));
    room.run(&words).assert_code(0);
    for name in ["index.html", "index.json"] {
        let read = |dir: &str| fs::read_to_string(room.path(dir).join(name)).unwrap();
        assert_eq!(read("cache"), read("site"), "{name}");
    }
}

#[test]
fn new_findings_fail_where_asked() {
    let room = Room::new();
    let all = runs();
    all[..4].iter().for_each(|run| keep(&room, "runs", run));
    room.run(&["index", "--fail-on", "new"]).assert_code(0);
    all[4..].iter().for_each(|run| keep(&room, "runs", run));
    room.run(&["index", "--fail-on", "new"]).assert_code(1);
    room.run(&["index"]).assert_code(0);
    let stale = Some(("stale-read", "f5-0123456789ab"));
    keep(&room, "runs", &results(22, 1, stale));
    let known = room.run(&["index", "--fail-on", "new", "--format", "json"]);
    known.assert_code(0);
    let index: Value = serde_json::from_str(&known.stdout).unwrap();
    assert_eq!(index["since_last_night"]["still"], 1);
}

#[test]
fn what_is_missing_is_told() {
    let room = Room::new();
    let nothing = room.run(&["index", "nowhere", "--into", "site"]);
    nothing.assert_code(64).assert_stderr(&["nowhere"]);
    fs::create_dir_all(room.path("empty")).unwrap();
    room.run(&["index", "empty"]).assert_code(64).assert_stderr(&["`empty`", "results.json"]);
    keep(&room, "some", &runs()[0]);
    fs::create_dir_all(room.path("some/broken")).unwrap();
    room.file("some/broken/results.json", "{\"schema\":");
    fs::create_dir_all(room.path("some/died")).unwrap();
    room.file("some/died/run.json", "{}");
    let ended = room.run(&["index", "some"]);
    ended.assert_code(0).assert_stderr(&["warning", "broken/results.json"]);
    let index = json(&room.path("some/index.json"));
    assert_eq!(
        (&index["runs_without_results"], &index["unread"][0]["why"].is_string()),
        (&json!(1), &true)
    );
}

#[test]
fn two_runs_are_held_against_each_other() {
    let room = Room::new();
    let stale = Some(("stale-read", "f5-0123456789ab"));
    let (clean, broken) = (results(20, 1, None), results(21, 2, stale));
    room.file("clean.json", &clean.to_string());
    room.file("broken.json", &broken.to_string());
    let ended = room.run(&["diff", "clean.json", "broken.json"]);
    ended.assert_code(0).assert_stdout(&[
        "new",
        "stale-read (f5-0123456789ab)",
        "1 → 2",
        "140 → 140",
    ]);
    room.run(&["diff", "clean.json", "broken.json", "--fail-on", "new"]).assert_code(1);
    let back =
        room.run(&["diff", "broken.json", "clean.json", "--fail-on", "new", "--format", "json"]);
    back.assert_code(0);
    let told: Value = serde_json::from_str(&back.stdout).unwrap();
    assert_eq!(told["findings"][0]["change"], "not-seen");
    assert_eq!(told["differs"]["seed"], json!(["2", "1"]));
    let mut open = clean.clone();
    open["checks"][0]["verdict"] = json!("inconclusive");
    room.file("open.json", &open.to_string());
    let undecided = room.run(&["diff", "broken.json", "open.json"]);
    undecided.assert_code(0).assert_stdout(&["not decided"]);
    room.run(&["diff", "clean.json", "nowhere"]).assert_code(64).assert_stderr(&["nowhere"]);
}
