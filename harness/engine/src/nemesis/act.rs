//! One act of the nemesis, before it is known which nodes it will hit.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::faults::{Action, Kind, Part, Victims};

/// One act of the nemesis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Act {
    /// What is done.
    #[serde(flatten)]
    pub does: Action,
    /// The victims. The shape of a partition says how many nodes are cut off; this field may name
    /// the node that is cut off from most: the isolated node, the node in the middle of a bridge, a
    /// node of the smaller group. [`Victims::One`] leaves that to the shape.
    #[serde(default)]
    pub whom: Victims,
    /// A random number that settles what the act leaves to chance.
    #[serde(default)]
    pub draw: u64,
}

impl Act {
    /// The kind of fault that it becomes.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.does.kind()
    }

    /// The part of the cluster that the act is meant for.
    #[must_use]
    pub fn part(&self) -> Part {
        self.does.means(self.whom).part()
    }

    /// Why the act is impossible in every cluster.
    #[must_use]
    pub fn contradiction(&self) -> Option<&'static str> {
        self.does.contradiction(self.whom)
    }
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.does.planned(self.whom))
    }
}
