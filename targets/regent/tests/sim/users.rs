//! Simulated users of all kinds of objects. Each asks one thing at a time, of any node, and gives up
//! after a while. What they saw is judged in `uses`.

use std::collections::BTreeMap;

use fracas_regent::core::{Input, Millis};
use fracas_regent::messages::{Answer, Ask, Command, Index, NodeId, Outcome, Query, Reply};
use fracas_regent::objects::transactions::Part;
use fracas_regent::objects::{
    counters, ids, mutexes, queues, sets, texts, transactions, versioned,
};
use rand::RngExt;

use super::{Event, World};

/// How many users there are at least, and of each kind.
const USERS: u64 = 6;
const USERS_OF_EACH: u64 = 2;
/// As long as clients of a real node wait.
const PATIENCE_MS: Millis = 2_000;
/// How many mutexes there are. A user may lose one for ever: it does not know that it holds it.
const MUTEXES: u64 = 3;

/// The kinds of objects, each with users of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Set,
    Queue,
    Counter,
    Ids,
    Mutex,
    Versioned,
    Text,
    List,
    Register,
}

/// All of them.
pub(crate) const KINDS: [Kind; 9] = [
    Kind::Set,
    Kind::Queue,
    Kind::Counter,
    Kind::Ids,
    Kind::Mutex,
    Kind::Versioned,
    Kind::Text,
    Kind::List,
    Kind::Register,
];

#[derive(Debug)]
pub(crate) enum Step {
    /// A user asks something new.
    Act { user: u64 },
    /// What it asked arrives at a node.
    Arrive { at: NodeId, token: u64 },
    /// It has waited long enough.
    GiveUp { token: u64 },
}

/// What a user was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum End {
    Told(Outcome, Index),
    /// Certainly nothing happened.
    NotAsked,
}

/// One request of a user. `start` and `end` are places in the one order of all events.
#[derive(Debug, Clone)]
pub(crate) struct Use {
    pub(crate) kind: Kind,
    pub(crate) ask: Ask,
    pub(crate) start: u64,
    /// None: the user never learned what became of it.
    pub(crate) end: Option<(u64, End)>,
    when: Millis,
    user: u64,
}

impl Use {
    /// A request for the tests of those who judge.
    #[cfg(test)]
    pub(crate) fn new(kind: Kind, ask: Ask, start: u64, end: Option<(u64, End)>) -> Self {
        Self { kind, ask, start, end, when: 0, user: 0 }
    }
}

/// What users know.
#[derive(Debug, Default)]
pub(crate) struct Users {
    kinds: BTreeMap<u64, Kind>,
    pub(crate) uses: Vec<Use>,
    /// The request that waits for each token.
    open: BTreeMap<u64, usize>,
    leader: Option<NodeId>,
    /// The elements that were certainly added to the set, and not asked to be removed.
    added: Vec<i64>,
    /// The version of the number that was last seen.
    version: u64,
    /// The mutex that a user holds or may hold, and the name under which.
    holding: BTreeMap<u64, (String, u64)>,
}

impl Users {
    /// Whether something was done after `when`.
    pub(crate) fn served_since(&self, when: Millis) -> bool {
        let done = |usage: &Use| matches!(&usage.end, Some((_, End::Told(Ok(_), _))));
        self.uses.iter().any(|usage| usage.when > when && done(usage))
    }

    pub(super) fn waits_for(&self, token: u64) -> bool {
        self.open.contains_key(&token)
    }
}

impl World {
    pub(super) fn start_users(&mut self, kinds: &[Kind]) {
        let count = USERS.max(USERS_OF_EACH * kinds.len() as u64);
        for (user, kind) in (0..count).zip(kinds.iter().cycle()) {
            self.users.kinds.insert(user, *kind);
            self.after(user, Event::User(Step::Act { user }));
        }
    }

    pub(super) fn user(&mut self, step: Step) {
        match step {
            Step::Act { .. } if self.clients.stopped => {}
            Step::Act { user } => self.use_object(user),
            Step::Arrive { at, token } => self.arrive(&at, token),
            Step::GiveUp { token } => self.told(token, None),
        }
    }

    fn use_object(&mut self, user: u64) {
        self.count += 1;
        let fresh = i64::try_from(self.count).expect("a small number");
        let kind = self.users.kinds[&user];
        // Texts are read more often: what is in a cache is not there for long.
        let looks = self.chance(if kind == Kind::Text { 80 } else { 50 });
        let ask = match kind {
            Kind::Set => self.ask_set(looks, fresh),
            Kind::Mutex => self.ask_mutex(user),
            _ => self.ask_other(kind, looks, fresh),
        };
        self.count += 1;
        let (token, when) = (self.count, self.now);
        self.users.open.insert(token, self.users.uses.len());
        self.users.uses.push(Use { kind, ask, start: token, end: None, when, user });
        let any = self.rng.random_range(0..self.plan.nodes);
        let hearsay = if self.chance(70) { self.users.leader.clone() } else { None };
        let at = hearsay.unwrap_or_else(|| self.names()[any].clone());
        let delay = self.rng.random_range(1..4);
        self.after(delay, Event::User(Step::Arrive { at, token }));
        self.after(PATIENCE_MS, Event::User(Step::GiveUp { token }));
    }

