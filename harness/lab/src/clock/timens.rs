//! A constant offset of the monotonic clock, which a node has from its start to its end: the
//! kernel's time namespace. The wall clock is not changed here.

use std::fs;

use nix::errno::Errno;
use nix::sched::{CloneFlags, unshare};

use super::super::error::{Doing, LabError};

/// Shifts the monotonic clock and the time since boot of all processes that this one starts from
/// now on, by so many nanoseconds. This process keeps its own.
pub(crate) fn shift_monotonic(nanos: i64) -> Result<(), LabError> {
    if nanos == 0 {
        return Ok(());
    }
    // Not in the kernel's flags as nix knows them, which end at 32 bits.
    let made = unshare(CloneFlags::from_bits_retain(libc::CLONE_NEWTIME));
    made.map_err(|errno| LabError::Unavailable {
        what: "shift a node's monotonic clock".into(),
        why: LabError::refused("make a time namespace", errno as i32).to_string(),
        mend: match errno {
            Errno::EINVAL => "use a kernel from 5.6 on, with time namespaces".into(),
            Errno::ENOSPC => "raise `/proc/sys/user/max_time_namespaces`".into(),
            _ => "run it as root, or where it may make namespaces".into(),
        },
    })?;
    // Nanoseconds are counted upwards from the second, also for a negative offset.
    let (seconds, rest) = (nanos.div_euclid(1_000_000_000), nanos.rem_euclid(1_000_000_000));
    let offsets = format!("monotonic {seconds} {rest}\nboottime {seconds} {rest}\n");
    fs::write("/proc/self/timens_offsets", offsets)
        .doing(|| format!("shift a monotonic clock by {nanos} ns: it may not begin before 0"))
}
