//! Files of nodes: their names, below the directory of their node, become paths here and nowhere else.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use fracas_checker::NodeId;

use super::local::LocalAgent;
use crate::durable;
use crate::error::{Doing, LabError};
use crate::ids;

impl LocalAgent {
    /// The directory of a node; the root of the machine where nodes have no files.
    pub(super) fn dir(&self, node: NodeId) -> PathBuf {
        match &self.home {
            Some(home) => home.dir.join("nodes").join(node.to_string()),
            None => "/".into(),
        }
    }

    /// The path of a file of a node.
    pub(super) fn path(&self, node: NodeId, name: &Path) -> PathBuf {
        self.dir(node).join(name)
    }

    /// Makes the directories of all nodes.
    pub(super) fn make_dirs(&self) -> Result<(), LabError> {
        for node in self.lab.nodes() {
            let dir = self.dir(*node);
            fs::create_dir_all(&dir).doing(|| format!("make `{}`", dir.display()))?;
            let found = fs::symlink_metadata(&dir).doing(|| format!("find `{}`", dir.display()))?;
            if !found.is_dir() {
                let error = io::Error::from(io::ErrorKind::NotADirectory);
                Err(error).doing(|| format!("use `{}` as a directory", dir.display()))?;
            }
        }
        Ok(())
    }

    /// Makes a directory of a node, if it is not there, and gives it to the node.
    pub(super) fn make_dir(&self, node: NodeId, name: &Path) -> Result<(), LabError> {
        let dir = self.path(node, name);
        let doing = || format!("make `{}` for node {node}", dir.display());
        durable::make_dir(&self.dir(node), &dir).doing(doing)?;
        ids::give(node, &dir)
    }

    /// Writes a file of a node. It is durable before the node starts: a power failure takes only what
    /// the server wrote.
    pub(super) fn write(&self, node: NodeId, name: &Path, text: &str) -> Result<(), LabError> {
        let path = self.path(node, name);
        let doing = || format!("write `{}` for node {node}", path.display());
        durable::write(&self.dir(node), &path, text).doing(doing)
    }
}
