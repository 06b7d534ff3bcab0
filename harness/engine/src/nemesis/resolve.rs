//! From a planned act to the very fault that it becomes, as nodes stand by then.

use std::collections::BTreeSet;

use fracas_checker::event::NodeId;
use fracas_checker::fault::{Cut, Fault};
use rand::seq::SliceRandom;

use super::act::{Act, Action, Direction, Victims};
use super::chance::random;
use super::partition;
use super::state::{State, cuts_of, hardest_hit};

/// Settles which nodes `act` means in `state`, or says why it is impossible now.
///
/// # Errors
/// A sentence for the reader of the history: too few nodes for the shape, or nobody left to hit.
pub fn resolve(act: &Act, state: &State) -> Result<Fault, String> {
    let nodes = || hit(act.whom, state, act.draw).and_then(|all| state.untroubled(act, all));
    let links = |ways| links(&nodes()?, ways, state);
    Ok(match act.does {
        Action::Partition { shape } => {
            if let Some(why) = act.contradiction() {
                return Err(why.to_owned());
            }
            let told = told(act.whom, state, act.draw)?;
            let cut = partition::cut(shape, (told, state), &mut random(act.draw))?;
            Fault::Partition { shape, cut }
        }
        Action::Pause => Fault::Pause { nodes: nodes()? },
        Action::Kill { again } => Fault::Kill { nodes: nodes()?, again },
        Action::Power { loss } => Fault::Power { nodes: nodes()?, loss },
        Action::Clock { change } => Fault::Clock { nodes: nodes()?, change },
        Action::Slow { link, ways } => Fault::Slow { pairs: links(ways)?, link },
        Action::Loss { link, ways } => Fault::Lossy { pairs: links(ways)?, link },
        Action::Disk { trouble } => Fault::Disk { nodes: nodes()?, trouble },
        Action::Starve { scarcity } => Fault::Starve { nodes: nodes()?, scarcity },
    })
}

/// The node that a partition is told to cut off from most, whether it is up or not; none if that is
/// left to its shape.
fn told(whom: Victims, state: &State, draw: u64) -> Result<Option<NodeId>, String> {
    match whom {
        Victims::One => Ok(None),
        Victims::Leader => Ok(state.leader),
        Victims::LastLeader => Ok(state.last_leader),
        Victims::HitBy(number) => match state.hit.get(&number).and_then(|hit| hit.first()) {
            Some(node) => Ok(Some(*node)),
            None => Err(format!("act {number} hit nobody")),
        },
        Victims::Node(node) if state.nodes.contains(&node) => Ok(Some(node)),
        _ => hit(whom, state, draw).map(|nodes| nodes.first().copied()),
    }
}

