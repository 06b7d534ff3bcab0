//! Small histories of clusters with known verdicts, in pairs: an anomaly, and its nearest valid
//! neighbour.

use crate::support;

use fracas_checker::budget::Budget;
use fracas_checker::{Status, judge};
use support::checked::{result, told};
use support::language::history;

const LEADERS: &str = "leader/one-per-generation";
const LIVENESS: &str = "liveness/recovers";

#[track_caller]
fn leaders(expect: &str, text: &str) {
    let result = result(LEADERS, &[LEADERS], text);
    let suspicious = if result.suspicions.is_empty() { "" } else { ", suspicious" };
    assert_eq!(format!("{}{suspicious}", told(&result)), expect, "{result:#?}");
}

#[track_caller]
fn liveness(expect: &str, text: &str) {
    let result = result(LIVENESS, &[LIVENESS], text);
    assert_eq!(told(&result), expect, "{result:#?}");
}

#[track_caller]
fn agreement(expect: &str, text: &str) {
    let text = format!("p1 - r k [1001..1002] ok nil\nphase recover 1000\nphase stop 2000\n{text}");
    let result = result(LIVENESS, &[LEADERS, LIVENESS], &text);
    assert_eq!(told(&result), expect, "{result:#?}");
}

#[test]
fn split_brains() {
    leaders("split-brain", "poll n1 leader g4 [0..5]\npoll n2 leader g4 [900..905]");
    leaders("pass", "poll n1 leader g4 [0..5]\npoll n2 leader g5 [0..5]");
    leaders("pass", "poll n1 leader g4 [0..5]\npoll n2 follower g4 [0..5]\npoll n3 - g4 [0..5]");
    leaders("pass, suspicious", "poll n1 leader g4 [0..5]\nhear n2 leader g4 [0..5]");
    leaders("split-brain", "poll n1 leader g4 [0..5]\nlog n2 leader g4 [0..5]");
    leaders("split-brain", "poll n1 leader g4 [0..5]\np1 - w k 1 [10..20] ok @n2/g4");
    leaders(
        "pass",
        "poll n1 leader g4 [0..5]\np1 - w k 1 [10..20] ok @-/g4\np1 - w k 1 [30..40] ok @n2/-",
    );
    leaders("inconclusive", "poll n1 leader - [0..5]\npoll n2 follower g4 [0..5]");
    // Who answers a read need not lead.
    leaders("pass", "poll n1 leader g4 [0..5]\np1 - r k [10..20] ok nil @n2/g4");
    // The same generation again in a later life: odd, not proof.
    leaders("pass, suspicious", "poll n1/1 leader g4 [0..5]\npoll n1/2 leader g4 [50..55]");
}

#[test]
fn generations_never_go_back() {
    leaders("generation-went-back", "poll n1 leader g5 [0..5]\npoll n1/2 follower g4 [6..9]");
    leaders("pass", "poll n1 leader g5 [0..5]\npoll n1/2 follower g4 [5..9]");
    leaders("pass", "poll n1 leader g5 [0..5]\nhear n1 follower g4 [6..9]");
    leaders("pass", "poll n1 leader g5 [0..5]\npoll n2 follower g4 [6..9]");
    // A log line may be read late; among themselves lines are in order.
    leaders("pass", "poll n1 leader g5 [0..5]\nlog n1 follower g4 [6..9]");
    leaders("generation-went-back", "log n1 leader g5 [0..5]\nlog n1 follower g4 [5..9]");
    leaders("generation-went-back", "log n1 leader g5 [0..5]\npoll n1 follower g4 [6..9]");
    // A line may come before the disk: killed right then, the node has forgotten nothing it owed.
    leaders(
        "pass",
        "poll n2 leader g4 [0..1]\nlog n1/1 candidate g5 [0..5]\nlog n1/2 follower g4 [6..9]",
    );
    leaders(
        "pass",
        "poll n2 leader g4 [0..1]\nlog n1/1 follower g5 [0..5]\npoll n1/2 follower g4 [6..9]",
    );
    leaders("generation-went-back", "log n1/1 leader g5 [0..5]\nlog n1/2 follower g4 [6..9]");
    leaders("generation-went-back", "log n1/1 candidate g5 [0..5]\nlog n1/1 follower g4 [6..9]");
}

#[test]
fn acknowledged_by_a_deposed_leader() {
    let before = "p1 - w k 1 [0..10] ok @n1/g4\np2 - w j 5 [20..30] ok @n2/g5\n";
    leaders(
        "stale-leader-ack-lost",
        &format!("{before}p1 - w k 2 [40..50] ok @n1/g4\np3 - r k [60..70] ok 1"),
    );
    // Seen later: late, but not lost.
    leaders(
        "pass, suspicious",
        &format!("{before}p1 - w k 2 [40..50] ok @n1/g4\np3 - r k [60..70] ok 2"),
    );
    // Overwritten: nobody can tell.
    leaders(
        "pass, suspicious",
        &format!(
            "{before}p1 - w k 2 [40..50] ok @n1/g4\np3 - w k 3 [45..55] ok @n2/g5\np3 - r k [60..70] ok 3"
        ),
    );
    // It began before the higher generation had acknowledged anything.
    leaders("pass", &format!("{before}p3 - w k 2 [30..50] ok @n1/g4\np4 - r k [60..70] ok 1"));
}

