//! Texts: written, appended to and read.
//!
//! What is written or appended is a number with a full stop, each once: so every text that is read
//! falls into its parts in one way, and the check decides exactly.

use fracas_checker::event::{Key, Op, OpKind, Value};

use crate::look::{self, Look};
use crate::workload::Least;
use crate::{Draw, Lane, Load, Stream, Workload, clients, names, readers};

const PREFIX: &str = "kv-";
/// Of a hundred operations how many write and append; the rest read.
const WRITES: u16 = 20;
const APPENDS: u16 = 45;

/// The workload `kv`.
pub(crate) struct Kv;

impl Workload for Kv {
    fn name(&self) -> &'static str {
        "kv"
    }

    fn about(&self) -> &'static str {
        "texts under several keys are written, appended to and read, every part once"
    }

    fn needs(&self) -> &'static [OpKind] {
        &[OpKind::Read, OpKind::Write, OpKind::Append]
    }

    fn checks(&self) -> &'static [&'static str] {
        &["kv/linearizable"]
    }

    fn prefix(&self) -> &'static str {
        PREFIX
    }

    fn least(&self) -> Least {
        Least::of(&[(OpKind::Read, 10), (OpKind::Write, 5), (OpKind::Append, 5)])
    }

    fn probe(&self) -> Option<Op> {
        Some(Op::Read { key: "kv-ready".into() })
    }

    fn lanes(&self, load: &Load) -> Vec<Lane> {
        let keys = names::all(PREFIX, load);
        let mut lanes = clients::lanes(load, true, |_| Box::new(Client { keys: keys.clone() }));
        lanes.extend(readers::lanes(load, &keys, load.reads_per_node()));
        lanes
    }

    fn looks(&self, keys: &[Key]) -> Vec<Look> {
        look::each(keys, |key| Op::Read { key })
    }
}

/// One client.
struct Client {
    keys: Vec<Key>,
}

impl Stream for Client {
    fn next(&mut self, draw: &mut Draw) -> Op {
        let (choice, key) = (draw.below(100), draw.one_of(&self.keys).clone());
        let value = Value::text(&format!("{}.", draw.fresh_number()));
        match choice {
            _ if choice < WRITES => Op::Write { key, value },
            _ if choice < WRITES + APPENDS => Op::Append { key, value },
            _ => Op::Read { key },
        }
    }
}
