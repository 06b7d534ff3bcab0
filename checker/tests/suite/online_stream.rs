//! The watch on a run of ten minutes at full rate: its memory stays flat, and it keeps up.
//!
//! The stream is drawn on the fly, so that nothing but the watch holds any of it. Some operations
//! hang until their client gives up, as real ones do.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::{Duration, Instant};

use fracas_checker::event::{Completion, Event, EventKind, Nanos, NodeId, ProcessId, Stamp};
use fracas_checker::observation::{Grade, Observation, Role, Source};
use fracas_checker::online::Watch;
use fracas_checker::{Op, Outcome, Value};
use proptest::prelude::Rng;
use proptest::test_runner::{RngAlgorithm, TestRng};

const CLIENTS: u64 = 50;
const KEYS: u64 = 10;
const PER_SECOND: u64 = 10_000;
const SECOND: Nanos = 1_000_000_000;
/// When a client gives up.
const TIME_OUT: Nanos = SECOND / 2;
/// A node tells of a new generation so often.
const ELECTION: Nanos = 2 * SECOND;

/// What is yet to happen, and when; the earliest first.
type Due = Reverse<(Nanos, u64, What)>;

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum What {
    Invoke(u64),
    Effect(u64),
    Complete(u64),
    Elect,
}

/// What a client is about.
#[derive(Clone)]
struct Client {
    process: u64,
    key: usize,
    op: Option<Op>,
    outcome: Option<Outcome>,
    /// Whether its operation ends indeterminate.
    hangs: bool,
}

/// A legal run, one event after the other.
struct Stream {
    rng: TestRng,
    /// Of a thousand operations, how many end indeterminate.
    indeterminate: u64,
    /// What an operation takes at most, and the wait after it.
    step: Nanos,
    due: BinaryHeap<Due>,
    clients: Vec<Client>,
    registers: Vec<Option<Value>>,
    next_process: u64,
    next_value: i64,
    generation: u64,
    index: u64,
    now: Nanos,
    drawn: u64,
    /// How many operations that are no reads ended indeterminate.
    lost: u64,
}

impl Stream {
    fn new(indeterminate: u64) -> Self {
        let clients: Vec<Client> = (0..CLIENTS)
            .map(|process| Client { process, key: 0, op: None, outcome: None, hangs: false })
            .collect();
        let mut stream = Self {
            rng: TestRng::from_seed(RngAlgorithm::ChaCha, &[3; 32]),
            indeterminate,
            // With the time-outs, all clients together make as many operations as they should.
            step: CLIENTS * SECOND / PER_SECOND - indeterminate * TIME_OUT / 1_000,
            due: BinaryHeap::new(),
            clients,
            registers: vec![None; KEYS as usize],
            next_process: CLIENTS,
            next_value: 0,
            generation: 0,
            index: 0,
            now: 0,
            drawn: 0,
            lost: 0,
        };
        (0..CLIENTS).for_each(|client| stream.at(client * 1_000, What::Invoke(client)));
        stream.at(0, What::Elect);
        stream
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.rng.next_u64() % limit
    }

    fn at(&mut self, time: Nanos, step: What) {
        self.drawn += 1;
        self.due.push(Reverse((time, self.drawn, step)));
    }

    /// What happens next.
    fn event(&mut self) -> Event {
        loop {
            let Reverse((time, _, step)) = self.due.pop().expect("clients go on");
            let kind = match step {
                What::Invoke(client) => self.invoke(client as usize, time),
                What::Effect(client) => {
                    self.effect(client as usize);
                    continue;
                }
                What::Complete(client) => self.complete(client as usize, time),
                What::Elect => self.elect(time),
            };
            return self.recorded(time, kind);
        }
    }

    fn recorded(&mut self, time: Nanos, kind: EventKind) -> Event {
        (self.index, self.now) = (self.index + 1, time);
        Event { index: self.index - 1, time, kind }
    }

    /// A read of a value that was overwritten long ago.
    fn stale_read(&mut self) -> [Event; 2] {
        let process = ProcessId(self.next_process);
        let op = Op::Read { key: "k0".into() };
        let outcome = Outcome::Read { value: None };
        let invoke = EventKind::Invoke { process, node: None, op };
        let completion = Completion::Ok { outcome, stamp: Stamp::default() };
        let complete = EventKind::Complete { process, completion };
        [self.recorded(self.now + 1, invoke), self.recorded(self.now + 2, complete)]
    }

