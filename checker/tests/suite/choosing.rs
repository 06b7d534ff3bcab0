//! Which model a history is judged by, and what is said where none fits, or several do.
//!
//! What the models find is tested elsewhere.

use fracas_checker::fit::{Choice, choose, misfit};
use fracas_checker::formats::{self, Hint};
use fracas_checker::{Algorithm, Budget, Status, judge, objects};

use crate::support::maps::{judged, written};

/// How operation maps are judged without `--model`: the check, its status and the first reason.
#[track_caller]
fn check(ops: &str, expect: &str) {
    assert_eq!(judged(&written(ops), None, None), expect, "{ops}");
}

/// The same by a model that is named.
#[track_caller]
fn check_as(model: &str, ops: &str, expect: &str) {
    assert_eq!(judged(&written(ops), Some(model), None), expect, "{model}: {ops}");
}

/// Operations that were answered at once, from what each was answered: `:f :read, :value 3`.
fn answered(ops: &[&str]) -> String {
    let both = |(process, op): (usize, &&str)| format!("{process} i {op}\n{process} o {op}\n");
    ops.iter().enumerate().map(both).collect()
}

#[test]
fn transactions_are_judged_by_what_they_consist_of() {
    let pass = "rw-register/linearizable: pass";
    check(&answered(&[":f :txn, :value [[:w :a 1]]", ":f :txn, :value [[:r :a 1]]"]), pass);
    check(&answered(&[":f :read, :value [[:r 1 nil]]", ":f :txn, :value [[:w 1 2]]"]), pass);
    check(&answered(&[":f :txn, :value [[:write :x 3]]", ":f :txn, :value [[:read :x 3]]"]), pass);
    let fork = [":f :write, :value [[:w 0 1]]", ":f :read, :value [[:r 0 1] [:r 1 nil]]"];
    check(&answered(&fork), pass);
    check(&answered(&[":f :write, :value {:x 1, :y 2}", ":f :read, :value {:y 2, :x 1}"]), pass);
    check(
        "0 i :f :write, :value {:x 1}\n0 o :f :write, :value {:x 1}\n0 i :f :read, :value nil\n\
         0 o :f :read, :value {:x nil, :y nil}",
        "rw-register/linearizable: anomaly non-linearizable",
    );
    let lists = [":f :txn, :value [[:append 1 5]]", ":f :txn, :value [[:r 1 [5]]]"];
    check(&answered(&lists), "list-append/linearizable: pass");
    check(
        &answered(&[":f :txn, :value [[:r 1 [5]]]"]),
        "list-append/linearizable: anomaly phantom-element",
    );
    check(
        &answered(&[":f :txn, :value [[:append 1 5] [:w 2 6]]"]),
        "refused: no model serves both `write 2 = 6` and `append 5 to 1`, expected transactions of \
         lists or of registers",
    );
}

#[test]
fn a_model_that_does_not_fit_is_refused_with_the_one_that_would() {
    let lists = answered(&[":f :txn, :value [[:append 1 5]]", ":f :txn, :value [[:r 1 [5]]]"]);
    check_as(
        "rw-register",
        &lists,
        "refused: registers do not answer `append 5 to 1`, expected `--model list-append`",
    );
    let registers = answered(&[":f :txn, :value [[:w :a 1]]", ":f :txn, :value [[:r :a 1]]"]);
    check_as(
        "list-append",
        &registers,
        "refused: lists do not answer `write :a = 1`, expected `--model rw-register`",
    );
    check_as(
        "set",
        &answered(&[":f :write, :value 1", ":f :cas, :value [1 2]"]),
        "refused: `set` serves none of its operations (`write` and `cas`), expected `--model register`",
    );
    check_as(
        "register",
        &answered(&[":f :enqueue, :value 1"]),
        "refused: `register` serves none of its operations (`enqueue`), expected `--model queue` or \
         `--model multiset-queue`",
    );
    check_as(
        "mutex",
        "0 i :f :acquire, :value {:ttl 5}\n0 o :f :acquire, :value {:ttl 5}",
        "refused: its locks are leases, which expire: `lease/exclusive` judges them, without `--model`",
    );
}

#[test]
fn where_two_models_fit_the_weaker_one_excuses() {
    let unordered = answered(&[":f :enqueue, :value 1", ":f :enqueue, :value 2"])
        + "9 i :f :dequeue\n9 o :f :dequeue, :value 2";
    check(
        &unordered,
        "queue/linearizable: inconclusive not legal for `queue`, legal for `multiset-queue`: which \
         was promised is not in the history, expected `--model queue` or `--model multiset-queue`",
    );
    check_as("queue", &unordered, "queue/linearizable: anomaly lost-element");
    check_as("multiset-queue", &unordered, "multiset-queue/linearizable: pass");
    check(&answered(&[":f :enqueue, :value 1"]), "queue/linearizable: pass");
    check(
        "0 i :f :dequeue\n0 o :f :dequeue, :value 2",
        "multiset-queue/linearizable: anomaly phantom-element",
    );
    let released = "0 i :f :acquire\n0 o :f :acquire\n1 i :f :release\n1 o :f :release";
    check(
        released,
        "lock/linearizable: inconclusive not legal for `lock`, legal for `mutex`: which was \
         promised is not in the history, expected `--model lock` or `--model mutex`",
    );
    check_as("mutex", released, "mutex/linearizable: pass");
    check("0 i :f :release\n0 o :f :release", "mutex/linearizable: anomaly release-not-held");
    let leases = "0 i :f :acquire, :value {:ttl 5000000}\n0 o :f :acquire, :value {:ttl 5000000}";
    check(leases, "lease/exclusive: pass");
}

