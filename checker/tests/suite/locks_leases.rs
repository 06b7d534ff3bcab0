//! Leases against an oracle that looks at every millisecond by itself.

use crate::support;

use std::collections::BTreeSet;

use fracas_checker::event::{Completion, Event, EventKind, Op, Outcome, ProcessId, Stamp};
use fracas_checker::history::{Header, History, Plan, SCHEMA};
use fracas_checker::{Algorithm, Budget, judge_by};
use support::sampling::Dice;

const MILLI: u64 = 1_000_000;

/// The last millisecond at which anybody believes anything.
const LAST: u64 = 80;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Acquire,
    Renew,
    Release,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    Ok,
    Fail,
    Info,
}

/// One request; times in milliseconds.
#[derive(Debug, Clone, Copy)]
struct Request {
    verb: Verb,
    key: &'static str,
    holder: u64,
    ttl: Option<u64>,
    start: u64,
    end: u64,
    ending: Ending,
}

/// Requests in the order in which they were asked.
fn requests(dice: &mut Dice) -> Vec<Request> {
    let count = 1 + dice.below(9);
    let mut requests: Vec<Request> = (0..count).map(|_| request(dice)).collect();
    requests.sort_by_key(|request| request.start);
    requests
}

fn request(dice: &mut Dice) -> Request {
    let start = dice.below(40);
    Request {
        verb: [Verb::Acquire, Verb::Acquire, Verb::Renew, Verb::Release][dice.below(4) as usize],
        key: if dice.chance(80) { "a" } else { "b" },
        holder: dice.below(3),
        ttl: dice.chance(80).then(|| 1 + dice.below(30)),
        start,
        end: start + dice.below(6),
        ending: match dice.below(10) {
            0 => Ending::Fail,
            1 => Ending::Info,
            _ => Ending::Ok,
        },
    }
}

/// The time to live that the request at `place` asks for.
fn life(all: &[Request], place: usize) -> Option<u64> {
    let request = all[place];
    let granted = |earlier: &&Request| {
        (earlier.verb, earlier.key, earlier.holder, earlier.ending)
            == (Verb::Acquire, request.key, request.holder, Ending::Ok)
            && earlier.ttl.is_some()
            && earlier.end <= request.start
    };
    match request.verb {
        Verb::Acquire => request.ttl,
        Verb::Renew => request
            .ttl
            .or_else(|| all[..place].iter().rev().find(granted).and_then(|request| request.ttl)),
        Verb::Release => None,
    }
}

/// Whether `holder` believes to hold `key` from `now` to a millisecond later. Once it does not know
/// what became of a release nothing that it is granted later counts.
fn believes(all: &[Request], key: &str, holder: u64, now: u64) -> bool {
    let own = |place: &usize| all[*place].key == key && all[*place].holder == holder;
    (0..all.len()).filter(own).any(|grant| {
        let Some(ttl) = life(all, grant) else { return false };
        let ended = (grant + 1..all.len()).filter(own).any(|later| {
            let Request { verb, start, ending, .. } = all[later];
            let lives = life(all, later).filter(|_| ending != Ending::Fail);
            (verb == Verb::Release && start <= now) || lives.is_some_and(|ttl| start + ttl <= now)
        });
        let request = all[grant];
        let unsure = (0..grant).filter(own).any(|before| {
            let Request { verb, start, ending, .. } = all[before];
            (verb, ending) == (Verb::Release, Ending::Info) && start < request.start
        });
        !unsure
            && request.ending == Ending::Ok
            && request.end <= now
            && now < request.start + ttl
            && !ended
    })
}

/// The keys on which two holders believe at once for more than `error`.
fn overlapping(all: &[Request], error: u64) -> BTreeSet<String> {
    let both = |key, first, second| {
        let (mut run, mut longest) = (0, 0);
        for now in 0..LAST {
            let shared = believes(all, key, first, now) && believes(all, key, second, now);
            run = if shared { run + 1 } else { 0 };
            longest = run.max(longest);
        }
        longest > error
    };
    let pairs = [(0, 1), (0, 2), (1, 2)];
    let keys = ["a", "b"].into_iter();
    let found = keys.filter(|key| pairs.iter().any(|(first, second)| both(key, *first, *second)));
    found.map(str::to_owned).collect()
}

