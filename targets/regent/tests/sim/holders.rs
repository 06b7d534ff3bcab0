//! Simulated holders of locks and leases: they take them, extend them, write to what they guard,
//! sleep past their time and write late, and give them back. What they saw is judged in `claims`.

use std::collections::BTreeMap;

use fracas_regent::core::{Input, Millis};
use fracas_regent::messages::{self, Ask, Command, NodeId, Reply};
use fracas_regent::objects::locks::Change;
use fracas_regent::objects::registers;
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
    /// It does not know whether it holds the lock. What it asked may yet happen, so when it has
    /// given the lock back it goes on under another name.
    Unsure(String),
}

/// All holders, and all that they asked.
#[derive(Debug, Default)]
pub(crate) struct Holders {
    pub(crate) requests: Vec<Request>,
    standing: BTreeMap<u64, Standing>,
    /// How often each holder has changed its name.
    renamed: BTreeMap<u64, u64>,
    /// The request that waits for each token.
    open: BTreeMap<u64, usize>,
    /// Who was last said to lead.
    leader: Option<NodeId>,
}

impl Holders {
    /// Whether a lock was granted after `when`.
    pub(crate) fn granted_since(&self, when: Millis) -> bool {
        self.requests.iter().any(|request| {
            request.asked.0 > when && matches!(request.answered, Some((.., Answer::Granted(_))))
        })
    }

    /// What a holder is called at the moment.
    fn name(&self, holder: u64) -> u64 {
        holder + HOLDERS * self.renamed.get(&holder).copied().unwrap_or_default()
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
        let holder = self.holders.name(holder);
        let command = match standing {
            Standing::Free => self.acquire(holder),
            Standing::Unsure(key) => Command::Lock { key, change: Change::Release { holder } },
            Standing::Holds(key, fencing) => match self.rng.random_range(0..10) {
                0..5 => {
                    self.count += 1;
                    let value = i64::try_from(self.count).expect("a small number");
                    let change = registers::Change::GuardedPut { token: fencing, value };
                    Command::Register { key, change }
                }
                5..8 if key.starts_with("lease") => {
                    let change = Change::Renew { holder, ttl_ms: Some(TTL_MS) };
                    Command::Lock { key, change }
                }
                _ => Command::Lock { key, change: Change::Release { holder } },
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
        let (key, ttl_ms) = match self.rng.random_range(0..=LEASES) {
            0 => ("lock".to_owned(), None),
            number => (format!("lease{number}"), Some(TTL_MS)),
        };
        Command::Lock { key, change: Change::Acquire { holder, ttl_ms } }
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
            Reply::Done { outcome: Ok(messages::Answer::Granted { token }), .. } => {
                Some(Answer::Granted(token))
            }
            Reply::Done { outcome: Ok(_), .. } => Some(Answer::Done),
            Reply::Done { outcome: Err(_), .. } => Some(Answer::Refused),
            Reply::Unknown { .. } => None,
            Reply::NotLeader { leader, .. } => {
                self.holders.leader = leader;
                Some(Answer::NotAsked)
            }
        };
        self.answered(token, answer);
    }

    fn answered(&mut self, token: u64, answer: Option<Answer>) {
        let Some(i) = self.holders.open.remove(&token) else { return };
        self.count += 1;
        let request = &mut self.holders.requests[i];
        request.answered = answer.map(|answer| (self.now, self.count, answer));
        let (holder, command) = ((request.holder - 1) % HOLDERS + 1, request.command.clone());
        let old = self.holders.standing.remove(&holder).unwrap_or_default();
        let new = next(&command, answer, old.clone());
        if matches!((old, &new), (Standing::Unsure(_), Standing::Free)) {
            *self.holders.renamed.entry(holder).or_default() += 1;
        }
        self.holders.standing.insert(holder, new);
        let sleeps = matches!(command, Command::Register { .. }) && self.chance(15);
        let pause = if sleeps { SLEEP_MS } else { self.rng.random_range(5..60) };
        self.after(pause, Event::Holder(Step::Act { holder }));
    }
}

/// Where the holder stands after what it asked was answered.
fn next(command: &Command, answer: Option<Answer>, old: Standing) -> Standing {
    let Command::Lock { key, change } = command else { return old };
    match (change, answer) {
        (_, Some(Answer::NotAsked)) => old,
        (Change::Acquire { .. }, Some(Answer::Granted(fencing))) => {
            Standing::Holds(key.clone(), fencing)
        }
        (Change::Acquire { .. } | Change::Release { .. }, None) => Standing::Unsure(key.clone()),
        (Change::Acquire { .. } | Change::Release { .. }, _)
        | (Change::Renew { .. }, Some(Answer::Refused)) => Standing::Free,
        _ => old,
    }
}
