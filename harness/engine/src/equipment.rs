//! What the nodes of a cluster are given before they start, so that some kinds of faults can be
//! brought about later: wall clocks of their own, disks that can be troubled. Nothing is wrong with
//! any of it until a fault says so. The agent keeps it; here it is only asked for.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use fracas_checker::event::NodeId;
use fracas_targets::{Deployment, NodePlan};

use crate::means::{Gear, StarveMeans, Wanted};
use crate::refusal::refused;
use crate::start_error::StartError;
use fracas_lab::LabError;
use fracas_lab::agent::{Agent, Equip, Facts, Order};

/// The name of a file by which an agent knows it: below the directory of its node. A file elsewhere
/// has no other name than its path.
#[must_use]
pub(crate) fn name(facts: &Facts, node: NodeId, path: &Path) -> PathBuf {
    path.strip_prefix(&facts.nodes[&node].dir).unwrap_or(path).to_owned()
}

/// What the nodes of a cluster are given, and by whom.
pub struct Equipment<'a> {
    /// Who gives it.
    pub agent: &'a dyn Agent,
    /// Where the nodes are.
    pub facts: &'a Facts,
    /// What faults take, each with the kind of fault that takes it.
    pub gear: &'a BTreeMap<Gear, &'a str>,
    /// The means by which faults are to be brought about.
    pub wanted: &'a Wanted,
}

impl Equipment<'_> {
    /// Gives it to the nodes of a deployment.
    ///
    /// # Errors
    /// When this machine does not have it.
    pub fn give_all(&self, deployment: &Deployment) -> Result<(), StartError> {
        deployment.nodes.iter().try_for_each(|(node, plan)| self.equip(*node, plan))
    }

    fn equip(&self, node: NodeId, plan: &NodePlan) -> Result<(), StartError> {
        if self.wanted.starve == StarveMeans::Cgroup {
            self.for_faults(Gear::Rations, node, Equip::Rations)?;
        }
        self.for_faults(Gear::Clock, node, Equip::Clock(self.wanted.clock))?;
        plan.data.iter().enumerate().try_for_each(|(place, dir)| self.data(node, (place, dir)))
    }

    /// A directory for data, and the disks under it.
    fn data(&self, node: NodeId, (place, path): (usize, &Path)) -> Result<(), StartError> {
        let dir = name(self.facts, node, path);
        let file = |error| StartError::File { node, path: path.to_owned(), error };
        self.give(node, Equip::Dir(dir.clone())).map_err(file)?;
        let mut backing = dir.clone();
        if let Some(size) = self.wanted.small_disk {
            if self.gear.contains_key(&Gear::Disk) {
                backing = format!("small-disk-{place}").into();
            }
            self.give(node, Equip::Small(backing.clone(), size))?;
        }
        let (model, age) = (self.wanted.disk, self.wanted.disk_age.age());
        self.for_faults(Gear::Disk, node, Equip::Disk { backing, dir, model, age })
    }

    /// Gives something that only faults take, if some do.
    fn for_faults(&self, gear: Gear, node: NodeId, with: Equip) -> Result<(), StartError> {
        let Some(kind) = self.gear.get(&gear) else { return Ok(()) };
        Ok(self.give(node, with).map_err(|error| refused(kind, error))?)
    }

    fn give(&self, node: NodeId, with: Equip) -> Result<(), LabError> {
        self.agent.ask(&Order::Equip(node, with))
    }
}
