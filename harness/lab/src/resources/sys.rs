//! Limits of other processes: the one system call of this kind without a safe wrapper.
#![expect(unsafe_code, reason = "prlimit(2) has no wrapper in nix")]

use nix::errno::Errno;

use super::squeezed::Resource;

/// The limits of a process: what holds now, and what it may raise that to by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bounds {
    pub(super) soft: u64,
    pub(super) hard: u64,
}

/// Reads the limits of a process, and replaces what holds now if `soft` says so.
pub(super) fn bounds(pid: i32, resource: Resource, soft: Option<u64>) -> Result<Bounds, Errno> {
    let kind = match resource {
        Resource::Files => libc::RLIMIT_NOFILE,
        Resource::Memory => libc::RLIMIT_AS,
    };
    let mut old = libc::rlimit64 { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: without new limits the kernel only writes the old ones to the given place.
    let read = unsafe { libc::prlimit64(pid, kind, std::ptr::null(), &raw mut old) };
    Errno::result(read)?;
    if let Some(soft) = soft {
        let new = libc::rlimit64 { rlim_cur: soft.min(old.rlim_max), rlim_max: old.rlim_max };
        // SAFETY: the kernel reads the new limits, and writes nothing without a place for the old.
        let set = unsafe { libc::prlimit64(pid, kind, &raw const new, std::ptr::null_mut()) };
        Errno::result(set)?;
    }
    Ok(Bounds { soft: old.rlim_cur, hard: old.rlim_max })
}
