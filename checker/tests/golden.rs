//! Small histories with known verdicts, in pairs: an anomaly, and its nearest valid neighbour.

mod support;

use fracas_checker::budget::Budget;
use fracas_checker::verdict::CheckResult;
use fracas_checker::{Status, judge};
use support::language::history;

const REGISTER: &str = "register/linearizable";
const LEADERS: &str = "leader/one-per-generation";
const LIVENESS: &str = "liveness/recovers";

/// What the check `id` says of the history `text`.
#[track_caller]
fn result(id: &str, checks: &[&str], text: &str) -> CheckResult {
    let history = history(text, checks);
    let verdict = judge(&history, Budget::unlimited_time());
    let events = history.events().len() as u64;
    for (_, anomaly) in verdict.anomalies() {
        assert!((2..=9).contains(&anomaly.story.len()), "{:#?}", anomaly.story);
        assert!(!anomaly.witness.is_empty() && anomaly.witness.is_sorted());
        assert!(anomaly.witness.iter().all(|index| *index < events));
        assert!(anomaly.window.0 <= anomaly.window.1, "{:?}", anomaly.window);
        assert!(fracas_checker::catalogue::explain(&anomaly.class).is_some());
    }
    verdict.checks.into_iter().find(|check| check.id == id).expect("the check ran")
}

/// The classes of the anomalies; without any, the status.
fn told(result: &CheckResult) -> String {
    let classes: Vec<&str> = result.anomalies.iter().map(|one| one.class.as_str()).collect();
    if classes.is_empty() { result.status.to_string() } else { classes.join(" ") }
}

#[track_caller]
fn register(expect: &str, text: &str) {
    let result = result(REGISTER, &[REGISTER], text);
    assert_eq!(told(&result), expect, "{result:#?}");
}

#[track_caller]
fn headline(expect: &str, text: &str) {
    let result = result(REGISTER, &[REGISTER], text);
    assert_eq!(result.anomalies[0].headline, expect, "{result:#?}");
}

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

/// The reasons of the coverage check, joined.
#[track_caller]
fn coverage(expect: &str, text: &str) {
    let result = result("coverage", &[], text);
    assert_eq!(result.reasons.join("; "), expect);
    let status = if expect.is_empty() { Status::Pass } else { Status::Inconclusive };
    assert_eq!(result.status, status);
}

#[test]
fn stale_reads() {
    register(
        "stale-read",
        "p1 - w k 1 [0..10] ok\np1 - w k 2 [20..30] ok\np2 - r k [31..40] ok 1\np2 - r k [50..60] ok 2",
    );
    // Closed intervals: what ends when another begins is concurrent with it.
    register("pass", "p1 - w k 1 [0..10] ok\np1 - w k 2 [20..30] ok\np2 - r k [30..40] ok 1");
    // New, then old: a read shows that the write had taken effect.
    register(
        "stale-read",
        "p1 - w k 1 [0..10] ok\np2 - w k 2 [20..90] ok\np3 - r k [30..40] ok 2\np4 - r k [41..50] ok 1",
    );
    register(
        "pass",
        "p1 - w k 1 [0..10] ok\np2 - w k 2 [20..90] ok\np3 - r k [30..40] ok 2\np4 - r k [40..50] ok 1",
    );
    // Absent after it was written.
    register(
        "stale-read",
        "p1 - w k 1 [0..10] ok\np2 - r k [11..12] ok nil\np2 - r k [13..14] ok 1",
    );
    register("pass", "p1 - w k 1 [0..10] ok\np2 - r k [10..12] ok nil");
    // An indeterminate write may land at any later time, but not before it began.
    register(
        "pass",
        "p1 - w k 1 [0..10] ok\np2 - w k 2 [20..30] info\np3 - r k [40..50] ok 1\np3 - r k [60..70] ok 2",
    );
    register(
        "stale-read",
        "p1 - w k 1 [0..10] ok\np2 - w k 2 [20..30] info\np3 - r k [40..50] ok 2\np3 - r k [60..70] ok 1",
    );
    // Stale inside a chain of compare-and-sets, and across one.
    register(
        "stale-read",
        "p1 - w k 1 [0..10] ok\np1 - cas k 1 2 [20..30] ok\np1 - cas k 2 3 [40..50] ok\np2 - r k [60..70] ok 2\np2 - r k [80..90] ok 3",
    );
    register(
        "pass",
        "p1 - w k 1 [0..10] ok\np1 - cas k 1 2 [20..30] ok\np1 - cas k 2 3 [40..50] ok\np2 - r k [45..70] ok 2\np2 - r k [80..90] ok 3",
    );
    // Values written twice go through the search.
    register(
        "stale-read",
        "p1 - w k 1 [0..10] ok\np1 - w k 2 [20..30] ok\np1 - w k 1 [40..50] ok\np2 - r k [60..70] ok 2\np2 - r k [71..72] ok 1\np2 - w k 2 [80..90] ok",
    );
    register(
        "pass",
        "p1 - w k 1 [0..10] ok\np1 - w k 2 [20..30] ok\np1 - w k 1 [40..50] ok\np2 - r k [60..70] ok 1",
    );
}

