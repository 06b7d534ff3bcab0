//! From what an act means to the very nodes and links, as the cluster stands by then.

use std::collections::BTreeSet;

use fracas_checker::event::NodeId;
use fracas_checker::fault::Cut;
use rand::seq::SliceRandom;

use super::chance::random;
use super::on::On;
use super::state::{State, cuts_of};
use super::victims::{Direction, Victims};

/// Whom an act means, and what settles it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Meant {
    /// The word of its kind.
    pub(super) kind: &'static str,
    /// Whom it means.
    pub(super) victims: Victims,
    /// Settles what is left to chance.
    pub(super) draw: u64,
}

impl Meant {
    /// The nodes that it means and that no fault of its kind is in effect on.
    pub(super) fn nodes(self, state: &State) -> Result<Vec<NodeId>, String> {
        hit(self.victims, state, self.draw).and_then(|all| state.untroubled(self.kind, all))
    }

    /// The links of these nodes.
    pub(super) fn links(self, ways: Direction, state: &State) -> Result<Vec<Cut>, String> {
        links(&self.nodes(state)?, ways, state)
    }

    /// The node that a partition is told to cut off from most, whether it is up or not; none if that
    /// is left to its shape.
    pub(super) fn told(self, state: &State) -> Result<Option<NodeId>, String> {
        match self.victims {
            Victims::One => Ok(None),
            Victims::Leader => Ok(state.leader),
            Victims::LastLeader => Ok(state.last_leader),
            Victims::HitBy(number) => match state.hit.get(&number).and_then(|hit| hit.first()) {
                Some(node) => Ok(Some(*node)),
                None => Err(format!("act {number} hit nobody")),
            },
            Victims::Node(node) if state.nodes.contains(&node) => Ok(Some(node)),
            victims => hit(victims, state, self.draw).map(|nodes| nodes.first().copied()),
        }
    }
}

/// The nodes that are up and meant by `victims`, in order.
fn hit(victims: Victims, state: &State, draw: u64) -> Result<Vec<NodeId>, String> {
    let minority = (state.nodes.len() - 1) / 2;
    let mut order = state.nodes.clone();
    order.shuffle(&mut random(draw));
    let mut nodes: Vec<NodeId> = match victims {
        Victims::Leader => vec![state.leader.unwrap_or(order[0])],
        Victims::LastLeader => vec![state.last_leader.unwrap_or(order[0])],
        Victims::Follower => {
            let hardest = state.faults.iter().flat_map(|(_, on)| on.hardest_hit());
            let troubled: BTreeSet<NodeId> = hardest.collect();
            let up = |node: &&NodeId| Some(**node) != state.leader && !state.down.contains(node);
            let well = order.iter().filter(up).find(|node| !troubled.contains(node));
            vec![*well.or(order.iter().find(up)).unwrap_or(&order[0])]
        }
        Victims::FollowerInTurn => {
            let up = |node: &NodeId| Some(*node) != state.leader && !state.down.contains(node);
            let up = order.into_iter().filter(up);
            up.min_by_key(|node| state.last_hit(*node)).into_iter().collect()
        }
        Victims::Followers => {
            let leader = state.leader.unwrap_or(order[0]);
            order.into_iter().filter(|node| *node != leader).collect()
        }
        Victims::One => order[..1].to_vec(),
        Victims::Minority => order[..minority.max(1)].to_vec(),
        Victims::Majority => order[..minority + 1].to_vec(),
        Victims::All => order,
        Victims::LeastCut => {
            let up = order.into_iter().filter(|node| !state.down.contains(node));
            up.min_by_key(|node| cuts_of(&state.cut, *node)).into_iter().collect()
        }
        Victims::HitBy(number) => state.hit.get(&number).cloned().unwrap_or_default(),
        Victims::Nth(place) => {
            let place = (place.max(1) - 1) as usize % state.nodes.len();
            vec![state.nodes[place]]
        }
        Victims::Node(node) if state.nodes.contains(&node) => vec![node],
        Victims::Node(node) => return Err(format!("{node} is not in this cluster")),
    };
    nodes.retain(|node| !state.down.contains(node));
    nodes.sort();
    if nodes.is_empty() {
        Err("there are no nodes that it means, or all of them are down already".to_owned())
    } else {
        Ok(nodes)
    }
}

/// The links between `nodes` and all others; between the nodes themselves where there are none.
fn links(nodes: &[NodeId], ways: Direction, state: &State) -> Result<Vec<Cut>, String> {
    let others: Vec<NodeId> =
        state.nodes.iter().filter(|node| !nodes.contains(node)).copied().collect();
    let others = if others.is_empty() { nodes.to_vec() } else { others };
    let pairs = nodes.iter().flat_map(|a| others.iter().map(move |b| (*a, *b)));
    let both = pairs.filter(|(a, b)| a != b).flat_map(|(a, b)| match ways {
        Direction::Both => vec![(a, b), (b, a)],
        Direction::From => vec![(a, b)],
        Direction::To => vec![(b, a)],
    });
    let taken = state.faults.iter().filter(|(_, on)| matches!(on, On::Pairs(_)));
    let taken: BTreeSet<Cut> = taken.flat_map(|(_, on)| on.pairs()).copied().collect();
    let pairs: BTreeSet<Cut> = both.filter(|pair| !taken.contains(pair)).collect();
    if pairs.is_empty() {
        return Err("there is no link that is left alone so far".to_owned());
    }
    Ok(pairs.into_iter().collect())
}
