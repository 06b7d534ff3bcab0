//! A simulated cluster that elects leaders, and everything that is recorded of it.
//!
//! It is correct by construction: one copy of the registers, changed only by a leader that a
//! majority has not left behind; generations and votes that survive restarts; leaders that step
//! down when they lose their majority. What is recorded is as poor as in life: answers and lines
//! come late, some are hearsay, some faults are not proven, some outcomes are not known. A
//! [`Plant`] makes exactly one thing wrong. One tick is a millisecond.

mod clients;
mod trouble;
mod watching;

use std::collections::{BTreeMap, BTreeSet};

use fracas_checker::event::{Completion, Event, EventKind, Nanos, NodeChange, NodeId, Op, Phase};
use fracas_checker::fault::{Cut, Fault};
use fracas_checker::history::{Header, History, Plan, SCHEMA};
use fracas_checker::observation::{Observation, Role};

use super::dice::Dice;

/// What is done wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plant {
    /// A candidate stands in the present generation, and votes do not bind.
    GenerationReused,
    /// A voter votes for another candidate too.
    DoubleVote,
    /// A restarted node has forgotten its last generation.
    WentBack,
    /// A leader without a majority goes on, and answers reads from what it knew last.
    StaleRead,
    /// A leader without a majority goes on, and acknowledges writes, which are lost.
    AckAlone,
    /// A new leader has forgotten the last write.
    Forgets,
    /// A node holds other entries than the rest.
    Diverges,
    /// A leader without a majority does not step down.
    Lingers,
    /// Nobody stands for election while a fault lasts.
    NoSuccessor,
}

/// What a run is made of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run {
    pub(crate) seed: u64,
    pub(crate) plant: Option<Plant>,
}

type Tick = u64;

const MILLI: Nanos = 1_000_000;
/// Clients begin.
const LOAD: Tick = 60;
/// Faults have ended.
const HEALED: Tick = 1_600;
/// The last reads begin.
const FINAL: Tick = 2_000;
const STOP: Tick = 2_200;
/// A leader that has not reached a majority for so long steps down.
const PATIENCE: Tick = 40;
/// A client waits no longer.
const TIMEOUT: Tick = 90;
const CLIENTS: u64 = 4;
const KEYS: u64 = 2;

/// A node. All but its role survives a restart.
struct Node {
    up: bool,
    paused: bool,
    life: u32,
    generation: u64,
    vote: Option<NodeId>,
    role: Role,
    leader: Option<NodeId>,
    /// When it stands for election, if it does not lead.
    deadline: Tick,
    /// When it last reached a majority, if it leads.
    heard: Tick,
    /// How much of the log it knows to be committed.
    known: usize,
    /// What it knew last of the registers.
    copy: BTreeMap<u64, i64>,
    /// Lines that nobody has read yet.
    lines: Vec<Observation>,
    read: Tick,
    poll: Option<Poll>,
    /// The generation that its last answer told, for answers of two moments.
    told: u64,
}

/// A status request under way.
struct Poll {
    sent: Tick,
    arrives: Tick,
    /// The answer and when it arrives.
    answer: Option<(Tick, Observation)>,
}

struct Trouble {
    id: u32,
    fault: Fault,
    from: Tick,
    to: Tick,
    /// Whether it takes effect at all.
    real: bool,
    proven: bool,
}

/// What a client is about.
struct Client {
    process: u64,
    busy: Option<Invocation>,
}

struct Invocation {
    op: Op,
    key: u64,
    at: NodeId,
    arrives: Tick,
    timeout: Tick,
    answer: Option<(Tick, Completion)>,
}

/// The whole cluster, and what is recorded.
struct World {
    run: Run,
    dice: Dice,
    now: Tick,
    nodes: BTreeMap<NodeId, Node>,
    registers: BTreeMap<u64, i64>,
    /// What each register held before.
    before: BTreeMap<u64, Option<i64>>,
    log: Vec<(u64, i64)>,
    /// Writes that nobody answers for, and that may still take effect.
    dangling: Vec<(Op, u64)>,
    clients: Vec<Client>,
    processes: u64,
    value: i64,
    troubles: Vec<Trouble>,
    /// The directions that are cut.
    cut: BTreeSet<Cut>,
    events: Vec<Event>,
}

impl Run {
    fn nodes(self) -> u16 {
        if self.seed.is_multiple_of(3) { 5 } else { 3 }
    }
}