#[test]
fn headlines_say_who_what_and_when() {
    headline(
        "Stale read: process 7 read k3 = 12 at 41.207 s, 1.8 s after 15 had been acknowledged",
        "p3 n4 w k3 12 [30000..30010] ok\np3 n4 w k3 15 [39100..39402] ok @n4/g8\np7 n1 r k3 [41180..41207] ok 12\np7 - r k3 [42000..42001] ok 15",
    );
    headline(
        "Lost write: k = 2 was acknowledged to process 1 at 0.030 s, and no later read saw it; process 2 read k = 1 at 0.050 s",
        "p1 - w k 1 [0..10] ok\np1 - w k 2 [20..30] ok\np2 - r k [40..50] ok 1",
    );
    headline(
        "Lost update: processes 2 and 3 both changed k from 1, to 2 and to 3",
        "p1 - w k 1 [0..10] ok\np2 - cas k 1 2 [20..30] ok\np3 - cas k 1 3 [20..30] ok",
    );
    headline(
        "Read of an unwritten value: process 2 saw k = 1 at 0.030 s, but every write of it had failed",
        "p1 - w k 1 [0..10] fail\np2 - r k [20..30] ok 1",
    );
}

/// The likely cause of the only anomaly, or nothing.
#[track_caller]
fn cause(expect: &str, text: &str) {
    let result = result(REGISTER, &[REGISTER], text);
    let cause = result.anomalies[0].likely_cause.as_deref().unwrap_or_default();
    assert!(cause.starts_with(expect) && expect.is_empty() == cause.is_empty(), "{cause}");
}

#[test]
fn causes_come_from_rules() {
    let stale = "p1 - w k 1 [0..10] ok\np1 n2 w k 2 [20..30] ok\np2 n1 r k [40..50] ok 1\n";
    cause("", stale);
    let seen = "p2 - r k [70..80] ok 2\n";
    cause(
        "n1 still took itself for the leader of generation 4, while n2 had led generation 5 since 0.019 s",
        &format!("{stale}{seen}poll n1 leader g4 [41..45]\npoll n2 leader g5 [15..19]"),
    );
    // It knew already that it leads no more.
    cause("", &format!("{stale}{seen}poll n1 follower g5 [41..45]\npoll n2 leader g5 [15..19]"));
    cause(
        "n2 acknowledged it at 0.030 s while it was cut from the majority n1 and n3 (fault 1).",
        &format!("{stale}fault 1 cut n2|n1,n3 [15..60]"),
    );
    cause("", &format!("{stale}fault 1 cut n3|n1,n2 [15..60]"));
    cause("n2 was killed at 0.035 s (fault 1), after", &format!("{stale}fault 1 kill n2 [35..38]"));
    cause("", &format!("{stale}fault 1 kill n3 [35..38]"));
}

