//! Small histories of registers with known verdicts, in pairs: an anomaly, and its nearest valid
//! neighbour.

use crate::support;

use support::checked::{result, told};

const REGISTER: &str = "register/linearizable";

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
        "From 38.900 s to 52.100 s the network was cut: n1⇄n2 and n1⇄n3 (fault 4).",
        "Process 3 wrote k3 = 15 through n2 from 39.100 s to 39.402 s and was acknowledged; n2 acknowledged it as leader of generation 8.",
        "Process 7 read k3 through n1 from 41.180 s to 41.207 s and got 12.",
        "15 had been acknowledged before that read began, and nothing brought the old state back: the read must not return 12.",
    ];
    assert_eq!(anomaly.story, story);
    assert_eq!(anomaly.witness, [0, 1, 4, 5, 6, 7]);
    let reasons: Vec<&str> =
        anomaly.refuted.iter().map(|refutation| refutation.reason.as_str()).collect();
    assert_eq!(reasons, ["here the register holds 15, but it would have to be one that holds 12"]);
    let states: Vec<&str> = anomaly.prefix.iter().map(|placed| placed.state.as_str()).collect();
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
fn changes_from_what_had_been_replaced_are_lost_updates() {
    register(
        "lost-update",
        "p1 - w k 1 [0..10] ok\np1 - w k 2 [20..30] ok\np2 - cas k 1 3 [40..50] ok",
    );
    register("pass", "p1 - w k 1 [0..10] ok\np1 - w k 2 [20..30] ok\np2 - cas k 1 3 [15..50] ok");
    headline(
        "Lost update: process 2 changed k from 1 to 3 at 0.050 s, 20 ms after 2 had been acknowledged",
        "p1 - w k 1 [0..10] ok\np1 - w k 2 [20..30] ok\np2 - cas k 1 3 [40..50] ok",
    );
    // 1 is written twice, so it takes a search.
    register(
        "lost-update",
        "p1 - w k 1 [0..5] ok\np1 - w k 1 [6..10] ok\np1 - w k 2 [20..30] ok\np2 - cas k 1 3 [40..50] ok",
    );
}

#[test]
fn values_that_rest_on_nothing_are_unwritten() {
    // A ring: each rests on the other.
    let ring = "p1 - cas k 1 2 [0..50] ok\np2 - cas k 2 1 [0..50] ok";
    register("read-of-unwritten", ring);
    headline(
        "Read of an unwritten value: process 1 saw k = 1 at 0.050 s, but only changes that rest on it can have written it",
        ring,
    );
    register("pass", "p1 - cas k 1 2 [0..50] ok\np2 - cas k 2 3 [0..50] ok\np3 - w k 1 [0..50] ok");
    // What 3 rests on was never written, or only later.
    headline(
        "Read of an unwritten value: process 2 saw k = 3 at 0.030 s, changed from 1, but nothing ever wrote 1",
        "p1 - cas k 1 3 [0..10] info\np2 - r k [20..30] ok 3",
    );
    headline(
        "Read of an unwritten value: process 2 saw k = 3 at 0.030 s, changed from 1, but the first write of 1 began only at 0.040 s",
        "p1 - cas k 1 3 [0..50] ok\np2 - r k [20..30] ok 3\np3 - w k 1 [40..50] ok",
    );
}

#[test]
fn refusals_that_tell_what_they_found_are_reads() {
    let start = "p1 - w k 1 [0..10] ok\np1 - w k 2 [20..30] ok\n";
    register(
        "stale-read",
        &format!("{start}p2 - cas k 9 3 [40..50] ok found 1\np3 - r k [60..70] ok 2"),
    );
    register("pass", &format!("{start}p2 - cas k 9 3 [30..50] ok found 1"));
    register("read-of-unwritten", &format!("{start}p2 - cas k 9 3 [40..50] ok found 7"));
    register(
        "stale-read",
        &format!("{start}p2 - cas k 9 3 [40..50] ok found nil\np3 - r k [60..70] ok 2"),
    );
    register("spurious-refusal", &format!("{start}p2 - cas k 2 3 [40..50] ok found 2"));
}

