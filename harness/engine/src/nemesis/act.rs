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
    /// To whom. A partition's shape says how many; this may say which one is cut off from most: the
    /// isolated one, the one in the middle of a bridge, one of the smaller group. [`Victims::One`]
    /// leaves that to the shape.
    #[serde(default)]
    pub whom: Victims,
    /// Settles what is left to chance.
    #[serde(default)]
    pub draw: u64,
}

impl Act {
    /// The kind of fault that it becomes.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.does.kind()
    }

    /// Which part of the cluster it is meant for.
    #[must_use]
    pub fn part(&self) -> Part {
        self.does.means(self.whom).part()
    }

    /// Why it can never mean anything, whatever the cluster.
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
