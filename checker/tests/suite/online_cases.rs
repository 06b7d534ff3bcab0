//! The watch on small histories written by hand, on the golden ones, and on random tales of leaders.

use crate::support;

use std::path::Path;

use fracas_checker::event::{Event, EventKind, NodeChange, NodeId, ProcessId};
use fracas_checker::history::History;
use fracas_checker::observation::{Grade, Observation, Role, Source};
use fracas_checker::online::{Alarm, Watch};
use fracas_checker::{Budget, Completion, Key, Op, Outcome, Status, judge};
use proptest::prelude::*;
use proptest::sample::select;
use support::language::history;

const REGISTER: &str = "register/linearizable";
const LEADERS: &str = "leader/one-per-generation";

/// Feeds all of `history` to a watch for its plan's checks.
fn watch(history: &History) -> (Watch, Option<Alarm>) {
    let mut watch = Watch::of(&history.header().plan);
    history.events().iter().for_each(|event| drop(watch.feed(event).cloned()));
    let alarm = watch.settle().cloned();
    (watch, alarm)
}

/// What a watch says of the register history `text`: when the alarm was due in milliseconds, `-`,
/// or why it is blind.
#[track_caller]
fn check(text: &str, expect: &str) {
    let history = history(text, &[REGISTER]);
    let (watch, alarm) = watch(&history);
    let blind = watch.blind().first().map(|blind| blind.reason.to_owned());
    let when = alarm.map(|alarm| (alarm.time / 1_000_000).to_string());
    assert_eq!(when.or(blind).unwrap_or_else(|| "-".to_owned()), expect, "{text}");
    let refuted = judge(&history, Budget::unlimited_time()).status == Status::Anomaly;
    assert!(refuted || expect.parse::<u64>().is_err(), "a false alarm");
}

#[test]
fn an_alarm_is_due_at_the_completion_that_proves_it() {
    check("p1 - w k 1 [0..10] ok\np2 - r k [20..30] ok 1", "-");
    check("p1 - w k 1 [0..10] ok\np2 - r k [20..30] ok nil\np2 - r k [40..50] ok nil", "30");
    // What is invoked at the instant of an answer may explain it.
    check("p2 - r k [0..10] ok 1\np1 - w k 1 [10..20] ok", "-");
    check("p2 - r k [0..10] ok 1\np1 - w k 1 [11..20] ok", "10");
    // A write that was seen and fails in the end.
    check("p1 - w k 1 [0..20] fail\np2 - r k [0..10] ok 1", "20");
    check("p1 - cas k 1 2 [0..20] ok found 3\np2 - w k 3 [0..1] ok\np3 - r k [2..10] ok 2", "10");
    check(
        "p1 - cas k 1 2 [5..40] ok found 3\np2 - w k 1 [0..1] ok\np3 - r k [6..10] ok 2\np2 - w k 3 [11..12] ok",
        "40",
    );
    // Two changes from one value, and a ring of them.
    check("p1 - w k 1 [0..1] ok\np1 - cas k 1 2 [2..9] ok\np2 - cas k 1 3 [2..8] ok", "9");
    check("p1 - cas k 1 2 [2..9] ok\np2 - cas k 2 1 [2..8] ok", "8");
    // A chain: what was replaced is not there any more.
    check("p1 - w k 1 [0..1] ok\np1 - cas k 1 2 [2..3] ok\np2 - r k [4..5] ok 1", "5");
}

#[test]
fn what_may_still_land_is_kept() {
    let overwritten = "p1 - w k 1 [0..10] info\np2 - w k 2 [20..21] ok\np2 - w k 3 [22..23] ok\n\
                       p2 - w k 4 [24..25] ok\np2 - w k 5 [26..27] ok\np2 - r k [28..29] ok 5";
    check(overwritten, "-");
    check(&format!("{overwritten}\np3 - r k [30..31] ok 1\np3 - r k [32..33] ok 1"), "-");
    check(&format!("{overwritten}\np3 - r k [30..31] ok 1\np3 - r k [32..33] ok 5"), "33");
    // A slow read keeps alive what it may still answer.
    check(&format!("{overwritten}\np3 - r k [24..31] ok 3"), "-");
    check(&format!("{overwritten}\np3 - r k [26..31] ok 3"), "31");
}

