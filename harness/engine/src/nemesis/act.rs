//! One act of the nemesis, before it is known which nodes it will hit.

use fracas_checker::event::NodeId;
use fracas_checker::fault::{Clock, Disk, FaultKind, Link, Loss, RestartAs, Scarcity, Shape};
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
    /// Of the nodes that are up, the one that partitions in effect cut off from the fewest.
    LeastCut,
    /// The nodes that the act of this number hit, the first one being 1; of a partition, those that
    /// it cut off from most.
    HitBy(u32),
    /// The node of this place in the cluster, counted round, the first one being 1.
    Nth(u32),
    /// This node.
    Node(NodeId),
}

/// Which links of the nodes that it means an act on links touches.
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

/// What an act does, whoever it means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Action {
    /// Drop packets between nodes; the shape says which.
    Partition {
        /// How the cut is drawn.
        shape: Shape,
    },
    /// Stop all processes, and continue them at the end.
    Pause,
    /// Kill all processes, and start them again at the end.
    Kill {
        /// As what they come back.
        #[serde(default, skip_serializing_if = "RestartAs::is_same")]
        again: RestartAs,
    },
    /// Kill all processes, lose what was not durable, and start them again at the end.
    Power {
        /// What is lost.
        loss: Loss,
    },
    /// Make wall clocks wrong.
    Clock {
        /// In what way.
        change: Clock,
    },
    /// Make packets late.
    Slow {
        /// How late.
        link: Link,
        /// On which links.
        #[serde(default)]
        ways: Direction,
    },
    /// Lose packets, double them, let them overtake each other.
    Loss {
        /// How many.
        link: Link,
        /// On which links.
        #[serde(default)]
        ways: Direction,
    },
    /// Trouble the disks.
    Disk {
        /// In what way.
        trouble: Disk,
    },
    /// Leave too little of something.
    Starve {
        /// Of what.
        scarcity: Scarcity,
    },
}

/// One act of the nemesis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Act {
    /// What is done.
    #[serde(flatten)]
    pub does: Action,
    /// To whom. A partition's shape says how many; this may say which one is cut off from most: the
    /// isolated one, the one in the middle of a bridge, one of the smaller group. [`Victims::One`]
    /// leaves that to the shape.
    #[serde(default)]
    pub whom: Victims,
    /// Settles what is left to chance.
    #[serde(default)]
    pub draw: u64,
}

impl Action {
    /// The kind of fault that it becomes.
    #[must_use]
    pub fn kind(&self) -> FaultKind {
        match self {
            Self::Partition { .. } => FaultKind::Partition,
            Self::Pause => FaultKind::Pause,
            Self::Kill { .. } => FaultKind::Kill,
            Self::Power { .. } => FaultKind::Power,
            Self::Clock { .. } => FaultKind::Clock,
            Self::Slow { .. } => FaultKind::Slow,
            Self::Loss { .. } => FaultKind::Loss,
            Self::Disk { .. } => FaultKind::Disk,
            Self::Starve { .. } => FaultKind::Starve,
        }
    }
}

impl Act {
    /// The kind of fault that it becomes.
    #[must_use]
    pub fn kind(&self) -> FaultKind {
        self.does.kind()
    }

    /// Which part of the cluster it is meant for.
    #[must_use]
    pub fn part(&self) -> Part {
        let told = match self.does {
            Action::Partition { shape: Shape::IsolateLeader } => Victims::Leader,
            Action::Partition { shape: Shape::Majority } if self.whom == Victims::One => {
                Victims::Leader
            }
            Action::Partition { shape: Shape::Halves | Shape::MajoritiesRing | Shape::Scatter } => {
                Victims::All
            }
            Action::Partition { shape: Shape::Bridge } => Victims::All,
            _ => self.whom,
        };
        match told {
            Victims::Leader | Victims::LastLeader => Part::Leader,
            Victims::Follower | Victims::Followers | Victims::LeastCut => Part::Followers,
            _ => Part::Any,
        }
    }

    /// Why it can never mean anything, whatever the cluster: a partition that leaves open whom it
    /// isolates, or one of the leader that is told to isolate another node.
    #[must_use]
    pub fn contradiction(&self) -> Option<&'static str> {
        let Action::Partition { shape } = self.does else { return None };
        let several = [Victims::Followers, Victims::Minority, Victims::Majority, Victims::All]
            .contains(&self.whom);
        if several {
            return Some(
                "the shape of a partition says how many it cuts off: `whom` names one node",
            );
        }
        let other = matches!(self.whom, Victims::Follower | Victims::LeastCut | Victims::Nth(_));
        (other && shape == Shape::IsolateLeader)
            .then_some("`isolate-leader` isolates the leader: any other node takes `isolate-one`")
    }
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

/// What an act may do, of each kind, in the usual mix of faults.
///
/// Clocks step by more than any lease or time-out lasts, both ways, and drift fast enough to matter
/// within a run. Links are slow enough to make elections likely and lossy enough to make TCP wait.
#[must_use]
pub(super) fn usual(kind: FaultKind) -> Vec<Action> {
    let late = |delay_us, jitter_us| Link { delay_us, jitter_us, ..Link::default() };
    let ways = Direction::Both;
    match kind {
        FaultKind::Partition => {
            Shape::ALL.into_iter().map(|shape| Action::Partition { shape }).collect()
        }
        FaultKind::Pause => vec![Action::Pause],
        FaultKind::Kill => vec![Action::Kill { again: RestartAs::Same }],
        FaultKind::Power => Loss::ALL.into_iter().map(|loss| Action::Power { loss }).collect(),
        FaultKind::Clock => [
            Clock::Step { by_ms: 60_000 },
            Clock::Step { by_ms: -60_000 },
            Clock::Drift { ppm: 200_000 },
            Clock::Strobe { by_ms: 5_000, every_ms: 50 },
            Clock::Freeze,
        ]
        .into_iter()
        .map(|change| Action::Clock { change })
        .collect(),
        FaultKind::Slow => vec![
            Action::Slow { link: late(100_000, 50_000), ways },
            Action::Slow { link: late(500_000, 0), ways: Direction::From },
            Action::Slow { link: Link { bits_per_s: 2_000_000, ..Link::default() }, ways },
        ],
        FaultKind::Loss => vec![
            Action::Loss { link: Link { loss_ppm: 200_000, ..Link::default() }, ways },
            Action::Loss { link: Link { duplicate_ppm: 200_000, ..Link::default() }, ways },
            Action::Loss {
                link: Link { delay_us: 20_000, reorder_ppm: 250_000, ..Link::default() },
                ways,
            },
        ],
        FaultKind::Disk => {
            [Disk::SlowFsync { by_ms: 300 }, Disk::FsyncFails, Disk::Full, Disk::WriteFails]
                .into_iter()
                .map(|trouble| Action::Disk { trouble })
                .collect()
        }
        FaultKind::Starve => vec![Action::Starve { scarcity: Scarcity::Cpu { percent: 20 } }],
    }
}
