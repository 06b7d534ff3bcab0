//! Processor time by a ration: the kernel gives all processes of a node together a share of one
//! processor, and holds them back for the rest of each period.
//!
//! Unlike turns, it needs a group that is ours. Where there is one is found before a run begins.

use std::path::PathBuf;

use super::Duty;
use super::cgroup::Place;
use super::group::Group;
use crate::error::{Doing, LabError};
use crate::{NodeProcess, threads};

/// What a node is rationed by, and was.
#[derive(Debug, Default)]
pub(crate) struct Ration {
    group: Option<Group>,
    last: Option<PathBuf>,
}

impl Ration {
    /// Whether there is a ration.
    pub(crate) fn holds(&self) -> bool {
        self.group.is_some()
    }

    /// Ends it.
    fn end(&mut self) -> Result<(), LabError> {
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

impl NodeProcess {
    /// Gives all processes of the node together this share of one processor; none lets them have
    /// what they want.
    ///
    /// # Errors
    /// When the share makes no sense, the node is rationed already, or the kernel refuses.
    pub fn ration(&mut self, place: &Place, duty: Option<Duty>) -> Result<(), LabError> {
        let node = self.node();
        let Some(duty) = duty else { return self.ration.end() };
        if self.ration.holds() {
            return Err(LabError::Asked(format!("ration node {node}: it is rationed already")));
        }
        if !duty.is_sensible() {
            return Err(LabError::Asked(format!("ration node {node}: {duty:?}")));
        }
        let group = Group::make(place, &format!("{node}-{}", self.init.pid))?;
        self.ration.last = Some(group.dir().to_owned());
        let members = || threads::members(&self.init.namespace.metadata()?);
        group.admit(|| members().doing(|| format!("list the processes of node {node}")))?;
        group.limit(Some(duty))?;
        self.ration.group = Some(group);
        Ok(())
    }
}