#[test]
fn refusals_that_tell_nothing_need_another_value() {
    let start = "p1 - w k 1 [0..10] ok\n";
    register("spurious-refusal", &format!("{start}p2 - cas k 1 2 [11..20] ok differs"));
    register("pass", &format!("{start}p2 - cas k 1 2 [10..20] ok differs"));
    register("pass", &format!("{start}p2 - cas k 7 2 [11..20] ok differs"));
    // Replaced in time, for certain or not.
    register("pass", &format!("{start}p2 - cas k 1 2 [11..20] ok differs\np3 - w k 3 [20..30] ok"));
    register(
        "pass",
        &format!("{start}p2 - cas k 1 2 [11..20] ok differs\np3 - w k 3 [5..15] info"),
    );
    register(
        "pass",
        &format!("{start}p2 - cas k 1 2 [11..20] ok differs\np3 - cas k 1 3 [5..15] info"),
    );
    register(
        "spurious-refusal",
        &format!("{start}p2 - cas k 1 2 [11..20] ok differs\np3 - w k 3 [21..30] ok"),
    );
    // Still there afterwards.
    register(
        "spurious-refusal",
        &format!(
            "{start}p2 - cas k 1 2 [11..20] ok differs\np3 - w k 3 [11..40] ok\np4 - r k [21..25] ok 1"
        ),
    );
    // Each has a place, but not both: the counterexample to judging by the order alone.
    let both = "p1 - cas k 1 8 [2..4] ok differs\np1 - cas k 2 8 [6..8] ok differs";
    register(
        "pass",
        "p2 - w k 1 [0..1] ok\np3 - w k 2 [0..9] ok\np1 - cas k 1 8 [2..4] ok differs",
    );
    register(
        "pass",
        "p2 - w k 1 [0..1] ok\np3 - w k 2 [0..9] ok\np1 - cas k 2 8 [6..8] ok differs",
    );
    register("non-linearizable", &format!("p2 - w k 1 [0..1] ok\np3 - w k 2 [0..9] ok\n{both}"));
    headline(
        "Spurious refusal: process 2 was refused `cas k from 1 to 2` at 0.020 s, but k had been 1 since 0.010 s",
        &format!("{start}p2 - cas k 1 2 [11..20] ok differs"),
    );
}

/// A swap sees one value and leaves another, with nothing in between.
#[test]
fn swaps_answer_what_they_replaced() {
    let start = "p1 - w k 1 [0..10] ok\n";
    register("pass", &format!("{start}p2 - swap k 2 [20..30] ok 1\np3 - swap k 3 [40..50] ok 2"));
    register("pass", "p1 - swap k 1 [0..10] ok nil\np2 - swap k 2 [0..10] ok 1");
    // Two that found the same, though they were asked at once.
    let both = format!("{start}p2 - swap k 2 [20..30] ok 1\np3 - swap k 3 [20..30] ok");
    register("lost-update", &format!("{both} 1"));
    register("pass", &format!("{both} 2"));
    register("lost-update", "p2 - swap k 2 [0..10] ok nil\np3 - swap k 3 [0..10] ok nil");
    register("pass", "p2 - swap k 2 [0..10] ok nil\np3 - swap k 3 [0..10] ok 2");
    register(
        "lost-update",
        &format!("{start}p2 - swap k 2 [20..30] ok 1\np3 - cas k 1 3 [20..30] ok"),
    );
    // One that answers what had been overwritten before it began.
    let stale = format!("{start}p1 - w k 2 [20..30] ok\n");
    register("lost-update", &format!("{stale}p2 - swap k 3 [31..40] ok 1"));
    register("pass", &format!("{stale}p2 - swap k 3 [30..40] ok 1"));
    register("lost-update", &format!("{start}p2 - swap k 3 [11..40] ok nil"));
    register("pass", &format!("{start}p2 - swap k 3 [10..40] ok nil"));
    // What it replaced is gone, and nothing stands between the two.
    register(
        "stale-read",
        &format!(
            "{start}p2 - swap k 2 [20..30] ok 1\np3 - r k [31..40] ok 1\np3 - r k [41..50] ok 2"
        ),
    );
    register(
        "pass",
        &format!(
            "{start}p2 - swap k 2 [20..30] ok 1\np3 - r k [30..40] ok 1\np3 - r k [41..50] ok 2"
        ),
    );
    let between = "p2 - swap k 3 [20..90] ok 1\np3 - r k [60..70] ok 3";
    register(
        "stale-read",
        &format!(
            "{start}p4 - w k 2 [30..40] ok\np4 - r k [41..50] ok 2\n{between}\np4 - r k [80..90] ok 2"
        ),
    );
    register(
        "pass",
        &format!(
            "p4 - w k 2 [30..40] ok\np4 - r k [41..50] ok 2\np1 - w k 1 [51..52] ok\n{between}"
        ),
    );
}

