//! What a node's processes reach of the machine, as data. Who puts it into effect is `walls`.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::launch::Launch;
use super::needs;

/// Where every node has an empty directory of its own instead of what the machine has there.
const PRIVATE: [&str; 7] =
    ["/home", "/root", "/tmp", "/var/tmp", "/run", "/run/lock", "/var/spool"];

/// What a node may reach beside what every node may. The default is nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Reach {
    /// Where evidence is kept: no node sees anything of it but its own directory.
    pub evidence: Vec<PathBuf>,
    /// What it may read though the machine's files are hidden there.
    pub reads: Vec<PathBuf>,
    /// Whether `/dev/fuse` is there.
    pub fuse: bool,
}

/// The view that a node has of the machine's files: what is hidden, and what is shown all the same.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct View {
    /// Directories that are empty, and the node's own to write.
    pub(crate) private: Vec<PathBuf>,
    /// Directories that are empty but for what is shown below, and read-only.
    pub(crate) evidence: Vec<PathBuf>,
    /// What is shown read-only.
    pub(crate) reads: Vec<PathBuf>,
    /// What is shown, and the node's own to write.
    pub(crate) writes: Vec<PathBuf>,
    /// Sockets of the machine that are covered.
    pub(crate) sockets: Vec<PathBuf>,
    /// Whether `/dev/fuse` is there.
    pub(crate) fuse: bool,
}

impl View {
    /// The view of a node that is started like this, on this machine as it is now.
    pub(crate) fn of(launch: &Launch, sockets: &[PathBuf]) -> Self {
        let Reach { evidence, reads, fuse } = &launch.reach;
        let private = dirs(PRIVATE.iter().map(Path::new));
        let evidence = dirs(evidence.iter().map(PathBuf::as_path));
        let needs = needs::of(launch, [&private[..], &evidence].concat().as_slice());
        let needs = needs.into_iter().chain(reads.iter().flat_map(|path| both_names(path)));
        // A directory without one above is the machine's root, and nobody's own.
        let writes = launch.dir.parent().map(|_| launch.dir.clone()).into_iter().collect();
        Self {
            private,
            evidence,
            reads: needs.collect(),
            writes,
            sockets: sockets.to_vec(),
            fuse: *fuse,
        }
    }
}

/// Those of these directories that exist, by their true names.
fn dirs<'a>(paths: impl Iterator<Item = &'a Path>) -> Vec<PathBuf> {
    paths.filter_map(|path| path.canonicalize().ok()).filter(|path| path.is_dir()).collect()
}

/// A path that exists as it is written, and by its true name.
pub(super) fn both_names(path: &Path) -> Vec<PathBuf> {
    let Ok(real) = path.canonicalize() else { return Vec::new() };
    if real == path { vec![real] } else { vec![real, path.to_owned()] }
}
