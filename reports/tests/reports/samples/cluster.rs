//! The invented cluster's history: elections, faults, polls and clients over one minute.

use fracas_checker::event::{
    Completion, Event, EventKind, Nanos, NodeId, Op, Outcome, Phase, ProcessId, Stamp,
};
use fracas_checker::fault::{Cut, Fault, FaultEvent, Measurement, Stage};
use fracas_checker::history::{Header, History};
use fracas_checker::observation::{Grade, Observation, Role, Source};

use super::faults;

/// What to invent.
pub(crate) struct Traffic {
    /// Operations per second of all clients together.
    pub(crate) rate: u64,
    /// Whether a read returns an overwritten value.
    pub(crate) stale_read: bool,
    /// Whether two nodes claim generation 9.
    pub(crate) split_brain: bool,
    /// Whether the partition has no proof.
    pub(crate) unproven: bool,
    /// Whether followers refuse every request.
    pub(crate) refusals: bool,
}

impl Default for Traffic {
    fn default() -> Self {
        Self { rate: 20, stale_read: false, split_brain: false, unproven: false, refusals: false }
    }
}

const MS: Nanos = 1_000_000;
const CLIENTS: u64 = 8;
const END: Nanos = 60_000 * MS;

pub(crate) fn nodes() -> impl Iterator<Item = NodeId> {
    (1..=5).map(NodeId)
}

/// Who leads which generation, in milliseconds.
const REIGNS: [(u64, u16, u64, u64); 5] = [
    (7, 1, 900, 19_300),
    (8, 4, 12_600, 28_000),
    (9, 2, 29_400, 44_300),
    (10, 5, 41_100, 56_000),
    (11, 3, 56_400, 61_000),
];

/// The nodes that are stopped or gone, in milliseconds.
const DOWN: [(u16, u64, u64); 3] = [(4, 28_000, 33_500), (2, 40_000, 44_000), (5, 56_000, 58_000)];

pub(crate) fn history(traffic: &Traffic) -> History {
    let mut events = Vec::new();
    phases(&mut events);
    faults(traffic, &mut events);
    polls(traffic, &mut events);
    clients(traffic, &mut events);
    if traffic.stale_read {
        stale_read(&mut events);
    }
    events.sort_by_key(|(time, _)| *time);
    numbered(super::header(), events)
}

/// The history of events that are in order of time.
pub(crate) fn numbered(header: Header, events: Vec<(Nanos, EventKind)>) -> History {
    let number = |(index, (time, kind))| Event { index: index as u64, time, kind };
    let events = events.into_iter().enumerate().map(number).collect();
    History::new(header, events).expect("the invented history is well formed")
}

type Events = Vec<(Nanos, EventKind)>;

fn phases(events: &mut Events) {
    let starts = [
        (0, Phase::Start),
        (1_500, Phase::Load),
        (58_500, Phase::Recover),
        (59_000, Phase::FinalReads),
        (60_500, Phase::Stop),
    ];
    for (ms, phase) in starts {
        events.push((ms * MS, EventKind::Phase { phase }));
    }
    events.push((60_900 * MS, EventKind::note("all nodes stopped")));
}

fn faults(traffic: &Traffic, events: &mut Events) {
    let sides: (&[u16], &[u16]) = (&[1, 2], &[3, 4, 5]);
    let each_way = |from: &[u16], to: &[u16]| -> Vec<Cut> {
        from.iter().flat_map(|a| to.iter().map(|b| (NodeId(*a), NodeId(*b)))).collect()
    };
    let mut cut = each_way(sides.0, sides.1);
    cut.extend(each_way(sides.1, sides.0));
    let partition = faults::cut("majority", cut);
    let oneway = faults::cut("one-way", each_way(&[3], &[1, 2, 4, 5]));
    let kill = |node| faults::down("kill", vec![NodeId(node)], None);
    let pause = faults::pause(vec![NodeId(2)]);
    for (place, (fault, by, begin, end)) in [
        (partition, "nft-bridge", 11_900, 19_000),
        (kill(4), "sigkill", 27_900, 33_500),
        (pause, "sigstop", 39_900, 44_000),
        (oneway, "nft-bridge", 48_000, 53_000),
        (kill(5), "sigkill", 55_900, 58_000),
    ]
    .into_iter()
    .enumerate()
    {
        let proven = by != "nft-bridge" || !traffic.unproven;
        let id = place as u32 + 1;
        Injected { id, fault, by, begin, end, proven }.record(events);
    }
}

/// A fault and when it was on, in milliseconds.
struct Injected {
    id: u32,
    fault: Fault,
    by: &'static str,
    begin: u64,
    end: u64,
    proven: bool,
}

