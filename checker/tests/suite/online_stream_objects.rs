//! The watch on locks, leases, counters and sets in a run at full rate: its memory stays flat.
//!
//! The stream is drawn on the fly, as in the test for registers. Some operations hang until their
//! client gives up; what it asked for may have happened or not.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use fracas_checker::event::{Completion, Event, EventKind, Nanos, ProcessId, Stamp};
use fracas_checker::online::Watch;
use fracas_checker::{Key, Op, Outcome, Value};
use proptest::prelude::Rng;
use proptest::test_runner::{RngAlgorithm, TestRng};

const CLIENTS: u64 = 20;
const KEYS: u64 = 5;
const SECOND: Nanos = 1_000_000_000;
/// What an operation takes at most, and the wait after it: 10,000 operations per second.
const STEP: Nanos = CLIENTS * SECOND / 10_000;
/// When a client gives up.
const TIME_OUT: Nanos = SECOND / 20;
/// How long a lease lives.
const LIFE: Nanos = SECOND / 50;

struct Dice(TestRng);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0.next_u64() % limit
    }
}

/// What a target serves, and what its clients ask it.
trait World {
    /// What `client` asks next.
    fn ask(&mut self, dice: &mut Dice, client: u64) -> Op;

    /// Does it; none if it is refused.
    fn does(&mut self, op: &Op, now: Nanos) -> Option<Outcome>;

    /// Wrong answers after `lost` operations that nobody saw the end of; the last one proves it.
    fn wrong(&self, lost: u64) -> Vec<(Op, Outcome)>;
}

fn key(dice: &mut Dice) -> Key {
    format!("k{}", dice.below(KEYS)).into()
}

/// Locks, with or without owners. A client gives back what it may hold before it asks for more.
#[derive(Default)]
struct Locks {
    held: BTreeMap<Key, u64>,
    asked: BTreeMap<u64, Key>,
}

impl World for Locks {
    fn ask(&mut self, dice: &mut Dice, holder: u64) -> Op {
        if let Some(key) = self.asked.remove(&holder) {
            return Op::Release { key, holder };
        }
        let key = key(dice);
        self.asked.insert(holder, key.clone());
        Op::Acquire { key, holder, ttl: None }
    }

    fn does(&mut self, op: &Op, _: Nanos) -> Option<Outcome> {
        match op {
            Op::Acquire { key, holder, .. } if !self.held.contains_key(key) => {
                self.held.insert(key.clone(), *holder);
                Some(Outcome::Acquire { token: None })
            }
            Op::Release { key, holder } if self.held.get(key) == Some(holder) => {
                self.held.remove(key);
                Some(Outcome::Release)
            }
            _ => None,
        }
    }

    fn wrong(&self, lost: u64) -> Vec<(Op, Outcome)> {
        let acquire = Op::Acquire { key: "k0".into(), holder: 1_000, ttl: None };
        vec![(acquire, Outcome::Acquire { token: None }); lost as usize + 2]
    }
}

/// Locks with fencing tokens, and what they guard: the highest token, the highest one shown, the
/// value.
#[derive(Default)]
struct Fenced {
    keys: BTreeMap<Key, (u64, u64, Option<Value>)>,
    next: i64,
}

impl World for Fenced {
    fn ask(&mut self, dice: &mut Dice, holder: u64) -> Op {
        let key = key(dice);
        match dice.below(4) {
            0 => Op::Acquire { key, holder, ttl: None },
            1 => Op::Read { key },
            _ => {
                self.next += 1;
                let granted = self.keys.get(&key).map_or(0, |register| register.0);
                let token = granted.saturating_sub(dice.below(2));
                Op::GuardedWrite { key, token, value: self.next.into() }
            }
        }
    }

    fn does(&mut self, op: &Op, _: Nanos) -> Option<Outcome> {
        let (granted, shown, held) = self.keys.entry(op.key()?.clone()).or_default();
        match op {
            Op::Acquire { .. } => {
                *granted += 1;
                Some(Outcome::Acquire { token: Some(*granted) })
            }
            Op::GuardedWrite { token, value, .. } if token >= shown => {
                (*shown, *held) = (*token, Some(value.clone()));
                Some(Outcome::GuardedWrite)
            }
            Op::Read { .. } => Some(Outcome::Read { value: held.clone() }),
            _ => None,
        }
    }

    fn wrong(&self, _: u64) -> Vec<(Op, Outcome)> {
        let acquire = Op::Acquire { key: "k0".into(), holder: 0, ttl: None };
        vec![(acquire, Outcome::Acquire { token: Some(0) })]
    }
}

/// Leases: who holds each until when.
#[derive(Default)]
struct Leases(BTreeMap<Key, (u64, Nanos)>);

impl World for Leases {
    fn ask(&mut self, dice: &mut Dice, holder: u64) -> Op {
        let key = key(dice);
        match dice.below(3) {
            0 => Op::Acquire { key, holder, ttl: Some(LIFE) },
            1 => Op::Renew { key, holder, ttl: None },
            _ => Op::Release { key, holder },
        }
    }

