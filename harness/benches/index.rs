//! How long `fracas index` takes for ten thousand runs, and how large what it writes is.
//!
//! The files are as long as those of real runs: about 40 KB. It fails where the promise of five seconds
//! and five megabytes is broken, so it is for a quiet machine.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

const NIGHTS: u32 = 125;
const ROWS: u32 = 20;
const SEEDS: u32 = 4;

/// What may be needed.
const TIME: Duration = Duration::from_secs(5);
const BYTES: u64 = 5_000_000;

fn main() {
    let dir = tempfile::tempdir().expect("a temporary directory can be made");
    let read: usize = (0..NIGHTS).map(|night| write(dir.path(), night)).sum();
    let begun = Instant::now();
    let ended = Command::new(env!("CARGO_BIN_EXE_fracas")).arg("index").arg(dir.path()).output();
    let took = begun.elapsed();
    let ended = ended.expect("fracas can be started");
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    let size = |name: &str| fs::metadata(dir.path().join(name)).expect("it was written").len();
    let (page, json) = (size("index.html"), size("index.json"));
    println!(
        "{} runs, {} MB of results: {:.2} s; index.html {} KB, index.json {} KB",
        NIGHTS * ROWS * SEEDS,
        read >> 20,
        took.as_secs_f64(),
        page >> 10,
        json >> 10
    );
    assert!(took <= TIME, "it took more than {TIME:?}");
    assert!(page + json <= BYTES, "it wrote more than {BYTES} bytes");
}

/// Writes the runs of a night; returns how many bytes that were.
fn write(dir: &Path, night: u32) -> usize {
    let mut bytes = 0;
    for (row, seed) in (0..ROWS).flat_map(|row| (0..SEEDS).map(move |seed| (row, seed))) {
        let run = results(night, row, seed);
        let place = dir.join(run["run"]["id"].as_str().expect("a name"));
        fs::create_dir_all(&place).expect("a directory can be made");
        let text = format!("{run:#}");
        bytes += text.len();
        fs::write(place.join("results.json"), text).expect("a file can be written");
        fs::write(place.join("report.html"), "<!doctype html>").expect("a file can be written");
    }
    bytes
}

/// A run of a night: every fifth night one row finds something.
fn results(night: u32, row: u32, seed: u32) -> Value {
    let (month, day) = (1 + night / 28, 1 + night % 28);
    let found = row == 3 && night.is_multiple_of(5);
    let verdict = if found { "anomaly" } else { "pass" };
    let words = "every operation takes effect at one instant between its invocation and its answer";
    let check = |place: u32| {
        json!({
            "id": format!("check-{place}/linearizable"), "verdict": if place == 0 { verdict } else { "pass" },
            "promise": words, "assumptions": [words, words, words], "reasons": [], "suspicions": [],
            "not_checked": [], "anomalies": 0, "metrics": { "keys": 5.0, "operations": 185.0 },
        })
    };
    let finding = json!({
        "fingerprint": format!("f5-{:012x}", night / 25), "check": "check-0/linearizable", "class": "stale-read",
        "headline": words, "number": 1, "story": [words, words, words], "events": [1, 2, 3, 4, 5, 6],
    });
    let fault = |place: u32| {
        let (from, kinds) = (f64::from(place) * 1.5, ["kill", "pause", "partition"]);
        json!({
            "id": place, "kind": kinds[place as usize % kinds.len()], "from_s": from,
            "to_s": from + 1.0, "begin_s": from, "end_s": from + 1.0, "verified": true, "how": "nft",
            "fault": { "manner": words, "nodes": ["n1"], "effects": [{ "does": words }] },
            "proofs": [{ "stage": "during", "at_s": from, "measurements": [words, words, words] }],
        })
    };
    json!({
        "schema": "fracas.results/1",
        "run": {
            "id": format!("2026{month:02}{day:02}-0217{seed:02}-regent-workload-{row}+14-more-{seed}"),
            "seed": seed, "started": format!("2026-{month:02}-{day:02}T02:17:{seed:02}Z"),
            "duration_s": 35.5 + f64::from(row), "command": "fracas run regent --time=30s --seed=1",
            "workloads": [format!("workload-{row}")], "faults": ["kill", "pause", "partition"],
        },
        "target": { "name": "regent", "version": "regent 0.1.0", "binary_sha256": "50aeee84", "nodes": 5 },
        "verdict": verdict, "headline": words,
        "checks": (0..20).map(check).collect::<Vec<_>>(),
        "findings": if found { vec![finding] } else { Vec::new() },
        "faults": (0..24).map(fault).collect::<Vec<_>>(),
        "metrics": {
            "ops_per_s": 140.0 + f64::from(night % 7), "p99_ms": 20.0 + f64::from(night % 5),
            "availability": 0.96, "recovery_ms": 900.0, "new_leader_ms": 1_400.0,
        },
    })
}
