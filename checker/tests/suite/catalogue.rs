//! Every class of the catalogue has a golden pair in `tests/golden/CLASS.txt`: a history that shows
//! it, its nearest valid neighbour, the smallest part that shows it, and the sentence.
//!
//! ```text
//! check queue/linearizable      the check that finds it
//! ## anomaly                    a history, in the language of `support/language.rs`
//! ## says                       the headline, as one line
//! ## minimal                    the lines of the anomaly that its witness holds
//! ## valid                      the neighbour, of which the check has nothing to say
//! ```
//!
//! `FRACAS_UPDATE=1 cargo test -p fracas-checker --test suite catalogue` writes down what is said and
//! shown today, to be read before it is kept.

use crate::support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use fracas_checker::catalogue::classes;
use fracas_checker::{Algorithm, Anomaly, Budget, Status, Verdict};
use support::language::{history, witnessed};

/// A golden pair as it is written down.
struct Pair {
    path: PathBuf,
    text: String,
    /// The check that finds it, and what else the history is to be judged by.
    checks: Vec<String>,
    parts: BTreeMap<String, String>,
}

impl Pair {
    fn read(path: PathBuf) -> Self {
        let text = std::fs::read_to_string(&path)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut sections = text.split("## ");
        let head = sections.next().expect("a text has a first part");
        let checks = head.lines().find_map(|line| line.strip_prefix("check ")).expect("a check");
        let checks = checks.split_whitespace().map(str::to_owned).collect();
        let part = |section: &str| {
            let (name, lines) = section.split_once('\n').expect("a part has lines");
            (name.trim().to_owned(), lines.trim().to_owned())
        };
        let parts = sections.map(part).collect();
        Self { path, checks, parts, text }
    }

    /// Holds a part against what is so today, or writes it down.
    fn hold(&self, text: &str, name: &str, today: &str) -> String {
        if std::env::var_os("FRACAS_UPDATE").is_none() {
            assert_eq!(today, self.part(name), "{}", self.path.display());
        }
        let (before, after) = text.split_once(&format!("## {name}\n")).expect("the part is there");
        let rest = after.find("## ").map_or("", |next| &after[next..]);
        format!("{before}## {name}\n{today}\n\n{rest}")
    }

    fn part(&self, name: &str) -> &str {
        self.parts.get(name).unwrap_or_else(|| panic!("no part `{name}`"))
    }

    fn judge(&self, part: &str) -> Verdict {
        let checks: Vec<&str> = self.checks.iter().map(String::as_str).collect();
        let history = history(self.part(part), &checks);
        let budget = Budget::unlimited_time();
        fracas_checker::judge_by(&history, &checks[..1], Algorithm::Auto, budget)
    }
}

fn path(class: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(format!("{class}.txt"))
}

/// The anomaly is found, by its name and alone, and said and shown as expected.
fn shown(class: &str, pair: &Pair) {
    let verdict = pair.judge("anomaly");
    let found: Vec<&Anomaly> = verdict.anomalies().map(|(_, anomaly)| anomaly).collect();
    assert_eq!(found.len(), 1, "{class}: {verdict:#?}");
    assert_eq!(found[0].class, class, "{found:#?}");
    let minimal = witnessed(pair.part("anomaly"), &found[0].witness);
    let text = pair.hold(&pair.text, "says", &found[0].headline);
    let text = pair.hold(&text, "minimal", &minimal);
    if text != pair.text {
        std::fs::write(&pair.path, text).expect("the pair can be written");
    }
}

#[test]
fn every_class_has_a_golden_pair() {
    for class in classes() {
        let pair = Pair::read(path(class.name));
        shown(class.name, &pair);
        let verdict = pair.judge("valid");
        assert_eq!(verdict.status, Status::Pass, "{}: {verdict:#?}", class.name);
    }
}

#[test]
fn every_golden_pair_has_a_class() {
    let folder = path("x");
    let folder = folder.parent().expect("a file is in a folder");
    for entry in std::fs::read_dir(folder).expect("the folder is readable") {
        let name = entry.expect("an entry").file_name();
        let name = name.to_str().and_then(|name| name.strip_suffix(".txt")).expect("a text");
        assert!(classes().any(|class| class.name == name), "{name} is not in the catalogue");
    }
}
