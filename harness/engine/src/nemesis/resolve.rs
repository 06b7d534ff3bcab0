//! From a planned act to the very fault that it becomes, as nodes stand by then.

use crate::faults::{Fault, State};

use super::act::Act;

/// Settles which nodes `act` means in `state`, or says why it is impossible now.
///
/// # Errors
/// A sentence for the reader of the history: too few nodes for the shape, or nobody left to hit.
pub fn resolve(act: &Act, state: &State) -> Result<Fault, String> {
    Fault::of(act.does, (act.whom, act.draw), state)
}

#[cfg(test)]
mod tests {
    use fracas_checker::event::NodeId;
    use fracas_checker::fault::Link;

    use super::*;
    use crate::faults::partition::Partition;
    use crate::faults::pause::Pause;
    use crate::faults::slow::Slow;
    use crate::faults::{Action, Direction, On, Shape, Victims};

    fn state(nodes: u16, leader: Option<u16>) -> State {
        State {
            nodes: (1..=nodes).map(NodeId).collect(),
            leader: leader.map(NodeId),
            ..State::default()
        }
    }

    fn act(does: Action, victims: Victims) -> Act {
        Act { does, whom: victims, draw: 3 }
    }

    #[track_caller]
    fn check(victims: Victims, state: &State, expect: &[u16]) {
        let fault = resolve(&act(Action::Pause(Pause::WHOLE), victims), state);
        let hit = fault.map(|fault| fault.nodes().to_vec()).unwrap_or_default();
        assert_eq!(hit, expect.iter().copied().map(NodeId).collect::<Vec<_>>(), "{victims:?}");
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
        let full = |node| ("disk", On::Nodes(vec![NodeId(node)]));
        state.faults = [1, 2, 3].map(full).into();
        check(Victims::Follower, &state, &[5]);
        state.faults.push(full(5));
        state.down = [1, 2, 3].map(NodeId).into();
        check(Victims::Follower, &state, &[5]);
        check(Victims::Followers, &state, &[5]);
        check(Victims::All, &state, &[4, 5]);
    }

    #[test]
    fn followers_take_turns() {
        let mut state = state(4, Some(2));
        for (act, others) in [(1, 3), (2, 2), (3, 1)] {
            let fault = resolve(&act_of(Victims::FollowerInTurn), &state).unwrap();
            let hit = fault.nodes().to_vec();
            assert!(hit != [NodeId(2)], "the leader is none");
            state.hit.insert(act, hit);
            let had: std::collections::BTreeSet<_> = state.hit.values().flatten().collect();
            assert_eq!(had.len(), 4 - others, "each in its turn: {had:?}");
        }
        let first = state.hit[&1].clone();
        let fourth = resolve(&act_of(Victims::FollowerInTurn), &state).unwrap();
        assert_eq!(fourth.nodes(), first, "the one that was hit longest ago");
        state.down.extend(first);
        let fifth = resolve(&act_of(Victims::FollowerInTurn), &state).unwrap();
        assert_eq!(fifth.nodes(), state.hit[&2], "what is down is not meant");
    }

    fn act_of(victims: Victims) -> Act {
        act(Action::Pause(Pause::WHOLE), victims)
    }

    #[test]
    fn as_many_nodes_are_hit_as_the_word_says() {
        let state = state(5, None);
        for (victims, count) in
            [(Victims::One, 1), (Victims::Minority, 2), (Victims::Majority, 3), (Victims::All, 5)]
        {
            let fault = resolve(&act(Action::Pause(Pause::WHOLE), victims), &state).unwrap();
            assert_eq!(fault.nodes().len(), count, "{victims:?}");
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
        let bridge = act(Action::Partition(Partition { shape: Shape::Bridge }), Victims::One);
        state.cut = resolve(&bridge, &state).unwrap().pairs().iter().copied().collect();
        check(Victims::LeastCut, &state, &[2]);
        state.down.insert(NodeId(2));
        let next = resolve(&act(Action::Pause(Pause::WHOLE), Victims::LeastCut), &state).unwrap();
        assert_ne!(next.nodes(), [NodeId(2)], "a node that is down is not meant");
    }

    #[test]
    fn a_partition_hits_those_hardest_that_it_cuts_off() {
        let hit = |shape| {
            let act = act(Action::Partition(Partition { shape }), Victims::One);
            resolve(&act, &state(5, Some(4))).unwrap().hardest_hit()
        };
        assert_eq!(hit(Shape::IsolateLeader), [NodeId(4)]);
        assert_eq!(hit(Shape::OneWay).len(), 1);
        assert!(hit(Shape::Majority).contains(&NodeId(4)) && hit(Shape::Majority).len() == 2);
        let pause =
            resolve(&act(Action::Pause(Pause::WHOLE), Victims::Nth(3)), &state(5, None)).unwrap();
        assert_eq!(pause.hardest_hit(), [NodeId(3)]);
    }

    #[test]
    fn a_partition_may_be_told_whom_to_cut_off() {
        let mut state = state(5, Some(4));
        state.hit.insert(7, vec![NodeId(2)]);
        let cut_off_by = |shape, victims| {
            let act = act(Action::Partition(Partition { shape }), victims);
            resolve(&act, &state).map(|fault| fault.hardest_hit())
        };
        let cut_off = |victims| cut_off_by(Shape::IsolateLeader, victims);
        assert_eq!(cut_off(Victims::Leader), Ok(vec![NodeId(4)]));
        assert_eq!(cut_off(Victims::HitBy(7)), Ok(vec![NodeId(2)]), "though n4 leads by now");
        assert_eq!(cut_off(Victims::HitBy(8)), Err("act 8 hit nobody".to_owned()));
        assert_eq!(cut_off(Victims::Node(NodeId(1))), Ok(vec![NodeId(1)]));
        assert_eq!(cut_off(Victims::Node(NodeId(6))), Err("n6 is not in this cluster".to_owned()));
        assert!(cut_off(Victims::Follower).unwrap_err().contains("isolates the leader"));
        let alone = |victims| cut_off_by(Shape::IsolateOne, victims);
        assert_eq!(alone(Victims::Leader), Ok(vec![NodeId(4)]));
        assert_eq!(alone(Victims::Nth(3)), Ok(vec![NodeId(3)]));
        assert_ne!(alone(Victims::Follower), Ok(vec![NodeId(4)]));
        assert!(alone(Victims::All).unwrap_err().contains("names one node"));
        let minority = cut_off_by(Shape::Majority, Victims::Follower).unwrap();
        assert!(!minority.contains(&NodeId(4)), "{minority:?}");
    }

    #[test]
    fn links_are_those_between_the_nodes_and_the_others() {
        let pairs = |victims, ways| {
            let slow = Action::Slow(Slow { link: Link::default(), ways });
            let fault = resolve(&act(slow, victims), &state(3, Some(1))).unwrap();
            fault.pairs().iter().map(|(a, b)| (a.0, b.0)).collect::<Vec<_>>()
        };
        assert_eq!(pairs(Victims::Leader, Direction::From), [(1, 2), (1, 3)]);
        assert_eq!(pairs(Victims::Leader, Direction::To), [(2, 1), (3, 1)]);
        assert_eq!(pairs(Victims::Leader, Direction::Both).len(), 4);
        assert_eq!(pairs(Victims::All, Direction::Both).len(), 6);
    }
}
