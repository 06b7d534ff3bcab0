//! Readers: on every node one client that only looks and never waits, in every workload that has
//! something to look at.
//!
//! A client that does one operation after the other waits for the first write that a cut swallows,
//! and asks nothing more of a node that has just lost its leadership. A reader writes nothing, and
//! goes on while earlier reads are open: so every node is asked during the whole of every fault,
//! and a read that waits in a stopped node was asked after others have been served elsewhere.

use fracas_checker::event::{Key, Op, OpKind};

use crate::{Draw, Lane, Load, Stream};

/// A reader on every node that asks, `rate` times per second, what `stream` asks.
pub(crate) fn each(load: &Load, rate: f64, stream: impl Fn() -> Box<dyn Stream>) -> Vec<Lane> {
    let lane = |node| Lane {
        node,
        rate: Some(rate),
        seeks_leader: false,
        overlaps: true,
        stream: stream(),
    };
    load.nodes.iter().copied().map(lane).collect()
}

/// A reader on every node that looks at one of `keys` after the other, in any order.
pub(crate) fn of(keys: &[Key], look: fn(Key) -> Op, (load, rate): (&Load, f64)) -> Vec<Lane> {
    each(load, rate, || Box::new(Reader { keys: keys.to_vec(), look }))
}

/// A reader on every node that reads these, where the target serves reads.
pub(crate) fn lanes(load: &Load, keys: &[Key], rate: f64) -> Vec<Lane> {
    if keys.is_empty() || !load.has(OpKind::Read) {
        return Vec::new();
    }
    of(keys, |key| Op::Read { key }, (load, rate))
}

/// Looks at one of its objects after the other, in any order.
struct Reader {
    keys: Vec<Key>,
    look: fn(Key) -> Op,
}

impl Stream for Reader {
    fn next(&mut self, draw: &mut Draw) -> Op {
        (self.look)(draw.one_of(&self.keys).clone())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use fracas_checker::event::NodeId;

    use super::*;
    use crate::ALL;

    fn load(clients: u16, rate: Option<f64>) -> Load {
        let nodes = (1..=3).map(NodeId).collect();
        Load { nodes, clients, rate, keys: 4, serves: OpKind::asked().collect() }
    }

    /// Whether it changes nothing that anybody could miss.
    fn only_looks(op: &Op) -> bool {
        op.kind().only_looks()
            || matches!(op, Op::Generate { .. })
            || matches!(op, Op::Txn { ops }
                if ops.iter().all(|micro| micro.to_string().starts_with("read")))
    }

    /// Few clients, or a low rate, leave no node without a reader, and a reader asks no other node.
    /// What can only be looked at by changing it has none.
    #[test]
    fn every_workload_reads_on_every_node_and_never_waits_there() {
        for (clients, rate) in [(1, Some(3.0)), (6, Some(150.0)), (30, None)] {
            let load = load(clients, rate);
            for workload in ALL {
                let readers: Vec<Lane> =
                    workload.lanes(&load).into_iter().filter(|lane| lane.overlaps).collect();
                let nodes: Vec<NodeId> = readers.iter().map(|lane| lane.node).collect();
                let unreadable = ["queue", "fifo", "delivery", "mutex"].contains(&workload.name());
                let expect = if unreadable { Vec::new() } else { load.nodes.clone() };
                assert_eq!(nodes, expect, "{}", workload.name());
                for mut lane in readers {
                    assert!(!lane.seeks_leader && lane.rate.is_some_and(|rate| rate > 0.0));
                    let mut draw = Draw::new(1, 0, 1);
                    let asked: Vec<Op> = (0..60).map(|_| lane.stream.next(&mut draw)).collect();
                    assert!(asked.iter().all(only_looks), "{}", workload.name());
                    let keys: BTreeSet<&Key> = asked.iter().flat_map(Op::keys).collect();
                    assert!(keys.len() >= 2, "{keys:?}");
                    assert!(keys.iter().all(|key| key.starts_with(workload.prefix())));
                }
            }
        }
    }

    #[test]
    fn a_rate_is_shared_with_the_readers() {
        for (asked, of_readers) in [(9.0, 3.0), (150.0, 50.0), (9_000.0, 150.0)] {
            let lanes = crate::find("register").unwrap().lanes(&load(6, Some(asked)));
            let rate = |reads: bool| -> f64 {
                lanes
                    .iter()
                    .filter(|lane| lane.overlaps == reads)
                    .filter_map(|lane| lane.rate)
                    .sum()
            };
            assert!((rate(true) - of_readers).abs() < 0.001, "{asked}: {}", rate(true));
            assert!((rate(true) + rate(false) - asked).abs() < 0.001, "{asked}");
        }
    }

    #[test]
    fn without_reads_there_are_no_readers() {
        let load = Load { serves: [OpKind::Write].into(), ..load(3, None) };
        assert!(lanes(&load, &["k".into()], 1.0).is_empty());
    }
}