    fn invoke(&mut self, client: usize, time: Nanos) -> EventKind {
        let key = self.below(KEYS) as usize;
        let name = format!("k{key}").into();
        self.next_value += 1;
        let new = Value::Int(self.next_value);
        let op = match (self.below(5), self.registers[key].clone()) {
            (0 | 1, _) => Op::Read { key: name },
            (4, _) => Op::Swap { key: name, value: new },
            (2, Some(old)) => Op::Cas { key: name, old, new },
            _ => Op::Write { key: name, value: new },
        };
        let took = self.below(self.step) + 1;
        let hangs = self.below(1_000) < self.indeterminate;
        if !hangs || self.below(2) == 0 {
            self.at(time + took / 2, What::Effect(client as u64));
        }
        self.at(time + if hangs { TIME_OUT } else { took }, What::Complete(client as u64));
        let client = &mut self.clients[client];
        (client.key, client.op, client.outcome, client.hangs) =
            (key, Some(op.clone()), None, hangs);
        EventKind::Invoke { process: ProcessId(client.process), node: None, op }
    }

    fn effect(&mut self, client: usize) {
        let Client { key, op: Some(op), .. } = self.clients[client].clone() else { return };
        let register = &mut self.registers[key];
        let outcome = match op {
            Op::Write { value, .. } => {
                *register = Some(value);
                Outcome::Write
            }
            Op::Swap { value, .. } => Outcome::Swap { value: register.replace(value) },
            Op::Cas { old, new, .. } if *register == Some(old.clone()) => {
                *register = Some(new);
                Outcome::Cas
            }
            Op::Cas { .. } => Outcome::CasFound { value: register.clone() },
            _ => Outcome::Read { value: register.clone() },
        };
        self.clients[client].outcome = Some(outcome);
    }

    fn complete(&mut self, client: usize, time: Nanos) -> EventKind {
        let wait = self.below(self.step) + 1;
        self.at(time + wait, What::Invoke(client as u64));
        let client = &mut self.clients[client];
        let process = ProcessId(client.process);
        let completion = match client.outcome.take() {
            Some(outcome) if !client.hangs => Completion::Ok { outcome, stamp: Stamp::default() },
            _ => {
                client.process = self.next_process;
                self.next_process += 1;
                self.lost += u64::from(!matches!(client.op, Some(Op::Read { .. })));
                Completion::Info { error: "timed out".to_owned() }
            }
        };
        EventKind::Complete { process, completion }
    }

    fn elect(&mut self, time: Nanos) -> EventKind {
        self.at(time + ELECTION, What::Elect);
        self.generation += 1;
        EventKind::Observe(Observation {
            node: NodeId((self.generation % 5) as u16 + 1),
            incarnation: 1,
            group: None,
            source: Source::Poll,
            grade: Grade::Claim,
            since: time,
            role: Some(Role::Leader),
            generation: Some(self.generation),
            leader: None,
            applied: None,
            voted: None,
            entry: None,
            text: String::new(),
        })
    }
}

/// How much memory the watch may take for every indeterminate write, which may never be read.
const PER_LOST: u64 = 96;

/// How much it may take for every generation.
const PER_GENERATION: u64 = 256;

/// Watches `seconds` of the stream, of which `indeterminate` operations in a thousand never end:
/// the memory after the first tenth stays as it was in it, but for what must be kept. Then one
/// read answers what was long gone.
#[track_caller]
fn check(seconds: u64, indeterminate: u64) {
    let mut watch = Watch::new(&["register/linearizable", "leader/one-per-generation"]);
    let mut stream = Stream::new(indeterminate);
    let (mut most, mut lost, mut fastest) = ([0; 10], [0; 10], Duration::MAX);
    for tenth in 0..10 {
        while stream.now < (tenth as u64 + 1) * seconds * SECOND / 10 {
            let events: Vec<Event> = (0..10_000).map(|_| stream.event()).collect();
            let began = Instant::now();
            for event in &events {
                assert_eq!(watch.feed(event), None);
            }
            fastest = fastest.min(began.elapsed());
            most[tenth] = watch.bytes().max(most[tenth]);
        }
        lost[tenth] = stream.lost;
    }
    let (operations, rate) = (stream.next_value, 5_000.0 / fastest.as_secs_f64());
    println!(
        "{operations} operations, at best {rate:.0} per second; most bytes in each tenth {most:?}; lost writes by then {lost:?}"
    );
    for (bytes, lost) in most.iter().zip(lost) {
        let stays = (lost * PER_LOST + stream.generation * PER_GENERATION) as usize;
        assert!(*bytes < 2 * most[0] + stays, "{most:?} with {lost} lost");
    }
    assert_eq!(watch.blind(), []);
    let alarm = stream.stale_read().iter().find_map(|event| watch.feed(event).cloned());
    let alarm = alarm.or_else(|| watch.settle().cloned());
    assert_eq!(alarm.expect("an alarm").index, stream.index - 1);
}

#[test]
fn the_memory_stays_flat_over_twelve_seconds() {
    check(12, 0);
    check(12, 5);
}

#[test]
#[ignore = "slow: ten minutes of 10,000 operations per second"]
fn the_memory_stays_flat_over_ten_minutes() {
    check(600, 0);
    check(600, 5);
}
