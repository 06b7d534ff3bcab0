//! A wall clock per node that can be made wrong while the node runs, without a right and without
//! the node's help.
//!
//! Programs ask for the time in the vDSO, a piece of the kernel in their own memory. Before a
//! program of the node runs its first instruction, the entries of those functions are turned to a
//! stub that asks the kernel's function and adds what the node's [`ClockPage`] says. So it works
//! for everything that finds the functions there: C libraries of any kind, linked statically or
//! not, Go, Java, Python.
//!
//! What it does not move: the monotonic clocks, on which every timeout rests (a constant offset of
//! them can be given before the start, by a time namespace); time stamps that the kernel makes;
//! programs that make the system call themselves, or count the processor's cycles; and waits for
//! an absolute wall time, which the kernel measures: with a clock two seconds ahead, waiting until
//! 200 ms from now takes 2.2 s. See [`LIMITS`].

#[cfg(target_arch = "x86_64")]
mod x86_64;
#[cfg(target_arch = "x86_64")]
use x86_64 as machine;

#[cfg(not(target_arch = "x86_64"))]
mod elsewhere;
#[cfg(not(target_arch = "x86_64"))]
use elsewhere as machine;

mod able;
mod faketime;
mod listener;
mod means;
mod page;
mod probe;
mod program;
mod proofs;
mod setting;
mod stops;
mod supervisor;
mod timens;

pub use able::able;
pub use faketime::{FAKETIME_LIMITS, Faketime, try_faketime};
pub use means::{MECHANISM, Means};
pub use page::{ClockPage, Tally};
pub use probe::{Compared, Reading, Sample, Sampling};
pub use program::Kind;
pub use proofs::{prove, prove_shift};
pub use setting::Clock;

pub(super) use probe::{ARGUMENT as PROBE_ARGUMENT, probe_main, read};
pub(super) use supervisor::Supervisor;
pub(super) use timens::shift_monotonic;

/// The programs and calls that the mechanism does not reach; to be told with every fault.
pub const LIMITS: [&str; 4] = [
    "waits until an absolute wall time go by the true clock",
    "time stamps of the kernel (of files, of processes) are true",
    "programs that make the system call themselves, or count cycles, see the true time",
    "programs of 32 bits, and programs that trace their children, see the true time",
];
