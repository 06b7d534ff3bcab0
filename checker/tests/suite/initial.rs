//! What objects hold before the first operation: told by the caller, by our header, or by nobody.

use fracas_checker::formats::{self, Hint, jsonl};
use fracas_checker::recorded::{Judge, Judged};
use fracas_checker::{Algorithm, Budget, Value};

use crate::support::maps::{judged, written};

#[track_caller]
fn check(ops: &str, (model, initial): (Option<&str>, Option<&str>), expect: &str) {
    assert_eq!(judged(&written(ops), model, initial), expect, "{model:?} {initial:?} {ops}");
}

const READ_0: &str = "0 i :f :read, :value nil\n0 o :f :read, :value 0\n\
                      0 i :f :cas, :value [0 4]\n0 o :f :cas, :value [0 4]\n\
                      0 i :f :read, :value nil\n0 o :f :read, :value 4";

/// What is said where nobody tells.
fn unknown(id: &str, key: &str, value: &str, word: &str) -> String {
    format!(
        "{id}: inconclusive legal only if `{key}` held {value} at first, which nobody told, expected \
         `--initial {word}`"
    )
}

#[test]
fn a_value_that_nobody_wrote_may_be_the_first() {
    let open = unknown("register/linearizable", "register", "0", "0");
    check(READ_0, (None, None), &open);
    check(READ_0, (Some("cas-register"), None), &open);
    check(READ_0, (None, Some("0")), "register/linearizable: pass");
    check(READ_0, (None, Some("1")), "register/linearizable: anomaly read-of-unwritten");
    // It was read before the write was over, whenever that began.
    let during =
        "0 i :f :write, :value 7\n1 i :f :read\n1 o :f :read, :value 0\n0 o :f :write, :value 7";
    check(during, (None, None), &open);
    let text = "0 i :f :read\n0 o :f :read, :value \":x\"\n0 i :f :write, :value 3\n0 o :f :write, :value 3";
    check(
        text,
        (None, None),
        &unknown("register/linearizable", "register", "\"\\\":x\\\"\"", "'\":x\"'"),
    );
}

#[test]
fn what_cannot_be_the_first_value_stays_an_anomaly() {
    let anomaly = "register/linearizable: anomaly read-of-unwritten";
    let write = "0 i :f :write, :value 7\n0 o :f :write, :value 7\n";
    check(&format!("{write}0 i :f :read\n0 o :f :read, :value 0"), (None, None), anomaly);
    let failed =
        "0 i :f :write, :value 7\n0 f :f :write, :value 7\n1 i :f :read\n1 o :f :read, :value 7";
    check(failed, (None, None), anomaly);
    let absent = "0 i :f :read\n0 o :f :read, :value nil\n1 i :f :read\n1 o :f :read, :value 0";
    check(absent, (None, None), anomaly);
    let two = "0 i :f :read\n0 o :f :read, :value 0\n1 i :f :read\n1 o :f :read, :value 5";
    check(two, (None, None), anomaly);
    // The first value explains the first read, and not the last.
    let stale = format!("{READ_0}\n1 i :f :read\n1 o :f :read, :value 0");
    check(&stale, (None, None), "register/linearizable: anomaly stale-read");
}

#[test]
fn every_kind_that_can_start_with_something_does() {
    let txns = "0 i :f :txn, :value [[:r :a nil]]\n0 o :f :txn, :value [[:r :a 5]]\n\
                0 i :f :txn, :value [[:r :a nil] [:w :b 1]]\n0 o :f :txn, :value [[:r :a 5] [:w :b 1]]";
    check(txns, (Some("rw-register"), None), &unknown("rw-register/linearizable", ":a", "5", "5"));
    check(txns, (None, Some("5")), "rw-register/linearizable: pass");
    check(txns, (None, Some("6")), "rw-register/linearizable: anomaly read-of-unwritten");
    let counter = "0 i :f :read\n0 o :f :read, :value 10\n0 i :f :increment\n0 o :f :increment\n\
                   0 i :f :read\n0 o :f :read, :value 11";
    check(counter, (None, None), &unknown("counter/linearizable", "counter", "10", "10"));
    check(counter, (None, Some("10")), "counter/linearizable: pass");
    check(
        counter,
        (None, Some("x")),
        "refused: the counter `counter` cannot start at `x`, expected a whole number",
    );
    check(
        "0 i :f :enqueue, :value 1",
        (None, Some("0")),
        "refused: what is in it starts empty, expected an initial value only for registers, texts \
         and counters",
    );
    check(
        "0 i :f :add, :value 1",
        (Some("set"), Some("0")),
        "refused: set starts empty, expected an initial value only for registers, texts and counters",
    );
}

