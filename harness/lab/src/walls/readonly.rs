//! Mounts that may only be read, and back.
#![expect(unsafe_code, reason = "mount_setattr has no safe wrapper")]

use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::errno::Errno;
use nix::mount::{MsFlags, mount};

use crate::error::{Doing, LabError};
use crate::mountinfo::{self, Mounted};

/// `AT_RECURSIVE`: all mounts below, too.
const ALL_BELOW: libc::c_uint = 0x8000;

/// Which mounts are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// The one at the path.
    One,
    /// That, and all below it.
    All,
}

/// Lets nobody write through the mounts at `path`.
pub(super) fn read_only(path: &Path, extent: Extent) -> Result<(), LabError> {
    set(path, extent, true).doing(|| format!("make `{}` read-only", path.display()))
}

/// Takes that back, for mounts that this namespace made read-only itself.
pub(super) fn writable(path: &Path, extent: Extent) -> Result<(), LabError> {
    set(path, extent, false).doing(|| format!("make `{}` writable", path.display()))
}

/// Does the one or the other; one by one where the kernel does not do it at once (before 5.12).
fn set(path: &Path, extent: Extent, read_only: bool) -> Result<(), Errno> {
    match set_at_once(path, extent, read_only) {
        Err(Errno::ENOSYS | Errno::EPERM) => one_by_one(path, extent, read_only),
        other => other,
    }
}

/// The system call.
fn set_at_once(path: &Path, extent: Extent, read_only: bool) -> Result<(), Errno> {
    let text = CString::new(path.as_os_str().as_bytes()).map_err(|_| Errno::EINVAL)?;
    let (set, clear) =
        if read_only { (libc::MOUNT_ATTR_RDONLY, 0) } else { (0, libc::MOUNT_ATTR_RDONLY) };
    let wanted = libc::mount_attr { attr_set: set, attr_clr: clear, propagation: 0, userns_fd: 0 };
    let flags = if extent == Extent::All { ALL_BELOW } else { 0 };
    // SAFETY: the text ends with a zero, and the kernel reads as many bytes of `wanted` as it is told.
    let done = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            libc::AT_FDCWD,
            text.as_ptr(),
            flags,
            &raw const wanted,
            size_of::<libc::mount_attr>(),
        )
    };
    Errno::result(done).map(drop)
}

/// A remount of each mount, with the flags that it has.
fn one_by_one(path: &Path, extent: Extent, read_only: bool) -> Result<(), Errno> {
    let mounts = mountinfo::own().map_err(|_| Errno::ENOSYS)?;
    let meant = |point: &Path| match extent {
        Extent::One => point == path,
        Extent::All => point.starts_with(path),
    };
    for Mounted { point, options, .. } in mounts.iter().filter(|mounted| meant(&mounted.point)) {
        let last = if read_only { MsFlags::MS_RDONLY } else { MsFlags::empty() };
        let flags = MsFlags::MS_REMOUNT | MsFlags::MS_BIND | kept(options) | last;
        match mount(None::<&str>, point, None::<&str>, flags, None::<&str>) {
            // One that another one covers cannot be reached, nor used.
            Ok(()) | Err(Errno::EINVAL | Errno::ENOENT) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}

/// The flags of a mount, but for whether it is read-only.
fn kept(options: &str) -> MsFlags {
    const FLAGS: [(&str, MsFlags); 6] = [
        ("nosuid", MsFlags::MS_NOSUID),
        ("nodev", MsFlags::MS_NODEV),
        ("noexec", MsFlags::MS_NOEXEC),
        ("noatime", MsFlags::MS_NOATIME),
        ("nodiratime", MsFlags::MS_NODIRATIME),
        ("relatime", MsFlags::MS_RELATIME),
    ];
    let has = |name: &str| options.split(',').any(|option| option == name);
    FLAGS.iter().filter(|(name, _)| has(name)).map(|(_, flag)| *flag).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flags_of_a_mount_are_kept() {
        let flags = MsFlags::MS_NOSUID | MsFlags::MS_RELATIME;
        assert_eq!(kept("rw,nosuid,relatime"), flags);
        assert_eq!(kept("ro,nosuidx"), MsFlags::empty());
    }
}