    fn ask_set(&mut self, looks: bool, fresh: i64) -> Ask {
        let key = "set".to_owned();
        if looks {
            return Ask::Read(Query::Set { key, query: sets::Query::All });
        }
        let change = match self.users.added.pop().filter(|_| self.chance(40)) {
            Some(value) => sets::Change::Remove { value },
            None => sets::Change::Add { value: fresh },
        };
        Ask::Write(Command::Set { key, change })
    }

    /// A user that holds a mutex gives it back; one that does not know gives it back until it does,
    /// and goes on under another name.
    fn ask_mutex(&mut self, user: u64) -> Ask {
        if let Some((key, holder)) = self.users.holding.get(&user).cloned() {
            return Ask::Write(Command::Mutex { key, change: mutexes::Change::Release { holder } });
        }
        let (key, holder) = (format!("m{}", self.rng.random_range(0..MUTEXES)), self.count);
        Ask::Write(Command::Mutex { key, change: mutexes::Change::Acquire { holder } })
    }

    fn ask_other(&mut self, kind: Kind, looks: bool, fresh: i64) -> Ask {
        let key = format!("{kind:?}");
        let list = || "l".to_owned();
        let register = || "r".to_owned();
        match (kind, looks) {
            (Kind::Queue, true) => {
                Ask::Write(Command::Queue { key, change: queues::Change::Dequeue })
            }
            (Kind::Queue, false) => {
                Ask::Write(Command::Queue { key, change: queues::Change::Enqueue { value: fresh } })
            }
            (Kind::Counter, true) => {
                Ask::Read(Query::Counter { key, query: counters::Query::Value })
            }
            (Kind::Counter, false) => {
                Ask::Write(Command::Counter { key, change: counters::Change::Add { by: 1 } })
            }
            (Kind::Versioned, true) => {
                Ask::Read(Query::Versioned { key, query: versioned::Query::Both })
            }
            (Kind::Versioned, false) => {
                let (expected, value) = (self.users.version, fresh);
                let change = versioned::Change::Update { expected, value };
                Ask::Write(Command::Versioned { key, change })
            }
            (Kind::Text, true) => Ask::Read(Query::Text { key, query: texts::Query::Value }),
            (Kind::Text, false) => {
                let value = format!("{fresh} ");
                Ask::Write(Command::Text { key, change: texts::Change::Append { value } })
            }
            (Kind::List, true) => commit(vec![Part::Read { key: list() }]),
            (Kind::List, false) => {
                commit(vec![Part::Append { key: list(), value: fresh }, Part::Read { key: list() }])
            }
            (Kind::Register, true) => commit(vec![Part::Read { key: register() }]),
            (Kind::Register, false) => commit(vec![
                Part::Read { key: register() },
                Part::Write { key: register(), value: fresh },
            ]),
            (Kind::Ids | Kind::Set | Kind::Mutex, _) => {
                Ask::Write(Command::Ids { key, change: ids::Change::Next })
            }
        }
    }

    fn arrive(&mut self, at: &str, token: u64) {
        let Some(&i) = self.users.open.get(&token) else { return };
        if self.node(at).core.is_none() {
            return self.told(token, Some(End::NotAsked));
        }
        let ask = self.users.uses[i].ask.clone();
        self.deliver(at, Input::Client { token, ask });
    }

    pub(super) fn object_replied(&mut self, token: u64, reply: Reply) {
        let end = match reply {
            Reply::Done { outcome, at, .. } => Some(End::Told(outcome, at)),
            Reply::Unknown { .. } => None,
            Reply::NotLeader { leader, .. } => {
                self.users.leader = leader;
                Some(End::NotAsked)
            }
        };
        self.told(token, end);
    }

    fn told(&mut self, token: u64, end: Option<End>) {
        let Some(i) = self.users.open.remove(&token) else { return };
        self.count += 1;
        let (ask, user) = (self.users.uses[i].ask.clone(), self.users.uses[i].user);
        self.learn(user, &ask, end.as_ref());
        self.users.uses[i].end = end.map(|end| (self.count, end));
        let pause = self.rng.random_range(5..60);
        self.after(pause, Event::User(Step::Act { user }));
    }

    fn learn(&mut self, user: u64, ask: &Ask, end: Option<&End>) {
        match (ask, end) {
            (
                Ask::Write(Command::Set { change: sets::Change::Add { value }, .. }),
                Some(End::Told(Ok(_), _)),
            ) => self.users.added.push(*value),
            (
                Ask::Read(Query::Versioned { .. }) | Ask::Write(Command::Versioned { .. }),
                Some(End::Told(
                    Ok(Answer::Versioned { version, .. } | Answer::Version { version }),
                    _,
                )),
            ) => self.users.version = *version,
            (
                Ask::Write(Command::Mutex { key, change: mutexes::Change::Acquire { holder } }),
                None | Some(End::Told(Ok(_), _)),
            ) => {
                self.users.holding.insert(user, (key.clone(), *holder));
            }
            (
                Ask::Write(Command::Mutex { change: mutexes::Change::Release { .. }, .. }),
                Some(End::Told(..)),
            ) => {
                self.users.holding.remove(&user);
            }
            _ => {}
        }
    }
}

fn commit(parts: Vec<Part>) -> Ask {
    let change = transactions::Change::Commit { parts };
    Ask::Write(Command::Transaction { key: "txn".into(), change })
}
