//! Counters: some only count up, some only down, and all are read.
//!
//! All steps of a counter are alike, so that the check decides exactly: with steps of both signs it
//! would have to try which of those whose outcome nobody knows took effect.

use fracas_checker::event::{Key, Op, OpKind};

use crate::look::{self, Look};
use crate::workload::Least;
use crate::{Draw, Lane, Load, Stream, Workload, clients, names, readers};

const PREFIX: &str = "counter-";
/// The steps of the first counters; after these it begins anew.
const STEPS: [i64; 4] = [1, -1, 2, -3];
/// Of a hundred operations how many count; the rest read.
const COUNTS: u16 = 75;

/// The workload `counter`.
pub(crate) struct Counter;

impl Workload for Counter {
    fn name(&self) -> &'static str {
        "counter"
    }

    fn about(&self) -> &'static str {
        "counters are counted up, others down, and read"
    }

    fn needs(&self) -> &'static [OpKind] {
        &[OpKind::Increment, OpKind::Read]
    }

    fn checks(&self) -> &'static [&'static str] {
        &["counter/linearizable"]
    }

    fn prefix(&self) -> &'static str {
        PREFIX
    }

    fn least(&self) -> Least {
        Least::of(&[(OpKind::Increment, 10), (OpKind::Read, 10)])
    }

    fn probe(&self) -> Option<Op> {
        Some(Op::Read { key: "counter-ready".into() })
    }

    fn lanes(&self, load: &Load) -> Vec<Lane> {
        let numbers = load.keys.max(1);
        let mut lanes = clients::lanes(load, true, |_| Box::new(Client { numbers }));
        lanes.extend(readers::lanes(load, &names::all(PREFIX, load), load.reads_per_node()));
        lanes
    }

    fn looks(&self, keys: &[Key]) -> Vec<Look> {
        look::each(keys, |key| Op::Read { key })
    }
}

/// One client.
struct Client {
    numbers: u16,
}

impl Stream for Client {
    fn next(&mut self, draw: &mut Draw) -> Op {
        let (choice, number) = (draw.below(100), draw.below(self.numbers));
        let key = names::key(PREFIX, number);
        match choice < COUNTS {
            true => Op::Increment { key, by: STEPS[usize::from(number) % STEPS.len()] },
            false => Op::Read { key },
        }
    }
}
