//! Readers: on every node one client that only reads and never waits, in every workload.
//!
//! A client that does one operation after the other waits for the first write that a cut swallows,
//! and asks nothing more of a node that has just lost its leadership. A reader writes nothing, and
//! goes on while earlier reads are open: so every node is asked during the whole of every fault,
//! and a read that waits in a stopped node was asked after others have been served elsewhere.

use fracas_checker::event::{Key, Op, OpKind};

use crate::{Draw, Lane, Seen, Size, Stream};

/// A reader on every node that reads these registers, `rate` times per second, where the target
/// serves reads.
pub(crate) fn lanes(size: &Size, keys: &[Key], rate: f64) -> Vec<Lane> {
    if keys.is_empty() || !size.serves.contains(&OpKind::Read) {
        return Vec::new();
    }
    let lane = |node| Lane {
        node,
        rate: Some(rate),
        seeks_leader: false,
        overlaps: true,
        stream: Box::new(Reader { keys: keys.to_vec() }),
    };
    size.nodes.iter().copied().map(lane).collect()
}

/// Reads one of its registers after the other, in any order.
struct Reader {
    keys: Vec<Key>,
}

impl Stream for Reader {
    fn next(&mut self, draw: &mut Draw, _seen: &Seen) -> Op {
        let count = u16::try_from(self.keys.len()).unwrap_or(u16::MAX);
        Op::Read { key: self.keys[usize::from(draw.below(count))].clone() }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use fracas_checker::event::NodeId;

    use super::*;
    use crate::ALL;

    fn size(clients: u16, rate: Option<f64>) -> Size {
        let nodes = (1..=3).map(NodeId).collect();
        Size { nodes, clients, rate, keys: 2, serves: OpKind::asked().collect() }
    }

    /// Few clients, or a low rate, leave no node without a reader, and a reader asks no other node.
    #[test]
    fn every_workload_reads_on_every_node_and_never_waits_there() {
        for (clients, rate) in [(1, Some(3.0)), (6, Some(150.0)), (30, None)] {
            let size = size(clients, rate);
            for workload in ALL {
                let readers: Vec<Lane> =
                    workload.lanes(&size).into_iter().filter(|lane| lane.overlaps).collect();
                let nodes: Vec<NodeId> = readers.iter().map(|lane| lane.node).collect();
                assert_eq!(nodes, size.nodes, "{}", workload.name());
                for mut lane in readers {
                    assert!(!lane.seeks_leader && lane.rate.is_some_and(|rate| rate > 0.0));
                    let mut draw = Draw::new(1, 0, 1);
                    let asked: Vec<Op> =
                        (0..60).map(|_| lane.stream.next(&mut draw, &Seen::new())).collect();
                    let keys: BTreeSet<Key> = workload.keys(&size).into_iter().collect();
                    assert!(asked.iter().all(|op| op.kind() == OpKind::Read));
                    assert_eq!(
                        asked.iter().filter_map(|op| op.key().cloned()).collect::<BTreeSet<_>>(),
                        keys
                    );
                }
            }
        }
    }

    #[test]
    fn a_rate_is_shared_with_the_readers() {
        for (asked, of_readers) in [(9.0, 3.0), (150.0, 50.0), (9_000.0, 150.0)] {
            let lanes = crate::find("register").unwrap().lanes(&size(6, Some(asked)));
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
        let size = Size { serves: [OpKind::Write].into(), ..size(3, None) };
        assert!(lanes(&size, &["k".into()], 1.0).is_empty());
    }
}