/// The history of a run.
pub(crate) fn history(run: Run) -> History {
    let mut world = World::new(run);
    while world.now <= STOP {
        world.tick();
        world.now += 1;
    }
    let checks = ["leader/one-per-generation", "liveness/recovers", "register/linearizable"];
    let header = Header {
        schema: SCHEMA.to_owned(),
        run: "simulated".to_owned(),
        target: "simulated".to_owned(),
        seed: run.seed,
        nodes: (1..=run.nodes()).map(NodeId).collect(),
        plan: Plan {
            checks: checks.map(str::to_owned).to_vec(),
            recovery_ms: 300,
            step_down_ms: Some(PATIENCE + 10),
            new_leader_ms: Some(200),
            ..Plan::default()
        },
    };
    History::new(header, world.events).expect("a simulated run is a history")
}

impl World {
    fn new(run: Run) -> Self {
        let mut world = Self {
            run,
            dice: Dice::new(run.seed),
            now: 0,
            nodes: BTreeMap::new(),
            registers: BTreeMap::new(),
            before: BTreeMap::new(),
            log: Vec::new(),
            dangling: Vec::new(),
            clients: (0..CLIENTS).map(|process| Client { process, busy: None }).collect(),
            processes: CLIENTS,
            value: 0,
            troubles: Vec::new(),
            cut: BTreeSet::new(),
            events: Vec::new(),
        };
        for id in (1..=run.nodes()).map(NodeId) {
            let deadline = world.dice.within(10, 40);
            world.nodes.insert(id, Node::new(deadline));
            world.started(id);
        }
        world.plan_troubles();
        world
    }

    fn record(&mut self, kind: EventKind) {
        let index = self.events.len() as u64;
        self.events.push(Event { index, time: self.now * MILLI, kind });
    }

    fn tick(&mut self) {
        self.phases();
        self.faults();
        self.beat();
        self.elections();
        self.late_effects();
        self.serve();
        self.polls();
        self.read_lines();
    }

    fn phases(&mut self) {
        let begins = [
            (0, Phase::Start),
            (LOAD, Phase::Load),
            (HEALED + 10, Phase::Recover),
            (FINAL, Phase::FinalReads),
            (STOP, Phase::Stop),
        ];
        if let Some((_, phase)) = begins.into_iter().find(|(tick, _)| *tick == self.now) {
            self.record(EventKind::Phase { phase });
        }
    }

    fn started(&mut self, id: NodeId) {
        let (now, wait) = (self.now, self.dice.within(20, 60));
        let forgets = self.run.plant == Some(Plant::WentBack);
        let node = self.node(id);
        node.life += 1;
        (node.up, node.role, node.leader, node.known) = (true, Role::Follower, None, 0);
        node.deadline = now + wait;
        if forgets && node.life > 1 {
            node.generation = node.generation.saturating_sub(2);
        }
        let (incarnation, generation) = (node.life, node.generation);
        self.record(EventKind::Node { node: id, incarnation, change: NodeChange::Started });
        self.line(id, Some(Role::Follower), generation, None);
    }

    fn node(&mut self, id: NodeId) -> &mut Node {
        self.nodes.get_mut(&id).expect("a node of this cluster")
    }

    fn runs(&self, id: NodeId) -> bool {
        self.nodes[&id].up && !self.nodes[&id].paused
    }

    /// The running nodes that `id` can ask and be answered by, itself included.
    fn reached(&self, id: NodeId) -> Vec<NodeId> {
        let meets = |other: &NodeId| {
            self.runs(*other)
                && !self.cut.contains(&(id, *other))
                && !self.cut.contains(&(*other, id))
        };
        self.nodes.keys().copied().filter(meets).collect()
    }

    fn is_majority(&self, nodes: usize) -> bool {
        2 * nodes > self.nodes.len()
    }

    /// Whether `id` leads, and a majority has not gone beyond its generation.
    fn has_quorum(&self, id: NodeId) -> bool {
        let generation = self.nodes[&id].generation;
        let loyal =
            self.reached(id).into_iter().filter(|node| self.nodes[node].generation <= generation);
        self.nodes[&id].role == Role::Leader && self.is_majority(loyal.count())
    }

    /// Leaders show that they are there.
    fn beat(&mut self) {
        for id in self.nodes.keys().copied().collect::<Vec<_>>() {
            if self.runs(id) && self.nodes[&id].role == Role::Leader {
                let reached = self.reached(id);
                reached
                    .iter()
                    .filter(|other| **other != id)
                    .for_each(|other| self.show(id, *other));
                let (now, lingers) = (self.now, self.lingers());
                if self.is_majority(reached.len()) {
                    let registers = self.registers.clone();
                    let known = self.log.len();
                    let node = self.node(id);
                    (node.heard, node.copy, node.known) = (now, registers, known);
                } else if now > self.nodes[&id].heard + PATIENCE && !lingers {
                    self.step_down(id, self.nodes[&id].generation);
                }
            }
        }
    }