fn op(request: &Request) -> (Op, Outcome) {
    let Request { key, holder, .. } = *request;
    let (key, ttl) = (key.into(), request.ttl.map(|ttl| ttl * MILLI));
    match request.verb {
        Verb::Acquire => (Op::Acquire { key, holder, ttl }, Outcome::Acquire { token: None }),
        Verb::Renew => (Op::Renew { key, holder, ttl }, Outcome::Renew),
        Verb::Release => (Op::Release { key, holder }, Outcome::Release),
    }
}

fn history(all: &[Request], clock_error_ms: u64) -> History {
    let mut events = Vec::new();
    for (process, request) in (0..).zip(all) {
        let (process, error) = (ProcessId(process), String::new());
        let (op, outcome) = op(request);
        let completion = match request.ending {
            Ending::Ok => Completion::Ok { outcome, stamp: Stamp::default() },
            Ending::Fail => Completion::Fail { error },
            Ending::Info => Completion::Info { error },
        };
        events.push((request.start, 0, EventKind::Invoke { process, node: None, op }));
        events.push((request.end, 1, EventKind::Complete { process, completion }));
    }
    events.sort_by_key(|(time, rank, _)| (*time, *rank));
    let events = events.into_iter().zip(0..);
    let event = |((time, _, kind), index)| Event { index, time: time * MILLI, kind };
    let header = Header {
        schema: SCHEMA.to_owned(),
        run: String::new(),
        target: String::new(),
        seed: 0,
        nodes: Vec::new(),
        plan: Plan { clock_error_ms, ..Plan::default() },
    };
    History::new(header, events.map(event).collect()).expect("a valid history")
}

/// The check finds an overlap on the same keys as the oracle, on `count` histories; and the witness
/// alone shows it, too.
#[track_caller]
fn agrees_with_the_oracle(count: usize, seed: u64) {
    let (mut dice, mut refuted) = (Dice::new(seed), 0);
    for _ in 0..count {
        let (all, error) = (requests(&mut dice), dice.below(4));
        let history = history(&all, error);
        let budget = Budget::unlimited_time();
        let verdict = judge_by(&history, &["lease/exclusive"], Algorithm::Auto, budget);
        let anomalies: Vec<_> = verdict.anomalies().map(|(_, anomaly)| anomaly).collect();
        let found: BTreeSet<String> = anomalies
            .iter()
            .filter_map(|anomaly| anomaly.key.as_ref().map(ToString::to_string))
            .collect();
        assert_eq!(found, overlapping(&all, error), "clock error {error}: {all:#?}");
        assert_eq!(found.len(), anomalies.len(), "{anomalies:#?}");
        for anomaly in anomalies {
            let shown = |(place, _): &(usize, &Request)| {
                let index = history.operations()[*place].invoked.0;
                anomaly.witness.contains(&index)
            };
            let alone: Vec<Request> =
                all.iter().enumerate().filter(shown).map(|(_, request)| *request).collect();
            // A renewal without a time to live takes that of an acquire that need not be shown.
            if alone.iter().all(|request| request.ttl.is_some()) {
                assert_eq!(overlapping(&alone, error).len(), 1, "{anomaly:#?}");
            }
        }
        refuted += usize::from(!found.is_empty());
    }
    println!("lease/exclusive: seed {seed}, {count} histories, {refuted} refuted, 0 disagreements");
}

#[test]
fn leases_agree_with_the_oracle() {
    agrees_with_the_oracle(3_000, 1);
}

#[test]
#[ignore = "slow: forty thousand histories against the oracle"]
fn many_leases_agree_with_the_oracle() {
    agrees_with_the_oracle(40_000, 2);
}
