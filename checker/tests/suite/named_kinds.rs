//! Histories whose header says which key is an object of which kind: each check judges the keys that
//! are named for it and no other, where guessing from operations would be wrong or cannot tell.

use fracas_checker::event::{Event, EventKind, Phase};
use fracas_checker::online::Watch;
use fracas_checker::{Budget, judge};

use super::coverage::lacks;
use super::support::checked::told;
use super::support::language::history;

const REGISTER: &str = "register/linearizable";
const TEXT: &str = "kv/linearizable";
const COUNTER: &str = "counter/linearizable";
const MUTEX: &str = "mutex/linearizable";
const LOCK: &str = "lock/linearizable";
const LEASE: &str = "lease/exclusive";
const LISTS: &str = "list-append/linearizable";
const TXNS: &str = "rw-register/linearizable";

/// What each of `checks` says of `text`, without the names that it has for keys and with them.
#[track_caller]
fn check(checks: [&str; 2], text: &str, unnamed: [&str; 2], named: [&str; 2]) {
    let without: String = text.lines().filter(|line| !line.contains("plan objects")).fold(
        String::new(),
        |mut all, line| {
            all.push_str(line);
            all.push('\n');
            all
        },
    );
    for (text, expect) in [(without.as_str(), unnamed), (text, named)] {
        let verdict = judge(&history(text, &checks), Budget::unlimited_time());
        let says: Vec<String> = verdict.checks.iter().take(2).map(told).collect();
        assert_eq!(says, expect, "{text}\n{verdict:#?}");
    }
}

/// A text that was never written is empty, and so is one to which the empty text was written; a
/// register that was written is not absent.
#[test]
fn a_text_that_is_only_read_and_written_is_no_register() {
    let text = "plan objects text-* kv/linearizable\n\
                p1 - w k 1 [0..1] ok\np1 - r k [2..3] ok 1\n\
                p1 - w text-0 \"\" [4..5] ok\np1 - r text-0 [6..7] ok nil\n";
    check([REGISTER, TEXT], text, ["lost-write", "pass"], ["pass", "pass"]);
    let stale = "p1 - w text-0 \"a\" [8..9] ok\np2 - r text-0 [10..11] ok nil\n";
    let named = ["pass", "lost-write"];
    check([REGISTER, TEXT], &format!("{text}{stale}"), ["lost-write", "lost-write"], named);
}

/// Nothing tells a counter that nobody counted with from a register that holds what nobody wrote.
#[test]
fn a_counter_that_is_only_read_is_no_register() {
    let text = "plan objects c* counter/linearizable\nplan objects k* register/linearizable\n\
                p1 - w k 7 [0..1] ok\np1 - r k [2..3] ok 7\n\
                p1 - r c0 [4..5] ok 0\np1 - inc c1 1 [6..7] ok\np1 - r c1 [8..9] ok 1\n";
    let unnamed = ["read-of-unwritten", "inconclusive"];
    check([REGISTER, COUNTER], text, unnamed, ["pass", "pass"]);
    let lost = "p2 - r c1 [10..11] ok 0\n";
    let named = ["pass", "counter-out-of-bounds"];
    let unnamed = ["read-of-unwritten", "counter-out-of-bounds"];
    check([REGISTER, COUNTER], &format!("{text}{lost}"), unnamed, named);
}

/// Anybody may give a mutex back, and nobody but its holder a lock.
#[test]
fn a_mutex_is_no_lock() {
    let text = "plan objects mutex-* mutex/linearizable\nplan objects lock-* lock/linearizable\n\
                p1 - acq lock-0 1 [0..1] ok 5\np1 - rel lock-0 1 [2..3] ok\n\
                p1 - acq mutex-0 1 [4..5] ok\np2 - rel mutex-0 2 [6..7] ok\n";
    check([LOCK, MUTEX], text, ["release-not-held", "pass"], ["pass", "pass"]);
    let twice = "p1 - acq lock-0 1 [8..9] ok 6\np2 - acq lock-0 2 [10..11] ok 7\n";
    let both = ["release-not-held lock-held-twice", "lock-held-twice"];
    check([LOCK, MUTEX], &format!("{text}{twice}"), both, ["lock-held-twice", "pass"]);
}

