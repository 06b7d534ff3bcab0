//! A thread that is woken when it asked to be, not when it suits the kernel.
//!
//! What is asked for here is a favour: without it things are done later on a busy machine, and the
//! measurements say by how much.
#![expect(unsafe_code, reason = "a system call without a wrapper")]

use nix::errno::Errno;
use nix::sys::prctl;

use super::error::{Doing, LabError};

/// By how many nanoseconds the kernel may let this thread sleep longer than asked.
const SLACK_NANOS: u64 = 1;

/// The shortest turn on a processor that can be asked for, in nanoseconds. Who asks for short turns
/// gets them sooner.
const TURN_NANOS: u64 = 100_000;

/// The best of all priorities; only root may have it.
const FIRST: i32 = -20;

/// `SCHED_FLAG_RESET_ON_FORK`: processes that this thread starts are as any other.
const NOT_FOR_CHILDREN: u64 = 1;

/// `struct sched_attr`, in its first version.
#[repr(C)]
struct Attributes {
    size: u32,
    policy: u32,
    flags: u64,
    nice: i32,
    priority: u32,
    runtime: u64,
    deadline: u64,
    period: u64,
}

/// Makes the calling thread punctual for the rest of its life.
pub(crate) fn be_punctual() -> Result<(), LabError> {
    prctl::set_timerslack(SLACK_NANOS).doing(|| "set the timer slack".into())?;
    if take_short_turns(FIRST).is_err() {
        // Older kernels know no turns, and nothing depends on them.
        let _without = take_short_turns(0);
    }
    Ok(())
}

/// Asks for short turns with this priority.
fn take_short_turns(nice: i32) -> Result<(), Errno> {
    let attributes = Attributes {
        size: u32::try_from(size_of::<Attributes>()).expect("it is short"),
        policy: 0,
        flags: NOT_FOR_CHILDREN,
        nice,
        priority: 0,
        runtime: TURN_NANOS,
        deadline: 0,
        period: 0,
    };
    // SAFETY: 0 is the calling thread; the kernel reads as many bytes as the structure says it has.
    let set = unsafe { libc::syscall(libc::SYS_sched_setattr, 0, &raw const attributes, 0) };
    Errno::result(set).map(|_| ())
}