#[test]
fn what_may_be_a_set_or_a_counter_is_neither() {
    let unread = "model: inconclusive `add` may put into a set or count, and nothing was read that \
                  tells which, expected `--model set` or `--model counter`";
    check(&answered(&[":f :add, :value 1", ":f :add, :value 1"]), unread);
    check("0 i :f :add, :value 1\n0 o :f :add, :value 1\n0 i :f :read\n0 f :f :read", unread);
    check_as("counter", &answered(&[":f :add, :value 1"]), "counter/linearizable: pass");
    check_as("set", &answered(&[":f :add, :value 1"]), "set/linearizable: pass");
    check(&answered(&[":f :add, :value 5", ":f :read, :value 5"]), "counter/linearizable: pass");
    check(&answered(&[":f :add, :value 5", ":f :read, :value [5]"]), "set/linearizable: pass");
}

#[test]
fn accounts_of_a_bank_are_refused() {
    let refused = |line: u32| {
        format!(
            "refused: line {line}, column 46: a read that answers a map, where nothing was written \
             that could be in it: accounts of a bank, perhaps; no model judges them, expected reads \
             of what was written"
        )
    };
    let read = "0 i :f :read, :value nil\n0 o :f :read, :value {0 10, 1 10}\n";
    check(read, &refused(2).replace("46", "42"));
    for model in ["register", "rw-register", "set"] {
        check_as(model, read, &refused(2).replace("46", "42"));
    }
}

#[test]
fn a_plan_whose_check_does_not_fit_is_inconclusive() {
    let header = r#"{"schema":"fracas.history/1","run":"r","target":"t","seed":1,"nodes":["n1"],"plan":{"checks":["list-append/linearizable"]}}"#;
    let events = [
        r#"{"index":0,"time":1,"event":"invoke","process":0,"op":{"f":"txn","ops":[{"f":"write","key":"a","value":1}]}}"#,
        r#"{"index":1,"time":2,"event":"complete","process":0,"completion":{"type":"ok","outcome":{"f":"txn","ops":[{"f":"write","key":"a","value":1}]}}}"#,
    ];
    let text = format!("{header}\n{}\n", events.join("\n"));
    let recorded = formats::read(text.as_bytes(), &Hint::default()).expect("a history");
    let verdict = judge(&recorded.history, Budget::unlimited_time());
    let check = &verdict.checks[0];
    assert_eq!(check.status, Status::Inconclusive, "{check:#?}");
    let reason =
        "`list-append/linearizable` does not fit this history: lists do not answer `write a = 1`";
    assert_eq!(check.reasons, [reason]);
    let by =
        |kind| misfit(objects::named(kind).expect("a kind"), &recorded.history, &recorded.doubts);
    assert_eq!(by("rw-register"), None);
    let verdict = fracas_checker::judge_by(
        &recorded.history,
        &["rw-register/linearizable"],
        Algorithm::Auto,
        Budget::unlimited_time(),
    );
    assert_eq!(verdict.status, Status::Pass);
}

#[test]
fn stores_of_texts_start_with_the_empty_one() {
    let line = |step: &str, op: &str| format!("{{:process 0, :type :{step}, {op}}}\n");
    let both = |op: &str| line("invoke", op) + &line("ok", op);
    let text =
        both(":f :get, :key \"1\", :value \"\"") + &both(":f :put, :key \"1\", :value \"a\"");
    assert_eq!(judged(&text, None, None), "kv/linearizable: pass");
    let porcupine = |read: &str| {
        format!(
            r#"[{{"History":[{{"ClientId":0,"Start":0,"End":1,"Description":"get('x') -> '{read}'"}},
            {{"ClientId":0,"Start":5,"End":6,"Description":"put('x', 'y')"}}]}}]"#
        )
    };
    assert_eq!(judged(&porcupine(""), None, None), "kv/linearizable: pass");
    assert_eq!(
        judged(&porcupine("0"), None, None),
        "kv/linearizable: inconclusive legal only if `x` held \"0\" at first, which nobody told, \
         expected `--initial 0`"
    );
}

#[test]
fn a_history_of_nothing_is_not_judged() {
    let recorded = formats::read(
        "[]".as_bytes(),
        &Hint { format: Some(formats::Format::JepsenEdn), ..Hint::default() },
    );
    let recorded = recorded.expect("a history without operations");
    assert!(matches!(choose(&recorded.history, &recorded.doubts), Choice::Unclear(_)));
}
