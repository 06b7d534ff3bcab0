//! The watch on leases against the offline check of random histories: what it says is so when it is
//! said and stays so, and it misses no overlap that has passed.

use crate::support;

use fracas_checker::event::{Completion, Event, EventKind, Nanos, ProcessId, Stamp};
use fracas_checker::history::{Header, History, Plan, SCHEMA};
use fracas_checker::online::Watch;
use fracas_checker::{Budget, Op, Outcome, Status, judge};
use support::sampling::Dice;

const LEASES: &str = "lease/exclusive";
const MILLI: Nanos = 1_000_000;

/// An operation by a process of its own; how it ended and when, if it did.
struct Invocation {
    op: Op,
    start: Nanos,
    end: Option<(Nanos, Completion)>,
}

fn plan(clock_error_ms: u64) -> Plan {
    Plan { checks: vec![LEASES.to_owned()], clock_error_ms, ..Plan::default() }
}

fn events(asked: &[Invocation]) -> Vec<Event> {
    let mut events = Vec::new();
    for (process, request) in (0..).map(ProcessId).zip(asked) {
        events.push((
            request.start,
            0,
            EventKind::Invoke { process, node: None, op: request.op.clone() },
        ));
        if let Some((end, completion)) = request.end.clone() {
            events.push((end, 1, EventKind::Complete { process, completion }));
        }
    }
    events.sort_by_key(|(time, rank, _)| (*time, *rank));
    let events = events.into_iter().zip(0..);
    events.map(|((time, _, kind), index)| Event { index, time, kind }).collect()
}

/// Whether the offline check refutes `events`.
fn refuted(events: &[Event], plan: &Plan) -> bool {
    let header = Header {
        schema: SCHEMA.to_owned(),
        run: String::new(),
        target: String::new(),
        seed: 0,
        nodes: Vec::new(),
        plan: plan.clone(),
    };
    let history = History::new(header, events.to_vec()).expect("a valid history");
    let verdict = judge(&history, Budget::unlimited_time());
    verdict.checks.iter().any(|check| check.id == LEASES && check.status == Status::Anomaly)
}

/// The same events, after which all of `holders` ask at once to give the lease back: whatever they
/// believed ends there.
fn given_up(events: &[Event], holders: u64) -> Vec<Event> {
    let mut events = events.to_vec();
    let time = events.last().map_or(0, |event| event.time);
    for (holder, index) in (0..holders).zip(events.len() as u64..) {
        let op = Op::Release { key: "l".into(), holder };
        let kind = EventKind::Invoke { process: ProcessId(1_000 + holder), node: None, op };
        events.push(Event { index, time, kind });
    }
    events
}

/// How holders behave.
#[derive(Clone, Copy)]
struct Manners {
    holders: u64,
    /// Whether each does one thing at a time, and nothing fails.
    careful: bool,
}

fn draw(dice: &mut Dice, manners: Manners) -> Vec<Invocation> {
    let (mut asked, mut free) = (Vec::new(), vec![0; manners.holders as usize]);
    let mut now = 0;
    for _ in 0..4 + dice.below(12) {
        now += dice.below(6) * MILLI;
        let holder = dice.below(manners.holders);
        if manners.careful && free[holder as usize] >= now {
            continue;
        }
        let (key, ttl) = ("l".into(), dice.chance(80).then(|| dice.below(40) * MILLI));
        let (op, outcome) = match dice.below(6) {
            0..3 => (Op::Acquire { key, holder, ttl }, Outcome::Acquire { token: None }),
            3 | 4 => (Op::Renew { key, holder, ttl }, Outcome::Renew),
            _ => (Op::Release { key, holder }, Outcome::Release),
        };
        let end = now + dice.below(7) * MILLI;
        let error = "test".to_owned();
        let completion = match dice.below(20) {
            0 => Some(Completion::Info { error }),
            1 | 2 if !manners.careful => Some(Completion::Fail { error }),
            3 if !manners.careful => None,
            _ => Some(Completion::Ok { outcome, stamp: Stamp::default() }),
        };
        free[holder as usize] = end;
        asked.push(Invocation {
            op,
            start: now,
            end: completion.map(|completion| (end, completion)),
        });
    }
    asked
}

/// Holds the watch against the offline check at every instant at which something completed. With
/// careful holders it finds every overlap that has passed. Whether there was an alarm.
#[track_caller]
fn agree(events: &[Event], plan: &Plan, manners: Manners) -> bool {
    let mut watch = Watch::of(plan);
    events.iter().for_each(|event| drop(watch.feed(event).cloned()));
    let alarm = watch.settle().map(|alarm| alarm.time);
    assert_eq!(watch.blind(), []);
    for (place, event) in events.iter().enumerate() {
        let passed = events.get(place + 1).is_none_or(|next| next.time > event.time);
        if !passed || !matches!(event.kind, EventKind::Complete { .. }) {
            continue;
        }
        let (so_far, now) = (&events[..=place], event.time);
        let by_now = alarm.is_some_and(|time| time <= now);
        let over = refuted(&given_up(so_far, manners.holders), plan);
        assert!(!by_now || over, "false alarm at {now}: {so_far:#?}");
        assert!(!by_now || refuted(so_far, plan), "false alarm at {now}: {so_far:#?}");
        assert!(by_now || !over || !manners.careful, "missed at {now}: {so_far:#?}");
    }
    assert!(alarm.is_none() || refuted(events, plan), "an alarm is taken back: {events:#?}");
    alarm.is_some()
}

/// Holds the watch on `count` histories of each sort; prints what was counted.
#[track_caller]
fn check(count: usize) {
    let (seed, mut alarms) = (31, 0);
    let mut dice = Dice::new(seed);
    for (holders, careful) in [(2, true), (3, true), (2, false), (3, false)] {
        let manners = Manners { holders, careful };
        for _ in 0..count {
            let plan = plan(dice.below(3) * 4);
            let asked = draw(&mut dice, manners);
            alarms += usize::from(agree(&events(&asked), &plan, manners));
        }
    }
    println!("leases: {} histories, {alarms} alarms, seed {seed}", 4 * count);
    assert!(alarms > count / 4 && alarms < 4 * count, "{alarms} alarms");
}

#[test]
fn leases_are_watched() {
    check(300);
}

#[test]
#[ignore = "slow: 5,000 histories of each of four sorts"]
fn many_leases_are_watched() {
    check(5_000);
}
