//! Mutexes: held until they are given back, without a token and without a time to live.
//!
//! A client that does not know whether it was granted a mutex gives it back to be sure, and does so
//! again later, because what it asked may still take effect.

use std::collections::BTreeSet;

use fracas_checker::Completion;
use fracas_checker::event::{Key, Op, OpKind};

use crate::look::{self, Look};
use crate::workload::Least;
use crate::{Draw, Lane, Load, Stream, Workload, clients, names};

const PREFIX: &str = "mutex-";
/// Of a hundred steps of a client that holds nothing, how many give back what it may have been
/// granted after all.
const CLEAN: u16 = 20;

/// The workload `mutex`.
pub(crate) struct Mutex;

impl Workload for Mutex {
    fn name(&self) -> &'static str {
        "mutex"
    }

    fn about(&self) -> &'static str {
        "mutexes are acquired, held for a while and released"
    }

    fn needs(&self) -> &'static [OpKind] {
        &[OpKind::Acquire, OpKind::Release]
    }

    fn checks(&self) -> &'static [&'static str] {
        &["mutex/linearizable"]
    }

    fn prefix(&self) -> &'static str {
        PREFIX
    }

    fn least(&self) -> Least {
        let ok = &[(OpKind::Acquire, 10), (OpKind::Release, 5)];
        Least { ok, handovers: 3, elections: 0 }
    }

    /// Nothing: whoever asks for a mutex may hold it then.
    fn probe(&self) -> Option<Op> {
        None
    }

    fn lanes(&self, load: &Load) -> Vec<Lane> {
        let keys = names::all(PREFIX, load);
        clients::lanes(load, false, |client| Box::new(Client::new(u64::from(client) + 1, &keys)))
    }

    fn looks(&self, keys: &[Key]) -> Vec<Look> {
        look::grants(keys, None)
    }

    /// Nothing: whether a mutex is held was seen before, and it keeps nothing else.
    fn finals(&self, _: &[Key]) -> Vec<Look> {
        Vec::new()
    }
}

/// What a client knows of the mutex that it is about.
enum Standing {
    Free,
    Holds(Key),
    /// It may have been granted this one, or hold it still.
    Unsure(Key),
}

/// One client.
struct Client {
    holder: u64,
    keys: Vec<Key>,
    standing: Standing,
    /// What was asked with an outcome that nobody knows.
    doubtful: BTreeSet<Key>,
}

impl Client {
    fn new(holder: u64, keys: &[Key]) -> Self {
        let (standing, doubtful) = (Standing::Free, BTreeSet::new());
        Self { holder, keys: keys.to_vec(), standing, doubtful }
    }
}

impl Stream for Client {
    fn next(&mut self, draw: &mut Draw) -> Op {
        let (holder, choice, key) = (self.holder, draw.below(100), draw.one_of(&self.keys).clone());
        match (&self.standing, self.doubtful.first()) {
            (Standing::Holds(key) | Standing::Unsure(key), _) => {
                Op::Release { key: key.clone(), holder }
            }
            (Standing::Free, Some(key)) if choice < CLEAN => {
                Op::Release { key: key.clone(), holder }
            }
            (Standing::Free, _) => Op::Acquire { key, holder, ttl: None },
        }
    }

    fn learn(&mut self, op: &Op, completion: &Completion) {
        let Some(key) = op.key().cloned() else { return };
        let holds = matches!(self.standing, Standing::Holds(_));
        self.standing = match (op.kind(), completion) {
            (OpKind::Acquire, Completion::Ok { .. }) => Standing::Holds(key),
            (_, Completion::Info { .. }) => {
                self.doubtful.insert(key.clone());
                Standing::Unsure(key)
            }
            // A refusal may come from a node that does not lead: a holder still holds then.
            (OpKind::Release, Completion::Fail { .. }) if holds => Standing::Holds(key),
            _ => Standing::Free,
        };
    }
}