#[test]
fn recovery() {
    let healed = "phase recover 1000\n";
    liveness("pass", &format!("{healed}p1 - r k [1001..1100] ok nil\nphase stop 1200"));
    liveness("no-recovery", &format!("{healed}p1 - r k [1001..1101] ok nil\nphase stop 1200"));
    liveness("no-recovery", &format!("{healed}p1 - r k [1001..1050] fail\nphase stop 1200"));
    // An operation from before the heal proves nothing.
    liveness(
        "no-recovery",
        &format!(
            "{healed}p1 - r k [999..1050] ok nil\np2 - r k [1001..1090] info\nphase stop 1200"
        ),
    );
    liveness("inconclusive", &format!("{healed}p1 - r k [1001..1050] info"));
    liveness("inconclusive", "p1 - r k [0..5] ok nil\nphase stop 1200");
    // Stopped before the bound had passed: it might still have answered.
    liveness("inconclusive", &format!("{healed}p1 - r k [1001..1050] fail\nphase stop 1090"));
    // A cluster that is still disturbed owes nobody an answer.
    let fault = "fault 1 kill n1 [500..900]";
    let late = format!("{healed}p1 - r k [1001..1050] fail\nphase stop 1200");
    liveness("no-recovery", &format!("{fault}\n{late}"));
    liveness("inconclusive", &format!("{fault} unhealed\n{late}"));
    liveness("inconclusive", &format!("{healed}phase stop 1200"));
    liveness("inconclusive", &format!("{healed}plan recovery 0\np1 - r k [1001..1002] ok nil"));
}

#[test]
fn one_leader_after_the_heal() {
    let followers = "poll n2 follower g5 [1010..1012]\npoll n3 follower g5 [1010..1012]\n";
    agreement("pass", &format!("{followers}poll n1 leader g5 [1020..1022]"));
    agreement(
        "no-single-leader-after-heal",
        &format!("{followers}poll n1 follower g5 [1020..1022]"),
    );
    agreement(
        "no-single-leader-after-heal",
        "poll n1 leader g4 [1010..1012]\npoll n2 leader g5 [1010..1012]\npoll n3 follower g5 [1010..1012]",
    );
    // The old leader steps down within the bound.
    agreement(
        "pass",
        "poll n1 leader g4 [1010..1012]\npoll n2 leader g5 [1010..1012]\npoll n3 follower g5 [1010..1012]\npoll n1 follower g5 [1050..1052]",
    );
    // Someone is beyond the leader's generation: an election is going on.
    agreement(
        "no-single-leader-after-heal",
        "poll n1 leader g4 [1010..1012]\npoll n2 follower g4 [1010..1012]\npoll n3 candidate g5 [1010..1012]",
    );
    agreement("inconclusive", followers);
    // All agreed, and after the bound an old leader still claims to be one.
    agreement(
        "no-single-leader-after-heal",
        &format!("{followers}poll n1 leader g5 [1020..1022]\npoll n2 leader g4 [1500..1502]"),
    );
    // A new leader is no old one.
    agreement(
        "pass",
        &format!("{followers}poll n1 leader g5 [1020..1022]\npoll n2 leader g6 [1500..1502]"),
    );
    // Roles from logs alone: the last one written holds, unless the node was killed since.
    let logs = "log n1 leader g5 [0..5]\nlog n2 follower g5 [0..5]\nlog n3 follower g5 [0..5]\n";
    agreement("pass", logs);
    agreement("inconclusive", &format!("{logs}fault 1 kill n1 [500..600]"));
    // Hearsay can show that all agree, and never that they do not.
    let heard = "hear n2 follower g5 [1010..1012]\nhear n3 follower g5 [1010..1012]\n";
    agreement("pass", &format!("{heard}hear n1 leader g5 [1020..1022]"));
    agreement("pass", &format!("{heard}poll n1 leader g5 [1020..1022]"));
    agreement("inconclusive", &format!("{heard}hear n1 follower g5 [1020..1022]"));
    agreement(
        "pass",
        &format!("{heard}hear n1 leader g5 [1020..1022]\nhear n2 leader g4 [1500..1502]"),
    );
    // Of a node that proves its role, hearsay does not count.
    agreement(
        "no-single-leader-after-heal",
        &format!("{followers}poll n1 follower g5 [1020..1022]\nhear n1 leader g5 [1030..1032]"),
    );
}

#[test]
fn a_check_that_is_not_known_is_inconclusive() {
    let verdict = judge(&history("phase stop 1", &["unheard-of"]), Budget::unlimited_time());
    assert_eq!(verdict.status, Status::Inconclusive);
    assert_eq!(verdict.headline, "Not decided: `unheard-of` is not a check of this version.");
}
