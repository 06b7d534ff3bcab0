//! What the nodes of a cluster are given before they start, so that some kinds of faults can be
//! brought about later: wall clocks of their own, disks that can be troubled. Nothing is wrong with
//! any of it until a fault says so.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use fracas_checker::event::NodeId;
use fracas_checker::fault::{Measurement, Stage};
use fracas_targets::Deployment;

use crate::durable;
use crate::means::{ClockMeans, Gear, StarveMeans, Wanted};
use crate::refusal::refused;
use crate::start_error::StartError;
use crate::store::RunDir;
use fracas_lab::clock::{self, Clock, ClockPage, Faketime};
use fracas_lab::disk::{Disk, DiskSpec, Latency, Model, WRITE_BACK_AFTER};
use fracas_lab::resources::{Place, SmallDisk};
use fracas_lab::{LabError, NodeProcess};

/// What the nodes were given.
#[derive(Debug, Default)]
pub struct Equipment {
    clocks: BTreeMap<NodeId, NodeClock>,
    disks: BTreeMap<NodeId, Vec<Disk>>,
    // Below the others: fields are dropped in this order.
    small: BTreeMap<NodeId, Vec<SmallDisk>>,
    monotonic: BTreeMap<NodeId, i64>,
    /// Where nodes are rationed, if that is what starves them.
    rations: Option<Place>,
}

/// A node's wall clock.
#[derive(Debug)]
enum NodeClock {
    Page(ClockPage),
    Faketime(Faketime),
}

impl Equipment {
    /// What faults take: this gear, each with the kind of fault that takes it.
    ///
    /// # Errors
    /// When this machine does not have it.
    pub fn of(
        gear: &BTreeMap<Gear, &str>,
        deployment: &Deployment,
        wanted: &Wanted,
        run: &RunDir,
    ) -> Result<Self, StartError> {
        let mut equipment = Self { monotonic: wanted.monotonic.clone(), ..Self::default() };
        if let Some(kind) = gear.get(&Gear::Rations)
            && wanted.starve == StarveMeans::Cgroup
        {
            equipment.rations = Some(Place::find().map_err(|error| refused(kind, error))?);
        }
        for (node, plan) in &deployment.nodes {
            if let Some(kind) = gear.get(&Gear::Clock) {
                let clock = NodeClock::new(&run.node(*node)?, wanted.clock);
                let clock = clock.map_err(|error| refused(kind, error))?;
                equipment.clocks.insert(*node, clock);
            }
            let troubled = gear.get(&Gear::Disk);
            for (place, dir) in plan.data.iter().enumerate() {
                make(run, *node, dir)?;
                let mut backing = dir.clone();
                if let Some(size) = wanted.small_disk {
                    if troubled.is_some() {
                        backing = run.node(*node)?.join(format!("small-disk-{place}"));
                        make(run, *node, &backing)?;
                    }
                    let small = SmallDisk::mount(&backing, size)?;
                    fracas_lab::give(*node, &backing)?;
                    equipment.small.entry(*node).or_default().push(small);
                }
                if let Some(kind) = troubled {
                    let disk = mounted(*node, (backing, dir), wanted.disk);
                    let disk = disk.map_err(|error| refused(kind, error))?;
                    equipment.disks.entry(*node).or_default().push(disk);
                }
            }
        }
        Ok(equipment)
    }

    /// The disks of a node that can be troubled.
    #[must_use]
    pub fn disks(&self, node: NodeId) -> &[Disk] {
        self.disks.get(&node).map_or(&[], Vec::as_slice)
    }

    /// The small disks of a node, which can be full.
    #[must_use]
    pub fn small_disks(&self, node: NodeId) -> &[SmallDisk] {
        self.small.get(&node).map_or(&[], Vec::as_slice)
    }

    /// Where nodes are rationed; none if they starve by turns.
    #[must_use]
    pub fn rations(&self) -> Option<&Place> {
        self.rations.as_ref()
    }