impl Injected {
    fn record(&self, events: &mut Events) {
        let (id, begin, end) = (self.id, self.begin, self.end);
        let mut push = |ms: u64, event| events.push((ms * MS, EventKind::Fault(event)));
        let (fault, mechanism) = (self.fault.clone(), self.by.to_owned());
        push(begin, FaultEvent::Begin { id, fault, mechanism });
        for (ms, stage) in
            [(begin + 140, Stage::Injected), (end - 60, Stage::Held), (end + 180, Stage::Healed)]
        {
            let measurements = measured(&self.fault, stage, self.proven);
            push(ms, FaultEvent::Proof { id, stage, since: None, measurements });
        }
        let effective = self.proven.then_some(((begin + 140) * MS, (end - 60) * MS));
        push(end + 200, FaultEvent::End { id, effective, problems: self.problems() });
    }

    fn problems(&self) -> Vec<String> {
        let problem = "probe n1→n3 was answered although the direction is cut";
        if self.proven { Vec::new() } else { vec![problem.to_owned()] }
    }
}

fn measured(fault: &Fault, stage: Stage, holds: bool) -> Vec<Measurement> {
    let gone = stage == Stage::Healed;
    let measurement = |name: String, result: &str| Measurement {
        what: name,
        result: result.to_owned(),
        holds: holds || gone,
    };
    let (cut, stopped, killed) = (fault.cut(), fault.stopped(), fault.killed());
    let cut = cut.iter().take(6).map(|(from, to)| {
        let result = if gone || !holds { "answered in 0.2 ms" } else { "no answer" };
        measurement(format!("probe {from}→{to}"), result)
    });
    let stopped = stopped.iter().map(|node| {
        measurement(format!("threads of {node} stopped"), if gone { "0 of 9" } else { "9 of 9" })
    });
    let killed = killed
        .iter()
        .map(|node| measurement(format!("processes of {node}"), if gone { "1" } else { "0" }));
    cut.chain(stopped).chain(killed).collect()
}

fn polls(traffic: &Traffic, events: &mut Events) {
    for ms in (1_000..60_400).step_by(250) {
        for node in 1..=5_u16 {
            let at = ms + u64::from(node) * 7;
            if DOWN.iter().any(|(down, from, to)| *down == node && (*from..*to).contains(&at)) {
                continue;
            }
            events.push(((at * MS), EventKind::Observe(seen(node, at))));
        }
    }
    if traffic.split_brain {
        for at in [43_000, 43_250] {
            let mut second = seen(4, at);
            (second.role, second.generation) = (Some(Role::Leader), Some(9));
            events.push((at * MS + 40_000, EventKind::Observe(second)));
        }
        let mut first = seen(2, 44_100);
        (first.role, first.generation) = (Some(Role::Leader), Some(9));
        events.push((44_100 * MS + 40_000, EventKind::Observe(first)));
    }
}

fn seen(node: u16, ms: u64) -> Observation {
    let now = REIGNS.iter().rfind(|(_, _, from, _)| *from <= ms);
    let own =
        REIGNS.iter().rfind(|(_, leader, from, to)| *leader == node && (*from..*to).contains(&ms));
    let electing = REIGNS
        .iter()
        .any(|(_, leader, from, _)| *leader == node && (*from - 400..*from).contains(&ms));
    let (role, generation) = match (own, now) {
        (Some(own), _) => (Role::Leader, own.0),
        (None, now) if electing => (Role::Candidate, now.map_or(7, |now| now.0 + 1)),
        (None, now) => (Role::Follower, now.map_or(6, |now| now.0)),
    };
    let restarts =
        DOWN.iter().filter(|(leader, _, to)| *leader == node && *leader != 2 && *to <= ms).count();
    Observation {
        node: NodeId(node),
        incarnation: 1 + restarts as u32,
        group: None,
        source: Source::Poll,
        grade: Grade::Claim,
        since: ms * MS - 2 * MS,
        role: Some(role),
        generation: Some(generation),
        leader: None,
        applied: Some(ms * 3),
        voted: None,
        entry: None,
        text: String::new(),
    }
}

/// A small generator of numbers, the same on every machine.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

fn clients(traffic: &Traffic, events: &mut Events) {
    for client in 0..CLIENTS {
        Client { traffic, process: client, dice: Dice(client + 41) }.run(events);
    }
}

struct Client<'a> {
    traffic: &'a Traffic,
    process: u64,
    dice: Dice,
}

