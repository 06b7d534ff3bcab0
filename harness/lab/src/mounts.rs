//! The mounts of a private world: nothing done here is seen outside.

use std::fs;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sys::stat::Mode;

use super::error::{Doing, LabError};
use super::mend;

/// Where programs of a machine keep their sockets and locks.
const RUN: &str = "/run";

/// Where names are looked up first.
const HOSTS: &str = "/etc/hosts";

/// Cuts the mounts loose from those outside, in both directions.
pub(crate) fn private() -> Result<(), LabError> {
    let flags = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
    mount(None::<&str>, "/", None::<&str>, flags, None::<&str>)
        .doing(|| "make the mounts private".into())
        .map_err(explain_refusal)
}

/// This is the first act that needs a right in the new namespaces, so a user namespace that was
/// made but gives no rights shows here.
fn explain_refusal(error: LabError) -> LabError {
    match error.errno().map(Errno::from_raw) {
        Some(Errno::EPERM | Errno::EACCES) => LabError::Unavailable {
            what: "use the new namespaces".into(),
            why: error.to_string(),
            mend: mend::user_namespaces(),
        },
        _ => error,
    }
}

/// Mounts the `/proc` of this process namespace.
pub(crate) fn fresh_proc() -> Result<(), LabError> {
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    let mounted = mount(Some("proc"), "/proc", Some("proc"), flags, None::<&str>);
    match mounted.doing(|| "mount `proc`".into()) {
        Err(error) if error.errno() == Some(Errno::EPERM as i32) => Err(LabError::Unavailable {
            what: "mount a fresh `/proc`".into(),
            why: format!("{error}; parts of `/proc` are masked, as in most containers"),
            mend: "start the container with `--security-opt systempaths=unconfined`, or with \
                   `--privileged`"
                .into(),
        }),
        other => other,
    }
}

/// Hides the machine's `/run`: its sockets are out of reach, and lock files have a place. The
/// directories of `kept` that lie there stay visible.
pub(crate) fn empty_run(kept: &[PathBuf]) -> Result<(), LabError> {
    if !Path::new(RUN).is_dir() || kept.iter().any(|path| path == Path::new(RUN)) {
        return Ok(());
    }
    let held: Vec<(&PathBuf, OwnedFd)> =
        kept.iter().map(|path| Ok((path, hold(path)?))).collect::<Result<_, LabError>>()?;
    tmpfs(Path::new(RUN), "0755")?;
    held.iter().try_for_each(|(path, held)| {
        fs::create_dir_all(path).doing(|| format!("make `{}`", path.display()))?;
        bind_held(held, path)
    })
}

/// Holds a file or directory open, so that it can be reached when something covers it.
pub(crate) fn hold(path: &Path) -> Result<OwnedFd, LabError> {
    let flags = OFlag::O_PATH | OFlag::O_CLOEXEC;
    open(path, flags, Mode::empty()).doing(|| format!("open `{}`", path.display()))
}

/// Mounts an empty file system in memory, with these rights.
pub(crate) fn tmpfs(place: &Path, mode: &str) -> Result<(), LabError> {
    let (flags, options) = (MsFlags::MS_NOSUID | MsFlags::MS_NODEV, format!("mode={mode}"));
    mount(Some("tmpfs"), place, Some("tmpfs"), flags, Some(options.as_str()))
        .doing(|| format!("mount a private `{}`", place.display()))
}

/// Shows what is held at this place, too.
pub(crate) fn bind_held(held: &OwnedFd, to: &Path) -> Result<(), LabError> {
    bind(Path::new(&format!("/proc/self/fd/{}", held.as_raw_fd())), to)
}

/// Shows what is at one place at another one, too.
pub(crate) fn bind(from: &Path, to: &Path) -> Result<(), LabError> {
    let flags = MsFlags::MS_BIND | MsFlags::MS_REC;
    mount(Some(from), to, None::<&str>, flags, None::<&str>)
        .doing(|| format!("mount `{}`", to.display()))
}

/// Puts these names in place of the machine's `/etc/hosts`. A machine without the file has no
/// program that reads it.
pub(crate) fn hosts(names: &str) -> Result<(), LabError> {
    if !Path::new(HOSTS).exists() || !Path::new(RUN).is_dir() {
        return Ok(());
    }
    replace(&[(HOSTS, names)])
}

/// Puts other texts in place of files of the machine, which are there.
pub(crate) fn replace(files: &[(&str, &str)]) -> Result<(), LabError> {
    // A file system of its own, which nobody sees afterwards: the machine's own files stay as they are.
    tmpfs(Path::new(RUN), "0755")?;
    for (place, text) in files {
        let place = Path::new(place);
        let file = Path::new(RUN).join(place.file_name().unwrap_or_default());
        fs::write(&file, text).doing(|| format!("write `{}`", file.display()))?;
        bind(&file, place)?;
    }
    umount2(RUN, MntFlags::MNT_DETACH).doing(|| format!("unmount `{RUN}`"))
}

/// The directories below `/run` that stay visible in the world of this process.
static KEPT: OnceLock<Vec<PathBuf>> = OnceLock::new();

/// Names, before a world is entered, the directories that must be visible in it and to its nodes.
/// This matters only where the machine's files are hidden, which is below `/run`. In place of a
/// directory that does not exist the nearest existing parent is kept.
pub fn keep(directories: &[PathBuf]) {
    let existing = |path: &PathBuf| path.ancestors().find_map(|above| above.canonicalize().ok());
    let mut kept: Vec<PathBuf> = directories.iter().filter_map(existing).collect();
    kept.retain(|path| path.starts_with(RUN));
    kept.sort(); // those above come before those below, which are seen with them
    kept.dedup_by(|below, above| below.starts_with(above));
    // The first one counts: a process enters one world.
    let _again = KEPT.set(kept);
}

/// What was kept.
pub(crate) fn kept() -> &'static [PathBuf] {
    KEPT.get().map_or(&[], Vec::as_slice)
}
