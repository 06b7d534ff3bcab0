//! A cluster in one thread and virtual time: everything that can happen between nodes, disks and
//! the network happens here by seeded chance. The nodes are the real core; the driver, the disk
//! and the network are models of the real ones, and worse than those.

pub(crate) mod claims;
pub(crate) mod clients;
mod disk;
pub(crate) mod history;
pub(crate) mod holders;
pub(crate) mod judge;
pub(crate) mod nemesis;
mod network;
mod process;
pub(crate) mod users;
pub(crate) mod uses;

use std::collections::{BTreeMap, BTreeSet};

use fracas_regent::bugs::Bug;
use fracas_regent::core::{Input, Millis, Status};
use fracas_regent::messages::{NodeId, Request, Response};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use clients::Clients;
use holders::Holders;
use judge::{Broken, Judge};
use nemesis::Nemesis;
use network::Call;
use process::Node;
use users::{KINDS, Kind, Users};

const ELECTION_MS: Millis = 400;
const HEARTBEAT_MS: Millis = 60;
/// After this long a request has failed, as in the real driver.
const RPC_MS: Millis = ELECTION_MS / 2;
const POLL_MS: Millis = 100;
/// How long faults come and go, and how long the cluster then has to recover.
const TROUBLE_MS: Millis = 8_000;
const PEACE_MS: Millis = 8_000;
/// How long, when the clients are quiet at the very end, the nodes have to come to agree.
const QUIET_MS: Millis = 5_000;

/// What is to be simulated.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) nodes: usize,
    pub(crate) bug: Option<Bug>,
    pub(crate) load: Load,
    /// Whether anything goes wrong at all.
    pub(crate) trouble: bool,
}

/// What is asked of the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Load {
    /// Registers, locks and leases.
    Registers,
    /// All other kinds of objects.
    Objects,
    /// One kind of them.
    Only(Kind),
}

#[derive(Debug)]
pub(crate) enum Event {
    /// Time for a node to look around.
    Wake(NodeId),
    /// A sync has reached the disk.
    Synced(NodeId, u32),
    /// A request of a node arrives, unless the way is cut.
    Arrive {
        from: NodeId,
        to: NodeId,
        token: u64,
        request: Request,
    },
    /// The answer arrives.
    Return {
        token: u64,
        by: NodeId,
        response: Response,
    },
    /// The request has failed if there was no answer.
    Expire {
        token: u64,
    },
    /// Everyone is asked for the status.
    Poll,
    Client(clients::Step),
    Holder(holders::Step),
    User(users::Step),
    Nemesis(nemesis::Step),
}

pub(crate) struct World {
    plan: Plan,
    rng: ChaCha8Rng,
    now: Millis,
    queue: BTreeMap<(Millis, u64), Event>,
    /// Orders events of one moment, and names requests.
    count: u64,
    nodes: BTreeMap<NodeId, Node>,
    /// Directions in which nothing gets through.
    cut: BTreeSet<(NodeId, NodeId)>,
    calls: BTreeMap<u64, Call>,
    clients: Clients,
    holders: Holders,
    users: Users,
    nemesis: Nemesis,
    pub(crate) judge: Judge,
}

/// Simulates one run, and says what was broken.
pub(crate) fn run(plan: Plan) -> BTreeMap<Broken, String> {
    let mut world = World::new(plan);
    world.start();
    world.run_until(TROUBLE_MS);
    world.heal_all();
    world.run_until(TROUBLE_MS + PEACE_MS);
    world.clients.stopped = true;
    world.check_recovery();
    world.judge.clients(&world.clients.operations);
    world.judge.holders(&world.holders.requests);
    world.judge.users(&world.users.uses);
    world.judge.found
}

impl World {
    fn new(plan: Plan) -> Self {
        let names = (1..=plan.nodes).map(|i| format!("n{i}"));
        Self {
            plan,
            rng: ChaCha8Rng::seed_from_u64(plan.seed),
            now: 0,
            queue: BTreeMap::new(),
            count: 0,
            nodes: names.map(|name| (name, Node::default())).collect(),
            cut: BTreeSet::new(),
            calls: BTreeMap::new(),
            clients: Clients::default(),
            holders: Holders::default(),
            users: Users::default(),
            nemesis: Nemesis::default(),
            judge: Judge::default(),
        }
    }

