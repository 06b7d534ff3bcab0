//! Simulated holders of locks and leases: they take them, extend them, write to what they guard,
//! sleep past their time and write late, and give them back. What they saw is judged in `claims`.

use std::collections::BTreeMap;

use fracas_regent::core::{Input, Millis};
use fracas_regent::messages::{Ask, Command, NodeId, Reply};
use rand::RngExt;

use super::claims::{Answer, Request};
use super::{Event, World};

const HOLDERS: u64 = 4;
const LEASES: u64 = 2;
const PATIENCE_MS: Millis = 700;
const TTL_MS: Millis = 900;
/// Longer than any lease lasts.
const SLEEP_MS: Millis = 1_400;

#[derive(Debug)]
pub(crate) enum Step {
    /// A holder does the next thing.
    Act { holder: u64 },
    /// What it asked arrives at a node.
    Arrive { at: NodeId, token: u64 },
    /// It has waited long enough.
    GiveUp { token: u64 },
}

/// Where a holder stands.
#[derive(Debug, Clone, Default)]
enum Standing {
    #[default]
    Free,
    /// It was granted the lock under this fencing token.
    Holds(String, u64),
    /// It does not know whether it holds the lock.
    Unsure(String),
}

/// All holders, and all that they asked.
#[derive(Debug, Default)]
pub(crate) struct Holders {
    pub(crate) requests: Vec<Request>,
    standing: BTreeMap<u64, Standing>,
    /// The request that waits for each token.
    open: BTreeMap<u64, usize>,
    /// Who was last said to lead.
    leader: Option<NodeId>,
}

impl Holders {
    /// Whether a lock was granted after `when`.
    pub(crate) fn granted_since(&self, when: Millis) -> bool {
        self.requests
            .iter()
            .any(|one| one.asked.0 > when && matches!(one.answered, Some((.., Answer::Granted(_)))))
    }

    pub(super) fn waits_for(&self, token: u64) -> bool {
        self.open.contains_key(&token)
    }
}

impl World {
    pub(super) fn start_holders(&mut self) {
        for holder in 1..=HOLDERS {
            self.after(holder, Event::Holder(Step::Act { holder }));
        }
    }

    pub(super) fn holder(&mut self, step: Step) {
        match step {
            Step::Act { .. } if self.clients.stopped => {}
            Step::Act { holder } => self.act(holder),
            Step::Arrive { at, token } => self.asked_for_lock(&at, token),
            Step::GiveUp { token } => self.answered(token, None),
        }
    }

    fn act(&mut self, holder: u64) {
        let standing = self.holders.standing.get(&holder).cloned().unwrap_or_default();
        let command = match standing {
            Standing::Free => self.acquire(holder),
            Standing::Unsure(key) => Command::Release { key, holder },
            Standing::Holds(key, fencing) => match self.rng.random_range(0..10) {
                0..5 => {
                    self.count += 1;
                    let value = i64::try_from(self.count).expect("a small number");
                    Command::GuardedPut { key, token: fencing, value }
                }
                5..8 if key.starts_with("lease") => {
                    Command::Renew { key, holder, ttl_ms: Some(TTL_MS) }
                }
                _ => Command::Release { key, holder },
            },
        };
        let at = self.whom_to_ask();
        self.count += 1;
        let (token, asked) = (self.count, (self.now, self.count));
        self.holders.open.insert(token, self.holders.requests.len());
        self.holders.requests.push(Request { holder, command, asked, answered: None });
        let delay = self.rng.random_range(1..4);
        self.after(delay, Event::Holder(Step::Arrive { at, token }));
        self.after(PATIENCE_MS, Event::Holder(Step::GiveUp { token }));
    }

    /// A lease, or a lock without an end.
    fn acquire(&mut self, holder: u64) -> Command {
        match self.rng.random_range(0..=LEASES) {
            0 => Command::Acquire { key: "lock".into(), holder, ttl_ms: None },
            number => {
                Command::Acquire { key: format!("lease{number}"), holder, ttl_ms: Some(TTL_MS) }
            }
        }
    }

    fn whom_to_ask(&mut self) -> NodeId {
        let any = self.rng.random_range(0..self.plan.nodes);
        let hearsay = if self.chance(70) { self.holders.leader.clone() } else { None };
        hearsay.unwrap_or_else(|| self.names()[any].clone())
    }

    fn asked_for_lock(&mut self, at: &str, token: u64) {
        let Some(&i) = self.holders.open.get(&token) else { return };
        if self.node(at).core.is_none() {
            return self.answered(token, Some(Answer::Refused));
        }
        let ask = Ask::Write(self.holders.requests[i].command.clone());
        self.deliver(at, Input::Client { token, ask });
    }

    pub(super) fn lock_replied(&mut self, token: u64, reply: Reply) {
        let answer = match reply {
            Reply::Granted { token, .. } => Some(Answer::Granted(token)),
            Reply::Written { .. } => Some(Answer::Done),
            Reply::Unknown { .. } => None,
            Reply::NotLeader { leader, .. } => {
                self.holders.leader = leader;
                Some(Answer::NotAsked)
            }
            Reply::Refused { .. } | Reply::Swapped { .. } | Reply::Value { .. } => {
                Some(Answer::Refused)
            }
        };
        self.answered(token, answer);
    }

    fn answered(&mut self, token: u64, answer: Option<Answer>) {
        let Some(i) = self.holders.open.remove(&token) else { return };
        self.count += 1;
        let request = &mut self.holders.requests[i];
        request.answered = answer.map(|answer| (self.now, self.count, answer));
        let (holder, command) = (request.holder, request.command.clone());
        let old = self.holders.standing.remove(&holder).unwrap_or_default();
        self.holders.standing.insert(holder, next(&command, answer, old));
        let sleeps = matches!(command, Command::GuardedPut { .. }) && self.chance(15);
        let pause = if sleeps { SLEEP_MS } else { self.rng.random_range(5..60) };
        self.after(pause, Event::Holder(Step::Act { holder }));
    }
}

/// Where the holder stands after what it asked was answered.
fn next(command: &Command, answer: Option<Answer>, old: Standing) -> Standing {
    match (command, answer) {
        (_, Some(Answer::NotAsked)) => old,
        (Command::Acquire { key, .. }, Some(Answer::Granted(fencing))) => {
            Standing::Holds(key.clone(), fencing)
        }
        (Command::Acquire { key, .. } | Command::Release { key, .. }, None) => {
            Standing::Unsure(key.clone())
        }
        (Command::Acquire { .. } | Command::Release { .. }, _)
        | (Command::Renew { .. }, Some(Answer::Refused)) => Standing::Free,
        _ => old,
    }
}
