//! The watch on small histories of locks, leases, counters, sets and stores, written by hand.

use crate::support;

use fracas_checker::online::Watch;
use fracas_checker::{Budget, Status, judge};
use support::language::history;

/// What a watch for the check `id` says of `text`: when the alarm was due in milliseconds, `-`, or
/// why it is blind. Where there is an alarm, the offline check must refute the history, too.
#[track_caller]
fn check(id: &str, text: &str, expect: &str) {
    let history = history(text, &[id]);
    let mut watch = Watch::of(&history.header().plan);
    history.events().iter().for_each(|event| drop(watch.feed(event).cloned()));
    let alarm = watch.settle().cloned();
    let blind = watch.blind().first().map(|blind| blind.reason.to_owned());
    let when = alarm.map(|alarm| (alarm.time / 1_000_000).to_string());
    assert_eq!(when.or(blind).unwrap_or_else(|| "-".to_owned()), expect, "{text}");
    let refuted = judge(&history, Budget::unlimited_time()).status == Status::Anomaly;
    assert!(refuted || expect.parse::<u64>().is_err(), "a false alarm");
}

#[test]
fn a_mutex_is_granted_once() {
    let mutex = |text: &str, expect: &str| check("mutex/linearizable", text, expect);
    mutex("p1 - acq m 1 [0..1] ok\np2 - acq m 2 [2..3] ok", "3");
    mutex("p1 - acq m 1 [0..1] ok\np3 - rel m 1 [2..9] ok\np2 - acq m 2 [2..3] ok", "-");
    mutex("p1 - acq m 1 [0..1] ok\np3 - rel m 1 [2..9] fail\np2 - acq m 2 [2..3] ok", "9");
    // A release of unknown end serves once.
    let given = "p1 - acq m 1 [0..1] ok\np3 - rel m 1 [2..4] info\np2 - acq m 2 [5..6] ok";
    mutex(given, "-");
    mutex(&format!("{given}\np2 - acq m 2 [7..8] ok"), "8");
    // Whichever of two completes first was the one.
    let two = "p1 - acq m 1 [0..1] ok\np3 - rel m 1 [2..9] ok\np4 - rel m 1 [2..7] ok\n\
               p2 - acq m 2 [2..3] ok";
    mutex(two, "-");
    mutex(&format!("{two}\np2 - acq m 2 [8..9] ok\np2 - acq m 2 [10..11] ok"), "11");
    mutex("p1 - rel m 1 [0..1] ok", "1");
}

#[test]
fn a_lock_has_one_holder() {
    let lock = |text: &str, expect: &str| check("lock/linearizable", text, expect);
    lock("p1 - acq l 1 [0..10] ok\np2 - acq l 2 [5..15] ok", "15");
    lock("p1 - acq l 1 [0..10] ok\np2 - rel l 2 [12..15] ok", "15");
    lock("p1 - acq l 1 [0..10] ok\np1 - rel l 1 [12..30] ok\np2 - acq l 2 [11..15] ok", "-");
    lock("p1 - acq l 1 [0..10] ok\np1 - rel l 1 [12..30] fail\np2 - acq l 2 [11..15] ok", "30");
    // The other had given it back again by the time at which the release failed.
    let back = "p2 - acq l 2 [11..15] ok\np2 - rel l 2 [16..17] ok";
    lock(&format!("p1 - acq l 1 [0..10] ok\np1 - rel l 1 [12..30] fail\n{back}"), "30");
    lock(&format!("p1 - acq l 1 [0..10] ok\np1 - rel l 1 [12..30] info\n{back}"), "-");
    // Somebody else's operations of unknown end excuse nothing.
    let unknown = "p3 - acq l 3 [0..2] info\np4 - rel l 3 [3..4] info";
    lock(&format!("{unknown}\np1 - acq l 1 [5..6] ok\np2 - acq l 2 [7..8] ok"), "8");
}

#[test]
fn tokens_rise_and_the_guard_refuses_lower_ones() {
    let fencing = |text: &str, expect: &str| check("fencing/linearizable", text, expect);
    fencing("p1 - acq l 1 [0..10] ok 7\np2 - acq l 2 [5..15] ok 7", "15");
    fencing("p1 - acq l 1 [0..10] ok 7\np2 - acq l 2 [10..20] ok 6", "-");
    fencing("p1 - acq l 1 [0..10] ok 7\np2 - acq l 2 [11..20] ok 6", "20");
    fencing("p1 - gw l 8 1 [0..10] ok\np2 - gw l 7 2 [11..20] ok", "20");
    fencing("p1 - gw l 8 1 [0..10] ok\np2 - gw l 7 2 [11..20] info\np3 - r l [30..40] ok 1", "-");
    fencing("p1 - gw l 8 1 [0..10] ok\np2 - gw l 7 2 [11..20] info\np3 - r l [30..40] ok 2", "40");
    // A read shows the token of what it saw.
    let shown = "p1 - gw l 8 1 [0..50] ok\np3 - r l [2..10] ok 1";
    fencing(&format!("{shown}\np2 - gw l 7 2 [11..20] ok"), "20");
    fencing(&format!("{shown}\np2 - gw l 8 2 [11..20] ok\np3 - r l [21..30] ok 1"), "30");
    fencing("p1 - gw l 8 1 [0..50] fail\np3 - r l [2..10] ok 1", "50");
    // Of a value that was written twice nobody knows which write a read saw.
    let twice = "p1 - gw l 1 5 [0..10] ok\np2 - gw l 2 5 [11..20] ok\np2 - gw l 3 6 [21..30] ok";
    fencing(&format!("{twice}\np3 - r l [31..40] ok 5"), "-");
    fencing(&format!("{twice}\np3 - r l [31..40] ok 7"), "40");
}