#[test]
fn a_value_that_is_written_twice_makes_blind_unless_it_is_forgotten() {
    let twice = "a value was written twice";
    check("p1 - w k 1 [0..1] ok\np1 - w k 1 [2..3] ok\np2 - r k [4..5] ok nil", twice);
    check("p1 - w k 1 [0..1] fail\np1 - w k 1 [2..3] ok\np2 - r k [4..5] ok 1", "-");
    let gone = "p1 - w k 1 [0..1] ok\np1 - w k 2 [2..3] ok\np1 - w k 3 [4..5] ok\n\
                p1 - w k 4 [6..7] ok\np1 - w k 5 [8..9] ok\np1 - w k 1 [10..11] ok";
    check(&format!("{gone}\np2 - r k [12..13] ok 1"), "-");
    check(&format!("{gone}\np2 - r k [12..13] ok 2"), "13");
    // Forgotten at the beginning of a chain that goes on.
    let chain = "p1 - w k 1 [0..1] ok\np1 - cas k 1 2 [2..3] ok\np1 - cas k 2 3 [4..5] ok\n\
                 p1 - cas k 3 4 [6..7] ok\np1 - cas k 4 5 [8..9] ok";
    check(&format!("{chain}\np2 - w k 5 [20..30] ok"), twice);
    let chain = format!("{chain}\np1 - cas k 5 6 [10..11] ok");
    let again = format!("{chain}\np2 - w k 5 [20..22] ok\np3 - r k [20..25] ok 6");
    check(&format!("{again}\np2 - r k [40..41] ok 5"), "-");
    check(&format!("{again}\np2 - r k [40..41] ok 4"), "41");
    // A change of unknown end that needs the value that is written again.
    let lost = format!("p9 - cas k 1 99 [0..1] info\n{gone}\np2 - r k [12..13] ok 99");
    check(&lost, "-");
    check(&format!("{lost}\np2 - r k [14..15] ok 1"), "15");
}

#[test]
fn an_answer_without_what_was_found_counts_where_the_value_was_there_all_the_while() {
    let refused = "p1 - w k 1 [0..1] ok\np1 - cas k 1 2 [2..3] ok differs";
    check(&format!("{refused}\np1 - r k [4..5] ok 1"), "5");
    check(&format!("{refused}\np1 - cas k 1 3 [4..5] ok"), "5");
    check(&format!("{refused}\np1 - w k 3 [4..5] ok\np1 - r k [6..7] ok 3"), "-");
    // Who looks at the same time may have seen it first; so may have who was refused.
    check(&format!("{refused}\np3 - w k 3 [2..9] ok\np2 - r k [3..5] ok 1"), "-");
    check("p1 - w k 1 [0..2] ok\np2 - cas k 1 2 [2..3] ok differs\np1 - r k [4..5] ok 1", "-");
    check("p1 - w k 1 [0..1] ok\np1 - cas k 5 2 [2..3] ok differs\np1 - r k [4..5] ok 2", "5");
    check(
        "p1 - w k 1 [0..1] ok\np1 - cas k 1 2 [2..3] ok found 1",
        "an answer does not fit its operation",
    );
}

#[test]
fn keys_are_watched_apart() {
    let text =
        "p1 - w a 1 [0..1] ok\np1 - w a 1 [2..3] ok\np2 - w b 1 [0..1] ok\np3 - r b [2..3] ok nil";
    let (watch, alarm) = watch(&history(text, &[REGISTER]));
    let alarm = alarm.expect("an alarm");
    assert_eq!((alarm.check, alarm.object.as_deref()), (REGISTER, Some("b")));
    assert_eq!(watch.blind()[0].object.as_deref(), Some("a"));
}

#[test]
fn checks_that_cannot_be_watched_are_named() {
    let watch = Watch::new(&["node/lifecycle", LEADERS, "coverage", REGISTER]);
    assert_eq!(watch.watched(), [REGISTER, LEADERS]);
    assert_eq!(watch.unwatched(), ["node/lifecycle", "coverage"]);
}

/// Feeds the events of one stale read, changed by `change`; why the watch is blind.
#[track_caller]
fn check_blind(change: fn(&mut Vec<Event>), expect: &str) {
    let text = "p1 - w k 1 [0..10] ok\np2 - r k [20..30] ok nil";
    let mut events = history(text, &[REGISTER]).events().to_vec();
    change(&mut events);
    let mut watch = Watch::new(&[REGISTER]);
    for event in &events {
        assert_eq!(watch.feed(event), None);
    }
    assert_eq!(watch.settle(), None);
    assert_eq!(watch.blind().iter().map(|blind| blind.reason).collect::<Vec<_>>(), [expect]);
}

