//! What an agent holds of one node: its processes, and what it was given for faults.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};

use fracas_checker::NodeId;
use fracas_checker::fault::{Measurement, Stage};

use crate::clock::{self, Clock, ClockPage, Faketime, Means, Tally};
use crate::disk::{Disk, DiskSpec, Refused};
use crate::error::LabError;
use crate::logs::Followed;
use crate::node::NodeProcess;
use crate::prepared::{Entry, Lock};
use crate::resources::SmallDisk;

use super::order::DiskChange;

/// One node. Whoever takes hold of both its processes and its gear takes the processes first.
#[derive(Debug, Default)]
pub(super) struct Held {
    // In this order: fields are dropped one after the other, processes use disks, and logs may lie
    // on them.
    pub(super) logs: Followed,
    processes: Mutex<Processes>,
    gear: RwLock<Gear>,
}

/// Its processes.
#[derive(Debug, Default)]
pub(super) struct Processes {
    pub(super) running: Option<NodeProcess>,
    /// Those of its last life, kept to see that they stay gone until the node is started again.
    pub(super) last: Option<NodeProcess>,
}

/// What it was given. It changes only before the node is started.
#[derive(Debug, Default)]
pub(super) struct Gear {
    pub(super) clock: Option<NodeClock>,
    pub(super) disks: Vec<Troubled>,
    // Below the others: fields are dropped in this order.
    pub(super) small: Vec<SmallDisk>,
}

/// A disk that can be troubled.
#[derive(Debug)]
pub(super) struct Troubled {
    pub(super) disk: Disk,
    /// What it had refused when it was changed or measured last.
    refused: Mutex<Refused>,
}

/// A wall clock.
#[derive(Debug)]
pub(super) enum NodeClock {
    Page(ClockPage),
    Faketime(Faketime),
}

/// The preparation that an agent uses, or has a program make.
#[derive(Debug)]
pub(super) struct Used {
    pub(super) entry: Entry,
    pub(super) name: String,
    pub(super) lock: Lock,
}

impl Held {
    pub(super) fn processes(&self) -> MutexGuard<'_, Processes> {
        self.processes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn gear(&self) -> RwLockReadGuard<'_, Gear> {
        self.gear.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives it something.
    pub(super) fn give(&self, give: impl FnOnce(&mut Gear)) {
        give(&mut self.gear.write().unwrap_or_else(PoisonError::into_inner));
    }

    /// Does something to its processes, if it is running.
    pub(super) fn running<T>(
        &self,
        node: NodeId,
        act: impl FnOnce(&mut NodeProcess) -> Result<T, LabError>,
    ) -> Result<T, LabError> {
        let not = || LabError::Asked(format!("node {node} is not running"));
        act(self.processes().running.as_mut().ok_or_else(not)?)
    }
}

impl Gear {
    /// Its wall clock.
    pub(super) fn clock(&self, node: NodeId) -> Result<&NodeClock, LabError> {
        let none = || LabError::Asked(format!("reach the clock of {node}: it has none of its own"));
        self.clock.as_ref().ok_or_else(none)
    }

    /// Its disks that can be troubled; it must have some.
    pub(super) fn disks(&self, node: NodeId) -> Result<&[Troubled], LabError> {
        match self.disks.as_slice() {
            [] => Err(LabError::Asked(format!("reach the disk of {node}: it has none of its own"))),
            disks => Ok(disks),
        }
    }

    /// Its small disks; it must have some.
    pub(super) fn small(&self, node: NodeId) -> Result<&[SmallDisk], LabError> {
        match self.small.as_slice() {
            [] => Err(LabError::Asked(format!("fill the disk of {node}: it has no small one"))),
            disks => Ok(disks),
        }
    }
}

impl Troubled {
    /// Mounts one.
    pub(super) fn mount(spec: &DiskSpec) -> Result<Self, LabError> {
        Ok(Self { disk: Disk::mount(spec)?, refused: Mutex::default() })
    }

    /// Changes how it behaves; what it refuses is counted from now on.
    pub(super) fn change(&self, change: DiskChange) -> Result<(), LabError> {
        let before = self.disk.stats().map(|stats| stats.refused).unwrap_or_default();
        *self.counted() = before;
        match change {
            DiskChange::Errors(errors) => self.disk.fail(errors),
            DiskChange::Latency(latency) => self.disk.slow(latency),
        }
    }

    pub(super) fn counted(&self) -> MutexGuard<'_, Refused> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl NodeClock {
    /// A true clock of a node with this directory.
    pub(super) fn new(dir: &Path, means: Means) -> Result<Self, LabError> {
        Ok(match means {
            Means::Redirect => clock::able().and_then(|()| ClockPage::new()).map(Self::Page)?,
            Means::Faketime => Self::Faketime(Faketime::find(&dir.join("faketime"))?),
        })
    }

    /// Makes it wrong, or right.
    pub(super) fn set(&self, change: Option<Clock>) -> Result<(), LabError> {
        match (self, change) {
            (Self::Page(page), Some(change)) => page.set(change),
            (Self::Page(page), None) => page.heal(),
            (Self::Faketime(fake), Some(change)) => fake.set(change),
            (Self::Faketime(fake), None) => fake.heal(),
        }
    }

    /// Measures it.
    pub(super) fn prove(
        &self,
        process: &mut NodeProcess,
        stage: Stage,
    ) -> Result<Vec<Measurement>, LabError> {
        match self {
            Self::Page(_) => clock::prove([process], stage),
            Self::Faketime(fake) => fake.prove(process, stage).map(|measurement| vec![measurement]),
        }
    }

    /// How many programs were given it.
    pub(super) fn tally(&self) -> Result<Tally, LabError> {
        match self {
            Self::Page(page) => page.tally(),
            Self::Faketime(_) => Ok(Tally::default()),
        }
    }

    /// What it adds to the environment of a server.
    pub(super) fn environment(
        &self,
        argv: &[String],
    ) -> Result<BTreeMap<String, String>, LabError> {
        match (self, argv.first()) {
            (Self::Faketime(fake), Some(program)) => fake.environment(Path::new(program)),
            _ => Ok(BTreeMap::new()),
        }
    }

    /// The page behind it, if that is what it is.
    pub(super) fn page(&self) -> Option<ClockPage> {
        match self {
            Self::Page(page) => Some(page.clone()),
            Self::Faketime(_) => None,
        }
    }
}
