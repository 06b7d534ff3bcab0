//! The mounts of a private world: nothing done here is seen outside.

use std::path::Path;

use nix::errno::Errno;
use nix::mount::{MsFlags, mount};

use super::error::{Doing, LabError};
use super::mend;

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

/// Hides the machine's `/run`: its sockets are out of reach, and lock files have a place.
pub(crate) fn empty_run() -> Result<(), LabError> {
    if !Path::new("/run").is_dir() {
        return Ok(());
    }
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    mount(Some("tmpfs"), "/run", Some("tmpfs"), flags, Some("mode=0755"))
        .doing(|| "mount a private `/run`".into())
}
