//! The shapes of partitions, by name. Which nodes a shape means is settled by the nemesis.

use std::fmt;

use serde::{Deserialize, Serialize};

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