/// A key that is named as a lock is none where it is taken for a time.
#[test]
fn a_lease_is_judged_where_it_is_named() {
    let text = "plan objects lease-* lease/exclusive\nplan objects lock-* lock/linearizable\n\
                p1 - acq lock-0 1 [0..1] ok 5\n\
                p3 - acq lease-0 1 ttl 500 [0..1] ok 1\np2 - acq lease-0 2 ttl 50 [20..21] ok 2\n";
    check([LOCK, LEASE], text, ["pass", "lease-overlap"], ["pass", "lease-overlap"]);
    let other = text.replace("lease-0", "lock-1");
    check([LOCK, LEASE], &other, ["pass", "lease-overlap"], ["lock-held-twice", "inconclusive"]);
}

/// Transactions on lists and on registers in one history, told apart by their keys.
#[test]
fn transactions_are_told_apart_by_their_keys() {
    let text = "plan objects l list-append/linearizable\nplan objects x rw-register/linearizable\n\
                p1 - txn al1,rl [0..1] ok [1]\np1 - txn wx3,rx [2..3] ok 3\n";
    let unknown = ["inconclusive", "inconclusive"];
    check([LISTS, TXNS], text, unknown, ["pass", "pass"]);
    let list = "p2 - txn rl [4..5] ok []\n";
    check([LISTS, TXNS], &format!("{text}{list}"), unknown, ["stale-read", "pass"]);
    let register = "p2 - txn rx [4..5] ok nil\n";
    check([LISTS, TXNS], &format!("{text}{register}"), unknown, ["pass", "non-linearizable"]);
    let both = "p2 - txn rl,rx [4..5] ok [1] 3\n";
    check([LISTS, TXNS], &format!("{text}{both}"), unknown, unknown);
}

/// The same histories, watched while they go on.
#[test]
fn a_watch_looks_at_what_is_named_for_it() {
    let names = "plan objects c* counter/linearizable\nplan objects k* register/linearizable\n";
    let text = "p1 - w k 7 [0..1] ok\np1 - r c0 [4..5] ok 0\n";
    for (text, alarms) in [
        (format!("{names}{text}"), None),
        (text.to_owned(), Some(REGISTER)),
        (format!("{names}{text}p1 - inc c0 1 [6..7] ok\np1 - r c0 [8..9] ok 0"), Some(COUNTER)),
    ] {
        let history = history(&text, &[REGISTER, COUNTER]);
        let mut watch = Watch::of(&history.header().plan);
        for event in history.events() {
            watch.feed(event);
        }
        assert_eq!(watch.settle().map(|alarm| alarm.check), alarms, "{text}");
    }
}

#[test]
fn each_name_needs_operations_of_its_own() {
    let plan = "phase load 0\nphase stop 900\nplan objects c* counter/linearizable\n\
                plan objects k* register/linearizable\nplan objects lock-* lock/linearizable\n\
                plan ok_of c* read 2\nplan ok_of k* read 1\nplan handovers_of lock-* 1\n\
                p1 - w k 1 [0..1] ok\np9 - r k [1..2] ok 1\np8 - r c [2..3] ok 0\n\
                p1 - acq lock-0 1 [3..4] ok 1\np1 - rel lock-0 1 [5..6] ok\n";
    let (reads, locks) = ("only 1 ok read of `c*` under load", "only 0 handovers of `lock-*`");
    lacks(&[locks, reads], &[], plan);
    let more = "p1 - r c [7..8] ok 0\np2 - acq lock-0 2 [7..8] ok 2\n";
    lacks(&[], &[], &format!("{plan}{more}"));
    // A read of a register puts no counter to the test.
    let idle = plan.replace("p8 - r c [2..3] ok 0\n", "").replace("plan ok_of c* read 2\n", "");
    let idle = idle.replace("plan handovers_of lock-* 1\n", "");
    lacks(&["`counter/linearizable` was not put to the test"], &[COUNTER], &idle);
    lacks(&[], &[REGISTER], &idle);
}

