//! Simulated clients: each asks one thing at a time, of any node, and gives up after a while.

use fracas_regent::core::{Input, Millis};
use fracas_regent::messages::{Answer, Ask, Command, NodeId, Query, Reply};
use fracas_regent::objects::registers::{self, Change};
use rand::RngExt;

use super::history::{Op, Operation, Outcome};
use super::{Event, World};

const CLIENTS: u64 = 6;
const KEYS: u64 = 2;
const PATIENCE_MS: Millis = 700;

#[derive(Debug)]
pub(crate) enum Step {
    /// A client asks something new.
    Ask { client: u64 },
    /// What it asked arrives at a node.
    Arrive { at: NodeId, token: u64 },
    /// The reply arrives.
    Replied { token: u64, reply: Reply },
    /// It has waited long enough.
    GiveUp { token: u64 },
}

/// What clients asked and saw.
#[derive(Debug, Default)]
pub(crate) struct Clients {
    pub(crate) operations: Vec<Operation>,
    pub(crate) stopped: bool,
    /// The client and the token of each operation, in the same order.
    asked: Vec<(u64, u64)>,
    /// Who was last said to lead.
    leader: Option<NodeId>,
    last_write: Millis,
}

impl Clients {
    /// Whether a write was acknowledged after `when`.
    pub(crate) fn wrote_since(&self, when: Millis) -> bool {
        self.last_write > when
    }

    /// The operation that waits for `token`.
    fn open(&self, token: u64) -> Option<usize> {
        let i = self.asked.iter().rposition(|asked| asked.1 == token)?;
        self.operations[i].end.is_none().then_some(i)
    }
}

impl World {
    pub(super) fn start_clients(&mut self) {
        for client in 0..CLIENTS {
            self.after(client, Event::Client(Step::Ask { client }));
        }
    }

    pub(super) fn client(&mut self, step: Step) {
        match step {
            Step::Ask { client } if !self.clients.stopped => self.ask(client),
            Step::Ask { .. } => {}
            Step::Arrive { at, token } => self.asked(&at, token),
            Step::Replied { token, reply } if self.holders.waits_for(token) => {
                self.lock_replied(token, reply);
            }
            Step::Replied { token, reply } if self.users.waits_for(token) => {
                self.object_replied(token, reply);
            }
            Step::Replied { token, reply } => self.replied(token, reply),
            Step::GiveUp { token } => {
                if self.clients.open(token).is_some() {
                    self.ask_again(token);
                }
            }
        }
    }

    fn ask(&mut self, client: u64) {
        self.count += 1;
        let token = self.count;
        let last = self.clients.operations.last().and_then(|o| match o.op {
            Op::Write(value) | Op::Cas(_, value) | Op::Swap(value) => Some(value),
            Op::Read => None,
        });
        let fresh = i64::try_from(token).expect("a small number");
        let op = match self.rng.random_range(0..10) {
            0..5 => Op::Read,
            5..8 => Op::Write(fresh),
            8 => Op::Swap(fresh),
            _ => Op::Cas(last, fresh),
        };
        let key = format!("k{}", self.rng.random_range(0..KEYS));
        let (delay, at) = (self.rng.random_range(1..4), self.pick_node());
        self.clients.operations.push(Operation { key, op, start: token, end: None });
        self.clients.asked.push((client, token));
        self.after(delay, Event::Client(Step::Arrive { at, token }));
        self.after(PATIENCE_MS, Event::Client(Step::GiveUp { token }));
    }

    /// The leader by hearsay, or any node.
    fn pick_node(&mut self) -> NodeId {
        let any = self.rng.random_range(0..self.plan.nodes);
        let hearsay = if self.chance(60) { self.clients.leader.clone() } else { None };
        hearsay.unwrap_or_else(|| self.names()[any].clone())
    }

    /// A dead node refuses; a stopped one does not say anything.
    fn asked(&mut self, at: &str, token: u64) {
        let Some(i) = self.clients.open(token) else { return };
        let Operation { key, op, .. } = self.clients.operations[i].clone();
        if self.node(at).core.is_none() {
            return self.complete(token, Outcome::Nothing);
        }
        let ask = match op {
            Op::Read => Ask::Read(Query::Register { key, query: registers::Query::Value }),
            Op::Write(value) => {
                Ask::Write(Command::Register { key, change: Change::Put { value } })
            }
            Op::Swap(value) => {
                Ask::Write(Command::Register { key, change: Change::Swap { value } })
            }
            Op::Cas(old, new) => {
                Ask::Write(Command::Register { key, change: Change::Cas { old, new } })
            }
        };
        self.deliver(at, Input::Client { token, ask });
    }

    fn replied(&mut self, token: u64, reply: Reply) {
        match reply {
            Reply::Done { outcome: Ok(Answer::Value { value }), .. } => {
                if self.swaps(token) {
                    self.clients.last_write = self.now;
                }
                self.complete(token, Outcome::Value(value));
            }
            Reply::Done {
                outcome: Ok(Answer::Done {} | Answer::Swapped { swapped: true }),
                ..
            } => {
                self.clients.last_write = self.now;
                self.complete(token, Outcome::Done);
            }
            Reply::Done { .. } => self.complete(token, Outcome::Nothing),
            Reply::NotLeader { leader, .. } => {
                self.clients.leader = leader;
                self.complete(token, Outcome::Nothing);
            }
            Reply::Unknown { .. } => {
                if self.clients.open(token).is_some() {
                    self.ask_again(token);
                }
            }
        }
    }

    fn swaps(&self, token: u64) -> bool {
        let operation = self.clients.open(token).map(|i| &self.clients.operations[i]);
        operation.is_some_and(|operation| matches!(operation.op, Op::Swap(_)))
    }

    fn complete(&mut self, token: u64, outcome: Outcome) {
        let Some(i) = self.clients.open(token) else { return };
        self.count += 1;
        self.clients.operations[i].end = Some((self.count, outcome));
        self.ask_again(token);
    }

    /// The client that asked for `token` goes on to something else.
    fn ask_again(&mut self, token: u64) {
        let asked = self.clients.asked.iter_mut().rfind(|asked| asked.1 == token);
        let asked = asked.expect("somebody asked");
        let client = asked.0;
        asked.1 = 0; // whatever comes for it now comes too late
        let pause = self.rng.random_range(5..40);
        self.after(pause, Event::Client(Step::Ask { client }));
    }
}
