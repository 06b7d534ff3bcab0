//! How small the witness of an anomaly is: one table of histories that are refuted by counting, by
//! emptiness, or by one wrong answer among thousands of right ones. What the near-linear checks
//! decide is tested elsewhere.

use crate::generator;
use crate::support;

use std::time::Instant;

use fracas_checker::{Algorithm, Anomaly, Budget, History, judge_by, objects};
use generator::{Kind, Shape};
use support::language;

/// The first anomaly that the kind `name` finds in `history`.
#[track_caller]
fn found(name: &str, history: &History) -> Anomaly {
    let kind = objects::named(name).expect("a kind of objects");
    let verdict = judge_by(history, &[kind.id], Algorithm::Auto, Budget::unlimited_time());
    let (_, anomaly) = verdict.anomalies().next().expect("an anomaly");
    anomaly.clone()
}

/// What is found in the history that `lines` tell: its class, shown by at most `most` operations.
#[track_caller]
fn check(name: &str, lines: &[String], expect: (&str, usize)) -> Anomaly {
    let (class, most) = expect;
    let anomaly = found(name, &language::history(&lines.join("\n"), &[]));
    let operations = anomaly.witness.len().div_ceil(2);
    assert_eq!(anomaly.class, class, "{}", anomaly.headline);
    assert!(operations <= most, "{operations} operations: {anomaly:#?}");
    assert!(!anomaly.refuted.is_empty(), "no reason: {anomaly:#?}");
    anomaly
}

/// A mutex that changes hands `times` times: whoever is next waits, and is granted it while the one
/// before gives it back, so that it is never known to be free.
fn hand_overs(times: u64) -> Vec<String> {
    let mut lines = vec!["p0 - acq m 0 [0..10] ok".to_owned()];
    for time in 1..=times {
        let (before, next, now) = ((time - 1) % 3, time % 3, 100 * time);
        lines.push(format!("p{before} - rel m {before} [{}..{}] ok", now - 10, now + 20));
        lines.push(format!("p{next} - acq m {next} [{}..{}] ok", now - 40, now + 10));
    }
    lines
}

/// The line of one more call on the mutex, after all hand-overs.
fn once_more(times: u64, verb: &str) -> Vec<String> {
    let now = 100 * times + 50;
    [hand_overs(times), vec![format!("p7 - {verb} m 7 [{now}..{}] ok", now + 5)]].concat()
}

#[test]
fn a_mutex_granted_once_too_often_is_shown_by_two_grants() {
    for times in [1, 4, 60, 400] {
        check(
            "mutex",
            &once_more(times, "acq"),
            ("lock-held-twice", if times < 5 { 10 } else { 2 }),
        );
    }
    let anomaly = check("mutex", &once_more(60, "acq"), ("lock-held-twice", 2));
    assert_eq!(
        anomaly.headline,
        "Lock held twice: m was granted to process 7 at 6.055 s, and of 62 grants so far at most 60 \
         can have been given back"
    );
    assert!(anomaly.story.iter().any(|line| line.contains("60 grants and as many releases")));
}

#[test]
fn a_mutex_given_back_once_too_often_is_shown_by_one_release() {
    let twice = |times| {
        let (last, now) = (times % 3, 100 * times + 60);
        let back = format!("p{last} - rel m {last} [{}..{}] ok", now - 30, now - 20);
        [once_more(times, "rel"), vec![back]].concat()
    };
    for times in [60, 400] {
        check("mutex", &twice(times), ("release-not-held", 2));
    }
}

/// A release that nobody saw the end of may excuse one more grant at any later time, but only one.
#[test]
fn unseen_releases_before_the_span_stay_in_the_witness() {
    let unseen = ["p8 - rel m 8 [1..2] info".to_owned()];
    let lines = [&unseen[..], &once_more(60, "acq")].concat();
    let verdict = language::history(&lines.join("\n"), &[]);
    let kind = objects::named("mutex").expect("a kind of objects");
    let verdict = judge_by(&verdict, &[kind.id], Algorithm::Auto, Budget::unlimited_time());
    assert_eq!(verdict.anomalies().count(), 0, "{}", verdict.headline);
    let more = [lines, vec!["p9 - acq m 9 [6100..6110] ok".to_owned()]].concat();
    check("mutex", &more, ("lock-held-twice", 4));
}

/// `lost` elements come in and nobody is known to take them; all but one may have been.
fn lost(lost: u64) -> Vec<String> {
    let enqueue = |at: u64| format!("p{at} - enq q {at} [{}..{}] ok", 10 * at, 10 * at + 8);
    let unseen = |at: u64| {
        let start = 10 * at + 5;
        format!("p{} - deq q [{start}..{}] info", 1_000 + at, start + 2)
    };
    (1..=lost).map(enqueue).chain((1..lost).map(unseen)).collect()
}