/// What is named as a register and counted with is judged by nobody.
#[test]
fn what_no_check_of_the_kind_judges_is_told() {
    let stop = "phase load 0\nphase stop 900\nplan objects k* register/linearizable\n";
    let counted = "p1 - w k 1 [0..1] ok\np9 - r k [1..2] ok 1\np7 - enq k 1 [2..3] ok\n";
    let result =
        super::support::checked::result("coverage", &[REGISTER], &format!("{stop}{counted}"));
    assert!(result.reasons[0].starts_with("k was asked `enqueue`, which no check"), "{result:#?}");
    let unknown = stop.replace("register/linearizable", "regster");
    let result = super::support::checked::result("coverage", &[], &unknown);
    assert!(result.reasons[0].contains("is judged by `regster`, which is no check"), "{result:#?}");
}

/// Every kind of object is looked at in its own way, after the heal and at the end.
#[test]
fn every_kind_is_looked_at_in_its_own_way() {
    for (change, again, look) in [
        ("w x 1 [0..1] ok", Some("w x 2 [500..501] ok"), "r x [490..491] ok 1"),
        ("gw x 1 1 [0..1] ok", Some("gw x 1 2 [500..501] ok"), "r x [490..491] ok 1"),
        ("upd x 0 1 [0..1] ok 1", Some("upd x 1 2 [500..501] ok 2"), "rv x [490..491] ok 1 1"),
        ("txn wx1 [0..1] ok", Some("txn wx2 [500..501] ok"), "txn rx [490..491] ok 1"),
        ("txn ax1 [0..1] ok", None, "txn rx [490..491] ok [1]"),
        ("add x 1 [0..1] ok", None, "all x [490..491] ok 1"),
        ("rem x 1 [0..1] ok", None, "all x [490..491] ok"),
        ("append x \"a\" [0..1] ok", None, "r x [490..491] ok \"a\""),
        ("inc x 1 [0..1] ok", None, "r x [490..491] ok 1"),
        ("enq x 1 [0..1] ok", None, "deq x [490..491] ok nil"),
    ] {
        let plan = "plan look\nphase load 0\nphase recover 480\nphase stop 900\n";
        let text = |again: &str, look: &str, at: &str| {
            let ends = format!("phase final {at}\n");
            format!("{plan}{ends}p1 - {change}\n{again}{look}")
        };
        let (look, later) = (format!("p2 - {look}\n"), look.replace("490..491", "510..511"));
        let later = format!("p2 - {later}\n");
        lacks(&[], &[], &text("", &look, "485"));
        lacks(&["no final read of x succeeded"], &[], &text("", &look, "600"));
        if let Some(again) = again {
            let again = format!("p1 - {again}\n");
            lacks(&[], &[], &text(&again, &look, "485"));
            let late = "after the last heal x was changed again before it was read";
            lacks(&[late], &[], &text(&again, &later, "485"));
        }
    }
    // A lock that is held is seen by asking for it, and an id is kept nowhere.
    let plan = "phase load 0\nphase recover 480\nphase final 490\nphase stop 900\n";
    lacks(&[], &[], &format!("{plan}p1 - acq l 1 [0..1] ok 1\np3 - gen i [0..1] ok 7\n"));
}

/// Events that tell nothing of objects do not disturb a watch of named ones.
#[test]
fn a_watch_of_names_takes_every_event() {
    let history = history("plan objects k* register/linearizable\nphase load 0\n", &[REGISTER]);
    let mut watch = Watch::of(&history.header().plan);
    let phase = EventKind::Phase { phase: Phase::Stop };
    assert_eq!(watch.feed(&Event { index: 0, time: 0, kind: phase }), None);
    assert!(watch.blind().is_empty());
}