    fn does(&mut self, op: &Op, now: Nanos) -> Option<Outcome> {
        let lease = self.0.entry(op.key()?.clone()).or_default();
        let held_by = (lease.1 > now).then_some(lease.0);
        match op {
            Op::Acquire { holder, .. } if held_by.is_none_or(|by| by == *holder) => {
                *lease = (*holder, now + LIFE);
                Some(Outcome::Acquire { token: None })
            }
            Op::Renew { holder, .. } if held_by == Some(*holder) => {
                *lease = (*holder, now + LIFE);
                Some(Outcome::Renew)
            }
            Op::Release { holder, .. } if held_by == Some(*holder) => {
                *lease = (0, 0);
                Some(Outcome::Release)
            }
            _ => None,
        }
    }

    fn wrong(&self, _: u64) -> Vec<(Op, Outcome)> {
        let acquire = |holder| {
            let op = Op::Acquire { key: "k0".into(), holder, ttl: Some(SECOND) };
            (op, Outcome::Acquire { token: None })
        };
        let renew = Op::Renew { key: "k0".into(), holder: 1_001, ttl: None };
        vec![acquire(1_000), acquire(1_001), (renew, Outcome::Renew)]
    }
}

/// Counters that only rise.
#[derive(Default)]
struct Counters(BTreeMap<Key, i64>);

impl World for Counters {
    fn ask(&mut self, dice: &mut Dice, _: u64) -> Op {
        let key = key(dice);
        match dice.below(2) {
            0 => Op::Increment { key, by: 1 + dice.below(5) as i64 },
            _ => Op::Read { key },
        }
    }

    fn does(&mut self, op: &Op, _: Nanos) -> Option<Outcome> {
        let count = self.0.entry(op.key()?.clone()).or_default();
        match op {
            Op::Increment { by, .. } => {
                *count += by;
                Some(Outcome::Increment)
            }
            _ => Some(Outcome::Read { value: Some(Value::Int(*count)) }),
        }
    }

    fn wrong(&self, _: u64) -> Vec<(Op, Outcome)> {
        let read = Op::Read { key: "k0".into() };
        vec![(read, Outcome::Read { value: Some(Value::Int(0)) })]
    }
}

/// Sets of new elements, each of which is removed again.
#[derive(Default)]
struct Sets {
    sets: BTreeMap<Key, BTreeSet<Value>>,
    asked: BTreeMap<u64, (Key, Value)>,
    next: i64,
}

impl World for Sets {
    fn ask(&mut self, dice: &mut Dice, client: u64) -> Op {
        if let Some((key, value)) = self.asked.get(&client).cloned() {
            if dice.below(2) == 0 {
                return Op::Contains { key, value };
            }
            self.asked.remove(&client);
            return Op::Remove { key, value };
        }
        let key = key(dice);
        if dice.below(4) == 0 {
            return Op::ReadAll { key };
        }
        self.next += 1;
        self.asked.insert(client, (key.clone(), self.next.into()));
        Op::Add { key, value: self.next.into() }
    }

    fn does(&mut self, op: &Op, _: Nanos) -> Option<Outcome> {
        let set = self.sets.entry(op.key()?.clone()).or_default();
        Some(match op {
            Op::Add { value, .. } => {
                set.insert(value.clone());
                Outcome::Add
            }
            Op::Remove { value, .. } => {
                set.remove(value);
                Outcome::Remove
            }
            Op::Contains { value, .. } => Outcome::Contains { present: set.contains(value) },
            _ => Outcome::ReadAll { values: set.iter().cloned().collect() },
        })
    }

    fn wrong(&self, _: u64) -> Vec<(Op, Outcome)> {
        let contains = Op::Contains { key: "k0".into(), value: Value::Int(1) };
        vec![(contains, Outcome::Contains { present: true })]
    }
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum What {
    Invoke(u64),
    Effect(u64),
    Complete(u64),
}

/// What a client is about.
struct Client {
    process: u64,
    op: Option<Op>,
    /// What came of it: none where it was refused.
    outcome: Option<Outcome>,
    /// Whether its operation ends indeterminate.
    hangs: bool,
}

/// A legal run, one event after the other.
struct Stream<W> {
    world: W,
    dice: Dice,
    /// Of a thousand operations, how many end indeterminate.
    indeterminate: u64,
    due: BinaryHeap<Reverse<(Nanos, u64, What)>>,
    clients: Vec<Client>,
    next_process: u64,
    index: u64,
    now: Nanos,
    drawn: u64,
    lost: u64,
}

impl<W: World> Stream<W> {
    fn new(world: W, indeterminate: u64) -> Self {
        let client = |process| Client { process, op: None, outcome: None, hangs: false };
        let mut stream = Self {
            world,
            dice: Dice(TestRng::from_seed(RngAlgorithm::ChaCha, &[5; 32])),
            indeterminate,
            due: BinaryHeap::new(),
            clients: (0..CLIENTS).map(client).collect(),
            next_process: CLIENTS,
            index: 0,
            now: 0,
            drawn: 0,
            lost: 0,
        };
        (0..CLIENTS).for_each(|client| stream.at(client * 1_000, What::Invoke(client)));
        stream
    }

