//! Recorded histories of real systems whose verdicts are known: all of them, in one table.
//!
//! They are other projects' data and not part of this one: the test reads them where they are, or
//! where `FRACAS_HISTORIES` points to, and says so if there are none. Run it with `--nocapture` to
//! see the table. Times are shown, and nothing depends on them.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use fracas_checker::formats::{self, Format, Hint, Recorded};
use fracas_checker::{Algorithm, Budget, Status, judge_by, objects};

/// The most operations that may show an anomaly; most are shown by two or three.
const WITNESS: usize = 12;

/// Where the histories are, if they are.
fn root() -> Option<PathBuf> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/histories");
    let root = std::env::var_os("FRACAS_HISTORIES").map_or_else(|| beside.into(), PathBuf::from);
    if root.is_dir() {
        return Some(root);
    }
    println!("skipped: no recorded histories; point FRACAS_HISTORIES at them");
    None
}

/// A recorded history and what is known of it.
struct Case {
    file: PathBuf,
    format: Format,
    kind: &'static str,
    legal: bool,
}

/// The files of a folder, in the order of their names.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("a file").path()).collect();
    files.sort();
    files
}

fn cases(root: &Path) -> Vec<Case> {
    let mut cases = Vec::new();
    let etcd = root.join("jepsen-etcd");
    let verdicts = fs::read_to_string(etcd.join("VERDICTS")).expect("the list of verdicts");
    for line in verdicts.lines() {
        let (file, known) = line.split_once(' ').expect("a file and its verdict");
        let (file, legal) = (etcd.join(file), known == "linearizable");
        cases.push(Case { file, format: Format::JepsenLog, kind: "cas-register", legal });
    }
    for file in files(&root.join("kv")) {
        let legal = file.to_string_lossy().ends_with("-ok.txt");
        cases.push(Case { file, format: Format::PorcupineKv, kind: "kv", legal });
    }
    for (folder, kind, legal) in [
        ("linearizable", "cas-register", true),
        ("not-linearizable", "cas-register", false),
        ("mutex-not-linearizable", "mutex", false),
    ] {
        for file in files(&root.join("knossos").join(folder)) {
            cases.push(Case { file, format: Format::JepsenEdn, kind, legal });
        }
    }
    cases
}

#[track_caller]
fn read(file: &Path, kind: Option<&'static objects::Kind>) -> (Recorded, Duration) {
    let bytes = fs::read(file).expect("a recorded history");
    let begin = Instant::now();
    let hint = Hint { format: None, kind };
    let recorded = formats::read(bytes.as_slice(), &hint)
        .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    (recorded, begin.elapsed())
}

/// What a case took to be read and to be judged, once its verdict was found right.
fn judge(case: &Case) -> (Duration, Duration) {
    let kind = objects::named(case.kind).unwrap_or_else(|| panic!("no kind `{}`", case.kind));
    let (recorded, reading) = read(&case.file, Some(kind));
    assert_eq!(recorded.format, case.format, "{}: told by content", case.file.display());
    let begin = Instant::now();
    let verdict =
        judge_by(&recorded.history, &[kind.id], Algorithm::Auto, Budget::unlimited_time());
    let judging = begin.elapsed();
    let name = case.file.file_name().unwrap_or_default().to_string_lossy();
    let operations = recorded.history.operations().len();
    let found = verdict.anomalies().next().map_or("-", |(_, anomaly)| anomaly.class.as_str());
    println!(
        "{name:<30} {:<14} {:<12} {operations:>6} {:>9.3} {:>9.3}  {:<12} {found}",
        recorded.format.name(),
        case.kind,
        reading.as_secs_f64() * 1e3,
        judging.as_secs_f64() * 1e3,
        if case.legal { "legal" } else { "not legal" },
    );
    let expect = if case.legal { Status::Pass } else { Status::Anomaly };
    assert_eq!(verdict.checks[0].status, expect, "{name}: {}", verdict.headline);
    for (_, anomaly) in verdict.anomalies() {
        assert!((2..=9).contains(&anomaly.story.len()), "{name}: {:?}", anomaly.story);
        assert!(!anomaly.refuted.is_empty(), "{name}: no reason given");
        let shown = anomaly.witness.len().div_ceil(2);
        println!("    {shown} operations: {}", anomaly.headline);
        assert!(shown <= WITNESS, "{name}: {shown} operations");
    }
    (reading, judging)
}

#[test]
fn every_recorded_history_gets_its_known_verdict() {
    let Some(root) = root() else { return };
    println!(
        "{:<30} {:<14} {:<12} {:>6} {:>9} {:>9}  {:<12} found",
        "file", "format", "kind", "ops", "read ms", "judge ms", "known"
    );
    let cases = cases(&root);
    let (mut reading, mut judging, mut logs) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
    for case in &cases {
        let (read, judged) = judge(case);
        (reading, judging) = (reading + read, judging + judged);
        if case.format == Format::JepsenLog {
            logs += judged;
        }
    }
    println!("{} histories, all as known: read {reading:?}, judged {judging:?}", cases.len());
    println!("of which the console logs of etcd were judged in {logs:?}");
    assert!(cases.len() >= 97, "{} histories, expected all of them", cases.len());
}

#[test]
fn every_recorded_transaction_can_be_read() {
    let Some(root) = root() else { return };
    for (name, operations) in
        [("huge-scc.edn", 10_254), ("paper-example.edn", 4), ("si-without-g-single.edn", 4)]
    {
        let (recorded, reading) = read(&root.join("elle").join(name), None);
        println!("{name}: {operations} transactions in {reading:?}; {:?}", recorded.notes);
        assert_eq!(recorded.format, Format::JepsenEdn);
        assert_eq!(recorded.history.operations().len(), operations, "{name}");
    }
}
