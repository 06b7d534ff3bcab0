//! Objects of several kinds in one history: each check judges its own, and passes over the rest.
//! What the checks find of their own objects is tested elsewhere.

use fracas_checker::formats::jsonl;
use fracas_checker::history::History;
use fracas_checker::online::Watch;
use fracas_checker::{Algorithm, Budget, Status, judge_by};

/// One operation after the other, each by a process of its own, answered at once.
fn history(steps: &[(&str, &str)]) -> History {
    let mut text = String::from(
        r#"{"schema":"fracas.history/1","run":"r","target":"t","seed":1,"nodes":["n1"],"plan":{}}"#,
    );
    for (number, (op, outcome)) in steps.iter().enumerate() {
        let (index, time) = (2 * number, 1_000_000_000 * (number + 1));
        let answered = time + 10;
        text.push_str(&format!(
            "\n{{\"index\":{index},\"time\":{time},\"event\":\"invoke\",\"process\":{number},\"op\":{op}}}"
        ));
        text.push_str(&format!(
            "\n{{\"index\":{},\"time\":{answered},\"event\":\"complete\",\"process\":{number},\
             \"completion\":{{\"type\":\"ok\",\"outcome\":{outcome}}}}}",
            index + 1
        ));
    }
    text.push('\n');
    jsonl::read(text.as_bytes()).expect("a history").0
}

/// A plain register, a lock with what it guards, and a lease that expires and is granted anew.
fn mixed() -> History {
    let granted = |token| format!(r#"{{"f":"acquire","token":{token}}}"#);
    let (first, second, third) = (granted(1), granted(2), granted(3));
    history(&[
        (r#"{"f":"write","key":"k","value":1}"#, r#"{"f":"write"}"#),
        (r#"{"f":"read","key":"k"}"#, r#"{"f":"read","value":1}"#),
        (r#"{"f":"acquire","key":"lock","holder":1}"#, &first),
        (r#"{"f":"guarded-write","key":"lock","token":1,"value":5}"#, r#"{"f":"guarded-write"}"#),
        (r#"{"f":"read","key":"lock"}"#, r#"{"f":"read","value":5}"#),
        (r#"{"f":"acquire","key":"lease","holder":1,"ttl":500000000}"#, &second),
        (r#"{"f":"acquire","key":"lease","holder":2,"ttl":500000000}"#, &third),
    ])
}

const CHECKS: [&str; 4] =
    ["register/linearizable", "lock/linearizable", "fencing/linearizable", "lease/exclusive"];

#[test]
fn each_check_judges_the_objects_of_its_own_kind() {
    let verdict = judge_by(&mixed(), &CHECKS, Algorithm::Auto, Budget::unlimited_time());
    for result in &verdict.checks {
        assert_eq!(result.status, Status::Pass, "{result:#?}");
    }
}

#[test]
fn a_watch_passes_over_what_a_lock_guards() {
    let mut watch = Watch::new(&CHECKS);
    for event in mixed().events() {
        assert_eq!(watch.feed(event), None);
    }
    assert_eq!(watch.settle(), None);
}