    fn at(&mut self, time: Nanos, step: What) {
        self.drawn += 1;
        self.due.push(Reverse((time, self.drawn, step)));
    }

    fn recorded(&mut self, time: Nanos, kind: EventKind) -> Event {
        (self.index, self.now) = (self.index + 1, time);
        Event { index: self.index - 1, time, kind }
    }

    /// What happens next.
    fn event(&mut self) -> Event {
        loop {
            let Reverse((time, _, step)) = self.due.pop().expect("clients go on");
            let kind = match step {
                What::Invoke(client) => self.invoke(client, time),
                What::Effect(client) => {
                    let client = &mut self.clients[client as usize];
                    client.outcome = client.op.as_ref().and_then(|op| self.world.does(op, time));
                    continue;
                }
                What::Complete(client) => self.complete(client, time),
            };
            return self.recorded(time, kind);
        }
    }

    fn invoke(&mut self, client: u64, time: Nanos) -> EventKind {
        let op = self.world.ask(&mut self.dice, client);
        let took = self.dice.below(STEP) + 2;
        let hangs = self.dice.below(1_000) < self.indeterminate;
        self.at(time + took / 2, What::Effect(client));
        self.at(time + if hangs { TIME_OUT } else { took }, What::Complete(client));
        let client = &mut self.clients[client as usize];
        (client.op, client.outcome, client.hangs) = (Some(op.clone()), None, hangs);
        EventKind::Invoke { process: ProcessId(client.process), node: None, op }
    }

    fn complete(&mut self, client: u64, time: Nanos) -> EventKind {
        let wait = self.dice.below(STEP) + 1;
        self.at(time + wait, What::Invoke(client));
        let client = &mut self.clients[client as usize];
        let process = ProcessId(client.process);
        let completion = match client.outcome.take() {
            _ if client.hangs => {
                (client.process, self.next_process) = (self.next_process, self.next_process + 1);
                self.lost += 1;
                Completion::Info { error: "timed out".to_owned() }
            }
            Some(outcome) => Completion::Ok { outcome, stamp: Stamp::default() },
            None => Completion::Fail { error: "refused".to_owned() },
        };
        EventKind::Complete { process, completion }
    }

    /// The wrong answers, one after the other.
    fn wrong(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        for (op, outcome) in self.world.wrong(self.lost) {
            self.next_process += 1;
            let process = ProcessId(self.next_process);
            let invoke = EventKind::Invoke { process, node: None, op };
            events.push(self.recorded(self.now + 1, invoke));
            let completion = Completion::Ok { outcome, stamp: Stamp::default() };
            events.push(self.recorded(self.now + 2, EventKind::Complete { process, completion }));
        }
        events
    }
}

/// Watches `seconds` of the stream: the memory stays as it was in the first tenth, but for `per_lost`
/// bytes for each operation that nobody saw the end of. Then something is wrong.
#[track_caller]
fn check<W: World>(id: &str, world: W, seconds: u64, (indeterminate, per_lost): (u64, u64)) {
    let (mut watch, mut stream) = (Watch::new(&[id]), Stream::new(world, indeterminate));
    let (mut most, mut lost) = ([0; 10], [0; 10]);
    for tenth in 0..10 {
        while stream.now < (tenth as u64 + 1) * seconds * SECOND / 10 {
            for _ in 0..1_000 {
                assert_eq!(watch.feed(&stream.event()), None, "{id}");
            }
            most[tenth] = watch.bytes().max(most[tenth]);
        }
        lost[tenth] = stream.lost;
    }
    println!("{id}: {} events, most bytes in each tenth {most:?}, lost {lost:?}", stream.index);
    for (bytes, lost) in most.iter().zip(lost) {
        let stays = (lost * per_lost) as usize;
        assert!(*bytes < 2 * most[0] + stays, "{id}: {most:?} with {lost} lost");
    }
    assert_eq!(watch.blind(), []);
    let wrong = stream.wrong();
    let alarm = wrong.iter().find_map(|event| watch.feed(event).cloned());
    let alarm = alarm.or_else(|| watch.settle().cloned()).expect("an alarm");
    assert!(alarm.index >= wrong[0].index, "{id}: {alarm:?}");
}

fn all(seconds: u64) {
    for indeterminate in [0, 5] {
        check("mutex/linearizable", Locks::default(), seconds, (indeterminate, 0));
        // A few hundred bytes for each holder, of whom there are only so many.
        check("lock/linearizable", Locks::default(), seconds, (indeterminate, 64));
        check("fencing/linearizable", Fenced::default(), seconds, (indeterminate, 0));
        check("lease/exclusive", Leases::default(), seconds, (indeterminate, 0));
        check("counter/linearizable", Counters::default(), seconds, (indeterminate, 0));
        // A lost addition may still land: a value and a few bits each, in tables that double.
        check("set/linearizable", Sets::default(), seconds, (indeterminate, 96));
    }
}

#[test]
fn the_memory_stays_flat_over_five_seconds() {
    all(5);
}

#[test]
#[ignore = "slow: ten minutes of 10,000 operations per second, twelve times"]
fn the_memory_stays_flat_over_ten_minutes() {
    all(600);
}
