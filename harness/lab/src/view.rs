//! What a node's processes see of the machine's files, as data, and how that follows from its
//! launch. Who puts it into effect is `walls`.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::launch::Launch;
use super::needs::both_names;
use super::reach::Reach;
use super::{ids, needs};

/// Where every node has an empty directory of its own instead of what the machine has there.
const PRIVATE: [&str; 7] =
    ["/home", "/root", "/tmp", "/var/tmp", "/run", "/run/lock", "/var/spool"];

/// Whether servers have an empty directory of their own where this path leads, unless they are shown
/// what lies there.
#[must_use]
pub fn is_hidden(path: &Path) -> bool {
    PRIVATE.iter().any(|place| path.starts_with(place))
}

/// The bit of a directory's rights that lets other users pass.
const OTHERS_PASS: u32 = 0o001;

/// What a node finds in its world beside the machine's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Surroundings {
    /// Its `/etc/hosts`.
    pub(crate) hosts: String,
    /// What it sees of the machine's files.
    pub(crate) view: View,
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
    /// Whether namespaces may be made.
    pub(crate) namespaces: bool,
}

impl View {
    /// The view of a node that is started like this, on this machine as it is now.
    pub(crate) fn of(launch: &Launch, sockets: &[PathBuf]) -> Self {
        let Reach { evidence, reads, fuse, namespaces, .. } = &launch.reach;
        let mut private = dirs(PRIVATE.iter().map(Path::new));
        let evidence = dirs(evidence.iter().map(PathBuf::as_path));
        let needs = needs::of(launch, [&private[..], &evidence].concat().as_slice());
        // In its own directory a server may have planted links, and it sees that in any case.
        let reads = reads.iter().filter(|path| !launch.is_own(path));
        let needs = needs.into_iter().chain(reads.flat_map(|path| both_names(path)));
        let reads: Vec<PathBuf> = needs.collect();
        let writes: Vec<PathBuf> =
            launch.has_own_dir().then(|| launch.dir.clone()).into_iter().collect();
        if ids::of(launch.node).is_some() {
            let shown = [&reads[..], &evidence, &writes].concat();
            private.extend(shown.iter().filter_map(|path| closed(path)));
        }
        Self {
            private,
            evidence,
            reads,
            writes,
            sockets: sockets.to_vec(),
            fuse: *fuse,
            namespaces: *namespaces,
        }
    }
}

/// The topmost directory above a path that other users cannot pass: it is hidden as a whole, so
/// that what is shown below can be reached.
fn closed(path: &Path) -> Option<PathBuf> {
    let above: Vec<&Path> = path.ancestors().skip(1).collect();
    let shut = |dir: &&&Path| {
        std::fs::metadata(dir).is_ok_and(|dir| dir.permissions().mode() & OTHERS_PASS == 0)
    };
    above.iter().rev().find(shut).filter(|dir| dir.parent().is_some()).map(|dir| dir.to_path_buf())
}

/// Those of these directories that exist, by their true names.
fn dirs<'a>(paths: impl Iterator<Item = &'a Path>) -> Vec<PathBuf> {
    paths.filter_map(|path| path.canonicalize().ok()).filter(|path| path.is_dir()).collect()
}