    /// By what means nodes get too little processor time.
    #[must_use]
    pub fn starve_means(&self) -> StarveMeans {
        if self.rations.is_some() { StarveMeans::Cgroup } else { StarveMeans::Turns }
    }

    /// How far a node's monotonic clock is ahead from its start on, in nanoseconds.
    #[must_use]
    pub fn monotonic_offset(&self, node: NodeId) -> i64 {
        self.monotonic.get(&node).copied().unwrap_or(0)
    }

    /// The page behind a node's wall clock, if that is what it has.
    #[must_use]
    pub fn page(&self, node: NodeId) -> Option<ClockPage> {
        match self.clocks.get(&node)? {
            NodeClock::Page(page) => Some(page.clone()),
            NodeClock::Faketime(_) => None,
        }
    }

    /// What a node's clock adds to the environment of its server.
    ///
    /// # Errors
    /// When the clock would not reach the server.
    pub fn environment(
        &self,
        node: NodeId,
        program: &Path,
    ) -> Result<BTreeMap<String, String>, LabError> {
        match self.clocks.get(&node) {
            Some(NodeClock::Faketime(fake)) => fake.environment(program),
            Some(NodeClock::Page(_)) | None => Ok(BTreeMap::new()),
        }
    }

    /// By what means clocks are made wrong.
    #[must_use]
    pub fn clock_means(&self) -> &'static str {
        match self.clocks.values().next() {
            Some(NodeClock::Faketime(_)) => "faketime",
            Some(NodeClock::Page(_)) | None => clock::MECHANISM,
        }
    }

    /// Makes a node's wall clock wrong, or right again.
    ///
    /// # Errors
    /// When it has none of its own, or its means cannot do this.
    pub fn set_clock(&self, node: NodeId, change: Option<Clock>) -> Result<(), LabError> {
        match (self.clock(node)?, change) {
            (NodeClock::Page(page), Some(change)) => page.set(change),
            (NodeClock::Page(page), None) => page.heal(),
            (NodeClock::Faketime(fake), Some(change)) => fake.set(change),
            (NodeClock::Faketime(fake), None) => fake.heal(),
        }
    }

    /// Measures a node's wall clock.
    ///
    /// # Errors
    /// When it has none of its own, or cannot be looked at.
    pub fn measure_clock(
        &self,
        process: &mut NodeProcess,
        stage: Stage,
    ) -> Result<Vec<Measurement>, LabError> {
        match self.clock(process.node())? {
            NodeClock::Page(_) => clock::prove([process], stage),
            NodeClock::Faketime(fake) => fake.prove(process, stage).map(|one| vec![one]),
        }
    }

    fn clock(&self, node: NodeId) -> Result<&NodeClock, LabError> {
        let none = || LabError::Asked(format!("reach the clock of {node}: it has none of its own"));
        self.clocks.get(&node).ok_or_else(none)
    }
}

impl NodeClock {
    /// A true clock of a node with this directory.
    fn new(dir: &Path, means: ClockMeans) -> Result<Self, LabError> {
        Ok(match means {
            ClockMeans::Redirect => {
                clock::able().and_then(|()| ClockPage::new()).map(Self::Page)?
            }
            ClockMeans::Faketime => Self::Faketime(Faketime::find(&dir.join("faketime"))?),
        })
    }
}

/// Makes a directory of a node, if it is not there.
fn make(run: &RunDir, node: NodeId, dir: &Path) -> Result<(), StartError> {
    let file = |error| StartError::File { node, path: dir.to_owned(), error };
    durable::make_dir(&run.node(node)?, dir).map_err(file)?;
    Ok(fracas_lab::give(node, dir)?)
}

/// A disk under a directory of a node, which keeps its data in another or the same.
fn mounted(node: NodeId, (backing, dir): (PathBuf, &Path), model: Model) -> Result<Disk, LabError> {
    let spec = DiskSpec {
        backing,
        mountpoint: dir.to_owned(),
        model,
        latency: Latency::USUAL,
        write_back_after: WRITE_BACK_AFTER,
        seed: node.0.into(),
    };
    Disk::mount(&spec)
}