    /// Whether leaders do not step down for want of a majority.
    fn lingers(&self) -> bool {
        matches!(self.run.plant, Some(Plant::Lingers | Plant::StaleRead | Plant::AckAlone))
    }

    /// The leader `id` and another node hear of each other.
    fn show(&mut self, id: NodeId, other: NodeId) {
        let (own, theirs) = (self.nodes[&id].generation, self.nodes[&other].generation);
        if theirs > own {
            return self.step_down(id, theirs);
        }
        let rival = theirs == own && self.nodes[&other].role == Role::Leader;
        if self.nodes[&id].role != Role::Leader || rival {
            return;
        }
        if theirs < own {
            self.step_down(other, own);
        }
        let (wait, known) = (self.dice.within(20, 60), self.nodes[&id].known);
        let deadline = self.now + wait;
        let node = self.node(other);
        (node.role, node.leader) = (Role::Follower, Some(id));
        (node.deadline, node.known) = (deadline, node.known.max(known));
    }

    /// Takes notice of `generation`, as a follower.
    fn step_down(&mut self, id: NodeId, generation: u64) {
        let deadline = self.now + self.dice.within(20, 60);
        let node = self.node(id);
        let led = node.role == Role::Leader;
        if node.generation < generation {
            (node.generation, node.vote) = (generation, None);
        }
        (node.role, node.leader, node.deadline) = (Role::Follower, None, deadline);
        if led {
            self.line(id, Some(Role::Follower), generation, None);
        }
    }

    fn elections(&mut self) {
        let troubled =
            self.troubles.iter().any(|trouble| (trouble.from..trouble.to).contains(&self.now));
        for id in self.nodes.keys().copied().collect::<Vec<_>>() {
            let node = &self.nodes[&id];
            let due = node.role != Role::Leader && self.now >= node.deadline;
            let idle = troubled && self.run.plant == Some(Plant::NoSuccessor);
            if due && self.runs(id) && !idle {
                self.campaign(id);
            }
        }
    }

    fn campaign(&mut self, id: NodeId) {
        let reuses = self.run.plant == Some(Plant::GenerationReused) && self.dice.one_in(2);
        let jump = if self.dice.one_in(9) { 3 } else { 1 };
        let deadline = self.now + self.dice.within(20, 60);
        let node = self.node(id);
        let generation = if reuses { node.generation.max(1) } else { node.generation + jump };
        (node.generation, node.vote) = (generation, Some(id));
        (node.role, node.leader, node.deadline) = (Role::Candidate, None, deadline);
        self.line(id, Some(Role::Candidate), generation, None);
        self.line(id, None, generation, Some(id));
        let others = self.reached(id).into_iter().filter(|other| *other != id);
        let votes = others.collect::<Vec<_>>().into_iter();
        let votes = votes.filter(|other| self.asks(id, *other, generation, reuses)).count();
        if self.is_majority(votes + 1) {
            self.lead(id, generation);
        }
    }

    /// Whether `other` votes for `id`.
    fn asks(&mut self, id: NodeId, other: NodeId, generation: u64, binds_not: bool) -> bool {
        if self.nodes[&other].generation < generation {
            self.step_down(other, generation);
        }
        let node = self.node(other);
        let free = node.vote.is_none_or(|vote| vote == id) || binds_not;
        if node.generation != generation || !free {
            return false;
        }
        node.vote = Some(id);
        self.line(other, None, generation, Some(id));
        if self.run.plant == Some(Plant::DoubleVote) && self.dice.one_in(9) {
            self.line(other, None, generation, Some(other));
        }
        true
    }

    fn lead(&mut self, id: NodeId, generation: u64) {
        let (now, known) = (self.now, self.log.len());
        let node = self.node(id);
        (node.role, node.leader, node.heard, node.known) = (Role::Leader, Some(id), now, known);
        self.line(id, Some(Role::Leader), generation, None);
        if self.run.plant == Some(Plant::Forgets) {
            for (key, before) in std::mem::take(&mut self.before) {
                match before {
                    Some(value) => drop(self.registers.insert(key, value)),
                    None => drop(self.registers.remove(&key)),
                }
            }
        }
    }
}

impl Node {
    fn new(deadline: Tick) -> Self {
        Self {
            up: false,
            paused: false,
            life: 0,
            generation: 0,
            vote: None,
            role: Role::Follower,
            leader: None,
            deadline,
            heard: 0,
            known: 0,
            copy: BTreeMap::new(),
            lines: Vec::new(),
            read: 0,
            poll: None,
            told: 0,
        }
    }
}
