//! Finding a place in which groups for processor time can be made: one is made there and removed.

use std::fmt::Display;
use std::fs::File;
use std::path::Path;

use super::cgroup::{PROCESSES, Place, Tree, Version, unavailable};
use super::group::Group;
use crate::error::LabError;

impl Place {
    /// Finds one in which groups can be made, and processes be moved.
    ///
    /// # Errors
    /// [`LabError::Unavailable`], if there is none.
    pub fn find() -> Result<Self, LabError> {
        let tree = Tree::find()?;
        let dir = match tree.version {
            Version::One => tree.home.clone(),
            Version::Two => tree.divided()?,
        };
        let place = Self { version: tree.version, dir, home: tree.home };
        place.must_be_ours()?;
        Ok(place)
    }

    /// The group that ours are made in.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Fails unless groups can be made there, and processes be moved there and back.
    fn must_be_ours(&self) -> Result<(), LabError> {
        let not_ours = |dir: &Path, why: &dyn Display| {
            unavailable(format!("`{}` is not ours: {why}", dir.display()))
        };
        let made = Group::make(self, "trial").and_then(|mut trial| trial.disband());
        made.map_err(|error| not_ours(&self.dir, &error))?;
        for dir in [&self.dir, &self.home] {
            let opened = File::options().write(true).open(dir.join(PROCESSES));
            opened.map_err(|error| not_ours(dir, &error))?;
        }
        Ok(())
    }
}