#[test]
fn a_story_tells_the_facts_in_order_of_time() {
    let text = "fault 4 cut n1|n2,n3 [38900..52100]
        p3 n2 w k3 12 [30000..30010] ok
        p3 n2 w k3 15 [39100..39402] ok @n2/g8
        p7 n1 r k3 [41180..41207] ok 12
        p7 n2 r k3 [60000..60010] ok 15
        p8 n2 w k3 16 [60000..60010] info
        p9 n2 r k9 [60000..60010] ok nil";
    let result = result(REGISTER, &[REGISTER], text);
    let anomaly = &result.anomalies[0];
    let story = [
        "Process 3 wrote k3 = 12 through n2 from 30.000 s to 30.010 s and was acknowledged.",
        "From 38.900 s to 52.100 s the network was cut: n1→n2, n2→n1, n1→n3 and n3→n1 (fault 4).",
        "Process 3 wrote k3 = 15 through n2 from 39.100 s to 39.402 s and was acknowledged; n2 answered as leader of generation 8.",
        "Process 7 read k3 through n1 from 41.180 s to 41.207 s and got 12.",
        "15 had been acknowledged before that read began, and nothing brought the old state back: the read must not return 12.",
    ];
    assert_eq!(anomaly.story, story);
    assert_eq!(anomaly.witness, [0, 1, 4, 5, 6, 7]);
    let reasons: Vec<&str> = anomaly.refuted.iter().map(|one| one.reason.as_str()).collect();
    assert_eq!(reasons, ["here the register holds 15, but it would have to be one that holds 12"]);
    let states: Vec<&str> = anomaly.prefix.iter().map(|one| one.state.as_str()).collect();
    assert_eq!(states, ["holds 12", "holds 15"]);
}

#[test]
fn reads_of_unwritten_values() {
    register("read-of-unwritten", "p1 - w k 1 [0..10] ok\np2 - r k [20..30] ok 7");
    register("read-of-unwritten", "p1 - w k 1 [0..10] fail\np2 - r k [20..30] ok 1");
    register("pass", "p1 - w k 1 [0..10] info\np2 - r k [20..30] ok 1");
    register("read-of-unwritten", "p2 - r k [0..9] ok 1\np1 - w k 1 [10..20] ok");
    register("pass", "p2 - r k [0..10] ok 1\np1 - w k 1 [10..20] ok");
    register("read-of-unwritten", "p1 - cas k 1 2 [0..10] ok");
}

#[test]
fn lost_writes_and_lost_updates() {
    register(
        "lost-write",
        "p1 - w k 1 [0..10] ok\np1 - w k 2 [20..30] ok\np2 - r k [40..50] ok 1\np2 - r k [60..70] ok 1",
    );
    register("lost-write", "p1 - w k 2 [20..30] ok\np2 - r k [40..50] ok nil");
    // Overwritten, not lost.
    register(
        "pass",
        "p1 - w k 1 [0..10] ok\np1 - w k 2 [20..30] ok\np1 - w k 3 [40..50] ok\np2 - r k [60..70] ok 3",
    );
    register(
        "lost-update",
        "p1 - w k 1 [0..10] ok\np2 - cas k 1 2 [20..30] ok\np3 - cas k 1 3 [40..50] ok",
    );
    register(
        "pass",
        "p1 - w k 1 [0..10] ok\np2 - cas k 1 2 [20..30] ok\np3 - cas k 1 3 [40..50] info",
    );
    register(
        "lost-update",
        "p1 - w k 1 [0..10] ok\np2 - cas k 1 2 [20..30] ok\np3 - cas k 1 3 [40..50] info\np4 - r k [60..70] ok 3",
    );
    register(
        "pass",
        "p1 - w k 1 [0..10] ok\np2 - cas k 1 2 [20..30] ok\np3 - cas k 2 3 [40..50] ok",
    );
}

#[test]
fn orders_that_no_narrower_class_describes() {
    // A compare-and-set found what had been replaced.
    register(
        "non-linearizable",
        "p1 - w k 1 [0..10] ok\np1 - w k 2 [20..30] ok\np2 - cas k 1 3 [40..50] ok",
    );
    register("pass", "p1 - w k 1 [0..10] ok\np1 - w k 2 [20..30] ok\np2 - cas k 1 3 [15..50] ok");
    // A ring: each rests on the other.
    register("non-linearizable", "p1 - cas k 1 2 [0..50] ok\np2 - cas k 2 1 [0..50] ok");
    register("pass", "p1 - cas k 1 2 [0..50] ok\np2 - cas k 2 3 [0..50] ok\np3 - w k 1 [0..50] ok");
    // The same value twice, and no order for both readers.
    register(
        "non-linearizable",
        "p1 - w k 1 [0..90] ok\np2 - w k 2 [0..90] ok\np3 - w k 1 [0..90] info\np4 - r k [10..20] ok 1\np4 - r k [30..40] ok 2\np4 - r k [50..60] ok 1\np4 - r k [70..80] ok 2",
    );
    register(
        "pass",
        "p1 - w k 1 [0..90] ok\np2 - w k 2 [0..90] ok\np3 - w k 1 [0..90] info\np4 - r k [10..20] ok 1\np4 - r k [30..40] ok 2\np4 - r k [50..60] ok 1",
    );
}

