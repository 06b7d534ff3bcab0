//! When a start is over: the cluster has a leader.
//!
//! It deliberately does not wait: how often to ask, and when to give up, is the harness's choice.

use std::collections::BTreeMap;
use std::time::Duration;

use fracas_checker::NodeId;
use fracas_checker::observation::Role;

use crate::sighting::Sighting;

/// All nodes together must have come to an [`agreed_leader`] before clients start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClusterReady {
    /// How long that may take, from the start of the last node.
    pub within: Duration,
}

/// The one node that says it leads, if a majority of `nodes` nodes (itself included) names it or,
/// naming nobody, follows.
///
/// Two nodes that both say so are an agreement on neither.
#[must_use]
pub fn agreed_leader(nodes: usize, seen: &BTreeMap<NodeId, Sighting>) -> Option<NodeId> {
    let mut leaders = seen.iter().filter(|(_, sighting)| sighting.role == Some(Role::Leader));
    let (leader, _) = leaders.next()?;
    if leaders.next().is_some() {
        return None;
    }
    let agrees = |(node, sighting): &(&NodeId, &Sighting)| match sighting.leader {
        Some(named) => named == *leader,
        None => *node == leader || sighting.role == Some(Role::Follower),
    };
    (seen.iter().filter(agrees).count() > nodes / 2).then_some(*leader)
}

#[cfg(test)]
mod tests {
    use super::*;
    use fracas_checker::observation::{Grade, Source};

    /// `L` leads, `F` follows, `C` is a candidate; a digit names the node it takes for the leader.
    fn seen(answers: &[&str]) -> BTreeMap<NodeId, Sighting> {
        let sighting = |text: &str| Sighting {
            group: None,
            grade: Grade::Claim,
            source: Source::Poll,
            node: None,
            role: text.chars().find_map(|letter| match letter {
                'L' => Some(Role::Leader),
                'F' => Some(Role::Follower),
                'C' => Some(Role::Candidate),
                _ => None,
            }),
            generation: None,
            leader: text.chars().find_map(|letter| letter.to_digit(10)).map(|n| NodeId(n as u16)),
            applied: None,
            voted: None,
            text: String::new(),
        };
        (1..).map(NodeId).zip(answers.iter().map(|text| sighting(text))).collect()
    }

    #[test]
    fn a_majority_must_agree() {
        for (nodes, answers, expected) in [
            (3, &["L1", "F1", "F1"][..], Some(1)),
            (3, &["F2", "L2"], Some(2)),
            (3, &["L", "F", "F"], Some(1)),
            (3, &["L", "C", ""], None),
            (3, &["L1", "F2", "F2"], None),
            (3, &["L1", "L2", "F1"], None),
            (3, &["F1", "F1", "F1"], None),
            (5, &["L1", "F1"], None),
            (5, &["L1", "F1", "F1"], Some(1)),
            (1, &["L"], Some(1)),
            (3, &[], None),
        ] {
            assert_eq!(agreed_leader(nodes, &seen(answers)), expected.map(NodeId), "{answers:?}");
        }
    }
}