impl Client<'_> {
    fn run(&mut self, events: &mut Events) {
        let pause = 1_000 * MS * CLIENTS / self.traffic.rate;
        let mut now = 1_500 * MS + self.dice.roll(pause);
        while now < END {
            let busy = self.traffic.stale_read
                && [3, 5, 7].contains(&(self.process % CLIENTS))
                && (9_500 * MS..16_000 * MS).contains(&now);
            if !busy {
                now = self.operate(now, events);
            }
            now += pause / 2 + self.dice.roll(pause);
        }
    }

    fn operate(&mut self, now: Nanos, events: &mut Events) -> Nanos {
        let process = ProcessId(self.process);
        let op = self.op(now);
        let (took, completion) = self.answer(&op, now);
        let node = Some(NodeId(1 + self.dice.roll(5) as u16));
        let (took, completion) = self.refused(node).unwrap_or((took, completion));
        events.push((now, EventKind::Invoke { process, node, op }));
        if matches!(completion, Completion::Info { .. }) {
            self.process += CLIENTS;
        }
        events.push((now + took, EventKind::Complete { process, completion }));
        now + took
    }

    /// What a follower answers that sends every client to the leader.
    fn refused(&self, node: Option<NodeId>) -> Option<(Nanos, Completion)> {
        let refuses = self.traffic.refusals && node.is_some_and(|node| node.0 > 2);
        let error = "HTTP 421: not the leader, try again in 12 ms".to_owned();
        refuses.then_some((MS, Completion::Fail { error }))
    }

    fn op(&mut self, now: Nanos) -> Op {
        let key = ["k1", "k2", "k4", "k5"][self.dice.roll(4) as usize].into();
        let value = (now / 1_000_000) as i64;
        match self.dice.roll(10) {
            0..5 => Op::Read { key },
            5..9 => Op::Write { key, value: value.into() },
            _ => Op::Cas { key, old: (value - 40).into(), new: value.into() },
        }
    }

    fn answer(&mut self, op: &Op, now: Nanos) -> (Nanos, Completion) {
        let leader = REIGNS.iter().rfind(|(_, _, from, to)| (*from * MS..*to * MS).contains(&now));
        let hard = leader.is_none() || (12_000 * MS..12_600 * MS).contains(&now);
        let took = MS + self.dice.roll(3 * MS) + if self.dice.roll(40) == 0 { 40 * MS } else { 0 };
        match (hard, self.dice.roll(60)) {
            (true, 0..20) | (false, 0) => {
                (900 * MS, Completion::Info { error: "timed out after 900 ms".to_owned() })
            }
            (true, _) | (false, 1..3) => {
                (took, Completion::Fail { error: "not the leader".to_owned() })
            }
            _ => (took, Completion::Ok { outcome: outcome(op), stamp: stamp(leader) }),
        }
    }
}

fn outcome(op: &Op) -> Outcome {
    match op {
        Op::Read { .. } => Outcome::Read { value: Some(12.into()) },
        Op::Cas { .. } => Outcome::Cas,
        _ => Outcome::Write,
    }
}

fn stamp(leader: Option<&(u64, u16, u64, u64)>) -> Stamp {
    Stamp::new(
        leader.map(|(_, node, ..)| NodeId(*node)),
        leader.map(|(generation, ..)| *generation),
    )
}

/// Client 5 writes 12, client 3 overwrites it, client 7 reads 12 afterwards.
fn stale_read(events: &mut Events) {
    let key = || "k3".into();
    let ops = [
        (5, 1, Op::Write { key: key(), value: 12.into() }, (11_020, 11_024)),
        (3, 4, Op::Write { key: key(), value: 15.into() }, (13_398, 13_402)),
        (7, 1, Op::Read { key: key() }, (15_180, 15_207)),
    ];
    for (process, node, op, (from, to)) in ops {
        let outcome = outcome(&op);
        let process = ProcessId(process_at(events, process));
        let node = Some(NodeId(node));
        events.push((from * MS, EventKind::Invoke { process, node, op }));
        let completion = Completion::Ok { outcome, stamp: Stamp::default() };
        events.push((to * MS, EventKind::Complete { process, completion }));
    }
}

/// The process as which the worker of `client` goes on at the time of the stale read.
fn process_at(events: &Events, client: u64) -> u64 {
    let given_up = |(time, kind): &&(Nanos, EventKind)| {
        let EventKind::Complete { process, completion: Completion::Info { .. } } = kind else {
            return false;
        };
        *time < 11_020 * MS && process.0 % CLIENTS == client
    };
    client + CLIENTS * events.iter().filter(given_up).count() as u64
}
