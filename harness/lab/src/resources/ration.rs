//! Processor time by a ration: the kernel gives all processes of a node together a share of one
//! processor, and holds them back for the rest of each period.
//!
//! Unlike turns, it needs a group that is ours. Where there is one is found before a run begins.

use std::path::PathBuf;

use super::group::Group;
use crate::error::LabError;

/// What a node is rationed by, and was.
#[derive(Debug, Default)]
pub(crate) struct Ration {
    pub(super) group: Option<Group>,
    pub(super) last: Option<PathBuf>,
}

impl Ration {
    /// Whether there is a ration.
    pub(crate) fn holds(&self) -> bool {
        self.group.is_some()
    }

    /// Ends it.
    pub(super) fn end(&mut self) -> Result<(), LabError> {
        self.group.take().map_or(Ok(()), |mut group| group.disband())
    }

    /// Ends it with its node: nothing is in the group any more, and nobody waits for an answer.
    pub(crate) fn forget(&mut self) {
        self.group = None;
    }

    /// The group that it is given to; none without a ration.
    pub(super) fn group(&self) -> Option<&Group> {
        self.group.as_ref()
    }

    /// Whether the last group is still there. If not, no process can be in it.
    pub(super) fn is_left(&self) -> bool {
        self.last.as_ref().is_some_and(|dir| dir.exists())
    }
}
