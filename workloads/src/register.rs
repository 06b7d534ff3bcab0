//! Reads, writes and, where the target serves them, compare-and-sets and swaps over several registers.
//!
//! Swaps are asked here and not in a workload of their own: they must be judged against the writes
//! and compare-and-sets of the same registers. A swap stands in the place of a write and takes no
//! choice of its own, so that what a seed asks of a target without swaps does not depend on them.

use std::collections::BTreeMap;

use fracas_checker::Completion;
use fracas_checker::event::{Key, Op, OpKind, Outcome, Value};

use crate::look::{self, Look};
use crate::workload::{Least, Part};
use crate::{Draw, Lane, Load, Stream, Workload, names, readers};

const PREFIX: &str = "k";
/// Of a hundred operations how many are reads and writes, for the clients of the first round over
/// the nodes, the second, and again; the rest are compare-and-sets. With the readers about half of
/// all operations are reads.
const SHARES: [(u16, u16); 2] = [(40, 40), (10, 55)];

/// One of so many writes is a swap.
const SWAPS: u16 = 3;

/// The workload `register`.
pub(crate) struct Register;

impl Workload for Register {
    fn name(&self) -> &'static str {
        "register"
    }

    fn about(&self) -> &'static str {
        "reads, writes, compare-and-sets and swaps over several registers, every value written once"
    }

    fn needs(&self) -> &'static [OpKind] {
        &[OpKind::Read, OpKind::Write]
    }

    fn uses(&self) -> &'static [OpKind] {
        &[OpKind::Cas, OpKind::Swap]
    }

    fn checks(&self) -> &'static [&'static str] {
        &["register/linearizable"]
    }

    fn prefix(&self) -> &'static str {
        PREFIX
    }

    fn least(&self) -> Least {
        Least::of(&[(OpKind::Read, 10), (OpKind::Write, 10), (OpKind::Cas, 5), (OpKind::Swap, 5)])
    }

    fn part(&self) -> Part {
        Part::Whole
    }

    fn probe(&self) -> Option<Op> {
        Some(Op::Read { key: "ready".into() })
    }

    fn looks(&self, keys: &[Key]) -> Vec<Look> {
        look::each(keys, |key| Op::Read { key })
    }

    fn lanes(&self, load: &Load) -> Vec<Lane> {
        let rate = load.rate_of_clients();
        let mut lanes: Vec<Lane> = (0..usize::from(load.clients))
            .map(|client| {
                let round = client / load.nodes.len() % SHARES.len();
                Lane {
                    node: load.nodes[client % load.nodes.len()],
                    rate,
                    // Every node is asked by clients that do not know who leads.
                    seeks_leader: round == 1,
                    overlaps: false,
                    stream: Box::new(Mix {
                        keys: load.keys.max(1),
                        cas: load.has(OpKind::Cas),
                        swap: load.has(OpKind::Swap),
                        shares: SHARES[round],
                        seen: BTreeMap::new(),
                    }),
                }
            })
            .collect();
        lanes.extend(readers::lanes(load, &names::all(PREFIX, load), load.reads_per_node()));
        lanes
    }
}

/// The mix of one client.
struct Mix {
    keys: u16,
    cas: bool,
    swap: bool,
    /// Reads and writes of a hundred operations.
    shares: (u16, u16),
    /// The last value that it saw in each register: what a compare-and-set starts from.
    seen: BTreeMap<Key, Value>,
}

impl Stream for Mix {
    fn next(&mut self, draw: &mut Draw) -> Op {
        let (choice, (reads, writes)) = (draw.below(100), self.shares);
        let key = names::key(PREFIX, draw.below(self.keys));
        let fresh = draw.fresh_value();
        match self.seen.get(&key) {
            _ if choice < reads => Op::Read { key },
            _ if self.swap && choice < reads + writes / SWAPS => Op::Swap { key, value: fresh },
            _ if choice < reads + writes => Op::Write { key, value: fresh },
            Some(old) if self.cas => Op::Cas { old: old.clone(), new: fresh, key },
            _ => Op::Read { key },
        }
    }