#[test]
fn keys_are_judged_alone() {
    register(
        "pass",
        "p1 - w a 1 [0..10] ok\np1 - w b 2 [20..30] ok\np2 - r a [40..50] ok 1\np2 - r b [60..70] ok 2",
    );
    register(
        "stale-read lost-write",
        "p1 - w a 1 [0..10] ok\np1 - w a 2 [20..30] ok\np2 - r a [40..50] ok 1\np2 - r a [51..52] ok 2\np3 - w b 1 [0..10] ok\np4 - r b [60..70] ok nil",
    );
    register("inconclusive", "p1 - r a [0..10] fail");
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
    // A guess at the cause names a kill about the time of the elections, and no other.
    let split = "poll n1 leader g4 [5000..5005]\npoll n2 leader g4 [5300..5305]";
    let guess = |kill: &str| {
        let history = history(&format!("{split}\n{kill}"), &["leader/one-per-generation"]);
        let verdict = judge(&history, Budget::unlimited_time());
        verdict.checks[0].anomalies[0].likely_cause.clone().unwrap_or_default()
    };
    assert!(guess("fault 1 kill n3 [5100..5200]").contains("n3 was killed at 5.100 s (fault 1)"));
    assert_eq!(guess("fault 1 kill n3 [100..200]"), "");
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
}

#[test]
fn coverage_says_what_is_missing() {
    let stop = "phase load 0\nphase stop 900\n";
    coverage("", stop);
    coverage("the run was cut short: it never came to its stop", "phase load 0");
    coverage("only 0 ok cas, at least 5 are needed", &format!("{stop}plan ok_per_kind cas 5"));
    coverage("only 0 proven faults, at least 1 are needed", &format!("{stop}plan effective 1"));
    coverage("", &format!("{stop}plan effective 1\nfault 1 kill n1 [10..20]"));
    coverage(
        "only 0 proven faults, at least 1 are needed; fault 1 (kill n1) was not proven: probe: answer",
        &format!("{stop}plan effective 1\nfault 1 kill n1 [10..20] unproven"),
    );
    coverage(
        "only 0 elections under load, at least 1 are needed",
        &format!("{stop}plan elections 1"),
    );
    coverage("", &format!("{stop}plan elections 1\npoll n1 leader g2 [5..9]"));
    // What was written must be looked for at the end.
    let written = format!("{stop}phase final 100\np1 - w k 1 [5..9] ok\n");
    coverage("no final read of k succeeded", &format!("{written}p2 - r k [50..60] ok 1"));
    coverage("no final read of k succeeded", &format!("{written}p2 - r k [100..110] fail"));
    coverage("", &format!("{written}p2 - r k [100..110] ok 1"));
}

#[test]
fn coverage_asks_for_service_where_a_majority_is_left() {
    let stop = "phase load 0\nphase stop 900\nplan window 1\n";
    let ok = "p1 - r k [11..12] ok nil\n";
    let missing = |fault: u32| {
        format!(
            "only 0 operations succeeded during fault {fault} (0.010 s to 0.020 s), which left a \
             majority connected; at least 1 are needed"
        )
    };
    coverage(&missing(1), &format!("{stop}fault 1 kill n1 [10..20]"));
    coverage("", &format!("{stop}{ok}fault 1 kill n1 [10..20]"));
    coverage("", &format!("{stop}{ok}fault 1 cut n1|n2,n3 [10..20]"));
    // No majority is left: being asked is enough.
    coverage(
        "nothing was asked of the cluster during fault 1 (0.010 s to 0.020 s)",
        &format!("{stop}fault 1 kill n1,n2 [10..20]"),
    );
    let asked = "p1 - r k [11..12] fail\n";
    coverage("", &format!("{stop}{asked}fault 1 kill n1,n2 [10..20]"));
    coverage("", &format!("{stop}{asked}fault 1 pause n1 [10..20]\nfault 2 cut n2|n3 [10..20]"));
}

#[test]
fn a_check_that_is_not_known_is_inconclusive() {
    let verdict = judge(&history("phase stop 1", &["set/linearizable"]), Budget::unlimited_time());
    assert_eq!(verdict.status, Status::Inconclusive);
    assert_eq!(verdict.headline, "Not decided: `set/linearizable` is not a check of this version.");
}