#[test]
fn an_overlap_of_leases_counts_once_it_has_passed() {
    let lease = |text: &str, expect: &str| check("lease/exclusive", text, expect);
    let two = "p1 - acq l 1 ttl 50 [0..1] ok\np2 - acq l 2 ttl 50 [2..3] ok";
    // Holder 1 may still give it back at once; offline, what was recorded is judged as it stands.
    lease(two, "-");
    lease(&format!("{two}\np1 - rel l 1 [3..4] ok"), "-");
    lease(&format!("{two}\np1 - rel l 1 [9..10] ok"), "10");
    lease(&format!("{two}\np1 - rel l 1 [9..10] ok\nplan clock-error 6"), "-");
    lease(&format!("{two}\np1 - rel l 1 [9..10] ok\nplan clock-error 5"), "10");
    lease(&format!("{two}\np2 - ren l 2 [90..91] ok"), "91");
    lease(
        "p1 - acq l 1 ttl 5 [0..1] ok\np2 - acq l 2 ttl 50 [4..5] ok\np2 - rel l 2 [9..10] ok",
        "-",
    );
}

#[test]
fn a_counter_is_read_within_bounds() {
    let counter = |text: &str, expect: &str| check("counter/linearizable", text, expect);
    let two = "p1 - inc c 2 [0..10] ok\np2 - inc c 3 [5..40] ok";
    counter(&format!("{two}\np3 - r c [11..20] ok 2"), "-");
    counter(&format!("{two}\np3 - r c [11..20] ok 1"), "20");
    counter(&format!("{two}\np3 - r c [11..20] ok 6"), "20");
    counter("p1 - inc c 2 [0..40] fail\np3 - r c [11..20] ok 2", "40");
    counter("p1 - inc c 2 [0..40] info\np3 - r c [11..20] ok 2", "-");
    counter("p1 - inc c -2 [0..40] fail\np3 - r c [11..20] ok -2", "40");
}

#[test]
fn elements_are_there_from_add_to_removal() {
    let set = |text: &str, expect: &str| check("set/linearizable", text, expect);
    set("p1 - add s 1 [0..10] ok\np2 - all s [11..20] ok", "20");
    set("p1 - add s 1 [0..10] ok\np2 - has s 1 [10..20] ok no", "-");
    set("p1 - add s 1 [0..10] ok\np1 - rem s 1 [15..30] ok\np2 - all s [11..20] ok", "-");
    set("p2 - all s [0..10] ok 1\np1 - add s 1 [11..20] ok", "10");
    set("p1 - add s 1 [0..20] fail\np2 - has s 1 [1..10] ok yes", "20");
    let gone = "p1 - add s 1 [0..10] ok\np1 - rem s 1 [11..20] ok";
    set(&format!("{gone}\np2 - has s 1 [21..30] ok yes"), "30");
    set(&format!("{gone}\np1 - add s 1 [25..40] ok\np2 - has s 1 [21..30] ok yes"), "-");
}

#[test]
fn a_store_is_watched_until_something_is_appended() {
    let kv = |text: &str, expect: &str| check("kv/linearizable", text, expect);
    let two = "p1 - w k 1 [0..10] ok\np1 - w k 2 [11..20] ok";
    kv(&format!("{two}\np2 - r k [21..30] ok \"2\""), "-");
    kv(&format!("{two}\np2 - r k [21..30] ok 1"), "30");
    kv(&format!("{two}\np1 - append k \"x\" [21..30] ok"), "something was appended");
}

#[test]
fn what_may_have_been_changed_by_others_is_not_watched() {
    let blind = "an operation that its check does not judge may have changed it";
    let read = "p2 - r c [20..30] ok 7";
    check("counter/linearizable", read, "30");
    check("counter/linearizable", &format!("p1 - w c 7 [0..10] ok\n{read}"), blind);
    check("register/linearizable", &format!("p1 - inc c 7 [0..10] ok\n{read}"), blind);
}
