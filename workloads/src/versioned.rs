//! Configurations with a version: updated from the version that was read, and now and then from an
//! older one, which must be refused.

use std::collections::BTreeMap;

use fracas_checker::Completion;
use fracas_checker::event::{Key, Op, OpKind, Outcome};

use crate::look::{self, Look};
use crate::workload::Least;
use crate::{Draw, Lane, Load, Stream, Workload, clients, names, readers};

const PREFIX: &str = "versioned-";
/// Of a hundred operations how many read, and how many update from a version that is known to be
/// replaced; the rest update from the last that was seen.
const READS: u16 = 40;
const LATE: u16 = 10;

/// The workload `versioned`.
pub(crate) struct Versioned;

impl Workload for Versioned {
    fn name(&self) -> &'static str {
        "versioned"
    }

    fn about(&self) -> &'static str {
        "configurations are read with their version, and updated if it is still the same"
    }

    fn needs(&self) -> &'static [OpKind] {
        &[OpKind::ReadVersion, OpKind::Update]
    }

    fn checks(&self) -> &'static [&'static str] {
        &["versioned/linearizable"]
    }

    fn prefix(&self) -> &'static str {
        PREFIX
    }

    fn least(&self) -> Least {
        Least::of(&[(OpKind::ReadVersion, 10), (OpKind::Update, 5)])
    }

    fn probe(&self) -> Option<Op> {
        Some(Op::ReadVersion { key: "versioned-ready".into() })
    }

    fn lanes(&self, load: &Load) -> Vec<Lane> {
        // Fewer than of other objects: an update from the version that was read says little where
        // nobody else updates in between.
        let keys = names::all(PREFIX, &Load { keys: load.keys / 2, ..load.clone() });
        let client =
            || Client { keys: keys.clone(), last: BTreeMap::new(), older: BTreeMap::new() };
        let mut lanes = clients::lanes(load, true, |_| Box::new(client()));
        let read = |key| Op::ReadVersion { key };
        lanes.extend(readers::of(&keys, read, (load, load.reads_per_node())));
        lanes
    }

    fn looks(&self, keys: &[Key]) -> Vec<Look> {
        look::each(keys, |key| Op::ReadVersion { key })
    }
}

/// One client.
struct Client {
    keys: Vec<Key>,
    /// The version of each configuration that it has seen last, and one before that.
    last: BTreeMap<Key, u64>,
    older: BTreeMap<Key, u64>,
}

impl Stream for Client {
    fn next(&mut self, draw: &mut Draw) -> Op {
        let (choice, key) = (draw.below(100), draw.one_of(&self.keys).clone());
        let value = draw.fresh_value();
        let (last, older) = (self.last.get(&key), self.older.get(&key));
        match (last, older) {
            _ if choice < READS => Op::ReadVersion { key },
            (_, Some(&expected)) if choice < READS + LATE => Op::Update { key, expected, value },
            (Some(&expected), _) => Op::Update { key, expected, value },
            (None, _) => Op::ReadVersion { key },
        }
    }

    fn learn(&mut self, op: &Op, completion: &Completion) {
        let Some(key) = op.key() else { return };
        let seen = match completion {
            Completion::Ok {
                outcome: Outcome::ReadVersion { generation, .. } | Outcome::Update { generation },
                ..
            } => *generation,
            // It is another one by now, or may be.
            _ => {
                self.last.remove(key);
                return;
            }
        };
        if let Some(before) = self.last.insert(key.clone(), seen).filter(|before| *before < seen) {
            self.older.insert(key.clone(), before);
        }
    }
}
