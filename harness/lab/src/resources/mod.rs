//! Too little of everything: processor time, memory, file descriptors, room on a disk.
//!
//! All of it works without root and ends with the lab, but for groups of the kernel (cgroups): an
//! ordinary user rarely may make them. They are used only where somebody asks for them.

mod cgroup;
mod cpu;
mod disk;
mod duty;
pub(crate) mod group;
mod limits;
mod memory;
mod place;
pub mod proof;
mod ration;
mod rationing;
mod squeezed;
mod sys;
mod trial;
pub(crate) mod turns;

pub use cgroup::Place;
pub use disk::SmallDisk;
pub use duty::Duty;
pub use limits::{Limit, descriptors, file_limit, room};
pub use memory::{Memory, MemoryWatch, MemoryWord, memory};
pub(crate) use ration::Ration;
pub use squeezed::Resource;
pub(crate) use squeezed::Squeezed;
pub use trial::try_small_disk;
