//! A run of one workload in virtual time: lanes, a network that delays, loses and refuses, and a
//! server; then looks, and what is asked at the end. What comes of it is a history.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use fracas_checker::event::{
    Completion, Event, EventKind, Key, Nanos, NodeId, Op, OpKind, Outcome, Phase, ProcessId, Stamp,
};
use fracas_checker::history::{Coverage, Header, History, Plan, SCHEMA};
use fracas_workloads::{BACK, Chosen, Draw, Lane, Load, Look, Until, Workload};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::server::{Mistake, Server, When};

const MILLI: Nanos = 1_000_000;
/// How long an operation may take before its outcome is unknown.
const TIMEOUT: Nanos = 2_000 * MILLI;
/// How long clients ask.
const LOAD: Nanos = 60_000 * MILLI;
/// How many operations of a reader may be open.
const OPEN: u64 = 4;
/// Of a thousand operations so many are refused, so many are never answered, and so many of an
/// occasion for a mistake are one.
const REFUSED: u16 = 150;
const UNANSWERED: u16 = 40;
const MISTAKEN: u16 = 30;
/// The state that stale answers come from is that of so long ago.
const STALE: Nanos = 700 * MILLI;

/// One client, and when it is to ask next.
struct Client {
    lane: Lane,
    draw: Draw,
    free: Vec<u64>,
    due: Nanos,
}

/// An operation that was asked.
struct Asked {
    client: usize,
    process: u64,
    op: Op,
    applied: Option<Option<Outcome>>,
}

/// What happens at some time.
enum Happens {
    Ask(usize),
    Apply(usize),
    Answer(usize),
    Forget(usize),
}

/// Everything.
pub(crate) struct World {
    server: Server,
    /// What the server was, from time to time.
    before: VecDeque<(Nanos, Server)>,
    mistake: Option<Mistake>,
    chance: ChaCha8Rng,
    agenda: BTreeMap<(Nanos, u64), Happens>,
    number: u64,
    now: Nanos,
    clients: Vec<Client>,
    asked: Vec<Asked>,
    keys: BTreeSet<Key>,
    events: Vec<Event>,
    processes: u64,
    /// Whether clients ask nothing more.
    held: bool,
}

/// The history of a run of `chosen`.
pub(crate) fn run(chosen: &Chosen, seed: u64, mistake: Option<Mistake>) -> History {
    let lanes = chosen.lanes();
    let count = u32::try_from(lanes.len()).unwrap();
    let mut world = World {
        server: Server::default(),
        before: VecDeque::new(),
        mistake,
        chance: ChaCha8Rng::seed_from_u64(seed ^ 0x5eed),
        agenda: BTreeMap::new(),
        number: 0,
        now: 0,
        clients: Vec::new(),
        asked: Vec::new(),
        keys: BTreeSet::new(),
        events: Vec::new(),
        processes: 0,
        held: false,
    };
    for (lane, number) in lanes.into_iter().zip(0..) {
        let open = if lane.overlaps { OPEN } else { 1 };
        let free = (0..open).map(|_| world.process()).collect();
        world.clients.push(Client { lane, draw: Draw::new(seed, number, count), free, due: 0 });
        world.at(u64::from(number) * MILLI, Happens::Ask(number as usize));
    }
    world.phase(Phase::Load);
    world.go_on(LOAD);
    world.held = true;
    world.go_on(LOAD + 2 * TIMEOUT);
    world.phase(Phase::Recover);
    world.look(chosen.looks(&world.keys.clone()));
    world.phase(Phase::FinalReads);
    world.look(chosen.finals(&world.keys.clone()));
    world.phase(Phase::Stop);
    History::new(header(chosen, seed), world.events).expect("what is recorded is a history")
}

fn header(chosen: &Chosen, seed: u64) -> Header {
    let checks = chosen.all().flat_map(Workload::kinds);
    let checks: BTreeSet<String> = checks.map(|id| (*id).to_owned()).collect();
    let least = chosen.least(std::time::Duration::from_nanos(LOAD));
    let coverage = Coverage { objects: least, look_first: true, ..Coverage::default() };
    let (checks, objects) = (checks.into_iter().collect(), chosen.objects());
    let plan = Plan { checks, objects, coverage, ..Plan::default() };
    let (run, target) = (String::new(), String::new());
    Header { schema: SCHEMA.to_owned(), run, target, seed, nodes: vec![NodeId(1)], plan }
}

/// The load that tests ask for.
pub(crate) fn load(rate: f64, clients: u16) -> Load {
    let (nodes, serves) = ((1..=3).map(NodeId).collect(), OpKind::asked().collect());
    Load { nodes, clients, rate: Some(rate), keys: 3, serves }
}

impl World {
    fn process(&mut self) -> u64 {
        self.processes += 1;
        self.processes
    }

    fn below(&mut self, bound: u16) -> u16 {
        self.chance.random_range(0..bound)
    }

    fn at(&mut self, time: Nanos, happens: Happens) {
        self.number += 1;
        self.agenda.insert((time, self.number), happens);
    }

    fn record(&mut self, kind: EventKind) {
        self.events.push(Event { index: self.events.len() as u64, time: self.now, kind });
    }

    fn phase(&mut self, phase: Phase) {
        self.now += MILLI;
        self.record(EventKind::Phase { phase });
        self.now += MILLI;
    }

    /// Lets everything happen up to this time.
    fn go_on(&mut self, until: Nanos) {
        while let Some(entry) = self.agenda.first_entry() {
            let time = entry.key().0;
            if time > until {
                break;
            }
            let happens = entry.remove();
            self.now = self.now.max(time);
            match happens {
                Happens::Ask(_) if self.held => {}
                Happens::Ask(client) => self.ask(client),
                Happens::Apply(asked) => self.apply(asked),
                Happens::Answer(asked) => self.answer(asked),
                Happens::Forget(asked) => self.forget(asked),
            }
        }
        self.now = self.now.max(until);
    }

