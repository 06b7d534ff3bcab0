//! Choosing faults: pure, seeded, and ignorant of how a fault is brought about.
//!
//! A [`Plan`] is drawn before the run from the seed alone: what, when and for how long. Which
//! nodes an act means (“the leader”) is settled when its time comes, by [`resolve`], a pure
//! function of the act and the state of that moment. Doing it is the job of [`crate::actor`].

mod aims;
mod partition;
mod plan;

use std::collections::BTreeSet;

use fracas_checker::event::NodeId;
use fracas_checker::fault::{Cut, Fault, FaultKind, Shape};
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

pub use aims::{AIMS, Aim};
pub use plan::{Config, Nemesis, Plan, Planned, SCHEMA};

/// Which nodes an act means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Whom {
    /// The node last seen leading; a random one while none is known.
    Leader,
    /// One random node.
    One,
    /// Random nodes, as many as the cluster can miss.
    Minority,
    /// Random nodes, one more than the cluster can miss.
    Majority,
    /// Every node.
    All,
    /// Of the nodes that are up, the one that partitions in effect cut off from the fewest.
    LeastCut,
}

/// One act of the nemesis, before it is known which nodes it will hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Act {
    /// Drop packets between nodes.
    Partition {
        /// How the cut is drawn.
        shape: Shape,
        /// Settles what is left to chance.
        draw: u64,
    },
    /// Stop all processes of some nodes, and continue them at the end.
    Pause {
        /// Which nodes.
        whom: Whom,
        /// Settles what is left to chance.
        draw: u64,
    },
    /// Kill all processes of some nodes, and start them again at the end.
    Kill {
        /// Which nodes.
        whom: Whom,
        /// Settles what is left to chance.
        draw: u64,
    },
}

impl Act {
    /// The kind of fault that it becomes.
    #[must_use]
    pub fn kind(&self) -> FaultKind {
        match self {
            Self::Partition { .. } => FaultKind::Partition,
            Self::Pause { .. } => FaultKind::Pause,
            Self::Kill { .. } => FaultKind::Kill,
        }
    }

    /// Whether it is meant for the leader.
    #[must_use]
    pub fn aims_at_leader(&self) -> bool {
        match self {
            Self::Partition { shape, .. } => {
                matches!(shape, Shape::IsolateLeader | Shape::Majority)
            }
            Self::Pause { whom, .. } | Self::Kill { whom, .. } => *whom == Whom::Leader,
        }
    }
}

/// What is known of the cluster when an act's time comes.
#[derive(Debug, Clone, Default)]
pub struct State {
    /// All nodes.
    pub nodes: Vec<NodeId>,
    /// The node last seen leading.
    pub leader: Option<NodeId>,
    /// The directions that are cut already.
    pub cut: BTreeSet<Cut>,
    /// The nodes that are paused or killed already.
    pub down: BTreeSet<NodeId>,
}

/// Settles which nodes `act` means in `state`, or says why it is impossible now.
///
/// # Errors
/// A sentence for the reader of the history: too few nodes for the shape, or nobody left to hit.
pub fn resolve(act: &Act, state: &State) -> Result<Fault, String> {
    match act {
        Act::Partition { shape, draw } => {
            let cut = partition::cut(*shape, state, &mut random(*draw))?;
            Ok(Fault::Partition { shape: *shape, cut })
        }
        Act::Pause { whom, draw } => Ok(Fault::Pause { nodes: hit(*whom, state, *draw)? }),
        Act::Kill { whom, draw } => Ok(Fault::Kill { nodes: hit(*whom, state, *draw)? }),
    }
}

/// The nodes that are up and meant by `whom`, in order.
fn hit(whom: Whom, state: &State, draw: u64) -> Result<Vec<NodeId>, String> {
    let minority = (state.nodes.len() - 1) / 2;
    let mut order = state.nodes.clone();
    order.shuffle(&mut random(draw));
    let mut nodes: Vec<NodeId> = match whom {
        Whom::Leader => vec![state.leader.unwrap_or(order[0])],
        Whom::One => order[..1].to_vec(),
        Whom::Minority => order[..minority.max(1)].to_vec(),
        Whom::Majority => order[..minority + 1].to_vec(),
        Whom::All => order,
        Whom::LeastCut => {
            let up = order.into_iter().filter(|node| !state.down.contains(node));
            up.min_by_key(|node| cuts_of(&state.cut, *node)).into_iter().collect()
        }
    };
    nodes.retain(|node| !state.down.contains(node));
    nodes.sort();
    if nodes.is_empty() {
        Err("all nodes that it means are down already".to_owned())
    } else {
        Ok(nodes)
    }
}

/// How many directions from or to `node` are cut.
fn cuts_of(cut: &BTreeSet<Cut>, node: NodeId) -> usize {
    cut.iter().filter(|(from, to)| *from == node || *to == node).count()
}

/// The generator that settles what an act leaves to chance.
fn random(draw: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(draw)
}

/// A number below `bound`, which must not be 0.
fn below(random: &mut ChaCha8Rng, bound: usize) -> usize {
    random.random_range(0..bound)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(nodes: u16, leader: Option<u16>) -> State {
        State {
            nodes: (1..=nodes).map(NodeId).collect(),
            leader: leader.map(NodeId),
            ..State::default()
        }
    }

    #[test]
    fn the_leader_is_hit_where_it_is_known() {
        let act = Act::Pause { whom: Whom::Leader, draw: 1 };
        let fault = resolve(&act, &state(5, Some(4))).unwrap();
        assert_eq!(fault, Fault::Pause { nodes: vec![NodeId(4)] });
        assert!(resolve(&act, &state(5, None)).is_ok());
    }

    #[test]
    fn as_many_nodes_are_hit_as_the_word_says() {
        for (whom, count) in
            [(Whom::One, 1), (Whom::Minority, 2), (Whom::Majority, 3), (Whom::All, 5)]
        {
            let fault = resolve(&Act::Kill { whom, draw: 3 }, &state(5, None)).unwrap();
            assert_eq!(fault.down().len(), count, "{whom:?}");
        }
    }

    #[test]
    fn nodes_that_are_down_are_left_alone() {
        let mut state = state(3, None);
        state.down = BTreeSet::from([NodeId(1), NodeId(2)]);
        let fault = resolve(&Act::Kill { whom: Whom::All, draw: 3 }, &state).unwrap();
        assert_eq!(fault.down(), [NodeId(3)]);
        state.down.insert(NodeId(3));
        assert!(resolve(&Act::Kill { whom: Whom::All, draw: 3 }, &state).is_err());
    }

    #[test]
    fn the_node_in_the_middle_of_a_bridge_is_cut_least() {
        let mut state = state(3, Some(2));
        let bridge = Act::Partition { shape: Shape::Bridge, draw: 9 };
        let Fault::Partition { cut, .. } = resolve(&bridge, &state).unwrap() else { panic!() };
        state.cut = cut.into_iter().collect();
        let fault = resolve(&Act::Kill { whom: Whom::LeastCut, draw: 0 }, &state).unwrap();
        assert_eq!(fault.down(), [NodeId(2)]);
        state.down.insert(NodeId(2));
        let next = resolve(&Act::Kill { whom: Whom::LeastCut, draw: 0 }, &state).unwrap();
        assert_ne!(next.down(), [NodeId(2)], "a node that is down is not meant");
    }
}