#[test]
fn sums_and_texts_are_only_believed_undisturbed() {
    // 1 may be the sum, the 10 that was read cannot be told from a wrong sum.
    let during = "0 i :f :increment\n1 i :f :read\n1 o :f :read, :value 10\n0 o :f :increment";
    check(during, (None, None), "counter/linearizable: anomaly counter-out-of-bounds");
    let line = |process: u8, step: &str, op: &str| {
        format!("{{:process {process}, :type :{step}, {op}}}\n")
    };
    let append = ":f :append, :key \"k\", :value \"b\"";
    let get = ":f :get, :key \"k\", :value \"a\"";
    let before = line(0, "invoke", get)
        + &line(0, "ok", get)
        + &line(0, "invoke", append)
        + &line(0, "ok", append);
    assert_eq!(judged(&before, None, None), unknown("kv/linearizable", "k", "\"a\"", "a"));
    assert_eq!(judged(&before, None, Some("a")), "kv/linearizable: pass");
    let during = line(0, "invoke", append)
        + &line(1, "invoke", get)
        + &line(1, "ok", get)
        + &line(0, "ok", append);
    assert_eq!(judged(&during, None, None), "kv/linearizable: anomaly read-of-unwritten");
}

/// Our own lines of a read that answers 0, with this in the plan.
fn own(plan: &str) -> String {
    format!(
        "{{\"schema\":\"fracas.history/1\",\"run\":\"r\",\"target\":\"t\",\"seed\":1,\"nodes\":[\"n1\"],\"plan\":{{\"checks\":[\"register/linearizable\"]{plan}}}}}\n\
         {{\"index\":0,\"time\":0,\"event\":\"invoke\",\"process\":0,\"op\":{{\"f\":\"read\",\"key\":\"k\"}}}}\n\
         {{\"index\":1,\"time\":1,\"event\":\"complete\",\"process\":0,\"completion\":{{\"type\":\"ok\",\"outcome\":{{\"f\":\"read\",\"value\":0}}}}}}\n\
         {{\"index\":2,\"time\":2,\"event\":\"phase\",\"phase\":\"stop\"}}\n"
    )
}

#[test]
fn our_own_header_tells_it() {
    assert_eq!(judged(&own(""), None, None), "register/linearizable: anomaly read-of-unwritten");
    assert_eq!(judged(&own(",\"initial\":0"), None, None), "register/linearizable: pass");
    assert_eq!(
        judged(&own(",\"initial\":\"x\""), None, None),
        "register/linearizable: anomaly read-of-unwritten"
    );
    // Written again, it is the first operation, and is not put before itself.
    let recorded =
        formats::read(own(",\"initial\":0").as_bytes(), &Hint::default()).expect("a history");
    assert_eq!(recorded.history.operations().len(), 2);
    let mut again = Vec::new();
    jsonl::write(&recorded.history, &mut again).expect("a vector can be written to");
    assert_eq!(jsonl::read(again.as_slice()).expect("a history").0, recorded.history);
}

/// What is told of the first anomaly of a file: its refutations, the steps before them, and the
/// numbers of its events in the file.
fn told(text: &str, initial: Option<i64>) -> (Vec<String>, usize, Vec<u64>) {
    let mut recorded = formats::read(text.as_bytes(), &Hint::default()).expect("a history");
    if let Some(value) = initial {
        recorded = recorded.starting_at(&Value::Int(value), None).expect("it starts so");
    }
    let judge = Judge { kind: None, algorithm: Algorithm::Auto, budget: Budget::unlimited_time() };
    let Judged { recorded, verdict } = judge.verdict(recorded).expect("a verdict");
    let verdict = verdict.in_file(&recorded.history);
    let (_, anomaly) = verdict.anomalies().next().expect("an anomaly");
    let reasons = anomaly.refuted.iter().map(|refutation| refutation.reason.clone());
    (reasons.collect(), anomaly.prefix.len(), anomaly.witness.clone())
}

#[test]
fn a_refutation_names_what_the_object_held_at_first() {
    let reason =
        |held: &str| format!("here the register {held}, but it would have to be one that holds 5");
    let read = written("0 i :f :read\n0 o :f :read, :value 5\n");
    assert_eq!(told(&read, Some(0)), (vec![reason("holds 0")], 0, vec![0, 1]));
    let txn = "0 i :f :txn, :value [[:r :a nil]]\n0 o :f :txn, :value [[:r :a 5]]\n\
               0 i :f :txn, :value [[:w :b 1]]\n0 o :f :txn, :value [[:w :b 1]]";
    let (reasons, _, events) = told(&written(txn), Some(0));
    assert_eq!((reasons, events), (vec!["here :a holds 0".to_owned()], vec![0, 1]));
}

#[test]
fn events_are_numbered_as_in_the_file() {
    let five = |plan: &str| own(plan).replace("\"value\":0", "\"value\":5");
    for plan in ["", ",\"initial\":0"] {
        let (_, _, events) = told(&five(plan), None);
        assert_eq!(events, vec![0, 1], "{plan}");
    }
}