#[test]
fn what_is_no_history_makes_blind() {
    let order = "events are missing or out of order";
    check_blind(|events| drop(events.remove(1)), order);
    check_blind(|events| events.swap(1, 2), order);
    check_blind(|events| events[3].time = 0, order);
    check_blind(
        |events| {
            let process = ProcessId(7);
            let completion = Completion::Info { error: String::new() };
            events[1].kind = EventKind::Complete { process, completion };
        },
        "a process completed what it had not invoked",
    );
    check_blind(
        |events| {
            let op = Op::Read { key: "k".into() };
            events[1].kind = EventKind::Invoke { process: ProcessId(1), node: None, op };
        },
        "a process overlapped with itself",
    );
}

#[test]
fn beyond_its_memory_a_watch_is_blind() {
    let mut watch = Watch::new(&[REGISTER]).within(100_000);
    let key: Key = "k".into();
    let mut index = 0;
    let mut feed = |watch: &mut Watch, kind: EventKind| {
        watch.feed(&Event { index, time: index, kind });
        index += 1;
    };
    // One read never ends, so nothing may be forgotten.
    let op = Op::Read { key: key.clone() };
    feed(&mut watch, EventKind::Invoke { process: ProcessId(0), node: None, op });
    let process = ProcessId(1);
    for value in 0..20_000_i64 {
        let op = Op::Write { key: key.clone(), value: value.into() };
        feed(&mut watch, EventKind::Invoke { process, node: None, op });
        let completion = Completion::Ok {
            outcome: Outcome::Write,
            stamp: fracas_checker::event::Stamp::default(),
        };
        feed(&mut watch, EventKind::Complete { process, completion });
    }
    let reasons: Vec<&str> = watch.blind().iter().map(|blind| blind.reason).collect();
    assert_eq!(reasons, ["the memory ran out"]);
    assert!(watch.bytes() < 1_000, "all memory is given back: {}", watch.bytes());
}

/// The classes of anomalies that a watch never misses, where it is not blind.
const WATCHED: [&str; 14] = [
    "stale-read",
    "lost-write",
    "lost-update",
    "read-of-unwritten",
    "split-brain",
    "generation-went-back",
    "double-vote",
    "lock-held-twice",
    "release-not-held",
    "token-reused",
    "token-went-back",
    "stale-token-accepted",
    "counter-out-of-bounds",
    "phantom-element",
];

#[test]
fn golden_anomalies_are_found_and_their_neighbours_are_not() {
    let mut found = Vec::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    for entry in std::fs::read_dir(folder).expect("the golden pairs") {
        let path = entry.expect("an entry").path();
        let class = path.file_stem().and_then(|name| name.to_str()).expect("a name").to_owned();
        let text = std::fs::read_to_string(&path).expect("a text");
        let head = text.lines().find_map(|line| line.strip_prefix("check ")).expect("checks");
        let checks: Vec<&str> = head.split_whitespace().collect();
        let part = |name: &str| {
            let (_, rest) = text.split_once(&format!("## {name}\n")).expect("the part");
            history(rest.split("## ").next().unwrap_or_default(), &checks)
        };
        let (anomaly, valid) = (watch(&part("anomaly")), watch(&part("valid")));
        let judged = judge(&part("anomaly"), Budget::unlimited_time());
        let blind = !anomaly.0.blind().is_empty();
        if let Some(alarm) = &anomaly.1 {
            let check = judged.checks.iter().find(|check| check.id == alarm.check);
            assert_eq!(check.expect("the check").status, Status::Anomaly, "{class}");
            found.push(class);
        } else {
            assert!(blind || !WATCHED.contains(&class.as_str()), "{class} is missed");
        }
        assert_eq!(valid.1, None, "a false alarm beside {}", path.display());
    }
    assert!(found.len() >= WATCHED.len(), "{found:?}");
}

/// One thing that is told of a node, or an operation that it acknowledged.
#[derive(Debug, Clone)]
struct Reported {
    seen: Observation,
    wait: u64,
    lasts: u64,
    /// Acknowledged rather than told, and whether it was a read.
    acked: Option<bool>,
}

