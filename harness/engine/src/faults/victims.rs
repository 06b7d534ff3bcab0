//! Which nodes an act means, before it is known which they are.

use std::fmt;

use fracas_checker::event::NodeId;
use serde::{Deserialize, Serialize};

/// Which nodes an act means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Victims {
    /// The node last seen leading; a random one while none is known.
    Leader,
    /// The node that led before the present leader; a random one while none is known.
    LastLeader,
    /// A random node that was not seen leading, rather one that no fault in effect hits.
    Follower,
    /// Of the nodes that are up and were not seen leading, the one that acts hit least recently; a
    /// random one of those that none has hit.
    FollowerInTurn,
    /// All nodes but the one last seen leading; all but a random one while none is known.
    Followers,
    /// One random node.
    #[default]
    One,
    /// Random nodes, as many as the cluster can miss.
    Minority,
    /// Random nodes, one more than the cluster can miss.
    Majority,
    /// Every node.
    All,
    /// The node, among those that are up, that is cut off from the fewest nodes by partitions in
    /// effect.
    LeastCut,
    /// The nodes that the act of this number hit, the first one being 1; of a partition, those that
    /// it cut off from most.
    HitBy(u32),
    /// The node of this place in the cluster, counted round, the first one being 1.
    Nth(u32),
    /// This node.
    Node(NodeId),
}

/// Which links an act on links touches, seen from its victims.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// To and from all others.
    #[default]
    Both,
    /// What they send.
    From,
    /// What they are sent.
    To,
}

/// A part of the cluster that an act may be meant for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The node that leads, or led.
    Leader,
    /// Nodes that do not.
    Followers,
    /// Whoever it is.
    Any,
}

impl Victims {
    /// Whom an act means in the usual mix that takes servers away.
    pub(super) fn of_servers(nodes: u16) -> &'static [Self] {
        match nodes {
            2 => &[Self::Leader, Self::Follower, Self::All],
            _ => &[Self::Leader, Self::Follower, Self::Minority, Self::Majority, Self::All],
        }
    }

    /// The part of the cluster that these victims are.
    #[must_use]
    pub fn part(self) -> Part {
        match self {
            Self::Leader | Self::LastLeader => Part::Leader,
            Self::Follower | Self::FollowerInTurn | Self::Followers | Self::LeastCut => {
                Part::Followers
            }
            _ => Part::Any,
        }
    }
}

impl fmt::Display for Victims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Leader => f.write_str("the leader"),
            Self::LastLeader => f.write_str("the last leader"),
            Self::Follower => f.write_str("a follower"),
            Self::FollowerInTurn => f.write_str("the follower whose turn it is"),
            Self::Followers => f.write_str("all followers"),
            Self::One => f.write_str("a node"),
            Self::Minority => f.write_str("a minority"),
            Self::Majority => f.write_str("a majority"),
            Self::All => f.write_str("all nodes"),
            Self::LeastCut => f.write_str("the node with the fewest cuts"),
            Self::HitBy(act) => write!(f, "the nodes of fault {act}"),
            Self::Nth(place) => write!(f, "node number {place}"),
            Self::Node(node) => node.fmt(f),
        }
    }
}
