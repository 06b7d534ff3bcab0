//! What a node's processes may reach of the machine and use up of it, as data. What they see of its
//! files is said by `view`.

use std::path::PathBuf;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use serde::{Deserialize, Serialize};

use super::error::{Doing, LabError};

/// How many processes of a node are the harness's: its init, and what it measures with.
const OWN_PROCESSES: u64 = 4;

/// The parts of the machine that a node may reach beside those that every node may reach. The
/// default is none.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Reach {
    /// Where evidence is kept: no node sees anything of it but its own directory.
    pub evidence: Vec<PathBuf>,
    /// The paths that it may read though the machine's files are hidden there.
    pub reads: Vec<PathBuf>,
    /// Whether `/dev/fuse` is there.
    pub fuse: bool,
    /// Whether it may make namespaces, and mount in them.
    pub namespaces: bool,
    /// The resources that it may use up.
    pub limits: Limits,
    /// The name of its user, which programs look up; none for whatever name the machine has.
    pub user: Option<String>,
}

/// The most that a server may use of each resource; none is no bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Limits {
    /// Processes and threads of the node, all together.
    pub processes: Option<u64>,
    /// Memory that one process writes to, in bytes.
    pub memory: Option<u64>,
    /// The size of one file, in bytes.
    pub file: Option<u64>,
}

impl Limits {
    /// Limits this process and all that it will start.
    pub(crate) fn impose(&self) -> Result<(), LabError> {
        // The init is one, and so are the programs that it starts to measure something.
        let processes = self.processes.map(|processes| processes.saturating_add(OWN_PROCESSES));
        let limits = [
            (Resource::RLIMIT_NPROC, processes),
            (Resource::RLIMIT_DATA, self.memory),
            (Resource::RLIMIT_FSIZE, self.file),
        ];
        for (resource, most) in limits {
            let Some(most) = most else { continue };
            let doing = || format!("limit {resource:?} to {most}");
            let (_, hard) = getrlimit(resource).doing(doing)?;
            setrlimit(resource, most.min(hard), most.min(hard)).doing(doing)?;
        }
        Ok(())
    }
}
