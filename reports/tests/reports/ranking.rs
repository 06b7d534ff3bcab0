//! The order in which anomalies are told, and which of them count as one.

use fracas_checker::event::{Event, EventKind, NodeChange, NodeId, Phase};
use fracas_checker::history::{Header, History, Plan};
use fracas_checker::verdict::{Anomaly, Verdict};
use fracas_checker::{Budget, judge};
use fracas_reports::{findings, html, junit, results_json, summary};
use serde_json::Value;

use crate::samples::{self, Sample};

/// Three double votes that one check found, and after them a split brain.
fn votes_and_a_split_brain() -> Sample {
    let sample = samples::split_brain();
    let mut checks = sample.verdict.checks.clone();
    let check = checks.iter_mut().find(|check| !check.anomalies.is_empty()).expect("a split brain");
    let split = check.anomalies[0].clone();
    let vote = |number: u64| Anomaly {
        class: "double-vote".to_owned(),
        headline: format!("Double vote number {number}"),
        window: (split.window.0 + number, split.window.1 + number),
        ..split.clone()
    };
    check.anomalies = vec![vote(1), vote(2), vote(3), split.clone()];
    Sample { verdict: Verdict::of(checks), ..sample }
}

/// Whether these stand in `text` in this order, each for the first time.
#[track_caller]
fn in_order(text: &str, parts: &[&str]) {
    let places: Vec<usize> =
        parts.iter().map(|part| text.find(part).unwrap_or_else(|| panic!("no `{part}`"))).collect();
    assert!(places.is_sorted(), "{parts:?} stand at {places:?}");
}

#[test]
fn the_gravest_comes_first_in_every_output_and_what_is_alike_is_told_once() {
    let sample = votes_and_a_split_brain();
    let run = sample.run();
    let (split, vote) = ("n2 and n4 both led generation 9", "Double vote number 1");
    assert_eq!(run.verdict.headline, split);
    let found = findings(run.history, run.verdict);
    let told: Vec<_> =
        found.iter().map(|finding| (finding.number, finding.anomaly.headline.as_str())).collect();
    assert_eq!(told, [(1, split), (2, vote)]);
    assert_eq!(found[1].more().as_deref(), Some("and 2 more like it"));
    for text in [html(&run), junit(&run), summary(&run)] {
        in_order(&text, &[split, vote]);
        assert!(text.contains("and 2 more like it"));
    }
    let json: Value = serde_json::from_str(&results_json(&run)).expect("it is JSON");
    assert_eq!(json["headline"], split);
    let all: Vec<_> = json["findings"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|finding| {
            (finding["number"].as_u64(), finding["alike"].as_u64(), finding["class"].as_str())
        })
        .collect();
    let vote = (Some(2), Some(2), Some("double-vote"));
    assert_eq!(all, [(Some(1), Some(0), Some("split-brain")), vote, vote, vote]);
}

/// The fingerprint of a server's crash.
fn crash(how: &str, log: &[&str]) -> String {
    let node = NodeId(1);
    let ended = NodeChange::Exited {
        process: None,
        how: how.to_owned(),
        log: log.iter().map(|line| (*line).to_owned()).collect(),
    };
    let change = |change| EventKind::Node { node, incarnation: 1, change };
    let kinds =
        [change(NodeChange::Started), EventKind::Phase { phase: Phase::Load }, change(ended)];
    let events = (0..).zip(kinds).map(|(index, kind)| Event { index, time: index, kind });
    let plan = Plan { checks: vec!["nodes/stay-up".to_owned()], ..Plan::default() };
    let header = Header { plan, ..samples::header() };
    let history = History::new(header, events.collect()).expect("it is well formed");
    let verdict = judge(&history, Budget::unlimited_time());
    findings(&history, &verdict)[0].fingerprint.clone()
}

#[test]
fn crashes_are_told_apart_by_status_and_last_words_and_not_by_numbers() {
    let single = crash("status 74", &["12:00:01 fatal: term 7 lost", "bye"]);
    assert_eq!(single, crash("status 74", &["listening", "23:11:59 fatal: term 123 lost", "bye"]));
    assert_ne!(single, crash("status 77", &["12:00:01 fatal: term 7 lost", "bye"]));
    assert_ne!(single, crash("status 74", &["12:00:01 fatal: disk full", "bye"]));
    assert_eq!(crash("signal 6", &[]), crash("signal 6", &[""]));
}