#[test]
fn a_lost_element_is_shown_alone_whatever_else_may_have_been_taken() {
    for count in [20, 300] {
        let late = 10 * count + 100;
        let empty = format!("p0 - deq q [{late}..{}] ok nil", late + 5);
        let later = [
            format!("p0 - enq q 9999 [{late}..{}] ok", late + 5),
            format!("p0 - deq q [{}..{}] ok 9999", late + 10, late + 15),
        ];
        let empty = [lost(count), vec![empty]].concat();
        check("queue", &empty, ("lost-element", 2));
        check("multiset-queue", &empty, ("lost-element", 2));
        let anomaly = check("queue", &[&lost(count)[..], &later].concat(), ("lost-element", 3));
        let why = "More elements are gone than the dequeues of unknown outcome can have taken.";
        assert_eq!(anomaly.story.last().map(String::as_str), Some(why));
    }
}

/// The lines, each a client's own.
fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::to_owned).collect()
}

#[test]
fn a_store_blames_the_write_that_is_missing() {
    // The append was replaced by the write, so nobody expects it.
    let lost = lines(
        "p0 - append k \"a\" [1..2] ok\np0 - w k \"b\" [3..4] ok\np0 - append k \"c\" [5..6] ok\n\
         p0 - r k [7..8] ok \"c\"",
    );
    let anomaly = check("kv", &lost, ("lost-write", 3));
    assert!(anomaly.headline.contains("\"b\" was acknowledged"), "{}", anomaly.headline);
    // So it is with a register, of two writes that nobody sees.
    let lost = lines("p0 - w k 1 [1..2] ok\np0 - w k 2 [3..4] ok\np0 - r k [7..8] ok nil");
    let anomaly = check("register", &lost, ("lost-write", 2));
    assert!(anomaly.headline.contains("k = 2 was acknowledged"), "{}", anomaly.headline);
}

#[test]
fn a_second_add_hides_no_lost_element() {
    let lost = lines("p0 - add s 1 [1..2] ok\np1 - all s [3..6] ok\np0 - add s 1 [4..5] ok");
    check("set", &lost, ("lost-element", 2));
}

#[test]
fn what_a_transaction_writes_itself_it_may_have_found_too() {
    let lines =
        lines("p0 - txn wx2 [1..2] ok\np0 - txn wx1 [3..4] ok\np0 - txn rx,wx2,wx3 [5..6] ok 2");
    let anomaly = check("rw-register", &lines, ("non-linearizable", 3));
    assert!(!anomaly.headline.contains("nwritten"), "{}", anomaly.headline);
}

#[test]
fn a_lost_append_among_repeated_ones_is_found() {
    // Both had ended before anybody looked, and only one of them is there.
    let lines = lines(
        "p0 - txn ax1,ax2 [1..9] ok\np1 - txn ax1 [2..9] ok\np2 - txn ax2 [1..3] info\n\
         p3 - txn rx [10..12] ok [1,2]",
    );
    check("list-append", &lines, ("non-linearizable", 4));
}

/// One wrong answer among `operations` of a kind is shown by few. Times are printed, and nothing
/// depends on them.
fn planted((kind, name): (Kind, &str), operations: usize, (indeterminate, seed): (u32, u64)) {
    let shape = Shape { planted: true, indeterminate, seed, ..Shape::new(kind, operations, 10) };
    let drawn = shape.draw();
    if drawn.planted.is_none() {
        return;
    }
    let history = shape.history_of(drawn, &[]);
    let id = objects::named(name).expect("a kind of objects").id;
    let begun = Instant::now();
    let verdict = judge_by(&history, &[id], Algorithm::Auto, Budget::unlimited_time());
    let took = begun.elapsed().as_secs_f64() * 1e3;
    let Some((_, anomaly)) = verdict.anomalies().next() else {
        // A release that nobody saw the end of may be for any grant of a mutex.
        assert!(name == "mutex" && indeterminate > 0, "{name}: {}", verdict.headline);
        return;
    };
    let shown = anomaly.witness.len().div_ceil(2);
    println!("{name}, {indeterminate}: {took:.0} ms, {shown}: {}", anomaly.headline);
    assert!(shown <= 10, "{name}, {indeterminate}: {anomaly:#?}");
}

/// How many of a thousand operations nobody saw the end of, and the seed.
const OFTEN: [(u32, u64); 4] = [(0, 1), (0, 2), (10, 3), (50, 4)];

const KINDS: [(Kind, &str); 11] = [
    (Kind::Register, "register"),
    (Kind::CasRegister, "cas-register"),
    (Kind::Counter, "counter"),
    (Kind::Set, "set"),
    (Kind::Queue, "queue"),
    (Kind::MultisetQueue, "multiset-queue"),
    (Kind::Lock, "lock"),
    (Kind::Lock, "mutex"),
    (Kind::FencedLock, "fencing"),
    (Kind::Ids, "unique-ids"),
    (Kind::Configuration, "versioned"),
];

#[test]
fn one_wrong_answer_among_thousands_is_shown_by_few_operations() {
    for kind in KINDS {
        OFTEN.iter().for_each(|drawn| planted(kind, 3_000, *drawn));
    }
}

#[test]
#[ignore = "slow: 100,000 operations of every kind"]
fn one_wrong_answer_among_very_many_is_shown_by_few_operations() {
    // A counter that is too low after so many increments still keeps most of them: it counts.
    let kinds = KINDS.into_iter().filter(|(kind, _)| *kind != Kind::Counter);
    for (kind, name) in kinds {
        OFTEN.iter().for_each(|drawn| planted((kind, name), 100_000, *drawn));
    }
}
