//! Giving a node a ration, and ending it.

use super::Duty;
use super::cgroup::Place;
use super::group::Group;
use crate::error::{Doing, LabError};
use crate::{NodeProcess, threads};

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
