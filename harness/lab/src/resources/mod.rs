//! Too little of everything: processor time, memory, file descriptors, room on a disk.
//!
//! All of it works without root and ends with the lab, but for groups of the kernel (cgroups): an
//! ordinary user rarely may make them. They are used only where somebody asks for them.

mod cgroup;
pub(crate) mod cpu;
mod disk;
pub(crate) mod group;
mod limits;
mod memory;
pub mod proof;
mod ration;
mod sys;

pub use cgroup::Place;
pub use cpu::Duty;
pub use disk::SmallDisk;
pub(crate) use limits::Squeezed;
pub use limits::{Limit, Resource, descriptors, file_limit, room};
pub use memory::{Memory, MemoryWatch, MemoryWord, memory};
pub(crate) use ration::Ration;
