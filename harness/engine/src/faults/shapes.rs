//! The shapes of partitions: which directions each of them cuts.

use std::fmt;

use fracas_checker::event::NodeId;
use fracas_checker::fault::Cut;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::chance::below;
use super::state::{State, cuts_of};

/// The name of a partition's shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shape {
    /// Two groups as equal as can be.
    Halves,
    /// A smallest majority and the rest, the leader among the rest.
    Majority,
    /// One random node against all others.
    IsolateOne,
    /// The leader against all others.
    IsolateLeader,
    /// Every node sees a majority, and no two see the same one.
    MajoritiesRing,
    /// Two groups that meet in one node only, the leader where one is known.
    Bridge,
    /// One node is heard by none, though it hears all (or the reverse); every second time the leader.
    OneWay,
    /// Every node is alone.
    Scatter,
}

impl Shape {
    /// All shapes, in the order in which lists show them.
    pub const ALL: [Self; 8] = [
        Self::Halves,
        Self::Majority,
        Self::IsolateOne,
        Self::IsolateLeader,
        Self::MajoritiesRing,
        Self::Bridge,
        Self::OneWay,
        Self::Scatter,
    ];

    /// The word used on the command line, in histories and in reports.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Halves => "halves",
            Self::Majority => "majority",
            Self::IsolateOne => "isolate-one",
            Self::IsolateLeader => "isolate-leader",
            Self::MajoritiesRing => "majorities-ring",
            Self::Bridge => "bridge",
            Self::OneWay => "one-way",
            Self::Scatter => "scatter",
        }
    }

    /// What it cuts, in one line.
    #[must_use]
    pub fn about(self) -> &'static str {
        match self {
            Self::Halves => "two groups as equal as can be",
            Self::Majority => "a smallest majority against the rest, the leader among the rest",
            Self::IsolateOne => "one node against all others",
            Self::IsolateLeader => "the leader against all others",
            Self::MajoritiesRing => "every node sees a majority, and no two see the same one",
            Self::Bridge => "two groups that meet in one node only",
            Self::OneWay => "one node is heard by none though it hears all, or the reverse",
            Self::Scatter => "no two nodes can talk with each other",
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// The directions that `shape` cuts in `state`, in order. The node that it is told, if any, is the
/// one that it cuts off from most.
pub(super) fn cut(
    shape: Shape,
    (told, state): (Option<NodeId>, &State),
    random: &mut ChaCha8Rng,
) -> Result<Vec<Cut>, String> {
    let needed = smallest(shape);
    let count = state.nodes.len();
    if count < needed {
        return Err(format!("a {shape} partition needs {needed} nodes, the cluster has {count}"));
    }
    let mut order = state.nodes.clone();
    order.shuffle(random);
    let leader = told.or(state.leader);
    let mut cut = match shape {
        Shape::Halves => between(&order[..count / 2], &order[count / 2..]),
        Shape::Majority => {
            // Beside a follower that is told there are other followers.
            last(&mut order, state.leader);
            first(&mut order, leader);
            let minority = (count - 1) / 2;
            between(&order[..minority], &order[minority..])
        }
        Shape::IsolateOne => {
            // Where partitions are in effect they are deepened: of the nodes that they cut and
            // that are up, the one that still sees most is isolated.
            let cuts = |place: &usize| cuts_of(&state.cut, order[*place]);
            let up = (0..count).filter(|place| !state.down.contains(&order[*place]));
            let touched = up.filter(|place| cuts(place) > 0).min_by_key(cuts);
            order.swap(0, touched.unwrap_or(0));
            first(&mut order, told);
            between(&order[..1], &order[1..])
        }
        Shape::IsolateLeader => {
            first(&mut order, leader);
            between(&order[..1], &order[1..])
        }
        Shape::MajoritiesRing => ring(&order),
        Shape::Bridge => {
            first(&mut order, leader);
            let middle = 1 + (count - 1) / 2;
            between(&order[1..middle], &order[middle..])
        }
        Shape::OneWay => {
            if below(random, 2) == 0 {
                first(&mut order, state.leader);
            }
            first(&mut order, told);
            let deaf = below(random, 2) == 0;
            order[1..]
                .iter()
                .map(|other| if deaf { (*other, order[0]) } else { (order[0], *other) })
                .collect()
        }
        Shape::Scatter => order
            .iter()
            .flat_map(|a| order.iter().filter(move |b| a != *b).map(move |b| (*a, *b)))
            .collect(),
    };
    cut.sort_unstable();
    Ok(cut)
}

/// How many nodes a shape needs to cut anything the way its name says.
pub(super) fn smallest(shape: Shape) -> usize {
    match shape {
        Shape::MajoritiesRing => 4,
        Shape::Majority | Shape::Bridge | Shape::Scatter => 3,
        Shape::Halves | Shape::IsolateOne | Shape::IsolateLeader | Shape::OneWay => 2,
    }
}

/// Puts a node first, where one is given: the first node is the one a shape hits hardest.
fn first(order: &mut [NodeId], node: Option<NodeId>) {
    if let Some(place) = order.iter().position(|other| Some(*other) == node) {
        order.swap(0, place);
    }
}

/// Puts a node last, where one is given.
fn last(order: &mut [NodeId], node: Option<NodeId>) {
    if let Some(place) = order.iter().position(|other| Some(*other) == node) {
        order.swap(order.len() - 1, place);
    }
}

/// Both directions between every node of one group and every node of the other.
fn between(left: &[NodeId], right: &[NodeId]) -> Vec<Cut> {
    left.iter().flat_map(|a| right.iter().flat_map(move |b| [(*a, *b), (*b, *a)])).collect()
}

/// Nodes on a ring see the neighbours that make up a majority with them, and nobody else.
fn ring(order: &[NodeId]) -> Vec<Cut> {
    let count = order.len();
    let reach = (count / 2).div_ceil(2);
    let apart = |a: usize, b: usize| a.abs_diff(b).min(count - a.abs_diff(b));
    let pairs = (0..count).flat_map(|a| (0..count).map(move |b| (a, b)));
    pairs.filter(|(a, b)| apart(*a, *b) > reach).map(|(a, b)| (order[a], order[b])).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rand::SeedableRng;

    use super::*;

    fn draw(shape: Shape, nodes: u16, seed: u64) -> BTreeSet<Cut> {
        let nodes = (1..=nodes).map(NodeId).collect();
        let state = State { nodes, leader: Some(NodeId(2)), ..State::default() };
        cut(shape, (None, &state), &mut ChaCha8Rng::seed_from_u64(seed))
            .unwrap()
            .into_iter()
            .collect()
    }

    /// The nodes that `node` can talk with in both directions, itself included.
    fn sees(cut: &BTreeSet<Cut>, nodes: u16, node: NodeId) -> BTreeSet<NodeId> {
        let open = |other| !cut.contains(&(node, other)) && !cut.contains(&(other, node));
        (1..=nodes).map(NodeId).filter(|other| open(*other)).collect()
    }

    #[track_caller]
    fn group_sizes(shape: Shape, nodes: u16, expected: &[usize]) {
        for seed in 0..50 {
            let cut = draw(shape, nodes, seed);
            let mut sizes: Vec<usize> =
                (1..=nodes).map(|node| sees(&cut, nodes, NodeId(node)).len()).collect();
            sizes.sort_unstable();
            assert_eq!(sizes, expected, "{shape} of {nodes}, seed {seed}");
        }
    }

    #[test]
    fn groups_are_as_large_as_their_names_say() {
        group_sizes(Shape::Halves, 4, &[2, 2, 2, 2]);
        group_sizes(Shape::Halves, 5, &[2, 2, 3, 3, 3]);
        group_sizes(Shape::Majority, 5, &[2, 2, 3, 3, 3]);
        group_sizes(Shape::Majority, 4, &[1, 3, 3, 3]);
        group_sizes(Shape::IsolateOne, 5, &[1, 4, 4, 4, 4]);
        group_sizes(Shape::IsolateLeader, 3, &[1, 2, 2]);
        group_sizes(Shape::Scatter, 4, &[1, 1, 1, 1]);
    }

    #[test]
    fn the_leader_is_alone_or_in_the_minority() {
        for seed in 0..50 {
            assert_eq!(sees(&draw(Shape::IsolateLeader, 5, seed), 5, NodeId(2)).len(), 1);
            assert_eq!(sees(&draw(Shape::Majority, 5, seed), 5, NodeId(2)).len(), 2);
        }
    }

    #[test]
    fn on_a_ring_all_see_a_majority_and_no_two_the_same() {
        for nodes in 4..=9 {
            let cut = draw(Shape::MajoritiesRing, nodes, 5);
            let views: BTreeSet<_> = (1..=nodes).map(|n| sees(&cut, nodes, NodeId(n))).collect();
            assert_eq!(views.len(), usize::from(nodes), "{nodes} nodes");
            assert!(views.iter().all(|view| view.len() > usize::from(nodes) / 2), "{nodes} nodes");
        }
    }

    #[test]
    fn a_bridge_leaves_the_leader_in_touch_with_both_sides() {
        let cut = draw(Shape::Bridge, 5, 1);
        let mut sizes: Vec<usize> = (1..=5).map(|n| sees(&cut, 5, NodeId(n)).len()).collect();
        assert_eq!(sizes[1], 5);
        sizes.sort_unstable();
        assert_eq!(sizes, [3, 3, 3, 3, 5]);
    }

    #[test]
    fn one_way_cuts_never_cut_both_ways() {
        let mut kinds = BTreeSet::new();
        for seed in 0..50 {
            let cut = draw(Shape::OneWay, 5, seed);
            assert_eq!(cut.len(), 4);
            assert!(cut.iter().all(|(from, to)| !cut.contains(&(*to, *from))));
            kinds.insert(cut.iter().map(|(from, _)| from).collect::<BTreeSet<_>>().len());
        }
        assert_eq!(kinds, BTreeSet::from([1, 4]), "both deaf and mute nodes are drawn");
    }

    #[test]
    fn isolation_deepens_a_partition_around_a_node_that_is_up() {
        let nodes = vec![NodeId(1), NodeId(2), NodeId(3)];
        let leader = Some(NodeId(2));
        let mut state = State { nodes, leader, ..State::default() };
        for seed in 0..20 {
            let mut random = ChaCha8Rng::seed_from_u64(seed);
            state.cut = draw(Shape::Bridge, 3, seed);
            state.down = BTreeSet::from([NodeId(2)]);
            let first: BTreeSet<Cut> =
                cut(Shape::IsolateOne, (None, &state), &mut random).unwrap().into_iter().collect();
            let sizes = |cut: &BTreeSet<Cut>| -> Vec<usize> {
                (1..=3).map(|node| cuts_of(cut, NodeId(node))).collect()
            };
            assert_eq!(sizes(&first)[1], 2, "not the one in the middle: {first:?}");
            state.cut.extend(&first);
            let second: BTreeSet<Cut> =
                cut(Shape::IsolateOne, (None, &state), &mut random).unwrap().into_iter().collect();
            assert_eq!(sizes(&second)[1], 2, "nor then: {second:?}");
            assert_ne!(first, second, "but the other side");
        }
    }

    #[test]
    fn too_few_nodes_are_refused() {
        let state = State { nodes: vec![NodeId(1), NodeId(2), NodeId(3)], ..State::default() };
        let refused = cut(Shape::MajoritiesRing, (None, &state), &mut ChaCha8Rng::seed_from_u64(1));
        assert!(refused.unwrap_err().contains("needs 4 nodes"));
    }
}