fn reported() -> impl Strategy<Value = Reported> {
    let role = select(vec![Some(Role::Leader), Some(Role::Leader), Some(Role::Follower), None]);
    let grades = [Grade::Hearsay, Grade::Claim, Grade::Record];
    let source = select(vec![Source::Poll, Source::Log]);
    let claim = (1..4_u16, role, prop::option::weighted(0.9, 1..30_u64));
    let other = || prop::option::weighted(0.2, 1..4_u16);
    let how = (select(grades.to_vec()), source, 1..3_u32, (other(), other()));
    let when = (0..3_u64, 0..8_u64, prop::option::weighted(0.3, any::<bool>()));
    (claim, how, when).prop_map(
        |((node, role, generation), (grade, source, incarnation, others), (wait, lasts, acked))| {
            let (node, leader, voted) = (NodeId(node), others.0.map(NodeId), others.1.map(NodeId));
            let text = String::new();
            let (since, applied, entry) = (0, None, None);
            #[rustfmt::skip]
            let seen = Observation { node, incarnation, group: None, source, grade, since, role, generation, leader, applied, voted, entry, text };
            Reported { seen, wait, lasts, acked }
        },
    )
}

/// The events of `told`; generations mostly rise, so that not everything contradicts.
fn events(told: &[Reported]) -> Vec<Event> {
    let started =
        |node, incarnation| EventKind::Node { node, incarnation, change: NodeChange::Started };
    let mut events: Vec<_> = (1..4).map(|node| (0, started(NodeId(node), 1))).collect();
    let mut now = 10;
    for (place, told) in (0..).zip(told) {
        now += told.wait;
        if told.lasts == 7 {
            events.push((now, started(told.seen.node, 2)));
        }
        let mut seen = told.seen.clone();
        seen.since = now - told.lasts;
        seen.generation = seen.generation.map(|drawn| 2 * place + drawn);
        if let Some(read) = told.acked {
            let (process, node) = (ProcessId(place), None);
            let stamp = fracas_checker::event::Stamp::new(Some(seen.node), seen.generation);
            let (op, outcome) = if read {
                (Op::Read { key: "k".into() }, Outcome::Read { value: None })
            } else {
                (Op::Write { key: "k".into(), value: (place as i64).into() }, Outcome::Write)
            };
            events.push((seen.since, EventKind::Invoke { process, node, op }));
            let completion = Completion::Ok { outcome, stamp };
            events.push((now, EventKind::Complete { process, completion }));
        } else {
            events.push((now, EventKind::Observe(seen)));
        }
    }
    events.sort_by_key(|(time, _)| *time);
    let events = events.into_iter().zip(0..);
    events.map(|((time, kind), index)| Event { index, time, kind }).collect()
}

/// Whether two leaders of one generation, a step back, or a vote given twice are found offline.
fn refuted(events: &[Event]) -> bool {
    let mut header = history("", &[LEADERS]).header().clone();
    header.plan.checks = vec![LEADERS.to_owned()];
    let history = History::new(header, events.to_vec()).expect("a valid history");
    let verdict = judge(&history, Budget::unlimited_time());
    let watched = ["split-brain", "generation-went-back", "double-vote"];
    verdict.anomalies().any(|(_, anomaly)| watched.contains(&anomaly.class.as_str()))
}

fn leaders_agree(told: &[Reported]) -> Result<bool, TestCaseError> {
    let events = events(told);
    let mut watch = Watch::new(&[LEADERS]);
    events.iter().for_each(|event| drop(watch.feed(event).cloned()));
    let alarm = watch.settle().cloned();
    prop_assert_eq!(watch.blind(), []);
    for (place, event) in events.iter().enumerate() {
        let passed = events.get(place + 1).is_none_or(|next| next.time > event.time);
        if passed {
            let by_now = alarm.as_ref().is_some_and(|alarm| alarm.time <= event.time);
            prop_assert_eq!(by_now, refuted(&events[..=place]), "{:#?}", &events[..=place]);
        }
    }
    Ok(alarm.is_some())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn leaders_are_watched_as_they_are_judged(told in prop::collection::vec(reported(), 1..16)) {
        leaders_agree(&told)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    #[ignore = "slow: 20,000 histories"]
    fn leaders_are_watched_as_they_are_judged_in_many_histories(told in prop::collection::vec(reported(), 1..16)) {
        leaders_agree(&told)?;
    }
}
