//! Nodes of which one process is stopped or gone, and the others are not: what is expected of leaders
//! then, and what is not.

use fracas_checker::{Algorithm, Budget, judge_by};

use super::support::language::history;

/// What the process of a node may suffer.
const PARTS: [&str; 2] = ["kill-process", "pause-process"];

/// The classes of the check of liveness.
#[track_caller]
fn check(expect: &str, text: &str) {
    let history = history(text, &["leader/one-per-generation"]);
    let verdict =
        judge_by(&history, &["liveness/recovers"], Algorithm::Auto, Budget::unlimited_time());
    let anomalies = verdict.checks[0].anomalies.iter();
    let classes: Vec<&str> = anomalies.map(|anomaly| anomaly.class.as_str()).collect();
    assert_eq!(classes.join(" "), expect, "{text}");
}

/// The process that stood still may be the one that has to notice.
#[test]
fn a_leader_that_was_hit_in_part_may_linger() {
    let cut = "plan step_down 50\nfault 1 cut n1|n2,n3 [100..300]\npoll n1 leader g4 [90..95]\n";
    let late = "poll n1 leader g4 [151..155]";
    check("deposed-leader-lingers", &format!("{cut}{late}"));
    for part in PARTS {
        check("", &format!("{cut}{late}\nfault 2 {part} n1 [110..120]"));
        check("deposed-leader-lingers", &format!("{cut}{late}\nfault 2 {part} n2 [110..120]"));
        // It may still be a part of a quorum.
        check("", &format!("plan step_down 50\nfault 1 {part} n2,n3 [100..300]\n{late}"));
    }
}

/// The leader may lead on, so no other one is expected; and whoever should take over is excused.
#[test]
fn no_new_leader_is_expected_of_nodes_that_are_hit_in_part() {
    let hit = "plan new_leader 50\npoll n1 leader g4 [90..95]\nfault 1 kill n1 [100..300]\n";
    let none = "poll n2 follower g4 [150..155]\npoll n3 candidate g5 [151..155]\n";
    check("no-leader-in-time", &format!("{hit}{none}"));
    for part in PARTS {
        check("", &format!("{}{none}", hit.replace("kill n1", &format!("{part} n1"))));
        check("", &format!("{hit}{none}fault 2 {part} n2 [120..130]"));
    }
}