    fn start(&mut self) {
        for name in self.names() {
            self.start_node(&name);
        }
        match self.plan.load {
            Load::Registers => {
                self.start_clients();
                self.start_holders();
            }
            Load::Objects => self.start_users(&KINDS),
            Load::Only(kind) => self.start_users(&[kind]),
        }
        self.after(0, Event::Poll);
        if self.plan.trouble {
            self.after(1_500, Event::Nemesis(nemesis::Step::Strike));
        }
    }

    fn run_until(&mut self, end: Millis) {
        while let Some(next) = self.queue.first_entry() {
            if next.key().0 > end {
                break;
            }
            let ((now, _), event) = next.remove_entry();
            self.now = now;
            self.happen(event);
        }
        self.now = end;
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Wake(name) => self.wake(&name),
            Event::Synced(name, life) => self.synced(&name, life),
            Event::Arrive { from, to, token, request } => {
                if !self.cut.contains(&(from, to.clone())) {
                    self.deliver(&to, Input::Asked { token, request });
                }
            }
            Event::Return { token, by, response } => self.returned(token, &by, response),
            Event::Expire { token } => self.finish_call(token, None),
            Event::Poll => self.poll(),
            Event::Client(step) => self.client(step),
            Event::Holder(step) => self.holder(step),
            Event::User(step) => self.user(step),
            Event::Nemesis(step) => self.nemesis(step),
        }
    }

    fn after(&mut self, delay: Millis, event: Event) {
        self.count += 1;
        self.queue.insert((self.now + delay, self.count), event);
    }

    fn names(&self) -> Vec<NodeId> {
        self.nodes.keys().cloned().collect()
    }

    fn node(&mut self, name: &str) -> &mut Node {
        self.nodes.get_mut(name).expect("a node of this world")
    }

    fn chance(&mut self, percent: u32) -> bool {
        self.rng.random_range(0..100) < percent
    }

    fn poll(&mut self) {
        for (name, node) in self.nodes.iter().filter(|(_, node)| !node.paused) {
            if let Some(status) = &node.status {
                self.judge.polled(status);
                self.judge.led_alone(status, self.is_alone(name), self.now);
            }
        }
        self.after(POLL_MS, Event::Poll);
    }

    /// Whether a node cannot speak with a majority, itself counted.
    fn is_alone(&self, name: &NodeId) -> bool {
        let cut = |from: &NodeId, to: &NodeId| self.cut.contains(&(from.clone(), to.clone()));
        let reached = self.nodes.keys().filter(|other| !cut(name, other) && !cut(other, name));
        reached.count() <= self.nodes.len() / 2
    }

    /// After all is healed, writes succeeded, and there comes a moment when somebody leads and
    /// everyone has everything. Not every moment is like that: messages still get lost, and with
    /// them now and then a leader.
    fn check_recovery(&mut self) {
        let end = self.now + QUIET_MS;
        while self.now < end && !self.is_settled() {
            self.run_until(self.now + HEARTBEAT_MS);
        }
        let served = match self.plan.load {
            Load::Registers => {
                self.clients.wrote_since(TROUBLE_MS) && self.holders.granted_since(TROUBLE_MS)
            }
            Load::Objects | Load::Only(_) => self.users.served_since(TROUBLE_MS),
        };
        if !self.is_settled() || !served {
            let all: Vec<&Status> = self.nodes.values().filter_map(|n| n.status.as_ref()).collect();
            self.judge.broken(Broken::Recovers, format!("{all:#?}"));
        }
    }

    fn is_settled(&self) -> bool {
        let mut all = self.nodes.values().filter_map(|node| node.status.as_ref());
        let leads = all.clone().any(|status| status.role == "leader");
        let applied = all.clone().map(|status| status.applied).max();
        leads && all.all(|status| Some(status.applied) == applied && status.applied == status.last)
    }
}