/// One of unknown outcome may have found anything, at any later time, or never taken effect.
#[test]
fn a_swap_of_unknown_outcome_is_a_write_of_unknown_outcome() {
    let start = "p1 - w k 1 [0..10] ok\np2 - swap k 2 [20..30] info\n";
    register("pass", &format!("{start}p3 - r k [40..50] ok 1\np3 - swap k 3 [60..70] ok 1"));
    register("pass", &format!("{start}p3 - r k [40..50] ok 1\np3 - swap k 3 [60..70] ok 2"));
    // It cannot come undone, nor take effect before it was asked.
    register("stale-read", &format!("{start}p3 - r k [40..50] ok 2\np3 - r k [60..70] ok 1"));
    register("lost-update", &format!("{start}p3 - r k [40..50] ok 2\np3 - swap k 3 [60..70] ok 1"));
    register(
        "read-of-unwritten",
        "p1 - w k 1 [0..10] ok\np3 - swap k 3 [11..19] ok 2\np2 - swap k 2 [20..30] info",
    );
    register("read-of-unwritten", "p2 - swap k 2 [0..10] fail\np3 - swap k 3 [20..30] ok 2");
}

/// As where a swap that is asked for again is executed again.
#[test]
fn a_swap_that_answers_its_own_value_is_refuted() {
    let own = "p1 - w k 1 [0..10] ok\np2 - swap k 2 [20..30] ok 2";
    register("read-of-unwritten", own);
    register("pass", &format!("{own}\np3 - w k 2 [0..30] ok"));
    headline(
        "Read of an unwritten value: process 2 saw k = 2 at 0.030 s, but only that very operation wrote it",
        own,
    );
    // Whoever saw it first is told of.
    headline(
        "Read of an unwritten value: process 3 saw k = 2 at 0.025 s, but whoever wrote it had found it there",
        &format!("{own}\np3 - r k [24..25] ok 2"),
    );
    // Executed twice with another one in between: each rests on the other.
    let twice = "p1 - w k 1 [0..10] ok\np2 - swap k 2 [20..90] ok 3\np3 - swap k 3 [30..40] ok";
    register("read-of-unwritten", &format!("{twice} 2"));
    register("pass", &format!("{twice} 1"));
}

#[test]
fn headlines_of_swaps() {
    headline(
        "Lost update: processes 2 and 3 both changed k from 1, to 2 and to 3",
        "p1 - w k 1 [0..10] ok\np2 - swap k 2 [20..30] ok 1\np3 - swap k 3 [20..30] ok 1",
    );
    headline(
        "Lost update: processes 2 and 3 both changed k from absent, to 2 and to 3",
        "p2 - swap k 2 [20..30] ok nil\np3 - swap k 3 [20..30] ok nil",
    );
    headline(
        "Lost update: process 2 changed k from absent to 3 at 0.040 s, 30 ms after 1 had been acknowledged",
        "p1 - w k 1 [0..10] ok\np2 - swap k 3 [11..40] ok nil",
    );
    let text = "p1 - w k 1 [0..10] ok\np2 - swap k 2 [20..30] ok 1\np3 - swap k 3 [20..30] ok 1";
    let told = result(REGISTER, &[REGISTER], text);
    let story = "Process 2 swapped k for 2 from 0.020 s to 0.030 s and found it to hold 1.";
    assert!(
        told.anomalies[0].story.iter().any(|line| line == story),
        "{:?}",
        told.anomalies[0].story
    );
}

#[test]
fn texts_are_values_like_any_other() {
    let start = "p1 - w k \"a\" [0..10] ok\np1 - w k \"b\" [20..30] ok\n";
    register(
        "stale-read",
        &format!("{start}p2 - r k [40..50] ok \"a\"\np2 - r k [60..70] ok \"b\""),
    );
    register("pass", &format!("{start}p2 - cas k \"b\" 1 [40..50] ok\np2 - r k [60..70] ok 1"));
    register("read-of-unwritten", "p1 - w k 1 [0..10] ok\np2 - r k [20..30] ok \"1\"");
}

#[test]
fn what_a_check_does_not_judge_is_named() {
    let set = result(REGISTER, &[REGISTER], "p1 - w k 1 [0..10] ok\np2 - add s 1 [0..10] ok");
    assert_eq!(told(&set), "pass");
    assert_eq!(set.not_checked, ["operations that this check does not judge: 1 `add`"]);
    // An append changes what reads of its key return.
    let text =
        "p1 - w k \"a\" [0..10] ok\np1 - append k \"b\" [20..30] ok\np2 - r k [40..50] ok \"ab\"";
    let appended = result(REGISTER, &[REGISTER], text);
    assert_eq!(told(&appended), "inconclusive");
    assert_eq!(
        appended.reasons,
        ["k was not judged: `append` may have changed it, which is no operation of this check"]
    );
}

#[test]
fn orders_that_no_narrower_class_describes() {
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
