//! Clients of a workload whose load the user chooses: where they sit, whom they ask, how fast.
//! What they ask is not decided here.

use crate::{Lane, Load, Stream};

/// A lane for each client, beside readers where there are any; `stream` makes what the client of
/// this number asks.
///
/// Of the first clients of two neighbouring nodes one asks its own node, whatever its role, and the
/// other seeks the leader; of the second ones it is the other way round, and so on.
pub(crate) fn lanes(
    load: &Load,
    readers: bool,
    stream: impl Fn(u16) -> Box<dyn Stream>,
) -> Vec<Lane> {
    let nodes = load.nodes.len().max(1);
    let rate = if readers { load.rate_of_clients() } else { load.rate_without_readers() };
    let lane = |client: u16| {
        let (place, round) = (usize::from(client) % nodes, usize::from(client) / nodes);
        Lane {
            node: load.nodes[place],
            rate,
            seeks_leader: (place + round).is_multiple_of(2),
            overlaps: false,
            stream: stream(client),
        }
    };
    (0..load.clients).map(lane).collect()
}

#[cfg(test)]
mod tests {
    use fracas_checker::event::{NodeId, Op};

    use super::*;
    use crate::Draw;

    struct Nothing;

    impl Stream for Nothing {
        fn next(&mut self, _: &mut Draw) -> Op {
            Op::Read { key: "k".into() }
        }
    }

    /// Few clients, or many: about half of them seek the leader, and each node has both kinds.
    #[test]
    fn half_of_the_clients_seek_the_leader() {
        for (nodes, clients, seek) in [(5, 5, 3), (3, 3, 2), (5, 10, 5), (3, 6, 3)] {
            let nodes: Vec<NodeId> = (1..=nodes).map(NodeId).collect();
            let load = Load { nodes, clients, rate: None, keys: 1, serves: [].into() };
            let lanes = lanes(&load, true, |_| Box::new(Nothing));
            assert_eq!(lanes.iter().filter(|lane| lane.seeks_leader).count(), seek);
            for node in &load.nodes {
                let own = lanes.iter().filter(|lane| lane.node == *node);
                let seek = own.clone().filter(|lane| lane.seeks_leader).count();
                assert!(own.count() == 1 || seek == 1, "{node}");
            }
        }
    }
}
