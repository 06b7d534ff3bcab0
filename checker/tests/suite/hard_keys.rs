//! Objects that are hard to decide: next to others that are not, a budget is shared among them; and
//! alone, those that an easy part makes decidable.

use crate::generator;
use crate::support;

use std::sync::atomic::{AtomicU64, Ordering};

use fracas_checker::formats::jsonl;
use fracas_checker::linearizability::call::Call;
use fracas_checker::{Algorithm, Budget, History, Op, Status, Value, Verdict, judge_by, objects};
use generator::{Kind, Shape};
use support::events::{history, in_order};
use support::language;

/// More than are judged at the same time.
const KEYS: usize = 20;

/// Stores of which twenty texts of two sorts are appended to each key at the same time, and then
/// one more of the one sort is read than there were: of a million texts none will do.
fn hard() -> History {
    let key = |key: usize| {
        let text = |place: usize| if place.is_multiple_of(2) { "a" } else { "b" };
        let append = move |place: usize| {
            let process = 100 * key + place;
            format!("p{process} - append k{key} \"{}\" [1..100] ok", text(place))
        };
        let read = format!(
            "p{} - r k{key} [200..201] ok \"{}{}\"",
            100 * key,
            "a".repeat(11),
            "b".repeat(9)
        );
        (0..20).map(append).chain([read]).collect::<Vec<String>>().join("\n")
    };
    language::history(&(0..KEYS).map(key).collect::<Vec<String>>().join("\n"), &[])
}

/// A small store that has lost one of two equal texts: that they are equal leaves it to the search.
const WRONG: &str = "p9000 - append z \"a\" [1..2] ok
p9000 - append z \"a\" [3..4] ok
p9001 - r z [5..6] ok \"a\"";

/// The verdict on `all` with a budget of `looks`.
fn judged(all: &[&History], looks: u64) -> Verdict {
    let events = all.iter().flat_map(|history| history.events());
    let events: Vec<_> =
        events.map(|event| (event.time, event.index, event.kind.clone())).collect();
    let looked = AtomicU64::new(0);
    let expired = || looked.fetch_add(1, Ordering::Relaxed) >= looks;
    let history = history(&in_order(events), &["kv/linearizable"]);
    judge_by(&history, &["kv/linearizable"], Algorithm::Auto, Budget::new(1 << 30, &expired))
}

#[test]
fn hard_keys_do_not_starve_the_others() {
    let (hard, wrong) = (hard(), language::history(WRONG, &[]));
    let alone = judged(&[&hard], 5_000);
    assert_eq!(alone.status, Status::Inconclusive, "{}", alone.headline);
    let both = judged(&[&hard, &wrong], 5_000);
    assert_eq!(both.status, Status::Anomaly, "{}", both.headline);
    let reasons = &both.checks[0].reasons;
    assert!(!reasons.is_empty(), "all is decided");
    for reason in reasons {
        let end = "the search was cut short, because an anomaly is proven already";
        assert!(reason.ends_with(end), "{reason}");
    }
}

/// The verdict on one object of `shape` with a budget of `looks`.
#[track_caller]
fn check(shape: Shape, check: &str, looks: u64) {
    let looked = AtomicU64::new(0);
    let expired = || looked.fetch_add(1, Ordering::Relaxed) >= looks;
    let history = shape.history(&[check]);
    let verdict = judge_by(&history, &[check], Algorithm::Auto, Budget::new(1 << 30, &expired));
    assert_eq!(verdict.status, Status::Pass, "{shape:?}: {}", verdict.headline);
    println!("{shape:?}: {} looks", looked.load(Ordering::Relaxed));
}

#[test]
fn changes_among_twenty_values_are_decided() {
    for (clients, seed) in [(20, 1), (20, 2), (50, 3)] {
        let values = Some(20);
        let indeterminate = 10;
        let cas = Shape::new(Kind::CasRegister, 10_000, clients);
        check(Shape { values, indeterminate, seed, ..cas }, "register/linearizable", 60_000);
    }
}

/// The history with the value `of` in the place of `instead`, everywhere.
fn renamed(history: &History, instead: i64, of: i64) -> History {
    let lines: Vec<String> = history.events().iter().map(jsonl::event_line).collect();
    let header = jsonl::header_line(history.header());
    let text = format!("{header}\n{}\n", lines.join("\n"));
    let text = text.replace(&format!("\"value\":{instead}}}"), &format!("\"value\":{of}}}"));
    jsonl::read(text.as_bytes()).expect("a history").0
}

#[test]
fn one_repeated_value_is_no_search() {
    let kinds = [
        (Kind::Queue, "queue"),
        (Kind::MultisetQueue, "multiset-queue"),
        (Kind::Register, "register"),
    ];
    for (kind, name) in kinds {
        for (indeterminate, seed) in [(0, 1), (0, 2), (10, 3)] {
            let shape = Shape { indeterminate, seed, ..Shape::new(kind, 3_000, 20) };
            let history = renamed(&shape.history(&[]), 700, 703);
            let kind = objects::named(name).expect("a kind");
            let calls: Vec<Call<'_>> = history.operations().iter().filter_map(Call::of).collect();
            let puts = |call: &&Call<'_>| matches!(call.op, Op::Enqueue { value, .. } | Op::Write { value, .. } if *value == Value::Int(703));
            assert_eq!(calls.iter().filter(puts).count(), 2, "{name}");
            let near =
                kind.is_linearizable(&calls, Algorithm::NearLinear, &Budget::unlimited_time());
            assert_eq!(near, Some(true), "{name}, {indeterminate}, {seed}");
        }
    }
}
