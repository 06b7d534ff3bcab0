//! Queues whose clients confirm: an element may come twice, and none may be lost or made up.

use super::support::checked::result;
use super::support::language::says;

const DELIVERY: &str = "delivery/at-least-once";

/// The last look at the queue, long after everything.
const EMPTY: &str = "p9 - deq q [60000..60010] ok nil";

#[track_caller]
fn check(text: &str, expect: &str) {
    says(DELIVERY, &format!("p1 - enq q 1 [0..10] ok\n{text}\n{EMPTY}"), expect);
}

const LOST: &str =
    "Lost element: an element of q had been acknowledged and nobody was handed it: 1";

#[test]
fn what_was_acknowledged_is_handed_out() {
    check("p2 - deq q [20..30] ok 1", "pass");
    check("", LOST);
    // Whoever is handed it may be so before the answer to the enqueue.
    check("p2 - deq q [5..8] ok 1", "pass");
    // Nobody knows whether it was put in, or it was not.
    check("p2 - deq q [20..30] ok 1\np1 - enq q 2 [40..50] info", "pass");
    check("p2 - deq q [20..30] ok 1\np1 - enq q 2 [40..50] fail", "pass");
    check(
        "p1 - enq q 2 [40..50] ok\np1 - enq q 3 [60..70] ok",
        "Lost element: 3 elements of q had been acknowledged and nobody was handed it: 1, 2 and 3",
    );
}

/// A queue of another kind would be wrong here.
#[test]
fn an_element_may_come_again_in_any_order_and_after_an_empty_answer() {
    check("p2 - deq q [20..30] ok 1\np3 - deq q [40..50] ok 1", "pass");
    check("p2 - deq q [20..30] ok nil\np3 - deq q [40..50] ok 1", "pass");
    let second = "p1 - enq q 2 [11..12] ok\np2 - deq q [20..30] ok 2\np2 - deq q [40..50] ok 1";
    check(second, "pass");
}

#[test]
fn what_nobody_put_in_is_not_handed_out() {
    let phantom =
        |time: &str| format!("Phantom element: q handed out by {time} what nobody had put there");
    check("p2 - deq q [20..30] ok 1\np2 - deq q [40..50] ok 7", &phantom("0.050 s"));
    check(
        "p2 - deq q [20..30] ok 1\np2 - deq q [40..50] ok 7\np1 - enq q 7 [60..70] ok",
        &phantom("0.050 s"),
    );
    check(
        "p2 - deq q [20..30] ok 1\np1 - enq q 7 [31..32] fail\np2 - deq q [40..50] ok 7",
        &phantom("0.050 s"),
    );
    check("p2 - deq q [20..30] ok 1\np1 - enq q 7 [31..32] info\np2 - deq q [40..50] ok 7", "pass");
    check("p2 - deq q [20..30] ok 1\np1 - enq q 7 [50..60] ok\np2 - deq q [40..50] ok 7", "pass");
}

/// A dequeue of unknown outcome may have taken one element, and no more.
#[test]
fn as_many_may_be_missing_as_dequeues_are_unknown() {
    check("p2 - deq q [20..30] info", "pass");
    check(
        "p1 - enq q 2 [40..50] ok\np2 - deq q [60..70] info",
        "Lost element: 2 elements of q had been acknowledged and nobody was handed it: 1 and 2",
    );
    check("p2 - deq q [20..30] fail", LOST);
}

/// Nobody knows whether the only element is lost.
#[track_caller]
fn cut_off(text: &str) {
    let text = format!("p1 - enq q 1 [0..10] ok\n{text}");
    let result = result(DELIVERY, &[DELIVERY], &text);
    assert!(result.anomalies.is_empty(), "{text}\n{result:#?}");
    let told =
        "of q had been acknowledged and nobody was handed it, and q was not seen to be empty";
    assert!(result.reasons.iter().any(|reason| reason.contains(told)), "{result:#?}");
}

/// The queue was empty before the rest of it was back.
#[test]
fn elements_are_counted_at_the_end_alone() {
    cut_off("");
    // The next answer shows that something was in it still.
    cut_off("p3 - enq q 2 [0..9] ok\np2 - deq q [20..30] ok nil\np2 - deq q [40..50] ok 2");
    // What a session was handed just before may be on its way back.
    cut_off("p2 - deq q [20..30] fail\np2 - deq q [20029..20040] ok nil");
    // It is no matter who asks afterwards.
    check("p2 - deq q [61000..61010] fail", LOST);
    // It was not put in yet.
    cut_off("p2 - deq q [5..8] ok nil");
    // The dequeue may still be under way, and is handed what it puts back when it ends.
    cut_off("p2 - deq q [20..]\np3 - deq q [60000..60010] ok nil\np1 - enq q 2 [30..40] ok");
}

/// What a server holds that was disturbed comes back after the heal, and not with it.
#[test]
fn elements_are_counted_when_nothing_has_disturbed_the_cluster_for_long() {
    let paused = "fault 1 pause n1 [12..18]\nphase load 1";
    // A fault lasts, and the run was broken off.
    cut_off(&format!("{paused}\np2 - deq q [14..15] ok nil\nphase recover 20"));
    cut_off(&format!("{paused}\np2 - deq q [60000..60010] ok nil"));
    // The answer came just after the heal, or long after it.
    cut_off(&format!("{paused}\nphase recover 20\np2 - deq q [20019..20030] ok nil"));
    let late = format!("{paused}\nphase recover 20\np2 - deq q [20020..20030] ok nil");
    says(DELIVERY, &format!("p1 - enq q 1 [0..10] ok\n{late}"), LOST);
    // Nobody knows whether the fault is over.
    let lasts = paused.replace("[12..18]", "[12..]");
    cut_off(&format!("{lasts}\nphase recover 20\np2 - deq q [60000..60010] ok nil"));
}
