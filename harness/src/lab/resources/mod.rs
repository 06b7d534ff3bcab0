//! Too little of everything: processor time, memory, file descriptors, room on a disk.
//!
//! All of it works without root and ends with the lab. Groups of the kernel (cgroups) are not used:
//! an ordinary user rarely may, and a group outlives a harness that is killed.

pub(crate) mod cgroup;
pub(crate) mod cpu;
mod disk;
mod limits;
pub mod proof;
mod sys;

pub use cpu::Duty;
pub use disk::SmallDisk;
pub(crate) use limits::Squeezed;
pub use limits::{Limit, Resource};

use super::error::LabError;

/// Whether groups of the kernel could limit processor time here. fracas does without them.
///
/// # Errors
/// Always: when they are not there or not ours, and because they are not used either way.
pub fn try_cgroup() -> Result<String, LabError> {
    cgroup::find()
}