    fn ask(&mut self, place: usize) {
        let client = &mut self.clients[place];
        let Some(process) = client.free.pop() else {
            let later = self.now + 50 * MILLI;
            return self.at(later, Happens::Ask(place));
        };
        let op = client.lane.stream.next(&mut client.draw);
        if client.lane.overlaps {
            let pause = client.draw.jitter() / client.lane.rate.unwrap_or(20.0);
            let due = self.now + (pause * 1e9) as Nanos;
            self.at(due, Happens::Ask(place));
        }
        self.invoke(process, &op);
        self.asked.push(Asked { client: place, process, op, applied: None });
        let asked = self.asked.len() - 1;
        let (delay, back) = (Nanos::from(self.below(30)), Nanos::from(self.below(30)));
        let (begun, fate) = (self.now + delay * MILLI + 1, self.below(1_000));
        if fate < REFUSED {
            self.at(begun, Happens::Answer(asked));
        } else if fate < REFUSED + UNANSWERED {
            self.at(self.now + TIMEOUT, Happens::Forget(asked));
            if fate % 2 == 0 {
                let late = Nanos::from(self.below(8_000));
                self.at(self.now + late * MILLI, Happens::Apply(asked));
            }
        } else {
            self.at(begun, Happens::Apply(asked));
            self.at(begun + back * MILLI + 1, Happens::Answer(asked));
        }
    }

    fn invoke(&mut self, process: u64, op: &Op) {
        self.keys.extend(op.keys().into_iter().cloned());
        self.record(EventKind::Invoke { process: ProcessId(process), node: None, op: op.clone() });
    }

    /// The server does it, or makes a mistake.
    fn serve(&mut self, op: &Op) -> Option<Outcome> {
        while self.before.front().is_some_and(|(time, _)| time + STALE < self.now) {
            self.before.pop_front();
        }
        let before =
            self.before.front().map_or_else(|| self.server.clone(), |(_, old)| old.clone());
        if self.before.back().is_none_or(|(time, _)| time + STALE / 4 < self.now) {
            self.before.push_back((self.now, self.server.clone()));
        }
        let wrong = self.mistake.filter(|_| self.chance.random_range(0..1_000) < MISTAKEN);
        let wrong = wrong.and_then(|mistake| {
            self.server.err(mistake, op, When { before: &before, now: self.now })
        });
        wrong.unwrap_or_else(|| self.server.apply(op, self.now))
    }

    fn apply(&mut self, asked: usize) {
        let op = self.asked[asked].op.clone();
        self.asked[asked].applied = Some(self.serve(&op));
    }

    fn answer(&mut self, asked: usize) {
        let completion = match self.asked[asked].applied.clone() {
            Some(Some(outcome)) => Completion::Ok { outcome, stamp: Stamp::default() },
            Some(None) => Completion::Fail { error: "no".to_owned() },
            None => Completion::Fail { error: "not leader".to_owned() },
        };
        let process = self.asked[asked].process;
        self.complete(asked, &completion, process);
    }

    fn forget(&mut self, asked: usize) {
        let next = self.process();
        self.complete(asked, &Completion::Info { error: "time-out".to_owned() }, next);
    }

    /// The client hears of it, and goes on as the process `next`.
    fn complete(&mut self, asked: usize, completion: &Completion, next: u64) {
        let Asked { client: place, process, op, .. } = &self.asked[asked];
        let (place, process, op) = (*place, ProcessId(*process), op.clone());
        self.record(EventKind::Complete { process, completion: completion.clone() });
        let now = self.now;
        let client = &mut self.clients[place];
        client.lane.stream.learn(&op, completion);
        client.free.push(next);
        if !client.lane.overlaps {
            let pause = client.draw.jitter() / client.lane.rate.unwrap_or(100.0);
            let rest = client.lane.stream.rest().as_secs_f64();
            client.due = (client.due + (pause * 1e9) as Nanos).max(now) + (rest * 1e9) as Nanos;
            let due = client.due;
            self.at(due, Happens::Ask(place));
        }
    }

    /// Looks at objects one after the other, as the harness does; late effects of what was never
    /// answered come in between.
    fn look(&mut self, looks: Vec<Look>) {
        let settled = |look: &&Look| look.until == Until::Settled;
        let again: Vec<Look> = looks.iter().filter(settled).cloned().collect();
        self.look_once(looks);
        if !again.is_empty() {
            self.go_on(self.now + BACK.as_nanos() as Nanos);
            self.look_once(again);
        }
    }

    fn look_once(&mut self, looks: Vec<Look>) {
        for look in looks {
            let mut left = true;
            while left {
                left = matches!(look.until, Until::Empty | Until::Settled);
                for op in &look.ops {
                    match self.at_once(op) {
                        Some(Outcome::Dequeue { value: None }) => left = false,
                        Some(_) => {}
                        None => break,
                    }
                }
            }
        }
    }

    fn at_once(&mut self, op: &Op) -> Option<Outcome> {
        let process = self.process();
        self.invoke(process, op);
        self.go_on(self.now + 2 * MILLI);
        let outcome = self.serve(op);
        self.go_on(self.now + 2 * MILLI);
        let completion = match outcome.clone() {
            Some(outcome) => Completion::Ok { outcome, stamp: Stamp::default() },
            None => Completion::Fail { error: "no".to_owned() },
        };
        self.record(EventKind::Complete { process: ProcessId(process), completion });
        outcome
    }
}
