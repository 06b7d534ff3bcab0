//! What is said about a node's processes: how to start them, and what was counted. Data only.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use fracas_checker::NodeId;
use nix::errno::Errno;
use serde::{Deserialize, Serialize};

use super::clock::ClockPage;
use super::error::scarce;
use super::reach::Reach;

/// The variables of the harness's environment that a server gets too, if it is given no others.
pub(crate) const PASSED_ON: [&str; 3] = ["PATH", "HOME", "LANG"];

/// How a server is started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Launch {
    /// The node it is.
    pub node: NodeId,
    /// The name of the process; none where the node has but one.
    #[serde(default)]
    pub name: Option<String>,
    /// The program, as an absolute path, and its arguments.
    pub argv: Vec<String>,
    /// Its environment; `PATH`, `HOME` and `LANG` are added if they are not here.
    pub env: BTreeMap<String, String>,
    /// Other programs, by their absolute paths, that will be started beside it.
    #[serde(default)]
    pub also: Vec<String>,
    /// Its working directory.
    pub dir: PathBuf,
    /// Where its output is appended.
    pub stdout: PathBuf,
    /// Where its errors are appended.
    pub stderr: PathBuf,
    /// The wall clock of its own that it gets; none for the machine's, which cannot be changed.
    #[serde(skip)]
    pub clock: Option<ClockPage>,
    /// How far its monotonic clock and its time since boot are ahead, in nanoseconds; behind if
    /// negative. Constant for the whole life of the node.
    #[serde(default)]
    pub monotonic_offset: i64,
    /// The parts of the machine that it reaches beside those that every server reaches.
    pub reach: Reach,
}

impl Launch {
    /// Whether its directory is its own. The root of the machine is nobody's.
    pub(crate) fn has_own_dir(&self) -> bool {
        self.dir.parent().is_some()
    }

    /// Whether a path is in that directory.
    pub(crate) fn is_own(&self, path: &Path) -> bool {
        self.has_own_dir() && path.starts_with(&self.dir)
    }
}

/// A program that is one of the processes of a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    /// The name of the process; none where the node has but one.
    pub name: Option<String>,
    /// The program, as an absolute path where the node is, and its arguments.
    pub argv: Vec<String>,
    /// What is added to its environment.
    pub env: BTreeMap<String, String>,
}

/// How one process of a node stands, and the others beside it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Standing {
    /// Its threads, and those of all that descends from it; none if it does not run.
    pub own: Threads,
    /// The threads of all else in the node.
    pub others: Threads,
    /// If it was killed alone last: how many processes there were, and how many of them are left.
    pub killed: Option<(usize, usize)>,
}

/// The threads of all processes of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Threads {
    /// How many there are.
    pub total: usize,
    /// How many of them are stopped.
    pub stopped: usize,
}

/// The result of killing a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gone {
    /// How many processes there were.
    pub processes: usize,
    /// How many there still are.
    pub remaining: usize,
    /// How long it took.
    pub took: Duration,
    /// How the server had ended by itself before that, if it had.
    pub by_itself: Option<String>,
}

/// A process or thread of ours that has ended though the run goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Helper {
    /// Its name, in words.
    pub name: String,
    /// How it ended.
    pub how: String,
    /// How to give it more of a resource that it ran out of, if that is the reason.
    pub mend: Option<String>,
}

impl Helper {
    /// The disk that a run is kept on, of which so many bytes are left.
    #[must_use]
    pub fn full(dir: &Path, free: u64) -> Self {
        let name = format!("the room in `{}`", dir.display());
        let how = format!("{} KB that are free", free >> 10);
        Self { name, how, mend: scarce(Errno::ENOSPC as i32).map(str::to_owned) }
    }
}