    /// Remembers what a register was last seen to hold, and forgets what is in doubt.
    fn learn(&mut self, op: &Op, completion: &Completion) {
        let (key, value) = match (op, completion) {
            (Op::Read { key }, Completion::Ok { outcome: Outcome::Read { value }, .. }) => {
                (key, value.as_ref())
            }
            (
                Op::Write { key, value }
                | Op::Cas { key, new: value, .. }
                | Op::Swap { key, value },
                Completion::Ok {
                    outcome: Outcome::Write | Outcome::Cas | Outcome::Swap { .. },
                    ..
                },
            ) => (key, Some(value)),
            (Op::Cas { key, .. }, _) => (key, None),
            _ => return,
        };
        match value {
            Some(value) => drop(self.seen.insert(key.clone(), value.clone())),
            None => drop(self.seen.remove(key)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use fracas_checker::event::{NodeId, Stamp};

    use super::*;
    use crate::load::READS_SHARE;

    fn asked() -> BTreeSet<OpKind> {
        [OpKind::Read, OpKind::Write, OpKind::Cas, OpKind::Swap].into()
    }

    fn load(clients: u16) -> Load {
        Load {
            nodes: vec![NodeId(1), NodeId(2), NodeId(3)],
            clients,
            rate: Some(60.0),
            keys: 4,
            serves: asked(),
        }
    }

    /// All that `clients` clients ask in `steps` steps each, answering every write with success.
    fn ask(seed: u64, clients: u16, steps: usize) -> Vec<Vec<Op>> {
        let lanes = Register.lanes(&load(clients));
        let count = u32::from(clients);
        lanes
            .into_iter()
            .filter(|lane| !lane.overlaps)
            .zip(0..)
            .map(|(mut lane, number)| {
                let mut draw = Draw::new(seed, number, count);
                (0..steps)
                    .map(|_| {
                        let op = lane.stream.next(&mut draw);
                        if op.kind() == OpKind::Write {
                            let (outcome, stamp) = (Outcome::Write, Stamp::default());
                            lane.stream.learn(&op, &Completion::Ok { outcome, stamp });
                        }
                        op
                    })
                    .collect()
            })
            .collect()
    }

    #[test]
    fn the_same_seed_asks_the_same() {
        assert_eq!(ask(7, 6, 200), ask(7, 6, 200));
        assert_ne!(ask(7, 6, 200), ask(8, 6, 200));
    }

    #[test]
    fn no_value_is_written_twice() {
        let mut written = BTreeSet::new();
        for op in ask(1, 6, 500).into_iter().flatten() {
            if let Some(value) = op.sets() {
                assert!(written.insert(value.clone()), "{value} was written twice");
            }
        }
        assert!(written.len() > 1000);
    }

    #[test]
    fn all_kinds_are_asked_and_clients_sit_on_every_node() {
        let kinds: BTreeSet<_> = ask(3, 3, 100).iter().flatten().map(Op::kind).collect();
        assert_eq!(kinds, asked());
        let nodes: BTreeSet<_> = Register.lanes(&load(6)).iter().map(|lane| lane.node).collect();
        assert_eq!(nodes.len(), 3);
    }

    #[test]
    fn about_half_of_all_operations_are_reads() {
        let reads = |ops: &[Op]| ops.iter().filter(|op| op.kind() == OpKind::Read).count();
        let asked = ask(1, 6, 1_000);
        let all: usize = asked.iter().map(|ops| reads(ops)).sum();
        let share = READS_SHARE + (1.0 - READS_SHARE) * all as f64 / 6_000.0;
        assert!((0.45..0.55).contains(&share), "{share}");
    }

    /// On every node there is a client that asks this node, whoever leads, and one that seeks the
    /// leader.
    #[test]
    fn the_second_client_of_a_node_seeks_the_leader() {
        let lanes = Register.lanes(&load(6));
        let seek: Vec<bool> = lanes.iter().map(|lane| lane.seeks_leader).collect();
        assert_eq!(seek, [false, false, false, true, true, true, false, false, false]);
    }
}
