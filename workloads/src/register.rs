//! Reads, writes and, where the target serves them, compare-and-sets over several registers.

use std::collections::BTreeSet;

use fracas_checker::event::{Key, Op, OpKind};

use crate::{Draw, Lane, Seen, Size, Stream, Workload};

/// Of a hundred operations how many are reads and writes, for the clients of the first round over
/// the nodes, the second, and again; the rest are compare-and-sets. A client that asks a deposed
/// leader to write waits for an answer that does not come, and sees nothing meanwhile; so some do
/// little but read.
const SHARES: [(u16, u16); 2] = [(90, 6), (10, 55)];

/// The workload `register`.
pub(crate) struct Register;

impl Workload for Register {
    fn name(&self) -> &'static str {
        "register"
    }

    fn about(&self) -> &'static str {
        "reads, writes and compare-and-sets over several registers, every value written once"
    }

    fn needs(&self) -> &'static [OpKind] {
        &[OpKind::Read, OpKind::Write]
    }

    fn asks(&self, serves: &BTreeSet<OpKind>) -> BTreeSet<OpKind> {
        let cas = serves.get(&OpKind::Cas).copied();
        self.needs().iter().copied().chain(cas).collect()
    }

    fn checks(&self) -> &'static [&'static str] {
        &["register/linearizable"]
    }

    fn keys(&self, size: &Size) -> Vec<Key> {
        (0..size.keys.max(1)).map(name).collect()
    }

    fn lanes(&self, size: &Size) -> Vec<Lane> {
        let per_client = size.rate.map(|rate| rate / f64::from(size.clients.max(1)));
        (0..size.clients)
            .map(|client| Lane {
                node: size.nodes[usize::from(client) % size.nodes.len()],
                rate: per_client,
                seeks_leader: false,
                stream: Box::new(Mix {
                    keys: size.keys.max(1),
                    cas: size.serves.contains(&OpKind::Cas),
                    shares: SHARES[usize::from(client) / size.nodes.len() % SHARES.len()],
                }),
            })
            .collect()
    }
}

/// The name of a register.
fn name(number: u16) -> Key {
    format!("k{number}").into()
}

/// The mix of one client.
struct Mix {
    keys: u16,
    cas: bool,
    /// Reads and writes of a hundred operations.
    shares: (u16, u16),
}

impl Stream for Mix {
    fn next(&mut self, draw: &mut Draw, seen: &Seen) -> Op {
        let (choice, (reads, writes)) = (draw.below(100), self.shares);
        let key = name(draw.below(self.keys));
        let fresh = draw.fresh_value();
        match seen.get(&key) {
            _ if choice < reads => Op::Read { key },
            _ if choice < reads + writes => Op::Write { key, value: fresh },
            Some(old) if self.cas => Op::Cas { old: old.clone(), new: fresh, key },
            _ => Op::Read { key },
        }
    }
}

#[cfg(test)]
mod tests {
    use fracas_checker::event::{NodeId, Op};

    use super::*;

    fn size(clients: u16) -> Size {
        Size {
            nodes: vec![NodeId(1), NodeId(2), NodeId(3)],
            clients,
            rate: Some(60.0),
            keys: 4,
            serves: BTreeSet::from(OpKind::REQUESTS),
        }
    }

    /// All that `clients` clients ask in `steps` steps each, answering every write with success.
    fn ask(seed: u64, clients: u16, steps: usize) -> Vec<Vec<Op>> {
        let lanes = Register.lanes(&size(clients));
        let count = u32::from(clients);
        lanes
            .into_iter()
            .zip(0..)
            .map(|(mut lane, number)| {
                let mut draw = Draw::new(seed, number, count);
                let mut seen = Seen::new();
                (0..steps)
                    .map(|_| {
                        let op = lane.stream.next(&mut draw, &seen);
                        if let Op::Write { key, value } = &op {
                            seen.insert(key.clone(), value.clone());
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
            if let Op::Write { value, .. } | Op::Cas { new: value, .. } = op {
                assert!(written.insert(value.clone()), "{value} was written twice");
            }
        }
        assert!(written.len() > 1000);
    }

    #[test]
    fn all_kinds_are_asked_and_clients_sit_on_every_node() {
        let kinds: BTreeSet<_> = ask(3, 3, 100).iter().flatten().map(Op::kind).collect();
        assert_eq!(kinds, BTreeSet::from(OpKind::REQUESTS));
        let nodes: BTreeSet<_> = Register.lanes(&size(6)).iter().map(|lane| lane.node).collect();
        assert_eq!(nodes.len(), 3);
    }

    #[test]
    fn some_clients_do_little_but_read_and_all_together_do_a_bit_of_everything() {
        let reads = |ops: &[Op]| ops.iter().filter(|op| op.kind() == OpKind::Read).count();
        let asked = ask(1, 6, 1_000);
        assert!(asked[..3].iter().all(|ops| reads(ops) > 800));
        assert!(asked[3..].iter().all(|ops| reads(ops) < 400));
        let all: usize = asked.iter().map(|ops| reads(ops)).sum();
        assert!((2_500..3_500).contains(&all), "{all} of 6000");
    }

    #[test]
    fn a_rate_is_shared_by_the_clients() {
        assert!(Register.lanes(&size(6)).iter().all(|lane| lane.rate == Some(10.0)));
    }
}
