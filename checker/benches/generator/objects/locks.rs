//! A lock that is waited for, with or without fencing tokens.
//!
//! A client that does not know whether it was granted the lock, or whether it gave it back, gives
//! it back until it knows, and then goes on under a new name: an old release may be thought to take
//! effect at any later time, and must not free a later hold. Nothing that was given up takes effect
//! late: a grant that nobody waits for would block the lock for good.

use std::collections::{BTreeMap, BTreeSet};

use fracas_checker::event::Nanos;
use fracas_checker::{Completion, Key, Op, Outcome, Value};

use super::super::dice::Dice;
use super::{Answer, Invocation, Object};

/// How many clients there may be: the step from one name of a client to its next.
const NAMES: u64 = 1_000;

/// The server of one lock.
pub(crate) struct Lock {
    key: Key,
    fenced: bool,
    holder: Option<u64>,
    token: u64,
    next: i64,
    /// What clients that are not done with the lock believe.
    believed: BTreeMap<usize, Belief>,
    /// The name of each client that had to take another one.
    names: BTreeMap<usize, u64>,
    /// Clients with a release of which they never learned the outcome.
    doubtful: BTreeSet<usize>,
}

/// What a client knows of its own hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Belief {
    /// It was granted the lock, with this token, and has not asked to give it back.
    Holds(u64),
    /// It may hold the lock.
    Unsure,
}

impl Lock {
    pub(crate) fn new(key: Key, fenced: bool) -> Self {
        Self {
            key,
            fenced,
            holder: None,
            token: 0,
            next: 0,
            believed: BTreeMap::new(),
            names: BTreeMap::new(),
            doubtful: BTreeSet::new(),
        }
    }

    fn name(&self, client: usize) -> u64 {
        self.names.get(&client).copied().unwrap_or(client as u64)
    }

    /// A client is done with the lock.
    fn done(&mut self, client: usize) {
        self.believed.remove(&client);
        if self.doubtful.remove(&client) {
            self.names.insert(client, self.name(client) + NAMES);
        }
    }

    fn granted(&self, token: u64) -> Outcome {
        Outcome::Acquire { token: self.fenced.then_some(token) }
    }
}

impl Object for Lock {
    fn ask(&mut self, client: usize, dice: &mut Dice) -> Op {
        let (key, holder) = (self.key.clone(), self.name(client));
        match self.believed.get(&client) {
            None => Op::Acquire { key, holder, ttl: None },
            Some(Belief::Holds(token)) if self.fenced && dice.happens(1, 2) => {
                self.next += 1;
                Op::GuardedWrite { key, token: *token, value: Value::Int(self.next) }
            }
            Some(_) => {
                self.believed.insert(client, Belief::Unsure);
                Op::Release { key, holder }
            }
        }
    }

    fn act(&mut self, client: usize, op: &Op, _dice: &mut Dice) -> Answer {
        let mine = self.holder == Some(self.name(client));
        match op {
            Op::Acquire { .. } if self.holder.is_some() => Answer::Blocked,
            Op::Acquire { holder, .. } => {
                self.holder = Some(*holder);
                self.token += 1;
                Answer::Ok(self.granted(self.token))
            }
            Op::Release { .. } if mine => {
                self.holder = None;
                Answer::Ok(Outcome::Release)
            }
            Op::Release { .. } => Answer::Refused("held by another"),
            _ if mine => Answer::Ok(Outcome::GuardedWrite),
            _ => Answer::Refused("a newer token was seen"),
        }
    }

    fn completed(&mut self, asked: &Invocation<'_>, completion: &Completion, _now: Nanos) {
        match (asked.op, completion) {
            (Op::Acquire { .. }, Completion::Ok { outcome: Outcome::Acquire { token }, .. }) => {
                self.believed.insert(asked.client, Belief::Holds(token.unwrap_or_default()));
            }
            (Op::Acquire { .. }, Completion::Info { .. }) => {
                self.believed.insert(asked.client, Belief::Unsure);
            }
            (Op::Release { .. }, Completion::Ok { .. } | Completion::Fail { .. })
            | (Op::Acquire { .. }, Completion::Fail { .. }) => {
                self.done(asked.client);
            }
            (Op::Release { .. }, Completion::Info { .. }) => self.doubtful.extend([asked.client]),
            _ => {}
        }
    }

    /// Grants what another client was told to hold and has not yet asked to give back.
    fn wrong(&self, asked: &Invocation<'_>) -> Option<Outcome> {
        let held = |(client, belief): (&usize, &Belief)| {
            *client != asked.client && matches!(belief, Belief::Holds(_))
        };
        let held = matches!(asked.op, Op::Acquire { .. }) && self.believed.iter().any(held);
        held.then(|| self.granted(self.token))
    }

    fn keeps(&self, client: usize) -> bool {
        self.believed.contains_key(&client)
    }

    fn may_be_late(&self) -> bool {
        false
    }
}
