//! Preparations for nodes: a program fills a directory in the world of a node that is not started yet,
//! once on this machine, and every node gets a copy.

use std::path::Path;

use fracas_checker::NodeId;

use super::held::Used;
use super::local::LocalAgent;
use super::order::Prepare;
use super::report::Preparation;
use crate::error::LabError;
use crate::ids;
use crate::logs::last_words;
use crate::prepared::{Entry, Hold};

/// The file in the home of an agent with all that the program writes.
const LOG: &str = "prepare.log";

impl LocalAgent {
    /// Sees whether a preparation is there, or begins to make it.
    pub(super) fn prepare(&self, prepare: &Prepare) -> Result<Preparation, LabError> {
        let entry = Entry::new(&prepare.cache, &prepare.key)?;
        let used = |lock| Used { entry: entry.clone(), name: prepare.name.clone(), lock };
        let Some(lock) = entry.lock(Hold::Shared)? else { return Ok(Preparation::Awaited) };
        if let Some(size) = entry.size() {
            self.preparation().replace(used(lock));
            return Ok(Preparation::There(size));
        }
        drop(lock);
        let Some(lock) = entry.lock(Hold::Alone)? else { return Ok(Preparation::Awaited) };
        if let Some(size) = entry.size() {
            lock.share()?;
            self.preparation().replace(used(lock));
            return Ok(Preparation::There(size));
        }
        let dir = entry.begin()?;
        self.preparation().replace(used(lock));
        self.fill(prepare, &dir).inspect_err(|_| self.leave_nothing())?;
        Ok(Preparation::Begun)
    }

    /// Starts the program that fills a directory, as a server of its node is started.
    fn fill(&self, prepare: &Prepare, dir: &Path) -> Result<(), LabError> {
        let Some(home) = &self.home else {
            return Err(LabError::Asked("prepare nodes that have no files".to_owned()));
        };
        let log = home.dir.join(LOG);
        let mut launch = self.launch_in(&prepare.start, dir);
        launch.reach.evidence.push(prepare.cache.clone());
        (launch.stdout, launch.stderr) = (log.clone(), log);
        let mut processes = self.node(launch.node)?.processes();
        processes.running = Some(self.lab.start(&launch)?);
        Ok(())
    }

    /// Keeps what a program has filled. It has ended.
    pub(super) fn keep(&self) -> Result<Preparation, LabError> {
        let held = self.preparation();
        let used = held.as_ref().ok_or_else(none)?;
        let size = used.entry.keep(&used.name)?;
        used.lock.share()?;
        Ok(Preparation::There(size))
    }

    /// Leaves nothing of what a program has begun, and tells its last words. It has ended.
    pub(super) fn abandon(&self, count: usize) -> Result<Vec<String>, LabError> {
        if let Some(used) = self.preparation().take() {
            used.entry.abandon()?;
        }
        let log = self.home.as_ref().map(|home| home.dir.join(LOG));
        Ok(log.map(|log| last_words::of(&log, 0, count)).unwrap_or_default())
    }

    fn leave_nothing(&self) {
        if let Err(error) = self.abandon(0) {
            tracing::warn!("{error}");
        }
    }

    /// Copies the preparation into a directory of a node, durably.
    pub(super) fn furnish(&self, node: NodeId, name: &Path) -> Result<(), LabError> {
        let (top, dir) = (self.dir(node), self.path(node, name));
        if dir != top {
            self.make_dir(node, name)?;
        }
        let held = self.preparation();
        held.as_ref().ok_or_else(none)?.entry.copy_to(&dir, dir != top)?;
        ids::give(node, &dir)?;
        self.settle(node)
    }
}

fn none() -> LabError {
    LabError::Asked("use a preparation: there is none".to_owned())
}