/// The nodes that are up and meant by `whom`, in order.
fn hit(whom: Victims, state: &State, draw: u64) -> Result<Vec<NodeId>, String> {
    let minority = (state.nodes.len() - 1) / 2;
    let mut order = state.nodes.clone();
    order.shuffle(&mut random(draw));
    let mut nodes: Vec<NodeId> = match whom {
        Victims::Leader => vec![state.leader.unwrap_or(order[0])],
        Victims::LastLeader => vec![state.last_leader.unwrap_or(order[0])],
        Victims::Follower => {
            let troubled: BTreeSet<NodeId> = state.faults.iter().flat_map(hardest_hit).collect();
            let up = |node: &&NodeId| Some(**node) != state.leader && !state.down.contains(node);
            let well = order.iter().filter(up).find(|node| !troubled.contains(node));
            vec![*well.or(order.iter().find(up)).unwrap_or(&order[0])]
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
    let shaped = |fault: &&Fault| matches!(fault, Fault::Slow { .. } | Fault::Lossy { .. });
    let taken = state.faults.iter().filter(shaped).flat_map(Fault::pairs);
    let taken: BTreeSet<Cut> = taken.copied().collect();
    let pairs: BTreeSet<Cut> = both.filter(|pair| !taken.contains(pair)).collect();
    if pairs.is_empty() {
        return Err("there is no link that is left alone so far".to_owned());
    }
    Ok(pairs.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use fracas_checker::fault::{Disk, Link, Shape};

    use super::*;

    fn state(nodes: u16, leader: Option<u16>) -> State {
        State {
            nodes: (1..=nodes).map(NodeId).collect(),
            leader: leader.map(NodeId),
            ..State::default()
        }
    }

    fn act(does: Action, whom: Victims) -> Act {
        Act { does, whom, draw: 3 }
    }

    #[track_caller]
    fn check(whom: Victims, state: &State, expect: &[u16]) {
        let fault = resolve(&act(Action::Pause, whom), state);
        let hit = fault.map(|fault| fault.nodes().to_vec()).unwrap_or_default();
        assert_eq!(hit, expect.iter().copied().map(NodeId).collect::<Vec<_>>(), "{whom:?}");
    }

    #[test]
    fn the_nodes_that_are_meant_are_hit() {
        let mut state = state(5, Some(4));
        state.last_leader = Some(NodeId(2));
        state.hit.insert(7, vec![NodeId(1), NodeId(3)]);
        check(Victims::Leader, &state, &[4]);
        check(Victims::LastLeader, &state, &[2]);
        check(Victims::All, &state, &[1, 2, 3, 4, 5]);
        check(Victims::Followers, &state, &[1, 2, 3, 5]);
        check(Victims::HitBy(7), &state, &[1, 3]);
        check(Victims::HitBy(8), &state, &[]);
        check(Victims::Nth(7), &state, &[2]);
        check(Victims::Node(NodeId(5)), &state, &[5]);
        check(Victims::Node(NodeId(6)), &state, &[]);
        state.down = [1, 2, 3].map(NodeId).into();
        check(Victims::Follower, &state, &[5]);
        state.down = [].into();
        let full = |node| Fault::Disk { nodes: vec![NodeId(node)], trouble: Disk::Full };
        state.faults = [1, 2, 3].map(full).into();
        check(Victims::Follower, &state, &[5]);
        state.faults.push(full(5));
        state.down = [1, 2, 3].map(NodeId).into();
        check(Victims::Follower, &state, &[5]);
        check(Victims::Followers, &state, &[5]);
        check(Victims::All, &state, &[4, 5]);
    }

    #[test]
    fn as_many_nodes_are_hit_as_the_word_says() {
        let state = state(5, None);
        for (whom, count) in
            [(Victims::One, 1), (Victims::Minority, 2), (Victims::Majority, 3), (Victims::All, 5)]
        {
            let fault = resolve(&act(Action::Pause, whom), &state).unwrap();
            assert_eq!(fault.down().len(), count, "{whom:?}");
        }
    }

    #[test]
    fn nodes_that_are_down_are_left_alone() {
        let mut state = state(3, None);
        state.down = [1, 2].map(NodeId).into();
        check(Victims::All, &state, &[3]);
        state.down.insert(NodeId(3));
        check(Victims::All, &state, &[]);
    }

    #[test]
    fn the_node_in_the_middle_of_a_bridge_is_cut_least() {
        let mut state = state(3, Some(2));
        let bridge = act(Action::Partition { shape: Shape::Bridge }, Victims::One);
        state.cut = resolve(&bridge, &state).unwrap().cut().iter().copied().collect();
        check(Victims::LeastCut, &state, &[2]);
        state.down.insert(NodeId(2));
        let next = resolve(&act(Action::Pause, Victims::LeastCut), &state).unwrap();
        assert_ne!(next.down(), [NodeId(2)], "a node that is down is not meant");
    }

    #[test]
    fn a_partition_hits_those_hardest_that_it_cuts_off() {
        let hit = |shape| {
            let act = act(Action::Partition { shape }, Victims::One);
            hardest_hit(&resolve(&act, &state(5, Some(4))).unwrap())
        };
        assert_eq!(hit(Shape::IsolateLeader), [NodeId(4)]);
        assert_eq!(hit(Shape::OneWay).len(), 1);
        assert!(hit(Shape::Majority).contains(&NodeId(4)) && hit(Shape::Majority).len() == 2);
        let pause = resolve(&act(Action::Pause, Victims::Nth(3)), &state(5, None)).unwrap();
        assert_eq!(hardest_hit(&pause), [NodeId(3)]);
    }

    #[test]
    fn a_partition_may_be_told_whom_to_cut_off() {
        let mut state = state(5, Some(4));
        state.hit.insert(7, vec![NodeId(2)]);
        let cut_off_by = |shape, whom| {
            let act = act(Action::Partition { shape }, whom);
            resolve(&act, &state).map(|fault| hardest_hit(&fault))
        };
        let cut_off = |whom| cut_off_by(Shape::IsolateLeader, whom);
        assert_eq!(cut_off(Victims::Leader), Ok(vec![NodeId(4)]));
        assert_eq!(cut_off(Victims::HitBy(7)), Ok(vec![NodeId(2)]), "though n4 leads by now");
        assert_eq!(cut_off(Victims::HitBy(8)), Err("act 8 hit nobody".to_owned()));
        assert_eq!(cut_off(Victims::Node(NodeId(1))), Ok(vec![NodeId(1)]));
        assert_eq!(cut_off(Victims::Node(NodeId(6))), Err("n6 is not in this cluster".to_owned()));
        assert!(cut_off(Victims::Follower).unwrap_err().contains("isolates the leader"));
        let alone = |whom| cut_off_by(Shape::IsolateOne, whom);
        assert_eq!(alone(Victims::Leader), Ok(vec![NodeId(4)]));
        assert_eq!(alone(Victims::Nth(3)), Ok(vec![NodeId(3)]));
        assert_ne!(alone(Victims::Follower), Ok(vec![NodeId(4)]));
        assert!(alone(Victims::All).unwrap_err().contains("names one node"));
        let minority = cut_off_by(Shape::Majority, Victims::Follower).unwrap();
        assert!(!minority.contains(&NodeId(4)), "{minority:?}");
    }

    #[test]
    fn links_are_those_between_the_nodes_and_the_others() {
        let pairs = |whom, ways| {
            let slow = Action::Slow { link: Link::default(), ways };
            let fault = resolve(&act(slow, whom), &state(3, Some(1))).unwrap();
            fault.pairs().iter().map(|(a, b)| (a.0, b.0)).collect::<Vec<_>>()
        };
        assert_eq!(pairs(Victims::Leader, Direction::From), [(1, 2), (1, 3)]);
        assert_eq!(pairs(Victims::Leader, Direction::To), [(2, 1), (3, 1)]);
        assert_eq!(pairs(Victims::Leader, Direction::Both).len(), 4);
        assert_eq!(pairs(Victims::All, Direction::Both).len(), 6);
    }
}
